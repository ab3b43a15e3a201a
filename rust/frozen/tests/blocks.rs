//! Rows in blocks, as a batch or a matrix, give the bits and the errors of the rows one by one, whatever the model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ferroflow_core::Exec;
use ferroflow_frozen::{
    Batch, Cell, InputError, Limits, Model, Output, Predictions, Tensor, Type, Wanted, write,
};
use ndarray::{Array2, ShapeBuilder};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A file in the making: every op is given the values that those before it made.
#[derive(Default)]
struct Maker {
    tensors: BTreeMap<String, Tensor>,
    graph: Vec<Value>,
    names: usize,
    seed: u64,
}

impl Maker {
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    fn below(&mut self, n: usize) -> usize {
        self.random() as usize % n
    }

    fn number(&mut self) -> f64 {
        (self.random() as f64 / f64::from(1 << 30) - 1.0) * 3.0
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    fn tensor(&mut self, kind: Type, shape: &[usize], bytes: Vec<u8>) -> String {
        let name = self.name();
        self.tensors.insert(name.clone(), Tensor { kind, shape: shape.to_vec(), bytes });
        name
    }

    fn numbers(&mut self, shape: &[usize], values: &[f64]) -> String {
        self.tensor(Type::F64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn randoms(&mut self, shape: &[usize]) -> String {
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| self.number()).collect();
        self.numbers(shape, &values)
    }

    fn ints(&mut self, values: &[i64]) -> String {
        self.tensor(Type::I64, &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn texts(&mut self, values: &[&str]) -> String {
        let name = self.tensor(Type::U8, &[values.concat().len()], values.concat().into_bytes());
        let ends = values.iter().scan(0, |end, v| {
            *end += i64::try_from(v.len()).unwrap();
            Some(*end)
        });
        let ends = self.ints(&ends.collect::<Vec<_>>());
        let ends = self.tensors.remove(&ends).unwrap();
        self.tensors.insert(format!("{name}.ends"), ends);
        name
    }

    fn node(&mut self, node: Value) -> usize {
        self.graph.push(node);
        self.graph.len()
    }

    fn select(&mut self, columns: std::ops::Range<usize>) -> usize {
        self.node(json!({"op": "select", "in": 0, "columns": columns.collect::<Vec<_>>()}))
    }

    /// The number columns filled, scaled, marked; some encoded as categories. Gives values and their widths.
    fn on_numbers(&mut self, at: usize, width: usize) -> Vec<(usize, usize)> {
        let mut values = Vec::new();
        let fill = self.randoms(&[width]);
        let marked_by_one = self.below(4) == 0;
        if self.below(3) == 0 {
            let marker = marked_by_one.then(|| self.numbers(&[1], &[1.0]));
            let marked = self.node(json!({"op": "indicator", "in": at, "marker": marker}));
            values.push((marked, width));
        }
        let marker = marked_by_one.then(|| self.numbers(&[1], &[1.0]));
        let filled = self.node(json!({"op": "impute", "in": at, "marker": marker, "fill": fill}));
        let float = if self.below(3) == 0 { 32 } else { 64 };
        let which = self.below(5);
        let mut list = |wanted: bool| if wanted { Some(self.randoms(&[width])) } else { None };
        let (mean, scale, factor) = (list(which < 2), list(which == 1 || which == 2), list(which == 3));
        let scaled = self.node(
            json!({"op": "scale", "in": filled, "float": float, "mean": mean, "scale": scale, "factor": factor}),
        );
        values.push((scaled, width));
        if self.below(2) == 0 {
            let columns: Vec<Value> = (0..width)
                .map(|_| {
                    let (categories, codes) = (self.numbers(&[2], &[0.0, 1.0]), self.ints(&[0, 1, -1, -1]));
                    json!({"categories": categories, "codes": codes, "width": 2})
                })
                .collect();
            let encoded = self.node(json!({"op": "onehot", "in": filled, "columns": columns}));
            values.push((encoded, 2 * width));
        }
        values
    }

    /// One text column filled and encoded.
    fn on_text(&mut self, at: usize, refuse: bool) -> Vec<(usize, usize)> {
        let fill = self.texts(&["a"]);
        let filled = self.node(json!({"op": "impute", "in": at, "marker": null, "fill": fill}));
        let marked = self.node(json!({"op": "indicator", "in": at, "marker": null}));
        let categories = self.texts(&["a", "b"]);
        let codes = self.ints(&[0, -1, -1, if refuse { -2 } else { 1 }]);
        let hot = self.node(json!({"op": "onehot", "in": filled,
            "columns": [{"categories": categories, "codes": codes, "width": 2}]}));
        let (categories, values) = (self.texts(&["b"]), self.randoms(&[3]));
        let coded = self.node(json!({"op": "ordinal", "in": filled, "columns": [{"categories": categories,
            "values": values, "refuse_missing": false, "refuse_unknown": false}]}));
        let (kept, other) = (self.texts(&["b"]), self.texts(&["a"]));
        let grouped =
            self.node(json!({"op": "group", "in": at, "columns": [{"kept": kept}], "other": other}));
        let (categories, values) = (self.texts(&["a"]), self.randoms(&[3, 2]));
        let looked_up = self.node(json!({"op": "lookup", "in": grouped,
            "columns": [{"categories": categories, "values": values}]}));
        vec![(marked, 1), (hot, 2), (coded, 1), (looked_up, 2)]
    }
}

fn model(seed: u64, width: usize, text: bool) -> Model {
    let mut m = Maker { seed, ..Maker::default() };
    let numbers = m.select(0..width);
    let mut values = m.on_numbers(numbers, width);
    if text {
        let at = m.select(width..width + 1);
        let refuse = m.below(2) == 0;
        values.extend(m.on_text(at, refuse));
    }
    let joined = m.node(json!({"op": "concat", "in": values.iter().map(|v| v.0).collect::<Vec<_>>()}));
    let total = values.iter().map(|v| v.1).sum::<usize>();
    let float = if m.below(3) == 0 { 32 } else { 64 };
    let what = m.below(5);
    let outputs = if what == 0 { 1 } else { 2 + m.below(4) };
    let (weights, bias) = (m.randoms(&[outputs, total]), m.randoms(&[outputs]));
    let scores =
        m.node(json!({"op": "linear", "in": joined, "float": float, "weights": weights, "bias": bias}));
    let classes = outputs.max(2);
    let labels = m.ints(&(0..i64::try_from(classes).unwrap()).collect::<Vec<_>>());
    let names: Vec<String> = (0..if what == 4 { total } else { outputs }).map(|j| format!("y{j}")).collect();
    let names = if what < 3 { Vec::new() } else { names };
    let names = m.texts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut output = json!({"task": (["classifier", "classifier", "classifier", "regressor", "transformer"][what]),
        "value": (if what == 4 { joined } else { scores }), "float": float, "names": names});
    if what < 3 {
        output["link"] = json!(["sigmoid", "softmax", "one_vs_rest"][what]);
        output["class_kind"] = json!("int");
        output["classes"] = json!(labels);
    } else {
        m.tensors.remove(&labels);
    }
    if what == 3 {
        output["flat"] = json!(false);
    }
    let (mut schema, mut statistics, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for j in 0..width + usize::from(text) {
        let is_text = j == width;
        let kind =
            if is_text { "text" } else { ["number", "integer", "number", "boolean"][(j + m.below(2)) % 4] };
        let float = if is_text || m.below(3) > 0 { 64 } else { 32 };
        schema.push(json!({"name": format!("x{j}"), "kind": kind, "float": float, "categories": null}));
        let mut entry = json!({"count": 1, "missing": 0});
        if is_text {
            entry["categories"] = json!(m.texts(&["a"]));
            entry["counts"] = json!(m.ints(&[1, 0]));
            let name = m.texts(&[]);
            m.tensors
                .insert(format!("{name}.missing"), Tensor { kind: Type::U8, shape: vec![0], bytes: vec![] });
            tests.push(name);
        } else {
            entry["moments"] = json!(m.numbers(&[2], &[0.0, 1.0]));
            entry["edges"] = json!(m.numbers(&[1], &[0.0]));
            entry["counts"] = json!(m.ints(&[1, 0]));
            tests.push(m.numbers(&[0], &[]));
        }
        statistics.push(entry);
    }
    let expected = m.numbers(&[0], &[]);
    let used: Vec<&str> = m.graph.iter().map(|node| node["op"].as_str().unwrap()).collect();
    let ops: BTreeMap<&str, i64> = used.into_iter().map(|op| (op, 1)).collect();
    let document = json!({"format": 1, "requires": [], "ops": ops, "name": "any", "version": "1", "schema": schema,
        "graph": m.graph, "output": output, "statistics": statistics, "provenance": {},
        "tests": {"rows": 0, "inputs": tests, "expected": expected}});
    Model::from_bytes(&write(&document.to_string(), &m.tensors).unwrap(), &Limits::default()).unwrap()
}

fn values(p: &Predictions) -> Vec<u64> {
    let bits = |v: &f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
    let mut out: Vec<u64> = match &p.output {
        Output::Labels(labels) => labels.iter().map(|&v| u64::from(v)).collect(),
        Output::Values { data, .. } => data.iter().map(bits).collect(),
    };
    out.extend(p.scores.iter().chain(p.probabilities.iter().flatten()).map(bits));
    out
}

fn append(all: &mut Predictions, one: Predictions) {
    all.rows += one.rows;
    all.scores.extend(one.scores);
    if let (Some(to), Some(from)) = (&mut all.probabilities, one.probabilities) {
        to.extend(from);
    }
    match (&mut all.output, one.output) {
        (Output::Labels(to), Output::Labels(from)) => to.extend(from),
        (Output::Values { data: to, .. }, Output::Values { data: from, .. }) => to.extend(from),
        _ => panic!("a model's outputs are of one kind"),
    }
}

/// All of them as one row after the other gives them, or the first that is refused.
fn one_by_one<'a>(
    model: &'a Model,
    rows: usize,
    cell: impl Fn(usize, usize) -> Cell<'a>,
) -> Result<Predictions, InputError> {
    let empty = model.predict(&Batch::new(model.schema(), 0)).unwrap();
    (0..rows).try_fold(empty, |mut all, i| {
        let one = model
            .predict_row(|j| Ok(cell(i, j)))
            .map_err(|e: InputError| InputError { row: Some(i), ..e })?;
        append(&mut all, one);
        Ok(all)
    })
}

fn assert_same(found: &Result<Predictions, InputError>, expected: &Result<Predictions, InputError>) {
    match (found, expected) {
        (Ok(a), Ok(b)) => assert_eq!(values(a), values(b)),
        (Err(a), Err(b)) => assert_eq!((a.code, a.row, &a.column), (b.code, b.row, &b.column)),
        _ => panic!("{found:?} and {expected:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn blocks_give_the_bits_and_the_errors_of_the_rows(
        seed in any::<u64>(),
        width in prop_oneof![1usize..12, 60usize..70],
        text in any::<bool>(),
        rows in prop_oneof![0usize..30, 100usize..180, 400usize..1_100, Just(1_016), Just(1_017), Just(2_033)],
        spoiled in prop_oneof![3 => Just(None), 1 => (any::<usize>(), 0usize..4).prop_map(Some)],
    ) {
        let model = model(seed, width, text);
        let mut m = Maker { seed: seed ^ 1, ..Maker::default() };
        let boolean: Vec<bool> = model.schema().columns().iter().map(|c| c.kind.as_str() == "boolean").collect();
        let mut numbers = Array2::from_shape_fn((rows, width), |(_, j)| match m.below(6) {
            0 => f64::NAN,
            1 => 1.0,
            2 => -0.0,
            _ if boolean[j] => 0.0,
            _ => m.number(),
        });
        if let (Some((at, how)), true) = (spoiled, rows > 0) {
            numbers[(at % rows, at / 7 % width)] = [f64::INFINITY, 2.0, 1e308, -1e308][how];
        }
        let words = ["a", "b", "c", ""];
        let word = |i: usize| words[(i * i + i / 3) % if seed % 2 == 0 { 2 } else { 4 }];
        let cell = |i: usize, j: usize| if j < width {
            Cell::Number(numbers[(i, j)])
        } else if i % 5 == 3 {
            Cell::Missing
        } else {
            Cell::Text(word(i))
        };
        let expected = one_by_one(&model, rows, cell);

        let mut batch = Batch::new(model.schema(), rows);
        let mut filled = Ok(());
        for j in 0..width {
            filled = filled.and_then(|()| batch.push_numbers(j, numbers.column(j)));
        }
        if text {
            filled = filled.and_then(|()| (0..rows).try_for_each(|i| batch.push(width, cell(i, width))));
        }
        match filled {
            Ok(()) => assert_same(&model.predict(&batch), &expected),
            Err(e) => {
                let mut batch = Batch::new(model.schema(), rows);
                let each = (0..width).try_for_each(|j| (0..rows).try_for_each(|i| batch.push(j, cell(i, j))));
                assert_eq!(e, each.unwrap_err());
            }
        }
        if text {
            return Ok(());
        }
        let exec = Exec::serial();
        let mut other = Array2::zeros((rows, width).f());
        other.assign(&numbers);
        for form in [numbers.view(), other.view()] {
            assert_same(&model.predict_matrix(form, Wanted::ALL, &exec).unwrap(), &expected);
        }
        if let Ok(all) = &expected {
            let part = Wanted { output: false, scores: false, probabilities: true };
            let part = model.predict_matrix(numbers.view(), part, &exec).unwrap().unwrap();
            assert_eq!(part.probabilities.is_some(), all.probabilities.is_some());
            let bits = |p: &Predictions| p.probabilities.iter().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&part), bits(all));
        }
        let narrow = numbers.mapv(|x| x as f32);
        let expected = one_by_one(&model, rows, |i, j| Cell::Number(f64::from(narrow[(i, j)])));
        assert_same(&model.predict_matrix(narrow.view(), Wanted::ALL, &exec).unwrap(), &expected);
    }
}
