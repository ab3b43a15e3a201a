//! A loaded model: what it says of itself, and its predictions.

use std::collections::BTreeMap;
use std::ops::Range;

use ferroflow_core::{Float, linear};

use crate::batch::{self, Batch, Cell};
use crate::container::{self, Tensors};
use crate::error::{InputCode, InputError, LoadError};
use crate::graph::{Graph, Scratch, Slot, Versions};
use crate::json::{Fields, Json, invalid};
use crate::limits::Limits;
use crate::schema::{Info, InputColumn, Kind, Label, Schema, Task};
use crate::statistics::{self, ColumnStatistics};

/// The format that this reader reads.
const FORMAT: i64 = 1;

/// What a model gave for a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Number of rows.
    pub rows: usize,
    /// Labels or values.
    pub output: Output,
    /// Row by row, one per class; `None` for a model without probabilities.
    pub probabilities: Option<Vec<f64>>,
    /// Decision scores of a classifier, row by row: one for two classes, otherwise one per class.
    pub scores: Vec<f64>,
}

impl Predictions {
    /// Puts the rows of `more`, of the same model, after these.
    pub fn append(&mut self, mut more: Self) {
        self.rows += more.rows;
        self.scores.append(&mut more.scores);
        if let (Some(to), Some(from)) = (&mut self.probabilities, &mut more.probabilities) {
            to.append(from);
        }
        match (&mut self.output, &mut more.output) {
            (Output::Labels(to), Output::Labels(from)) => to.append(from),
            (Output::Values { data: to, .. }, Output::Values { data: from, .. }) => to.append(from),
            _ => {}
        }
    }
}

/// The predictions themselves.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Per row, a number into [`Info::classes`].
    Labels(Vec<u32>),
    /// Row by row, `width` numbers each (1 for a plain regressor).
    Values {
        /// Numbers per row.
        width: usize,
        /// The numbers.
        data: Vec<f64>,
    },
}

/// From scores to probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// No probabilities.
    None,
    /// One score z: 1 - s and s, s = sigmoid(z).
    Sigmoid,
    /// Softmax of the scores.
    Softmax,
    /// Sigmoid of each score, divided by their sum.
    OneVsRest,
}

/// A frozen model, checked and ready.
#[derive(Debug)]
pub struct Model {
    schema: Schema,
    info: Info,
    graph: Graph,
    outputs: Vec<usize>,
    link: Link,
    statistics: Vec<ColumnStatistics>,
    provenance: BTreeMap<String, String>,
}

impl Model {
    /// Reads and checks a model file, and runs its self-test rows.
    ///
    /// # Errors
    /// [`LoadError`] on anything that is not exactly a model within `limits`. Never panics.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        let (mut document, mut tensors) = container::read(bytes, limits)?;
        match document.remove("format") {
            Some(Json::Int(FORMAT)) => {}
            Some(Json::Int(v)) if v > FORMAT => return Err(LoadError::TooNew(format!("it has format {v}"))),
            _ => return invalid("its format version is missing or wrong"),
        }
        let mut doc = Fields::new(Json::Map(document), "the document")?;
        if let Some(feature) = doc.list("requires")?.first() {
            return Err(LoadError::TooNew(format!("it requires {feature:?}")));
        }
        let mut versions = Versions::read(doc.take("ops")?)?;
        let mut schema = read_schema(doc.list("schema")?, &mut tensors, limits)?;
        let (graph, values, nullable) =
            Graph::read(doc.list("graph")?, &schema, &mut tensors, &mut versions, limits)?;
        versions.end()?;
        schema.set_nullable(&nullable);

        let mut out = Fields::new(doc.take("output")?, "'output'")?;
        let task = out.text("task")?;
        let Some(task) = Task::parse(&task) else { return invalid(format!("its task is '{task}'")) };
        let at = out.size("value")?;
        let Some(lines) = values.get(at) else { return invalid("its output is a value that is not there") };
        let mut outputs = Vec::with_capacity(lines.len());
        for line in lines {
            match line.slot {
                Slot::Number(at) => outputs.push(at),
                Slot::Text(_) => return invalid("its output is a text"),
            }
        }
        let single = out.single()?;
        let names = tensors.texts(&out.text("names")?)?;
        if names.len() != if task == Task::Classifier { 0 } else { outputs.len() } {
            return invalid("its outputs are not named one by one");
        }
        let (mut link, mut classes, mut flat) = (Link::None, Vec::new(), false);
        match task {
            Task::Classifier => {
                classes = read_classes(&mut out, &mut tensors)?;
                link = read_link(&out.text("link")?, outputs.len())?;
                let needed = if outputs.len() == 1 { 2 } else { outputs.len() };
                if classes.len() != needed || outputs.is_empty() {
                    return invalid(format!("it has {} classes and {} scores", classes.len(), outputs.len()));
                }
            }
            Task::Regressor => flat = out.bool("flat")?,
            Task::Transformer => {}
        }
        if flat && outputs.len() != 1 {
            return invalid("it is flat and has not one output");
        }
        out.end()?;
        let info = Info {
            name: doc.text("name")?,
            version: doc.text("version")?,
            sha256: container::sha256(&[bytes]),
            task,
            classes,
            outputs: names,
            has_probabilities: link != Link::None,
            single,
            flat,
        };
        let statistics = statistics::read(doc.list("statistics")?, &schema, &mut tensors)?;
        let mut provenance = BTreeMap::new();
        for (key, value) in Fields::new(doc.take("provenance")?, "'provenance'")?.into_map() {
            let Json::Text(value) = value else {
                return invalid(format!("'{key}' of 'provenance' is no text"));
            };
            provenance.insert(key, value);
        }
        let tests = Fields::new(doc.take("tests")?, "'tests'")?;
        doc.end()?;
        let model = Self { schema, info, graph, outputs, link, statistics, provenance };
        model.self_test(tests, &mut tensors, limits)?;
        tensors.end()?;
        Ok(model)
    }

    /// The input's columns.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Name, version, task, classes and so on.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What the training columns looked like, one entry per input column: the baseline for drift.
    #[must_use]
    pub fn statistics(&self) -> &[ColumnStatistics] {
        &self.statistics
    }

    /// What made the model: versions, class names.
    #[must_use]
    pub fn provenance(&self) -> &BTreeMap<String, String> {
        &self.provenance
    }

    /// The label of a class number.
    #[must_use]
    pub fn label(&self, class: u32) -> Option<&Label> {
        self.info.classes.get(class as usize)
    }

    /// Predictions for the rows of `batch`, which must have been made for this model's schema.
    ///
    /// # Errors
    /// [`InputError`] naming row and column: unknown category, overflow, columns of unequal length.
    pub fn predict(&self, batch: &Batch<'_>) -> Result<Predictions, InputError> {
        let rows = batch.rows()?;
        let mut scratch = self.graph.scratch();
        let mut out = self.room(rows);
        for i in 0..rows {
            self.graph.run(batch, i, &mut scratch)?;
            self.collect(i, &scratch, &mut out)?;
        }
        Ok(self.predictions(rows, out))
    }

    /// Predictions for one row: `cell` is asked for each column's cell in the order of the schema.
    ///
    /// # Errors
    /// What `cell` gives, and [`InputError`] as from [`Batch::push`] and [`Model::predict`].
    pub fn predict_row<'a, E: From<InputError>>(
        &'a self,
        mut cell: impl FnMut(usize) -> Result<Cell<'a>, E>,
    ) -> Result<Predictions, E> {
        self.predict_rows(0..1, |_, j| cell(j))
    }

    /// Predictions for rows that need no batch: `cell(row, column)` is asked for each cell, row by row.
    ///
    /// # Errors
    /// As for [`Model::predict_row`].
    pub fn predict_rows<'a, E: From<InputError>>(
        &'a self,
        rows: Range<usize>,
        mut cell: impl FnMut(usize, usize) -> Result<Cell<'a>, E>,
    ) -> Result<Predictions, E> {
        let mut scratch = self.graph.scratch();
        let n = rows.len();
        let mut out = self.room(n);
        for i in rows {
            for (j, column) in self.schema.columns().iter().enumerate() {
                let checked = batch::check(column, cell(i, j)?, i)?;
                self.graph.put(j, &checked, &mut scratch);
            }
            self.graph.ops(&mut scratch, i, &self.schema)?;
            self.collect(i, &scratch, &mut out)?;
        }
        Ok(self.predictions(n, out))
    }

    fn room(&self, rows: usize) -> Collected {
        Collected {
            labels: Vec::with_capacity(if self.info.task == Task::Classifier { rows } else { 0 }),
            values: Vec::with_capacity(rows.saturating_mul(self.outputs.len())),
            probabilities: Vec::with_capacity(rows.saturating_mul(self.n_probabilities())),
        }
    }

    /// Probabilities per row.
    fn n_probabilities(&self) -> usize {
        if self.link == Link::None { 0 } else { self.info.classes.len() }
    }

    fn predictions(&self, rows: usize, mut out: Collected) -> Predictions {
        let classifier = self.info.task == Task::Classifier;
        Predictions {
            rows,
            probabilities: (self.link != Link::None).then_some(out.probabilities),
            scores: if classifier { std::mem::take(&mut out.values) } else { Vec::new() },
            output: if classifier {
                Output::Labels(out.labels)
            } else {
                Output::Values { width: self.outputs.len(), data: out.values }
            },
        }
    }

    fn collect(&self, row: usize, s: &Scratch<'_>, out: &mut Collected) -> Result<(), InputError> {
        let start = out.values.len();
        out.values.extend(self.outputs.iter().map(|&at| s.numbers[at]));
        if self.info.task == Task::Transformer {
            return Ok(());
        }
        let values = &out.values[start..];
        if values.iter().any(|v| !v.is_finite()) {
            return Err(InputError {
                code: InputCode::NotFinite,
                message: format!(
                    "row {row}: the model's score overflows; a value is far outside the training data"
                ),
                row: Some(row),
                column: None,
            });
        }
        if self.info.task == Task::Classifier {
            out.labels.push(decide(values));
            if self.info.single {
                probabilities::<f32>(self.link, values, &mut out.probabilities);
            } else {
                probabilities::<f64>(self.link, values, &mut out.probabilities);
            }
        }
        Ok(())
    }

    fn self_test(
        &self,
        mut tests: Fields,
        tensors: &mut Tensors<'_>,
        limits: &Limits,
    ) -> Result<(), LoadError> {
        let rows = tests.size("rows")?;
        if rows > limits.max_test_rows {
            return Err(LoadError::OverLimit(format!("it has {rows} self-test rows")));
        }
        let inputs = tests.list("inputs")?;
        let expected = tensors.numbers(&tests.text("expected")?, true)?;
        tests.end()?;
        if inputs.len() != self.schema.columns().len() {
            return invalid("its self-test rows have not one entry per column");
        }
        let per_row = self.n_probabilities().saturating_add(match self.info.task {
            Task::Classifier => 1,
            Task::Regressor | Task::Transformer => self.outputs.len(),
        });
        if rows.checked_mul(per_row) != Some(expected.len()) {
            return invalid("its self-test has not one expected output for each of its rows");
        }
        // Checked before anything is computed: a few bytes can describe much work.
        let work = self.graph.slots().saturating_add(per_row).saturating_add(self.outputs.len());
        if rows.saturating_mul(work) > limits.max_test_cells {
            return Err(LoadError::OverLimit("its self-test is too much work".into()));
        }
        let failed = |text: String| Err(LoadError::SelfTest(text));
        let mut batch = Batch::new(&self.schema, rows);
        for (j, (name, column)) in inputs.iter().zip(self.schema.columns()).enumerate() {
            let Json::Text(name) = name else { return invalid("an input of its self-test is no name") };
            let cells: Vec<Option<Cell<'_>>>;
            let texts;
            if column.kind == Kind::Text {
                texts = tensors.texts(name)?;
                let missing = tensors.bools(&format!("{name}.missing"))?;
                if missing.len() != texts.len() {
                    return invalid("a text column of its self-test has the wrong length");
                }
                cells = texts.iter().zip(missing).map(|(t, m)| (!m).then_some(Cell::Text(t))).collect();
            } else {
                cells = tensors.numbers(name, true)?.into_iter().map(|v| Some(Cell::Number(v))).collect();
            }
            if cells.len() != rows {
                return invalid("a column of its self-test has the wrong length");
            }
            for cell in cells {
                batch.push(j, cell.unwrap_or(Cell::Missing)).or_else(|e| failed(e.message))?;
            }
        }
        let found = match self.predict(&batch) {
            Ok(predictions) => flat_outputs(&predictions),
            Err(error) => return failed(error.message),
        };
        let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        if found.len() != expected.len() || !found.iter().zip(&expected).all(|(a, b)| same(a, b)) {
            return failed("the stored rows give other bits here than where the model was written".into());
        }
        Ok(())
    }
}

struct Collected {
    labels: Vec<u32>,
    values: Vec<f64>,
    probabilities: Vec<f64>,
}

/// What the self-test stores: labels or values, then probabilities.
pub fn flat_outputs(predictions: &Predictions) -> Vec<f64> {
    let mut out = match &predictions.output {
        Output::Labels(labels) => labels.iter().map(|&v| f64::from(v)).collect(),
        Output::Values { data, .. } => data.clone(),
    };
    out.extend(predictions.probabilities.iter().flatten());
    out
}

/// One score: class 1 if positive. More: the first of the largest.
fn decide(scores: &[f64]) -> u32 {
    if let &[score] = scores {
        return u32::from(score > 0.0);
    }
    let (mut best, mut at) = (f64::NEG_INFINITY, 0);
    for (i, &score) in (0u32..).zip(scores) {
        if score > best {
            (best, at) = (score, i);
        }
    }
    at
}

fn probabilities<T: Float>(link: Link, scores: &[f64], out: &mut Vec<f64>) {
    match link {
        Link::None => {}
        Link::Sigmoid => {
            let p = linear::sigmoid(T::from_f64(scores.first().copied().unwrap_or(0.0)));
            out.extend([(T::ONE - p).to_f64(), p.to_f64()]);
        }
        Link::Softmax | Link::OneVsRest => {
            let mut z: Vec<T> = scores.iter().map(|&v| T::from_f64(v)).collect();
            if link == Link::Softmax {
                linear::softmax(&mut z);
            } else {
                let mut sum = T::ZERO;
                for v in &mut z {
                    *v = linear::sigmoid(*v);
                    sum += *v;
                }
                for v in &mut z {
                    *v /= sum;
                }
            }
            out.extend(z.into_iter().map(Float::to_f64));
        }
    }
}

fn read_link(text: &str, scores: usize) -> Result<Link, LoadError> {
    match (text, scores) {
        ("none", _) => Ok(Link::None),
        ("sigmoid", 1) => Ok(Link::Sigmoid),
        ("softmax", 2..) => Ok(Link::Softmax),
        ("one_vs_rest", 2..) => Ok(Link::OneVsRest),
        _ => invalid(format!("its link '{text}' does not fit {scores} scores")),
    }
}

fn read_classes(out: &mut Fields, tensors: &mut Tensors<'_>) -> Result<Vec<Label>, LoadError> {
    let (kind, name) = (out.text("class_kind")?, out.text("classes")?);
    let classes: Vec<Label> = match kind.as_str() {
        "int" => tensors.ints(&name)?.into_iter().map(Label::Int).collect(),
        "float" => tensors.numbers(&name, false)?.into_iter().map(Label::Float).collect(),
        "bool" => tensors.bools(&name)?.into_iter().map(Label::Bool).collect(),
        "text" => tensors.texts(&name)?.into_iter().map(Label::Text).collect(),
        _ => return invalid(format!("its classes are of the kind '{kind}'")),
    };
    if u32::try_from(classes.len()).is_err() {
        return invalid("it has too many classes");
    }
    Ok(classes)
}

fn read_schema(columns: Vec<Json>, tensors: &mut Tensors<'_>, limits: &Limits) -> Result<Schema, LoadError> {
    if columns.len() > limits.max_columns {
        return Err(LoadError::OverLimit(format!("its input has {} columns", columns.len())));
    }
    if columns.is_empty() {
        return invalid("its input has no columns");
    }
    let mut out = Vec::with_capacity(columns.len());
    for (j, column) in columns.into_iter().enumerate() {
        let mut fields = Fields::new(column, format!("column {j} of the schema"))?;
        let kind = fields.text("kind")?;
        let Some(kind) = Kind::parse(&kind) else {
            return invalid(format!("column {j} is of the kind '{kind}'"));
        };
        let categories = match fields.maybe_text("categories")? {
            None => None,
            Some(_) if kind != Kind::Text => {
                return invalid(format!("column {j} has categories and is no text"));
            }
            Some(name) => Some(tensors.texts(&name)?),
        };
        let name = fields.text("name")?;
        out.push(InputColumn { name, kind, nullable: true, single: fields.single()?, categories });
        fields.end()?;
    }
    match Schema::new(out) {
        Some(schema) => Ok(schema),
        None => invalid("two columns of its schema share a name"),
    }
}
