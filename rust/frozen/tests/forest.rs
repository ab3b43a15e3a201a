//! Forests in files: what they give, and files that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ferroflow_core::Exec;
use ferroflow_frozen::{Cell, InputError, Limits, LoadError, Model, Output, Tensor, Type, Wanted, write};
use ndarray::Array2;
use proptest::prelude::*;
use serde_json::{Value, json};

type Tensors = BTreeMap<String, Tensor>;

fn f64s(values: &[f64]) -> Tensor {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { kind: Type::F64, shape: vec![values.len()], bytes }
}

fn i64s(values: &[i64]) -> Tensor {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { kind: Type::I64, shape: vec![values.len()], bytes }
}

fn bytes(shape: &[usize], bytes: Vec<u8>) -> Tensor {
    Tensor { kind: Type::U8, shape: shape.to_vec(), bytes }
}

fn singles(shape: &[usize], values: &[f32]) -> Tensor {
    let shape = [shape, &[4]].concat();
    bytes(&shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Two trees over two columns. The first: a > 0.5 -> (b in {1, 3}, or missing: 30, else 20), else 10. The second: 1.
fn parts() -> (Value, Tensors) {
    let mut t = Tensors::new();
    t.insert("splits".into(), bytes(&[1], vec![0b0_0101]));
    t.insert("inputs".into(), bytes(&[2, 1], vec![0, 1]));
    t.insert("thresholds".into(), singles(&[2], &[0.5, 0.0]));
    t.insert("sets".into(), bytes(&[1], vec![0b1010]));
    t.insert("sets.ends".into(), i64s(&[1]));
    t.insert("leaves".into(), bytes(&[4, 1], vec![0, 1, 2, 3]));
    t.insert("values".into(), singles(&[4, 1], &[10.0, 20.0, 30.0, 1.0]));
    t.insert("start".into(), f64s(&[0.0]));
    t.insert("add".into(), f64s(&[-0.0]));
    t.insert("names".into(), bytes(&[1], b"y".to_vec()));
    t.insert("names.ends".into(), i64s(&[1]));
    let mut statistics = Vec::new();
    for j in 0..2 {
        t.insert(format!("moments.{j}"), f64s(&[0.0, 1.0]));
        t.insert(format!("edges.{j}"), f64s(&[0.0]));
        t.insert(format!("counts.{j}"), i64s(&[1, 0]));
        t.insert(format!("test.{j}"), f64s(&[0.75, -3.0]));
        statistics.push(json!({"count": 1, "missing": 0, "counts": format!("counts.{j}"),
            "moments": format!("moments.{j}"), "edges": format!("edges.{j}")}));
    }
    t.insert("expected".into(), f64s(&[10.5, 5.5]));
    let document = json!({
        "format": 1, "requires": [], "ops": {"forest": 1}, "name": "forest", "version": "1",
        "schema": [{"name": "a", "kind": "number", "float": 64, "categories": null},
                   {"name": "b", "kind": "number", "float": 64, "categories": null}],
        "graph": [{"op": "forest", "in": 0, "float": 64, "compare": 32, "refuse_missing": false,
            "tiny_is_zero": false, "columns": [0, 1], "missing": ["left", "right"], "members": ["none", "right"],
            "nodes": 6, "splits": "splits", "inputs": "inputs", "thresholds": "thresholds", "sets": "sets",
            "leaves": "leaves", "outputs": 1, "counts": false, "values": "values", "start": "start", "add": "add",
            "divide": 2}],
        "output": {"task": "regressor", "value": 1, "float": 64, "names": "names", "flat": true},
        "statistics": statistics, "provenance": {},
        "tests": {"rows": 2, "inputs": ["test.0", "test.1"], "expected": "expected"},
    });
    (document, t)
}

fn load(document: &Value, tensors: &Tensors) -> Result<Model, LoadError> {
    Model::from_bytes(&write(&document.to_string(), tensors).unwrap(), &Limits::default())
}

fn value(model: &Model, a: f64, b: f64) -> f64 {
    let row = model.predict_row(|j| Ok::<_, InputError>(Cell::Number([a, b][j]))).unwrap();
    let Output::Values { data, .. } = row.output else { panic!() };
    data[0]
}

/// What the file's two trees give.
fn expected(a: f64, b: f64) -> f64 {
    let first = if (a as f32) <= 0.5 || a.is_nan() {
        10.0
    } else if b.is_nan() || ((b as f32) > -1.0 && [1, 3].contains(&(b as i64))) {
        30.0
    } else {
        20.0
    };
    (first + 1.0) / 2.0
}

#[test]
fn rows_find_their_leaves_one_by_one_and_together() {
    let (document, tensors) = parts();
    let model = load(&document, &tensors).unwrap();
    let cells = [
        0.5,
        0.500_000_01,
        0.6,
        f64::NAN,
        1.0,
        3.9,
        3.0,
        -0.5,
        -1.0,
        4.0,
        2.0,
        -0.0,
        1e9,
        3e38,
        -3e38,
        5e-324,
    ];
    let mut rows = Vec::new();
    for a in cells {
        for b in cells {
            assert_eq!(value(&model, a, b), expected(a, b), "{a} {b}");
            rows.extend([a, b]);
        }
    }
    for n in [1, 7, 8, 9, 15, 16, 17, 256] {
        let matrix = Array2::from_shape_vec((n, 2), rows[..2 * n].to_vec()).unwrap();
        let found = model.predict_matrix(matrix.view(), Wanted::ALL, &Exec::serial()).unwrap().unwrap();
        let Output::Values { data, .. } = found.output else { panic!() };
        let wanted: Vec<f64> = rows[..2 * n].chunks(2).map(|r| expected(r[0], r[1])).collect();
        assert_eq!(data, wanted);
    }
    let large = model.predict_row(|j| Ok::<_, InputError>(Cell::Number([0.0, 1e39][j]))).unwrap_err();
    assert_eq!((large.row, large.column.as_deref()), (Some(0), Some("b")));
}

#[test]
fn nodes_of_both_kinds_give_the_same() {
    let (mut document, tensors) = parts();
    let narrow = load(&document, &tensors).unwrap();
    document["graph"][0]["compare"] = json!(64);
    let wide = load(&document, &tensors).unwrap();
    for x in [0.25, 0.5, 0.75, 3.0, f64::NAN] {
        assert_eq!(value(&narrow, x, x), value(&wide, x, x));
    }
    assert_eq!((value(&narrow, 0.500_000_01, 0.0), value(&wide, 0.500_000_01, 0.0)), (5.5, 10.5));
    // More cells than a narrow node can tell apart.
    let n = 3_000;
    document["graph"][0]["compare"] = json!(32);
    document["graph"][0]["columns"] = json!([vec![0; n - 1], vec![1]].concat());
    document["graph"][0]["missing"] = json!([vec!["left"; n - 1], vec!["right"]].concat());
    document["graph"][0]["members"] = json!([vec!["none"; n - 1], vec!["right"]].concat());
    let mut tensors = tensors;
    let at = ((n - 1) as u16).to_le_bytes();
    tensors.insert("inputs".into(), bytes(&[2, 2], vec![0, 0, at[0], at[1]]));
    let many = load(&document, &tensors).unwrap();
    for (a, b) in [(0.5, 1.0), (0.500_000_01, 1.0), (0.6, 1.0), (0.6, 2.0), (f64::NAN, 1.0), (0.6, f64::NAN)]
    {
        assert_eq!(value(&many, a, b), expected(a, b), "{a} {b}");
    }
    let rows = Array2::from_shape_fn((100, 2), |(i, j)| (i % 7) as f64 / if j == 0 { 6.0 } else { 2.0 });
    let found = many.predict_matrix(rows.view(), Wanted::ALL, &Exec::serial()).unwrap().unwrap();
    let Output::Values { data, .. } = found.output else { panic!() };
    assert_eq!(data, rows.rows().into_iter().map(|r| expected(r[0], r[1])).collect::<Vec<_>>());
}

#[test]
fn what_is_missing_and_what_is_zero_go_where_they_are_told() {
    for (word, missing, zero, tiny) in [
        ("left", 5.5, 5.5, 5.5),
        ("right", 10.5, 5.5, 5.5),
        ("zero", 5.5, 5.5, 5.5),
        ("zero_left", 5.5, 5.5, 5.5),
        ("zero_right", 10.5, 10.5, 10.5),
    ] {
        let (mut document, tensors) = parts();
        document["graph"][0]["missing"][0] = json!(word);
        document["graph"][0]["tiny_is_zero"] = json!(true);
        let model = load(&document, &tensors).unwrap();
        let found = [f64::NAN, -0.0, 1e-35].map(|a| value(&model, a, 0.0));
        assert_eq!(found, [missing, zero, tiny], "{word}");
    }
    let (mut document, tensors) = parts();
    document["graph"][0]["refuse_missing"] = json!(true);
    let model = load(&document, &tensors).unwrap();
    assert!(!model.schema().columns()[0].nullable);
    assert!(model.predict_row(|_| Ok::<_, InputError>(Cell::Missing)).is_err());
}

#[test]
fn counts_are_divided_by_their_sum_and_trees_take_turns() {
    let (mut document, mut t) = parts();
    document["graph"][0]["counts"] = json!(true);
    document["graph"][0]["outputs"] = json!(2);
    document["output"]["flat"] = json!(false);
    t.insert("values".into(), bytes(&[4, 2, 1], vec![1, 2, 2, 1, 0, 7, 1, 0]));
    t.insert("start".into(), f64s(&[0.0, 0.0]));
    t.insert("add".into(), f64s(&[0.0, 1.0]));
    t.insert("names".into(), bytes(&[2], b"yz".to_vec()));
    t.insert("names.ends".into(), i64s(&[1, 2]));
    t.insert(
        "expected".into(),
        f64s(&[
            (2.0 / 3.0 + 1.0) / 2.0,
            (1.0 / 3.0) / 2.0 + 1.0,
            (1.0 / 3.0 + 1.0) / 2.0,
            (2.0 / 3.0) / 2.0 + 1.0,
        ]),
    );
    load(&document, &t).unwrap();
    document["graph"][0]["counts"] = json!(false);
    t.insert("values".into(), singles(&[4, 1], &[10.0, 20.0, 30.0, 1.0]));
    t.insert("expected".into(), f64s(&[10.0, 1.5, 5.0, 1.5]));
    load(&document, &t).unwrap();
}

#[test]
fn wrong_forests_are_refused_with_the_reason() {
    let refusal = |change: &dyn Fn(&mut Value, &mut Tensors)| {
        let (mut document, mut tensors) = parts();
        let mut node = document["graph"][0].take();
        change(&mut node, &mut tensors);
        document["graph"][0] = node;
        load(&document, &tensors).err().map_or_else(String::new, |e| e.to_string())
    };
    type Change = Box<dyn Fn(&mut Value, &mut Tensors)>;
    let set = |key: &'static str, value: Value| -> Change { Box::new(move |d, _| d[key] = value.clone()) };
    let put = |name: &'static str, tensor: Tensor| -> Change {
        Box::new(move |_, t| drop(t.insert(name.into(), tensor.clone())))
    };
    for (reason, change) in [
        ("neither 32 nor 64", set("compare", json!(16))),
        ("looks at a column that is not there", set("columns", json!([0, 2]))),
        ("2 are needed", set("missing", json!(["left"]))),
        ("'missing' of node 0 holds 'up'", set("missing", json!(["left", "up"]))),
        ("'members' of node 0 holds 'up'", set("members", json!(["none", "up"]))),
        ("3 are needed", set("nodes", json!(17))),
        ("1152921504606846976 are needed", set("nodes", json!(i64::MAX))),
        ("goes on after the last node", set("nodes", json!(2))),
        ("a tree is cut", put("splits", bytes(&[1], vec![0b10_0001]))),
        ("3 are needed", put("splits", bytes(&[1], vec![0b10_0101]))),
        ("a cell that is not there", put("inputs", bytes(&[2, 1], vec![0, 2]))),
        ("a wrong size", put("inputs", bytes(&[2, 3], vec![0; 6]))),
        ("2 are needed", put("inputs", bytes(&[1, 1], vec![0]))),
        ("is no number", put("thresholds", singles(&[2], &[f32::NAN, 0.0]))),
        ("is no number", put("thresholds", singles(&[2], &[0.0, 0.5]))),
        ("is no number", put("thresholds", singles(&[2], &[0.0, -1.0]))),
        ("is no number", put("thresholds", singles(&[2], &[0.0, f32::INFINITY]))),
        ("a set that is not there", put("thresholds", singles(&[2], &[0.0, 1.0]))),
        (
            "not of the precision",
            put("thresholds", bytes(&[2, 8], [0.1f64, 0.0].iter().flat_map(|v| v.to_le_bytes()).collect())),
        ),
        ("ends before it begins, or outside", put("sets.ends", i64s(&[2]))),
        ("is negative", put("sets.ends", i64s(&[-1]))),
        ("go on after their last end", put("sets.ends", i64s(&[0]))),
        ("4 are needed", put("leaves", bytes(&[3, 1], vec![0; 3]))),
        ("a leaf of node 0 has no value", put("leaves", bytes(&[4, 1], vec![0, 1, 2, 4]))),
        ("a leaf of node 0 has no value", put("values", singles(&[3, 1], &[1.0; 3]))),
        ("a leaf of node 0 has no value", set("outputs", json!(0))),
        ("is not finite", put("values", singles(&[4, 1], &[1.0, 1.0, f32::INFINITY, 1.0]))),
        ("has 2 columns for 1 outputs", put("values", singles(&[4, 2], &[1.0; 8]))),
        ("'start' of node 0 has 1 entries, 2 are needed", set("outputs", json!(2))),
        ("'divide' of node 0 is 0", set("divide", json!(0))),
        ("'divide' of node 0 is 4294967296", set("divide", json!(4_294_967_296_i64))),
        ("fails its self-test", set("counts", json!(true))),
        ("unknown key 'more'", set("more", json!(1))),
        ("2 trees for 9223372036854775807 outputs", set("outputs", json!(i64::MAX))),
    ] {
        let found = refusal(&change);
        assert!(found.contains(reason), "{reason:?} is not in {found:?}");
    }
}

#[test]
fn a_forest_that_looks_at_nothing_is_refused_and_one_of_leaves_is_not() {
    let (mut document, mut t) = parts();
    document["graph"][0]["nodes"] = json!(3);
    t.insert("splits".into(), bytes(&[1], vec![0]));
    t.insert("inputs".into(), bytes(&[0, 1], vec![]));
    t.insert("thresholds".into(), bytes(&[0, 4], vec![]));
    t.insert("leaves".into(), bytes(&[3, 1], vec![0, 1, 3]));
    t.insert("expected".into(), f64s(&[15.5, 15.5]));
    load(&document, &t).unwrap();
    for key in ["columns", "missing", "members"] {
        document["graph"][0][key] = json!([]);
    }
    assert!(load(&document, &t).unwrap_err().to_string().contains("looks at no cells"));
}

/// Every row takes as many steps as the longest way, which a small file can make long.
#[test]
fn long_ways_count_as_work() {
    let (mut document, mut t) = parts();
    let splits = 200_000;
    let nodes = 2 * splits + 1;
    let mut flags = vec![0u8; (nodes as usize).div_ceil(8)];
    for i in (0..nodes - 1).step_by(2) {
        // A split, a leaf on its left, a split on its right, and so on.
        flags[i as usize / 8] |= 1 << (i % 8);
    }
    document["graph"][0]["nodes"] = json!(nodes);
    t.insert("splits".into(), bytes(&[flags.len()], flags));
    t.insert("inputs".into(), bytes(&[splits as usize, 1], vec![0; splits as usize]));
    t.insert("thresholds".into(), singles(&[splits as usize], &vec![0.5; splits as usize]));
    t.insert("leaves".into(), bytes(&[splits as usize + 1, 1], vec![0; splits as usize + 1]));
    t.insert("expected".into(), f64s(&[5.0, 5.0]));
    let model = load(&document, &t).unwrap();
    assert_eq!(value(&model, 1.0, 0.0), 5.0);
    document["tests"]["rows"] = json!(900);
    for j in 0..2 {
        t.insert(format!("test.{j}"), f64s(&[0.75; 900]));
    }
    t.insert("expected".into(), f64s(&[5.0; 900]));
    assert!(matches!(load(&document, &t), Err(LoadError::OverLimit(_))));
    // So do many trees, of a leaf each.
    let trees = 100_000;
    document["graph"][0]["nodes"] = json!(trees);
    t.insert("splits".into(), bytes(&[trees / 8], vec![0; trees / 8]));
    t.insert("inputs".into(), bytes(&[0, 1], vec![]));
    t.insert("thresholds".into(), bytes(&[0, 4], vec![]));
    t.insert("leaves".into(), bytes(&[trees, 1], vec![0; trees]));
    assert!(matches!(load(&document, &t), Err(LoadError::OverLimit(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever loads must predict or refuse, never panic.
    #[test]
    fn sealed_nonsense_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), -2i64..9), 0..3),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let (mut document, mut tensors) = parts();
        document["tests"]["rows"] = json!(0);
        for name in ["test.0", "test.1", "expected"] {
            tensors.insert(name.into(), f64s(&[]));
        }
        let node = document["graph"][0].as_object_mut().unwrap();
        for (key, with) in changes {
            let key = node.keys().nth(key.index(node.len())).unwrap().clone();
            node.insert(key, json!(with));
        }
        for (name, byte, with) in swaps {
            let n = tensors.len();
            let tensor = tensors.values_mut().nth(name.index(n)).unwrap();
            if !tensor.bytes.is_empty() {
                let at = byte.index(tensor.bytes.len());
                tensor.bytes[at] = with;
            }
        }
        if let Ok(bytes) = write(&document.to_string(), &tensors)
            && let Ok(model) = Model::from_bytes(&bytes, &Limits::default())
        {
            for x in [0.5, -1e300, 1e300, f64::NAN, 3.0, -0.0] {
                let _ = model.predict_row(|j| Ok::<_, InputError>(Cell::Number(if j == 0 { x } else { 1.0 - x })));
            }
        }
    }
}
