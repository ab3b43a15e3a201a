//! Lets through rows without a missing cell in these columns, and no others.

use super::marker::Marker;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Scratch, Slot};
use crate::schema::Schema;

#[derive(Debug)]
struct Refuse {
    /// Columns to look at, and the input columns they come from; none where the schema refuses missing cells.
    columns: Vec<(Slot, usize)>,
    marker: Marker,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let marker = r.marker()?;
    let mut columns = Vec::new();
    for line in r.input {
        if matches!(marker, Marker::Missing) {
            r.compiler.refuse_missing(line);
        } else {
            r.close(&marker, line)?;
            columns.push((line.slot, line.source));
        }
    }
    Ok((Box::new(Refuse { columns, marker }), r.input.to_vec()))
}

impl Op for Refuse {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Some((_, source)) = self.columns.iter().find(|(slot, _)| self.marker.hits(*slot, s)) else {
            return Ok(());
        };
        let column = schema.columns().get(*source).map_or("?", |c| c.name.as_str());
        let why = "the value is missing, and was missing nowhere when the model was fitted";
        Err(InputError::cell(InputCode::MissingValue, row, column, why))
    }

    fn block<'a>(&'a self, _: &mut Block<'a>) -> bool {
        self.columns.is_empty()
    }
}
