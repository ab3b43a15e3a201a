//! The reader against files that are whole, cut, altered, random, or sealed with wrong contents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ferroflow_frozen::{
    Batch, Cell, InputCode, InputError, Limits, LoadError, Model, Output, Tensor, Type, write,
};
use proptest::prelude::*;
use serde_json::{Value, json};

type Tensors = BTreeMap<String, Tensor>;

fn f64s(shape: &[usize], values: &[f64]) -> Tensor {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { kind: Type::F64, shape: shape.to_vec(), bytes }
}

fn i64s(values: &[i64]) -> Tensor {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { kind: Type::I64, shape: vec![values.len()], bytes }
}

fn texts(tensors: &mut Tensors, name: &str, values: &[&str]) {
    let mut end = 0;
    let ends: Vec<i64> = values
        .iter()
        .map(|v| {
            end += i64::try_from(v.len()).unwrap();
            end
        })
        .collect();
    let bytes = values.concat().into_bytes();
    tensors.insert(name.into(), Tensor { kind: Type::U8, shape: vec![bytes.len()], bytes });
    tensors.insert(format!("{name}.ends"), i64s(&ends));
}

/// A classifier with every op: `age` is filled, marked and scaled, `town` is encoded in both ways.
fn parts() -> (Value, Tensors) {
    let mut t = Tensors::new();
    texts(&mut t, "schema.1", &["Bath", "York"]);
    t.insert("fill".into(), f64s(&[1], &[30.0]));
    t.insert("mean".into(), f64s(&[1], &[30.0]));
    t.insert("scale".into(), f64s(&[1], &[2.0]));
    texts(&mut t, "fill.text", &["Bath"]);
    texts(&mut t, "towns", &["Bath", "York"]);
    t.insert("codes".into(), i64s(&[0, 1, -1, -1]));
    texts(&mut t, "towns.2", &["Bath", "York"]);
    t.insert("values".into(), f64s(&[4], &[0.0, 1.0, 5.0, 7.0]));
    t.insert("weights".into(), f64s(&[1, 5], &[1.0, 0.5, 0.25, -0.25, 0.125]));
    t.insert("bias".into(), f64s(&[1], &[-0.5]));
    texts(&mut t, "names", &[]);
    texts(&mut t, "classes", &["no", "yes"]);
    t.insert("moments".into(), f64s(&[2], &[30.0, 2.0]));
    t.insert("edges".into(), f64s(&[1], &[30.0]));
    t.insert("counts.0".into(), i64s(&[1, 1]));
    texts(&mut t, "seen", &["Bath"]);
    t.insert("counts.1".into(), i64s(&[1, 1]));
    t.insert("test.0".into(), f64s(&[2], &[30.0, f64::NAN]));
    texts(&mut t, "test.1", &["York", ""]);
    t.insert("test.1.missing".into(), Tensor { kind: Type::U8, shape: vec![2], bytes: vec![0, 1] });
    let p = ferroflow_core::linear::sigmoid::<f64>;
    let (first, second) = (p(-0.625), p(-0.5 + 0.5 + 0.25));
    t.insert("expected".into(), f64s(&[6], &[0.0, 1.0, 1.0 - first, first, 1.0 - second, second]));
    let document = json!({
        "format": 1,
        "requires": [],
        "ops": {"select": 1, "concat": 1, "impute": 1, "indicator": 1, "scale": 1, "onehot": 1, "ordinal": 1,
                "linear": 1},
        "name": "demo",
        "version": "1",
        "schema": [
            {"name": "age", "kind": "number", "float": 64, "categories": null},
            {"name": "town", "kind": "text", "float": 64, "categories": "schema.1"},
        ],
        "graph": [
            {"op": "select", "in": 0, "columns": [0]},
            {"op": "select", "in": 0, "columns": [1]},
            {"op": "impute", "in": 1, "marker": null, "fill": "fill"},
            {"op": "indicator", "in": 1, "marker": null},
            {"op": "scale", "in": 3, "float": 64, "mean": "mean", "scale": "scale", "factor": null},
            {"op": "impute", "in": 2, "marker": null, "fill": "fill.text"},
            {"op": "onehot", "in": 6, "columns": [{"categories": "towns", "codes": "codes", "width": 2}]},
            {"op": "ordinal", "in": 6, "columns": [{"categories": "towns.2", "values": "values",
             "refuse_missing": true, "refuse_unknown": true}]},
            {"op": "concat", "in": [5, 4, 7, 8]},
            {"op": "linear", "in": 9, "float": 64, "weights": "weights", "bias": "bias"},
        ],
        "output": {"task": "classifier", "value": 10, "float": 64, "names": "names", "link": "sigmoid",
                   "class_kind": "text", "classes": "classes"},
        "statistics": [
            {"count": 3, "missing": 1, "counts": "counts.0", "moments": "moments", "edges": "edges"},
            {"count": 2, "missing": 0, "counts": "counts.1", "categories": "seen"},
        ],
        "provenance": {"ferroflow": "0"},
        "tests": {"rows": 2, "inputs": ["test.0", "test.1"], "expected": "expected"},
    });
    (document, t)
}

fn sealed(document: &Value, tensors: &Tensors) -> Vec<u8> {
    write(&document.to_string(), tensors).unwrap()
}

fn whole() -> Vec<u8> {
    let (document, tensors) = parts();
    sealed(&document, &tensors)
}

fn load(bytes: &[u8]) -> Result<Model, LoadError> {
    Model::from_bytes(bytes, &Limits::default())
}

fn row<'a>(age: f64, town: &'a str) -> impl FnMut(usize) -> Result<Cell<'a>, InputError> {
    move |j| Ok(if j == 0 { Cell::Number(age) } else { Cell::Text(town) })
}

#[test]
fn a_whole_file_predicts_by_row_and_by_batch() {
    let model = load(&whole()).unwrap();
    assert_eq!(model.info().name, "demo");
    let mut batch = Batch::new(model.schema(), 2);
    for (age, town) in [(34.0, "York"), (f64::NAN, "Bath")] {
        batch.push(0, Cell::Number(age)).unwrap();
        batch.push(1, Cell::Text(town)).unwrap();
    }
    let both = model.predict(&batch).unwrap();
    assert_eq!(both.output, Output::Labels(vec![1, 1]));
    let one = model.predict_row(row(34.0, "York")).unwrap();
    // (34 - 30) / 2, not missing, York's column, York's number, and the bias.
    assert_eq!(one.scores, [2.0 - 0.25 + 0.125 - 0.5]);
    assert_eq!(one.scores[..], both.scores[..1]);
    assert_eq!(one.probabilities.unwrap()[..], both.probabilities.unwrap()[..2]);
}

#[test]
fn values_may_be_the_probabilities() {
    let (mut document, mut tensors) = parts();
    document["output"]["value"] = json!(7);
    document["output"]["link"] = json!("given");
    tensors.insert("expected".into(), f64s(&[6], &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]));
    let model = load(&sealed(&document, &tensors)).unwrap();
    assert!(model.info().has_probabilities && !model.info().has_scores);
    let mut batch = Batch::new(model.schema(), 20);
    for i in 0..20 {
        batch.push(0, Cell::Number(1.0)).unwrap();
        batch.push(1, Cell::Text(if i % 3 == 0 { "York" } else { "Bath" })).unwrap();
    }
    let all = model.predict(&batch).unwrap();
    let one = model.predict_row(row(1.0, "York")).unwrap();
    assert_eq!(
        (&one.output, one.probabilities.as_deref()),
        (&Output::Labels(vec![1]), Some(&[0.0, 1.0][..]))
    );
    assert_eq!(all.probabilities.unwrap()[..4], [0.0, 1.0, 1.0, 0.0]);
    assert!(all.scores.is_empty() && one.scores.is_empty());
    document["output"]["value"] = json!(10);
    let found = load(&sealed(&document, &tensors)).unwrap_err().to_string();
    assert!(found.contains("link 'given' does not fit 1 scores"), "{found}");
}

#[test]
fn inputs_that_do_not_fit_are_refused_with_their_place() {
    let model = load(&whole()).unwrap();
    let mut batch = Batch::new(model.schema(), 0);
    let codes = [
        (batch.push(0, Cell::Text("x")), InputCode::WrongType),
        (batch.push(0, Cell::Number(f64::INFINITY)), InputCode::NotFinite),
        (batch.push(0, Cell::Boolean(true)), InputCode::WrongType),
        (batch.push(1, Cell::Number(1.0)), InputCode::WrongType),
        (batch.push(2, Cell::Missing), InputCode::UnknownColumn),
    ];
    for (found, code) in codes {
        assert_eq!(found.unwrap_err().code, code);
    }
    let unknown = model.predict_row(row(1.0, "Rome")).unwrap_err();
    assert_eq!(
        (unknown.code, unknown.row, unknown.column.as_deref()),
        (InputCode::UnknownCategory, Some(0), Some("town"))
    );
    assert!(unknown.message.contains("'Rome'"), "{unknown}");
    batch.push(0, Cell::Number(1.0)).unwrap();
    assert_eq!(model.predict(&batch).unwrap_err().code, InputCode::MissingColumn);
    assert_eq!(model.predict_row(row(1e308, "York")).unwrap().scores, [1e308 / 2.0]);
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    assert_eq!(whole(), whole());
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = whole();
    for n in 0..bytes.len() {
        assert!(load(&bytes[..n]).is_err(), "cut to {n} bytes");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(load(&longer).is_err());
}

#[test]
fn a_file_with_any_byte_altered_is_refused() {
    let bytes = whole();
    for i in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut altered = bytes.clone();
            altered[i] ^= flip;
            assert!(load(&altered).is_err(), "byte {i} ^ {flip}");
        }
    }
}

/// Changes one thing of the whole file's parts, seals it, and gives the reason that it is refused for.
fn refusal(change: impl FnOnce(&mut Value, &mut Tensors)) -> String {
    let (mut document, mut tensors) = parts();
    change(&mut document, &mut tensors);
    match load(&sealed(&document, &tensors)) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn sealed_files_with_wrong_contents_are_refused_with_the_reason() {
    let cases: Vec<(&str, String)> = vec![
        ("format 2", refusal(|d, _| d["format"] = json!(2))),
        ("format version is missing", refusal(|d, _| d["format"] = json!("1"))),
        ("requires", refusal(|d, _| d["requires"] = json!(["magic"]))),
        ("unknown key 'more'", refusal(|d, _| d["more"] = json!(1))),
        ("has no 'name'", refusal(|d, _| drop(d.as_object_mut().unwrap().remove("name")))),
        ("op 'magic', unknown here", refusal(|d, _| d["ops"]["magic"] = json!(1))),
        ("version 2 of the op 'scale'", refusal(|d, _| d["ops"]["scale"] = json!(2))),
        ("version 0", refusal(|d, _| d["ops"]["scale"] = json!(0))),
        ("is not stated", refusal(|d, _| drop(d["ops"].as_object_mut().unwrap().remove("scale")))),
        ("share a name", refusal(|d, _| d["schema"][1]["name"] = json!("age"))),
        ("a value that is not there yet", refusal(|d, _| d["graph"][0]["in"] = json!(1))),
        ("a value that is not there yet", refusal(|d, _| d["graph"][8]["in"] = json!([9]))),
        ("negative", refusal(|d, _| d["graph"][0]["in"] = json!(-1))),
        ("selects a column that is not there", refusal(|d, _| d["graph"][0]["columns"] = json!([2]))),
        ("selects a column that is not there", refusal(|d, _| d["graph"][0]["columns"] = json!([i64::MAX]))),
        ("needs numbers and gets a text", refusal(|d, _| d["graph"][4]["in"] = json!(2))),
        ("outside its columns", refusal(|_, t| drop(t.insert("codes".into(), i64s(&[0, 2, -1, -1]))))),
        ("outside its columns", refusal(|_, t| drop(t.insert("codes".into(), i64s(&[0, -2, -1, -1]))))),
        ("outside its columns", refusal(|_, t| drop(t.insert("codes".into(), i64s(&[0, i64::MIN, -1, -1]))))),
        ("4 are needed", refusal(|_, t| drop(t.insert("codes".into(), i64s(&[0, 1]))))),
        ("stands twice", refusal(|_, t| texts(t, "towns", &["Bath", "Bath"]))),
        ("not finite", refusal(|_, t| drop(t.insert("mean".into(), f64s(&[1], &[f64::NAN]))))),
        ("not finite", refusal(|_, t| drop(t.insert("bias".into(), f64s(&[1], &[f64::INFINITY]))))),
        ("5 are needed", refusal(|_, t| drop(t.insert("weights".into(), f64s(&[1, 4], &[1.0; 4]))))),
        ("2 dimensions", refusal(|_, t| drop(t.insert("weights".into(), f64s(&[5], &[1.0; 5]))))),
        ("belongs to nothing", refusal(|_, t| drop(t.insert("stray".into(), f64s(&[0], &[]))))),
        ("no tensor 'codes'", refusal(|_, t| drop(t.remove("codes")))),
        ("used twice", refusal(|d, _| d["graph"][7]["columns"][0]["categories"] = json!("towns"))),
        ("does not cut", refusal(|_, t| drop(t.insert("towns.ends".into(), i64s(&[9, 8]))))),
        ("does not cut", refusal(|_, t| drop(t.insert("towns.ends".into(), i64s(&[-1, 8]))))),
        ("goes on after its last end", refusal(|_, t| drop(t.insert("towns.ends".into(), i64s(&[4, 7]))))),
        ("its output is a text", refusal(|d, _| d["output"]["value"] = json!(2))),
        ("link 'softmax' does not fit", refusal(|d, _| d["output"]["link"] = json!("softmax"))),
        ("3 classes and 1 scores", refusal(|_, t| texts(t, "classes", &["a", "b", "c"]))),
        ("task is 'magic'", refusal(|d, _| d["output"]["task"] = json!("magic"))),
        ("do not add up", refusal(|_, t| drop(t.insert("counts.0".into(), i64s(&[i64::MAX, i64::MAX]))))),
        ("do not add up", refusal(|_, t| drop(t.insert("counts.0".into(), i64s(&[3, -1]))))),
        ("one expected output", refusal(|d, _| d["tests"]["rows"] = json!(3))),
        ("other bits", refusal(|_, t| drop(t.insert("bias".into(), f64s(&[1], &[-0.25]))))),
        (
            "something else than 0 and 1",
            refusal(|_, t| t.get_mut("test.1.missing").unwrap().bytes = vec![2, 0]),
        ),
        ("is no text", refusal(|d, _| d["provenance"]["x"] = json!(1))),
        (
            "'values' of node 7 has 2 entries, 4 are needed",
            refusal(|d, t| {
                d["ops"] = json!({"select": 1, "concat": 1, "impute": 1, "indicator": 1, "scale": 1, "onehot": 1,
                                  "lookup": 1, "linear": 1});
                d["graph"][7] = json!({"op": "lookup", "in": 6,
                                       "columns": [{"categories": "towns.2", "values": "values"}]});
                t.insert("values".into(), f64s(&[2, 1], &[1.0, 2.0]));
            }),
        ),
        (
            "needs texts and gets a number",
            refusal(|d, t| {
                d["ops"]["group"] = json!(1);
                d["graph"][4] =
                    json!({"op": "group", "in": 1, "columns": [{"kept": "kept"}], "other": "other"});
                texts(t, "kept", &["Bath"]);
                texts(t, "other", &["other"]);
            }),
        ),
        (
            "'other' of node 4 has 2 entries, 1 are needed",
            refusal(|d, t| {
                d["ops"]["group"] = json!(1);
                d["graph"][4] =
                    json!({"op": "group", "in": 2, "columns": [{"kept": "kept"}], "other": "other"});
                texts(t, "kept", &["Bath"]);
                texts(t, "other", &["other", "more"]);
            }),
        ),
    ];
    for (reason, found) in cases {
        assert!(found.contains(reason), "{reason:?} is not in {found:?}");
    }
}

#[test]
fn limits_are_the_callers() {
    let bytes = whole();
    let with = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Model::from_bytes(&bytes, &limits).map(|_| ())
    };
    assert_eq!(with(|_| ()), Ok(()));
    let small: [fn(&mut Limits); 7] = [
        |l| l.max_bytes = 100,
        |l| l.max_header = 100,
        |l| l.max_columns = 1,
        |l| l.max_nodes = 9,
        |l| l.max_strings = 1,
        |l| l.max_test_rows = 1,
        |l| l.max_test_cells = 10,
    ];
    for (i, change) in small.into_iter().enumerate() {
        assert!(matches!(with(change), Err(LoadError::OverLimit(_))), "limit {i}");
    }
}

/// A small file must not make the reader take much memory or time.
#[test]
fn few_bytes_cannot_ask_for_much() {
    let found = refusal(|d, _| {
        let graph = d["graph"].as_array_mut().unwrap();
        for _ in 0..19 {
            let last = graph.len();
            graph.push(json!({"op": "concat", "in": [last, last]}));
        }
        let last = graph.len();
        for _ in 0..9 {
            graph.push(
                json!({"op": "scale", "in": last, "float": 64, "mean": null, "scale": null, "factor": null}),
            );
        }
    });
    assert!(found.contains("over a limit"), "{found}");
    let many: Vec<Value> = (0..64).map(|_| json!(1)).collect();
    let found = refusal(|d, _| {
        let graph = d["graph"].as_array_mut().unwrap();
        let start = graph.len();
        for k in 0..8 {
            let last = if k == 0 { 1 } else { start + k };
            graph.push(json!({"op": "concat", "in": vec![last; many.len()]}));
        }
    });
    assert!(found.contains("over a limit"), "{found}");
}

#[test]
fn the_container_is_strict() {
    let damaged = |header: &str, data: &[u8]| {
        let mut header = header.to_owned();
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        load(&bytes).expect_err("it was loaded").to_string()
    };
    let with = |tensor: &str| format!(r#"{{"__metadata__":{{"ferroflow":"{{}}"}},"a":{tensor}}}"#);
    for (reason, found) in [
        ("empty or ends", load(b"").err().unwrap().to_string()),
        ("ends within its header", load(&u64::MAX.to_le_bytes()).err().unwrap().to_string()),
        ("no JSON", damaged("", b"")),
        ("no JSON", damaged("{", b"")),
        ("not an object", damaged("[]", b"")),
        ("no JSON", damaged("1.5", b"")),
        ("stands twice", damaged(r#"{"a":1,"a":2}"#, b"")),
        ("no JSON", damaged(&"[".repeat(100_000), b"")),
        ("no ferroflow document", damaged("{}", b"")),
        ("no ferroflow document", damaged(r#"{"__metadata__":{"format":"pt"}}"#, b"")),
        ("only F64", damaged(&with(r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#), &[0; 4])),
        (
            "do not fit its shape",
            damaged(&with(r#"{"dtype":"F64","shape":[1],"data_offsets":[8,0]}"#), &[0; 8]),
        ),
        (
            "do not fit its shape",
            damaged(
                &with(r#"{"dtype":"F64","shape":[9223372036854775807,2],"data_offsets":[0,8]}"#),
                &[0; 8],
            ),
        ),
        (
            "no JSON",
            damaged(&with(r#"{"dtype":"F64","shape":[18446744073709551615],"data_offsets":[0,8]}"#), &[0; 8]),
        ),
        ("holds -1", damaged(&with(r#"{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}"#), &[0; 8])),
        (
            "does not begin where",
            damaged(&with(r#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#), &[0; 2]),
        ),
        ("cut or lengthened", damaged(&with(r#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#), &[0; 2])),
        ("no sha256", damaged(&with(r#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#), &[0; 1])),
    ] {
        assert!(found.contains(reason), "{reason:?} is not in {found:?}");
    }
}

/// Walks to one value of the document and puts another in its place, or takes a key out.
fn spoil(value: &mut Value, path: &[usize], with: &Value) {
    let Some((&step, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Array(list) if !list.is_empty() => {
            let at = step % list.len();
            spoil(&mut list[at], rest, with);
        }
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).unwrap().clone();
            if rest.is_empty() && with == &json!("out") {
                map.remove(&key);
            } else {
                spoil(&mut map[&key], rest, with);
            }
        }
        other => *other = with.clone(),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|v| json!(v)),
        (-3i64..12).prop_map(|v| json!(v)),
        any::<bool>().prop_map(|v| json!(v)),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        prop::collection::vec(-1i64..12, 0..4).prop_map(|v| json!(v)),
        prop::sample::select(vec![
            "out", "fill", "towns", "codes", "number", "text", "softmax", "none", "", "linear"
        ])
        .prop_map(|v| json!(v)),
    ]
}

fn any_tensor() -> impl Strategy<Value = Tensor> {
    let number = prop_oneof![any::<f64>(), -3.0..3.0f64, Just(f64::NAN)];
    prop_oneof![
        prop::collection::vec(number, 0..6).prop_map(|v| f64s(&[v.len()], &v)),
        prop::collection::vec(prop_oneof![any::<i64>(), -3..6i64], 0..6).prop_map(|v| i64s(&v)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Tensor {
            kind: Type::U8,
            shape: vec![bytes.len()],
            bytes
        }),
        (0usize..4, 0usize..4).prop_map(|(a, b)| f64s(&[a, b], &vec![0.5; a * b])),
    ]
}

/// Whatever loads must predict or refuse, never panic.
fn try_out(bytes: &[u8]) {
    let Ok(model) = load(bytes) else { return };
    for cell in [Cell::Number(1.5), Cell::Text("York"), Cell::Missing, Cell::Boolean(true)] {
        for other in [Cell::Number(f64::MAX), Cell::Text("Rome"), Cell::Missing] {
            let _ = model.predict_row(|j| Ok::<_, InputError>(if j == 0 { cell } else { other }));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn random_headers_are_refused(header in "[\\[\\]{}\",:0-9a-z_ \\\\-]{0,80}", data in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&data);
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn spliced_files_are_refused(at in any::<prop::sample::Index>(), cut in 1usize..40, with in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = whole();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        prop_assume!(bytes[start..end] != with[..]);
        bytes.splice(start..end, with);
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn sealed_nonsense_never_panics(
        changes in prop::collection::vec((prop::collection::vec(0usize..12, 1..5), any_value()), 0..4),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any_tensor()), 0..3),
    ) {
        let (mut document, mut tensors) = parts();
        for (path, with) in &changes {
            spoil(&mut document, path, with);
        }
        for (at, tensor) in swaps {
            let name = tensors.keys().nth(at.index(tensors.len())).unwrap().clone();
            tensors.insert(name, tensor);
        }
        if document.is_object() && let Ok(bytes) = write(&document.to_string(), &tensors) {
            try_out(&bytes);
        }
    }

    #[test]
    fn a_batch_gives_the_bits_of_its_rows(rows in prop::collection::vec((prop_oneof![Just(f64::NAN), -1e9..1e9f64], any::<bool>()), 0..20)) {
        let model = load(&whole()).unwrap();
        let mut batch = Batch::new(model.schema(), rows.len());
        let town = |york: bool| if york { "York" } else { "Bath" };
        for &(age, york) in &rows {
            batch.push(0, Cell::Number(age)).unwrap();
            batch.push(1, Cell::Text(town(york))).unwrap();
        }
        let all = model.predict(&batch).unwrap();
        for (i, &(age, york)) in rows.iter().enumerate() {
            let one = model.predict_row(row(age, town(york))).unwrap();
            prop_assert_eq!(one.scores[0].to_bits(), all.scores[i].to_bits());
        }
    }
}
