//! A number for each category.

use super::category::Categories;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::schema::Schema;

#[derive(Debug)]
struct Ordinal {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    categories: Categories,
    /// Per category its number; then of a missing cell, then of an unknown one.
    values: Vec<f64>,
    refuse_missing: bool,
    refuse_unknown: bool,
    to: usize,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let categories = r.categories(&fields.text("categories")?, line)?;
        let values = r.tensors.numbers(&fields.text("values")?, true)?;
        let (refuse_missing, refuse_unknown) =
            (fields.bool("refuse_missing")?, fields.bool("refuse_unknown")?);
        fields.end()?;
        let n = categories.missing();
        r.fits("values", values.len(), n + 2)?;
        if refuse_missing {
            r.compiler.refuse_missing(line);
        }
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        let open = line.open && !refuse_missing && values[n].is_nan();
        lines.push(Line { slot, source: line.source, open });
        columns.push(Column { categories, values, refuse_missing, refuse_unknown, to });
    }
    Ok((Box::new(Ordinal { columns }), lines))
}

impl Column {
    fn refuses(&self, at: usize) -> bool {
        (at == self.categories.missing() && self.refuse_missing)
            || (at == self.categories.unknown() && self.refuse_unknown)
    }
}

impl Op for Ordinal {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let at = c.categories.find(s);
            if c.refuses(at) {
                return Err(c.categories.refused(at, s, row, schema));
            }
            s.numbers[c.to] = c.values[at];
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            if !c.categories.find_block(b) {
                return false;
            }
            let (found, out) = b.found(c.to, 1);
            for (&at, out) in found.iter().zip(out) {
                if c.refuses(at) {
                    return false;
                }
                *out = c.values[at];
            }
        }
        true
    }
}
