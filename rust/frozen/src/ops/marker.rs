//! What counts as missing.

use super::OpReader;
use crate::container::Type;
use crate::error::LoadError;
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;

#[derive(Debug)]
pub enum Marker {
    /// A missing cell.
    Missing,
    /// This number.
    Number(f64),
    /// This text.
    Text(String),
}

impl Marker {
    /// Is that cell of a row missing?
    pub fn hits(&self, cell: Slot, s: &Scratch<'_>) -> bool {
        #[allow(clippy::float_cmp, reason = "the marker is that very number")]
        match (self, cell) {
            (Self::Missing, Slot::Number(at)) => s.numbers[at].is_nan(),
            (Self::Missing, Slot::Text(at)) => s.texts[at].is_none(),
            (Self::Number(v), Slot::Number(at)) => s.numbers[at] == *v,
            (Self::Text(v), Slot::Text(at)) => s.texts[at].as_deref() == Some(v.as_str()),
            _ => false,
        }
    }
}

impl OpReader<'_, '_, '_> {
    pub fn marker(&mut self) -> Result<Marker, LoadError> {
        let Some(name) = self.fields.maybe_text("marker")? else { return Ok(Marker::Missing) };
        if self.tensors.has(&name, Type::F64) {
            let values = self.tensors.numbers(&name, false)?;
            self.fits("marker", values.len(), 1)?;
            return Ok(Marker::Number(values[0]));
        }
        let mut texts = self.tensors.texts(&name)?;
        self.fits("marker", texts.len(), 1)?;
        Ok(Marker::Text(texts.swap_remove(0)))
    }

    /// Checks that `marker` fits the column's kind; a value as marker leaves no room for missing cells.
    pub fn close(&mut self, marker: &Marker, line: &Line) -> Result<(), LoadError> {
        match (marker, line.slot) {
            (Marker::Missing, _) => Ok(()),
            (Marker::Number(_), Slot::Number(_)) | (Marker::Text(_), Slot::Text(_)) => {
                self.compiler.refuse_missing(line);
                Ok(())
            }
            _ => invalid(format!("the marker of {} does not fit its columns", self.place())),
        }
    }
}
