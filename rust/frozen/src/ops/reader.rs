//! What the ops are read with.

use crate::container::Tensors;
use crate::error::LoadError;
use crate::graph::{Compiler, Line, Slot};
use crate::json::{Fields, Json, invalid};

/// Where numbers come from and go to, and their lines.
pub type Columns = (Vec<(usize, usize)>, Vec<Line>);

/// Reads one op; `input` are the columns of its input value.
pub struct OpReader<'r, 't, 'l> {
    pub fields: &'r mut Fields,
    pub tensors: &'r mut Tensors<'t>,
    pub compiler: &'r mut Compiler<'l>,
    pub input: &'r [Line],
}

impl OpReader<'_, '_, '_> {
    /// The op's place, for messages.
    pub fn place(&self) -> String {
        self.fields.place().to_owned()
    }

    /// The slot of a column of numbers.
    pub fn number_of(&self, line: &Line) -> Result<usize, LoadError> {
        match line.slot {
            Slot::Number(at) => Ok(at),
            Slot::Text(_) => invalid(format!("{} needs numbers and gets a text", self.place())),
        }
    }

    /// (from, to) of each input, for an op that makes one number of each, and the lines that it makes.
    pub fn column_by_column(&mut self) -> Result<Columns, LoadError> {
        let mut columns = Vec::new();
        let mut lines = Vec::new();
        for line in self.input {
            let from = self.number_of(line)?;
            let slot = self.compiler.number();
            let Slot::Number(to) = slot else { continue };
            columns.push((from, to));
            lines.push(Line { slot, ..*line });
        }
        Ok((columns, lines))
    }

    /// Checks the length of what the field `what` names.
    pub fn fits(&self, what: &str, len: usize, needed: usize) -> Result<(), LoadError> {
        if len == needed {
            return Ok(());
        }
        invalid(format!("'{what}' of {} has {len} entries, {needed} are needed", self.place()))
    }

    /// A number for each of `len` columns, from the tensor that the field `name` names, if it names one.
    pub fn maybe_numbers(&mut self, name: &str, len: usize) -> Result<Option<Vec<f64>>, LoadError> {
        let Some(tensor) = self.fields.maybe_text(name)? else { return Ok(None) };
        let values = self.tensors.numbers(&tensor, false)?;
        self.fits(name, values.len(), len)?;
        Ok(Some(values))
    }

    /// The fields of each column.
    pub fn columns(&mut self) -> Result<Vec<Fields>, LoadError> {
        let list = self.fields.list("columns")?;
        self.fits("columns", list.len(), self.input.len())?;
        let place = self.place();
        let of = |(j, json): (usize, Json)| Fields::new(json, format!("column {j} of {place}"));
        list.into_iter().enumerate().map(of).collect()
    }
}
