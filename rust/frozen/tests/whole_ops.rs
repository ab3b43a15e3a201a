//! Ops that make numbers of whole rows: blocks give the bits of rows, and fields that do not fit are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ferroflow_frozen::{Batch, Cell, Limits, LoadError, Model, Output, Tensor, Type, write};
use serde_json::{Value, json};

type Tensors = BTreeMap<String, Tensor>;

fn numbers(shape: &[usize], values: &[f64]) -> Tensor {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { kind: Type::F64, shape: shape.to_vec(), bytes }
}

fn texts(tensors: &mut Tensors, name: &str, values: &[&str]) {
    let bytes = values.concat().into_bytes();
    tensors.insert(name.into(), Tensor { kind: Type::U8, shape: vec![bytes.len()], bytes });
    let ends = values.iter().scan(0i64, |end, v| {
        *end += i64::try_from(v.len()).unwrap();
        Some(*end)
    });
    let bytes = ends.flat_map(i64::to_le_bytes).collect();
    tensors.insert(format!("{name}.ends"), Tensor { kind: Type::I64, shape: vec![values.len()], bytes });
}

/// Four columns of numbers, one of texts; a transformer of one node over the first `inputs` columns, of which `outputs`
/// numbers come out.
fn load(inputs: usize, outputs: usize, node: &Value, more: &[(&str, Tensor)]) -> Result<Model, LoadError> {
    let mut t: Tensors = more.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    let (mut schema, mut statistics, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for j in 0..5 {
        let counts = format!("counts.{j}");
        let bytes = [1i64, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
        t.insert(counts.clone(), Tensor { kind: Type::I64, shape: vec![2], bytes });
        let test = format!("test.{j}");
        let mut entry = json!({"count": 1, "missing": 0, "counts": counts});
        if j < 4 {
            t.insert(format!("m.{j}"), numbers(&[2], &[0.0, 1.0]));
            t.insert(format!("e.{j}"), numbers(&[1], &[0.0]));
            (entry["moments"], entry["edges"]) = (json!(format!("m.{j}")), json!(format!("e.{j}")));
            t.insert(test.clone(), numbers(&[0], &[]));
        } else {
            texts(&mut t, "seen", &["a"]);
            entry["categories"] = json!("seen");
            texts(&mut t, &test, &[]);
            t.insert(format!("{test}.missing"), Tensor { kind: Type::U8, shape: vec![0], bytes: vec![] });
        }
        let kind = if j < 4 { "number" } else { "text" };
        schema.push(json!({"name": format!("x{j}"), "kind": kind, "float": 64, "categories": null}));
        statistics.push(entry);
        tests.push(test);
    }
    let names: Vec<String> = (0..outputs).map(|k| format!("y{k}")).collect();
    texts(&mut t, "names", &names.iter().map(String::as_str).collect::<Vec<_>>());
    t.insert("expected".into(), numbers(&[0], &[]));
    let mut node = node.clone();
    node["in"] = json!(1);
    let ops = json!({"select": 1, node["op"].as_str().unwrap(): 1});
    let document = json!({"format": 1, "requires": [], "ops": ops, "name": "one", "version": "1", "schema": schema,
        "graph": [{"op": "select", "in": 0, "columns": (0..inputs).collect::<Vec<_>>()}, node],
        "output": {"task": "transformer", "value": 2, "float": 64, "names": "names"},
        "statistics": statistics, "provenance": {}, "tests": {"rows": 0, "inputs": tests, "expected": "expected"}});
    Model::from_bytes(&write(&document.to_string(), &t).unwrap(), &Limits::default())
}

/// Rows as a block and one by one: the same bits, or the same first refusal. Returns the first row's numbers.
fn run(model: &Model) -> Vec<f64> {
    let words = ["a", "Bäth", "", "2024-02-29"];
    let cell = |i: usize, j: usize| {
        let k = (i * 7 + j * 13) % 23;
        if j < 4 { Cell::Number(k as f64 / 4.0 - 2.5) } else { Cell::Text(words[k % 4]) }
    };
    let mut batch = Batch::new(model.schema(), 40);
    for j in 0..5 {
        for i in 0..40 {
            batch.push(j, cell(i, j)).unwrap();
        }
    }
    let Output::Values { width, data } = model.predict(&batch).unwrap().output else { panic!("no values") };
    for i in 0..40 {
        let one = model.predict_row(|j| Ok::<_, ferroflow_frozen::InputError>(cell(i, j))).unwrap();
        let Output::Values { data: one, .. } = one.output else { panic!("no values") };
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&one), bits(&data[i * width..(i + 1) * width]));
    }
    data[..width].to_vec()
}

fn refused(inputs: usize, node: &Value, more: &[(&str, Tensor)], why: &str) {
    let found = load(inputs, 1, node, more).unwrap_err().to_string();
    assert!(found.contains(why), "{found}");
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{found:?} and {expected:?}");
    }
}

// The first row is -2.5, 0.75, -1.75, 1.5.

#[test]
fn links() {
    let node = |name: &str| json!({"op": "link", "float": 64, "name": name});
    assert_close(&run(&load(2, 2, &node("clipped"), &[]).unwrap()), &[0.0, 1.0]);
    assert_close(&run(&load(1, 2, &node("clipped"), &[]).unwrap()), &[1.0, 0.0]);
    assert_close(&run(&load(1, 2, &node("complement"), &[]).unwrap()), &[3.5, -2.5]);
    let e = (-3.25f64).exp();
    assert_close(&run(&load(2, 2, &node("softmax"), &[]).unwrap()), &[e / (1.0 + e), 1.0 / (1.0 + e)]);
    refused(2, &node("complement"), &[], "does not fit 2 scores");
    refused(1, &node("softmax"), &[], "does not fit 1 scores");
    refused(1, &node("other"), &[], "the link 'other'");
    refused(5, &node("softmax"), &[], "gets a text");
}

#[test]
fn decisions_and_means() {
    assert_close(&run(&load(4, 4, &json!({"op": "decide"}), &[]).unwrap()), &[0.0, 0.0, 0.0, 1.0]);
    assert_close(&run(&load(1, 2, &json!({"op": "decide"}), &[]).unwrap()), &[1.0, 0.0]);
    let node = |weights: Value| json!({"op": "mean", "float": 64, "parts": 2, "weights": weights});
    assert_close(&run(&load(4, 2, &node(Value::Null), &[]).unwrap()), &[-2.125, 1.125]);
    let weights = [("w", numbers(&[2], &[3.0, 1.0]))];
    assert_close(&run(&load(4, 2, &node(json!("w")), &weights).unwrap()), &[-2.3125, 0.9375]);
    refused(3, &node(Value::Null), &[], "has 3 columns for 2 parts");
    refused(4, &json!({"op": "mean", "float": 64, "parts": 0, "weights": null}), &[], "for 0 parts");
    refused(4, &node(json!("w")), &[("w", numbers(&[1], &[3.0]))], "'weights'");
    refused(0, &json!({"op": "decide"}), &[], "no scores");
}

#[test]
fn lines_from_point_to_point() {
    let node = json!({"op": "piecewise", "float": 64, "columns": [{"x": "x", "y": "y"}]});
    let points = |x: &[f64], y: &[f64]| [("x", numbers(&[x.len()], x)), ("y", numbers(&[y.len()], y))];
    let found = run(&load(1, 1, &node, &points(&[-3.0, -2.0, 1.0], &[0.0, 1.0, 4.0])).unwrap());
    assert_close(&found, &[0.5]);
    assert_close(&run(&load(1, 1, &node, &points(&[0.0], &[7.0])).unwrap()), &[7.0]);
    refused(1, &node, &points(&[0.0, 0.0], &[1.0, 2.0]), "do not rise");
    refused(1, &node, &points(&[], &[]), "do not rise");
    refused(1, &node, &points(&[0.0, 1.0], &[1.0]), "'y'");
}

#[test]
fn kernels() {
    let tensors = |rows: &[usize], weights: &[usize], bias: usize| {
        let zeros = |n: usize| vec![0.5; n];
        [
            ("p", numbers(&[2], &[0.5, 1.0])),
            ("r", numbers(rows, &zeros(rows.iter().product()))),
            ("w", numbers(weights, &zeros(weights.iter().product()))),
            ("b", numbers(&[bias], &zeros(bias))),
        ]
    };
    let node = |name: &str| json!({"op": "kernel", "name": name, "degree": 3, "parameters": "p", "rows": "r", "weights": "w", "bias": "b"});
    let whole = tensors(&[2, 2], &[1, 2], 1);
    // x . s = -0.875, |x - s|^2 = 9.0625, twice half of each.
    let cases = [
        ("linear", -0.875),
        ("poly", (0.5 * -0.875 + 1.0f64).powi(3)),
        ("rbf", (-0.5 * 9.0625f64).exp()),
        ("sigmoid", (0.5 * -0.875 + 1.0f64).tanh()),
    ];
    for (name, expected) in cases {
        assert_close(&run(&load(2, 1, &node(name), &whole).unwrap()), &[expected + 0.5]);
    }
    refused(2, &node("other"), &whole, "the kernel 'other'");
    refused(3, &node("rbf"), &whole, "'rows'");
    refused(2, &node("rbf"), &tensors(&[2, 2], &[1, 3], 1), "'weights'");
    refused(2, &node("rbf"), &tensors(&[2, 2], &[1, 2], 2), "'bias'");
    refused(2, &node("rbf"), &tensors(&[0, 2], &[1, 0], 1), "holds no rows");
    refused(0, &node("rbf"), &tensors(&[2, 0], &[1, 2], 1), "holds no rows");
    let infinite = load(2, 1, &node("poly"), &whole).unwrap();
    let cell = |j: usize| if j < 4 { Cell::Number(1e300) } else { Cell::Text("a") };
    let found = infinite.predict_row(|j| Ok::<_, ferroflow_frozen::InputError>(cell(j))).unwrap_err();
    assert!(found.message.contains("overflows"));
}

#[test]
fn pairs_of_classes() {
    let node = |gives: &str| json!({"op": "pairs", "classes": 3, "gives": gives});
    // 0 loses to 1, 0 beats 2, 1 loses to 2: a tie.
    assert_close(&run(&load(3, 3, &node("votes"), &[]).unwrap()), &[1.0, 1.0, 1.0]);
    let sums = [-1.75, 0.75, 1.0].map(|s: f64| 1.0 + s / (3.0 * (s.abs() + 1.0)));
    assert_close(&run(&load(3, 3, &node("scores"), &[]).unwrap()), &sums);
    let mut likely = node("probabilities");
    (likely["a"], likely["b"]) = (json!("a"), json!("b"));
    let of = |n: usize| [("a", numbers(&[n], &vec![-1.0; n])), ("b", numbers(&[n], &vec![0.0; n]))];
    let found = run(&load(3, 3, &likely, &of(3)).unwrap());
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12 && found.iter().all(|p| (0.0..=1.0).contains(p)));
    refused(3, &likely, &of(2), "'a'");
    refused(2, &node("votes"), &[], "2 pairs of 3 classes");
    refused(3, &node("other"), &[], "gives 'other'");
    refused(1, &json!({"op": "pairs", "classes": 1, "gives": "votes"}), &[], "pairs of 1 classes");
}

#[test]
fn nearest_rows() {
    let node = |k: usize, metric: &str, by_distance: bool| {
        let mut node = json!({"op": "nearest", "k": k, "metric": metric, "by_distance": by_distance,
            "rows": "r", "values": "v"});
        if metric == "minkowski" {
            node["p"] = json!("p");
        }
        node
    };
    let mut tensors = vec![
        ("r", numbers(&[3, 2], &[-2.5, 0.75, -2.5, 1.75, 9.0, 9.0])),
        ("v", numbers(&[3, 1], &[1.0, 5.0, 100.0])),
    ];
    for metric in ["euclidean", "manhattan", "chebyshev"] {
        assert_close(&run(&load(2, 1, &node(2, metric, false), &tensors).unwrap()), &[3.0]);
        assert_close(&run(&load(2, 1, &node(2, metric, true), &tensors).unwrap()), &[1.0]);
    }
    refused(2, &node(4, "euclidean", false), &tensors, "wants 4 of 3 rows");
    refused(2, &node(0, "euclidean", false), &tensors, "wants 0 of 3 rows");
    refused(3, &node(2, "euclidean", false), &tensors, "'rows'");
    refused(2, &node(2, "cosine", false), &tensors, "the metric 'cosine'");
    tensors.push(("p", numbers(&[1], &[3.0])));
    assert_close(&run(&load(2, 1, &node(3, "minkowski", false), &tensors).unwrap()), &[106.0 / 3.0]);
    tensors[2] = ("p", numbers(&[1], &[-3.0]));
    refused(2, &node(2, "minkowski", false), &tensors, "power");
}

#[test]
fn expressions() {
    let node = |programs: Value| json!({"op": "expression", "float": 64, "numbers": "n", "texts": "t", "programs": programs});
    let mut t = Tensors::new();
    texts(&mut t, "t", &["ä", "[0-9]+", "("]);
    t.insert("n".into(), numbers(&[1], &[2.0]));
    let more: Vec<(&str, Tensor)> = t.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())).collect();
    let programs = json!([
        ["column 0", "number 0", "multiply"],
        ["column 4", "text 0", "contains"],
        ["column 4", "extract 1 0", "is_missing"],
        ["column 4", "lower", "length"]
    ]);
    let found = run(&load(5, 4, &node(programs), &more).unwrap());
    assert_close(&found, &[-5.0, 0.0, 1.0, 0.0]);
    refused(5, &node(json!([["column 5"]])), &more, "'column 5' is no step");
    refused(5, &node(json!([[]])), &more, "leaves 0 cells");
    refused(5, &node(json!([["column 4", "matches 2"]])), &more, "unclosed group");
    refused(5, &node(json!([["column 4", "negative"]])), &more, "another kind");
    refused(5, &node(json!([[1]])), &more, "something else than texts");
    refused(5, &node(json!([1])), &more, "is no list");
    refused(5, &node(json!([["column 4", "lower"]])), &more, "its output is a text");
    let many = vec![json!(["column 4"]); 257];
    refused(5, &node(json!(many)), &more, "make texts");
}
