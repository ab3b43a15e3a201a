//! Who looks at requests once they are answered: the log, the prediction log, the shadow.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use crate::aside::End;
use crate::log::{Entry, Format, Line, Log};
use crate::prediction_log::{self, PredictionLog};
use crate::routes::Answered;
use crate::server::Config;
use crate::shadow::Shadow;

/// Those that there are.
#[derive(Default)]
pub struct Watchers {
    pub log: Option<Arc<Log>>,
    pub predictions: Option<PredictionLog>,
    pub shadow: Option<Shadow>,
}

impl Watchers {
    /// Starts them, and gives what to wait for at the end, in order.
    ///
    /// # Errors
    /// A file cannot be opened, or there are no threads.
    pub fn start(config: &Config) -> Result<(Self, Vec<End>), String> {
        let (mut watchers, mut ends) = (Self::default(), Vec::new());
        if config.log != Format::Off {
            let (log, end) = Log::new(config.log, io::stdout()).map_err(|e| e.to_string())?;
            watchers.log = Some(Arc::new(log));
            ends.push(end);
        }
        if let Some(file) = &config.prediction_log {
            let (predictions, end) = PredictionLog::open(file)?;
            watchers.predictions = Some(predictions);
            ends.push(end);
        }
        if let Some(file) = &config.shadow {
            let (shadow, end) = Shadow::open(file, config.max_model_bytes, watchers.log.clone())?;
            watchers.shadow = Some(shadow);
            ends.push(end);
        }
        // The shadow tells the log.
        ends.reverse();
        Ok((watchers, ends))
    }

    /// Is there anyone?
    pub fn any(&self) -> bool {
        self.log.is_some() || self.predictions.is_some() || self.shadow.is_some()
    }

    /// Tells them of an answered request.
    pub fn answered(&self, time: SystemTime, request: Option<&str>, prefix: &str, answered: &Answered) {
        let done = &answered.done;
        let rows = done.predictions.rows;
        let weight = rows.saturating_mul(done.columns.len().saturating_add(1));
        if let Some(predictions) = &self.predictions {
            let entry = prediction_log::Entry {
                time,
                request: request.map(str::to_owned),
                prefix: prefix.to_owned(),
                answered: answered.clone(),
            };
            predictions.aside.tell(entry, weight, rows as u64);
        }
        if let Some(shadow) = &self.shadow {
            shadow.aside.tell(answered.clone(), weight, rows as u64);
        }
    }

    /// Tells the log of a request.
    pub fn line(&self, line: impl FnOnce() -> Line) {
        if let Some(log) = &self.log {
            log.tell(Entry::Request(Box::new(line())));
        }
    }
}
