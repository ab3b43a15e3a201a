//! A loaded model: read, checked, and what it says of itself. Its predictions are in `evaluate`.

use std::collections::BTreeMap;

use crate::batch::{Batch, Cell};
use crate::container::{self, Tensors};
use crate::error::LoadError;
use crate::graph::{Graph, Line, Slot};
use crate::json::{Fields, Json, invalid};
use crate::limits::Limits;
use crate::predictions::{Link, flat_outputs};
use crate::schema::{Info, InputColumn, Kind, Label, Schema, Task};
use crate::statistics::{self, ColumnStatistics};
use crate::versions::Versions;

/// The format that this reader reads.
const FORMAT: i64 = 1;

/// A frozen model, checked and ready.
#[derive(Debug)]
pub struct Model {
    pub(crate) schema: Schema,
    pub(crate) info: Info,
    pub(crate) graph: Graph,
    pub(crate) outputs: Vec<usize>,
    /// What labels are told by, and what probabilities are made of: the outputs, unless the file says otherwise.
    pub(crate) deciding: Vec<usize>,
    pub(crate) likely: Vec<usize>,
    /// All of these once: they must be finite.
    pub(crate) checked: Vec<usize>,
    pub(crate) link: Link,
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
            Graph::read(bytes.len(), doc.list("graph")?, &schema, &mut tensors, &mut versions, limits)?;
        versions.end()?;
        schema.set_nullable(&nullable);

        let mut out = Fields::new(doc.take("output")?, "'output'")?;
        let task = out.text("task")?;
        let Some(task) = Task::parse(&task) else { return invalid(format!("its task is '{task}'")) };
        let at = out.size("value")?;
        let numbers = |at: usize| {
            let Some(lines) = values.get(at) else {
                return invalid("its output is a value that is not there");
            };
            let number = |line: &Line| match line.slot {
                Slot::Number(at) => Ok(at),
                Slot::Text(_) => invalid("its output is a text"),
            };
            lines.iter().map(number).collect::<Result<Vec<_>, _>>()
        };
        let outputs = numbers(at)?;
        let (mut deciding, mut likely) = (outputs.clone(), outputs.clone());
        let mut has_scores = false;
        let single = out.single()?;
        let names = tensors.texts(&out.text("names")?)?;
        if names.len() != if task == Task::Classifier { 0 } else { outputs.len() } {
            return invalid("its outputs are not named one by one");
        }
        let (mut link, mut classes, mut flat) = (Link::None, Vec::new(), false);
        match task {
            Task::Classifier => {
                classes = read_classes(&mut out, &mut tensors)?;
                let (labels, probabilities) = (out.maybe_size("labels")?, out.maybe_size("probabilities")?);
                if let Some(at) = labels {
                    deciding = numbers(at)?;
                }
                if let Some(at) = probabilities {
                    likely = numbers(at)?;
                }
                let text = out.text("link")?;
                link = match Link::named(&text, likely.len()) {
                    Some(link) => link,
                    None => {
                        return invalid(format!("its link '{text}' does not fit {} scores", likely.len()));
                    }
                };
                has_scores = link != Link::Given || probabilities.is_some();
                let fit = |n: usize| classes.len() == if n == 1 { 2 } else { n };
                let likely_fit = link == Link::None || fit(likely.len());
                if outputs.is_empty() || !fit(deciding.len()) || !likely_fit {
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
            has_scores,
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
        let mut checked = [outputs.as_slice(), &deciding, &likely].concat();
        checked.sort_unstable();
        checked.dedup();
        let model =
            Self { schema, info, graph, outputs, deciding, likely, checked, link, statistics, provenance };
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
        let work = self.graph.work().saturating_add(per_row).saturating_add(self.outputs.len());
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
