//! From predictions to JSON. Floats are written with the fewest digits that read back to the same bits.

use std::io::Write as _;

use axum::http::StatusCode;
use ferroflow_frozen::{Info, Label, Output, Predictions};

use crate::problem::Problem;

/// The parts of an answer that never change.
pub struct Encoder {
    head: Vec<u8>,
    labels: Vec<Vec<u8>>,
    outputs: Vec<String>,
    flat: bool,
}

impl Encoder {
    pub fn new(info: &Info) -> Self {
        let name = serde_json::Value::from(info.name.as_str());
        let version = serde_json::Value::from(info.version.as_str());
        Self {
            head: format!("{{\"model\":{name},\"version\":{version},\"ids\":[").into_bytes(),
            labels: info.classes.iter().map(|l| label(l).to_string().into_bytes()).collect(),
            outputs: info.outputs.clone(),
            flat: info.flat,
        }
    }

    /// The rows' ids are `prefix` and the numbers from `first` on.
    pub fn encode(&self, predictions: &Predictions, prefix: &str, first: u64) -> Result<Vec<u8>, Problem> {
        let rows = predictions.rows;
        let mut out = Vec::with_capacity(self.head.len() + 64 + rows.saturating_mul(96));
        out.extend_from_slice(&self.head);
        for (i, number) in (0..rows).zip(first..) {
            write!(out, "{}\"{prefix}-{number}\"", comma(i))?;
        }
        out.extend_from_slice(b"],\"predictions\":[");
        match &predictions.output {
            Output::Values { width, data } if !self.flat => {
                self.check(*width, data)?;
                matrix(&mut out, data, rows)?;
            }
            output => self.flat(&mut out, output)?,
        }
        out.push(b']');
        if let Some(probabilities) = &predictions.probabilities {
            out.extend_from_slice(b",\"probabilities\":[");
            matrix(&mut out, probabilities, rows)?;
            out.push(b']');
        }
        out.push(b'}');
        Ok(out)
    }

    /// The labels or values, one after the other.
    pub fn flat(&self, out: &mut Vec<u8>, output: &Output) -> Result<(), Problem> {
        match output {
            Output::Labels(labels) => {
                for (i, &at) in labels.iter().enumerate() {
                    out.extend_from_slice(comma(i).as_bytes());
                    out.extend_from_slice(self.labels.get(at as usize).map_or(b"null", Vec::as_slice));
                }
                Ok(())
            }
            Output::Values { width, data } => {
                self.check(*width, data)?;
                numbers(out, data)
            }
        }
    }

    /// JSON has no infinity: a transformer's output that overflows is refused, NaN is null.
    fn check(&self, width: usize, data: &[f64]) -> Result<(), Problem> {
        let Some(at) = data.iter().position(|v| v.is_infinite()) else { return Ok(()) };
        let (row, j) = (at / width.max(1), at % width.max(1));
        let name = self.outputs.get(j).map_or("?", String::as_str);
        let message =
            format!("row {row}: the output '{name}' overflows; a value is far outside the training data");
        Err(Problem { row: Some(row), ..Problem::data("not_finite", message) })
    }
}

/// Writing to memory does not fail.
impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    }
}

fn comma(i: usize) -> &'static str {
    if i == 0 { "" } else { "," }
}

/// `data` as `rows` lists.
fn matrix(out: &mut Vec<u8>, data: &[f64], rows: usize) -> Result<(), Problem> {
    let width = data.len() / rows.max(1);
    for i in 0..rows {
        out.extend_from_slice(comma(i).as_bytes());
        out.push(b'[');
        numbers(out, data.get(i * width..(i + 1) * width).unwrap_or_default())?;
        out.push(b']');
    }
    Ok(())
}

/// `data` one after the other.
pub fn numbers(out: &mut Vec<u8>, data: &[f64]) -> Result<(), Problem> {
    for (i, v) in data.iter().enumerate() {
        out.extend_from_slice(comma(i).as_bytes());
        serde_json::to_writer(&mut *out, v).map_err(std::io::Error::from)?;
    }
    Ok(())
}

/// A label as JSON.
pub fn label(label: &Label) -> serde_json::Value {
    match label {
        Label::Int(v) => (*v).into(),
        Label::Float(v) => (*v).into(),
        Label::Bool(v) => (*v).into(),
        Label::Text(v) => v.as_str().into(),
    }
}
