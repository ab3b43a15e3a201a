//! A second model that sees the same rows, once they are answered, and whose differences are counted: how a new version
//! would have answered, before it does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ferroflow_frozen::{Batch, Cell, Column, InputError, Label, Limits, Model, Output, Predictions};

use crate::aside::{Aside, End, Inbox};
use crate::log::{Difference, Entry, Log};
use crate::routes::Answered;

/// What the shadow did.
#[derive(Default)]
pub struct Counts {
    pub rows: AtomicU64,
    /// Rows with another prediction.
    pub different: AtomicU64,
    /// Rows that it could not predict, or whose predictions cannot be compared.
    pub failed: AtomicU64,
}

/// The shadow.
pub struct Shadow {
    pub aside: Aside<Answered>,
    pub counts: Arc<Counts>,
}

impl Shadow {
    /// Loads the model of `file`.
    ///
    /// # Errors
    /// The file cannot be read, or is no model.
    pub fn open(file: &Path, max_bytes: usize, log: Option<Arc<Log>>) -> Result<(Self, End), String> {
        let wrong = |e: &dyn std::fmt::Display| format!("the shadow {}: {e}", file.display());
        let size = std::fs::metadata(file).map_err(|e| wrong(&e))?.len();
        if usize::try_from(size).is_ok_and(|size| size > max_bytes) {
            return Err(wrong(&format!("it has {size} bytes, at most {max_bytes} are taken")));
        }
        let bytes = std::fs::read(file).map_err(|e| wrong(&e))?;
        let model = Model::from_bytes(&bytes, &Limits::default()).map_err(|e| wrong(&e))?;
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        let work = move |inbox: Inbox<Answered>| {
            while let Some(answered) = inbox.next() {
                look(&model, &answered, &counted, log.as_deref());
            }
        };
        let (aside, end) = Aside::start("ferroflow-shadow", work).map_err(|e| wrong(&e))?;
        Ok((Self { aside, counts }, end))
    }
}

fn look(model: &Model, answered: &Answered, counts: &Counts, log: Option<&Log>) {
    let rows = answered.done.predictions.rows;
    let found = predict(model, answered)
        .ok()
        .and_then(|predictions| compare(model, &predictions, answered).map(|found| (predictions, found)));
    let Some((predictions, different)) = found else {
        counts.failed.fetch_add(rows as u64, Ordering::Relaxed);
        return;
    };
    counts.rows.fetch_add(rows as u64, Ordering::Relaxed);
    counts.different.fetch_add(different as u64, Ordering::Relaxed);
    if let Some(log) = log.filter(|_| different > 0) {
        let (info, shadow) = (answered.served.info(), model.info());
        log.tell(Entry::Difference(Box::new(Difference {
            time: SystemTime::now(),
            model: info.name.clone(),
            version: info.version.clone(),
            shadow: shadow.name.clone(),
            shadow_version: shadow.version.clone(),
            first: answered.done.first,
            rows,
            different,
            largest: largest(&predictions, answered),
        })));
    }
}

/// The same rows, by the columns' names.
fn predict(model: &Model, answered: &Answered) -> Result<Predictions, InputError> {
    let (rows, schema) = (answered.done.predictions.rows, answered.served.model.schema());
    let mut batch = Batch::new(model.schema(), rows);
    for (to, spec) in model.schema().columns().iter().enumerate() {
        let column = schema.index_of(&spec.name).and_then(|from| answered.done.columns.get(from));
        for i in 0..rows {
            let cell = match column {
                Some(Column::Numbers(numbers)) => numbers.get(i).map_or(Cell::Missing, |&x| Cell::Number(x)),
                Some(Column::Texts(texts)) => texts.get(i).map_or(Cell::Missing, Cell::Text),
                None => Cell::Missing,
            };
            batch.push(to, cell)?;
        }
    }
    model.predict(&batch)
}

/// Rows that the shadow predicts differently; `None` if the two do not give the same kind of thing.
fn compare(model: &Model, predictions: &Predictions, answered: &Answered) -> Option<usize> {
    let named = |model: &Model, at: u32| -> Option<Label> { model.info().classes.get(at as usize).cloned() };
    match (&answered.done.predictions.output, &predictions.output) {
        (Output::Labels(theirs), Output::Labels(ours)) => {
            let pairs = theirs.iter().zip(ours);
            Some(pairs.filter(|&(&a, &b)| named(&answered.served.model, a) != named(model, b)).count())
        }
        (Output::Values { width: a, data: theirs }, Output::Values { width: b, data: ours }) if a == b => {
            let same =
                |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()));
            let pairs = theirs.chunks(*a.max(&1)).zip(ours.chunks(*b.max(&1)));
            Some(pairs.filter(|(x, y)| !same(x, y)).count())
        }
        _ => None,
    }
}

/// The largest difference of a probability, or of a value.
fn largest(predictions: &Predictions, answered: &Answered) -> Option<f64> {
    let of = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    match (&answered.done.predictions, predictions) {
        (Predictions { probabilities: Some(x), .. }, Predictions { probabilities: Some(y), .. })
            if x.len() == y.len() =>
        {
            Some(of(x, y))
        }
        (
            Predictions { output: Output::Values { data: x, .. }, .. },
            Predictions { output: Output::Values { data: y, .. }, .. },
        ) => Some(of(x, y)),
        _ => None,
    }
}
