//! One version of one model, and all that answers for it.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use axum::body::Bytes;
use ferroflow_frozen::{Batch, Column, Info, Model, Predictions};

use crate::decode::{Bounds, decode};
use crate::describe;
use crate::encode::Encoder;
use crate::metrics::Counters;
use crate::problem::Problem;
use crate::server::Config;

/// Numbers in an answer at most: 200 MB of text. A model with many outputs takes fewer rows.
const MAX_NUMBERS: usize = 10_000_000;

/// Ids of predictions: a random word for this run of the server, and a number.
pub struct Ids {
    prefix: String,
    next: AtomicU64,
}

impl Ids {
    pub fn new() -> Self {
        // The standard library's hasher is seeded by the system's randomness.
        let prefix = RandomState::new().hash_one((SystemTime::now(), std::process::id()));
        Self { prefix: format!("{prefix:016x}"), next: AtomicU64::new(0) }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `rows` new numbers: the first of them.
    pub fn take(&self, rows: usize) -> u64 {
        self.next.fetch_add(rows as u64, Ordering::Relaxed)
    }
}

/// What came of a request: for those who look at it once it is answered.
pub struct Done {
    /// The number of the first row's id.
    pub first: u64,
    pub columns: Vec<Column>,
    pub predictions: Predictions,
}

/// A version that answers. It never changes: another version, or other bytes of this one, is another of these.
pub struct Served {
    pub model: Model,
    pub bounds: Bounds,
    pub counters: Counters,
    /// Its file; `None` where it was handed over in memory.
    pub file: Option<PathBuf>,
    pub loaded: SystemTime,
    pub encoder: Encoder,
    /// Of the text columns, the categories that the file tells of.
    categories: Vec<Option<HashSet<String>>>,
    schema: OnceLock<Bytes>,
}

impl Served {
    pub fn new(model: Model, file: Option<PathBuf>, config: &Config) -> Self {
        let info = model.info();
        let outputs = info.classes.len().max(info.outputs.len()).max(1);
        let columns = model.schema().columns();
        Self {
            bounds: Bounds {
                rows: config.max_rows.min((MAX_NUMBERS / outputs).max(1)),
                text: config.max_text,
            },
            counters: Counters::new(columns.len()),
            file,
            loaded: SystemTime::now(),
            encoder: Encoder::new(info),
            categories: columns
                .iter()
                .map(|c| c.categories.as_ref().map(|list| list.iter().cloned().collect()))
                .collect(),
            schema: OnceLock::new(),
            model,
        }
    }

    pub fn info(&self) -> &Info {
        self.model.info()
    }

    /// From a body to an answer.
    pub fn answer(&self, json: &[u8], ids: &Ids) -> Result<(Vec<u8>, Done), Problem> {
        let start = Instant::now();
        let batch = decode(self.model.schema(), json, self.bounds)?;
        let (predictions, first) = self.predict(&batch, ids)?;
        let answer = self.encoder.encode(&predictions, ids.prefix(), first)?;
        self.counters.predicted(predictions.rows, start.elapsed());
        Ok((answer, Done { first, columns: batch.into_columns(), predictions }))
    }

    /// The predictions, and the number of the first row's id.
    pub fn predict(&self, batch: &Batch<'_>, ids: &Ids) -> Result<(Predictions, u64), Problem> {
        self.count(batch);
        let predictions = self.model.predict(batch)?;
        let first = ids.take(predictions.rows);
        Ok((predictions, first))
    }

    /// Missing values and categories that training has not seen, column by column.
    fn count(&self, batch: &Batch<'_>) {
        for (j, (column, categories)) in batch.columns().iter().zip(&self.categories).enumerate() {
            let (mut missing, mut unseen) = (0, 0);
            match column {
                Column::Numbers(numbers) => missing = numbers.iter().filter(|x| x.is_nan()).count(),
                Column::Texts(texts) => {
                    for i in 0..texts.len() {
                        match (texts.get(i), categories) {
                            (None, _) => missing += 1,
                            (Some(text), Some(known)) if !known.contains(text) => unseen += 1,
                            _ => {}
                        }
                    }
                }
            }
            if missing + unseen > 0 {
                self.counters.column(j, missing, unseen);
            }
        }
    }

    /// What it takes and gives, as JSON.
    pub fn schema(&self, max_body: usize) -> Bytes {
        self.schema.get_or_init(|| describe::schema(self, max_body).to_string().into()).clone()
    }
}
