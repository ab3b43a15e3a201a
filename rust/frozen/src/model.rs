//! A loaded model: what it says of itself, and its predictions.

use crate::batch::Batch;
use crate::error::{InputError, LoadError};
use crate::limits::Limits;
use crate::schema::{Info, Label, Schema};

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

/// A frozen model, checked and ready.
#[derive(Debug)]
pub struct Model {
    schema: Schema,
    info: Info,
}

impl Model {
    /// Reads and checks a model file, and runs its self-test rows.
    ///
    /// # Errors
    /// [`LoadError`] on anything that is not exactly a model within `limits`. Never panics.
    pub fn from_bytes(_bytes: &[u8], _limits: &Limits) -> Result<Self, LoadError> {
        Err(LoadError::Damaged("the reader is not written yet".into()))
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
        Ok(Predictions {
            rows,
            output: Output::Values { width: 0, data: Vec::new() },
            probabilities: None,
            scores: Vec::new(),
        })
    }
}
