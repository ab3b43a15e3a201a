//! Predictions with their ids and inputs, in an SQLite file, so that labels which come later find their rows.
//!
//! One thread writes, one transaction for all that waits. A disk that is full or a file that is locked costs rows of the
//! log, which are counted, and never a prediction.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ferroflow_frozen::{Column, InputColumn, Kind, Output};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::{Map, Value, json};

use crate::aside::{Aside, End, Inbox};
use crate::encode::label;
use crate::log::rfc3339;
use crate::routes::Answered;

/// Rows of one transaction, about.
const BATCH: usize = 5000;
/// For another program that holds the file.
const BUSY: Duration = Duration::from_secs(2);
/// Between two complaints.
const QUIET: Duration = Duration::from_secs(60);

/// `docs/serve.md` describes it.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS predictions (
    id TEXT NOT NULL PRIMARY KEY,
    time TEXT NOT NULL,
    request TEXT,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS predictions_by_model ON predictions (model, version, time);
";

/// An answered request.
pub struct Entry {
    pub time: SystemTime,
    /// The request's id, if it has one.
    pub request: Option<String>,
    /// Of the rows' ids.
    pub prefix: String,
    pub answered: Answered,
}

/// Rows written, and rows lost to the file.
#[derive(Default)]
pub struct Counts {
    pub written: AtomicU64,
    pub failed: AtomicU64,
}

/// The log.
pub struct PredictionLog {
    pub aside: Aside<Entry>,
    pub counts: Arc<Counts>,
}

impl PredictionLog {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// The file is no such log, or cannot be written.
    pub fn open(file: &Path) -> Result<(Self, End), String> {
        let wrong = |e: &dyn std::fmt::Display| format!("the prediction log {}: {e}", file.display());
        let connection = connect(file).map_err(|e| wrong(&e))?;
        let counts = Arc::new(Counts::default());
        let (counted, name) = (counts.clone(), file.display().to_string());
        let work = move |inbox| write(connection, &inbox, &counted, &name);
        let (aside, end) = Aside::start("ferroflow-predictions", work).map_err(|e| wrong(&e))?;
        Ok((Self { aside, counts }, end))
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    // Readers do not stop the writer, nor it them; a power cut may cost the last rows, never the file.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn write(mut connection: Connection, inbox: &Inbox<Entry>, counts: &Counts, name: &str) {
    let mut complained: Option<Instant> = None;
    while let Some(first) = inbox.next() {
        let mut rows = first.answered.done.predictions.rows;
        let mut entries = vec![first];
        while rows < BATCH {
            let Some(next) = inbox.waiting() else { break };
            rows += next.answered.done.predictions.rows;
            entries.push(next);
        }
        match put(&mut connection, &entries) {
            Ok(()) => counts.written.fetch_add(rows as u64, Ordering::Relaxed),
            Err(error) => {
                if complained.is_none_or(|at| at.elapsed() > QUIET) {
                    complained = Some(Instant::now());
                    let _ = writeln!(io::stderr(), "The prediction log {name} lost {rows} rows: {error}");
                }
                counts.failed.fetch_add(rows as u64, Ordering::Relaxed)
            }
        };
    }
}

fn put(connection: &mut Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO predictions (id, time, request, model, version, sha256, inputs, outputs)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let mut id = String::new();
        for Entry { time, request, prefix, answered } in entries {
            let (info, done) = (answered.served.info(), &answered.done);
            let time = rfc3339(*time);
            for (i, number) in (0..done.predictions.rows).zip(done.first..) {
                id.clear();
                let _ = write!(id, "{prefix}-{number}");
                let inputs = inputs(answered.served.model.schema().columns(), &done.columns, i).to_string();
                let outputs = outputs(answered, i).to_string();
                insert.execute(params![
                    id,
                    time,
                    request,
                    info.name,
                    info.version,
                    info.sha256,
                    inputs,
                    outputs
                ])?;
            }
        }
    }
    transaction.commit()
}

/// Row `i` as it was given, by column.
fn inputs(schema: &[InputColumn], columns: &[Column], i: usize) -> Value {
    let cell = |spec: &InputColumn, column: &Column| match column {
        Column::Texts(texts) => texts.get(i).into(),
        Column::Numbers(numbers) => match numbers.get(i) {
            Some(&x) if spec.kind == Kind::Boolean && !x.is_nan() => (x != 0.0).into(),
            // NaN, which is a missing value, becomes null.
            Some(&x) => x.into(),
            None => Value::Null,
        },
    };
    let cells = schema.iter().zip(columns).map(|(spec, column)| (spec.name.clone(), cell(spec, column)));
    Value::Object(cells.collect::<Map<_, _>>())
}

/// What was answered for row `i`.
fn outputs(answered: &Answered, i: usize) -> Value {
    let (info, predictions) = (answered.served.info(), &answered.done.predictions);
    let prediction = match &predictions.output {
        Output::Labels(labels) => {
            labels.get(i).and_then(|&at| info.classes.get(at as usize)).map_or(Value::Null, label)
        }
        Output::Values { data, .. } if info.flat => data.get(i).copied().into(),
        Output::Values { width, data } => data.get(i * width..(i + 1) * width).unwrap_or_default().into(),
    };
    let mut out = json!({"prediction": prediction});
    if let Some(all) = &predictions.probabilities {
        let width = info.classes.len();
        out["probabilities"] = all.get(i * width..(i + 1) * width).unwrap_or_default().into();
    }
    out
}
