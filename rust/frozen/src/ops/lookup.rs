//! Several numbers for each category.

use super::category::Categories;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch};
use crate::schema::Schema;

#[derive(Debug)]
struct Lookup {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    categories: Categories,
    /// Per category its row of `width` numbers; then of a missing cell, then of an unknown one.
    values: Vec<f64>,
    to: usize,
    width: usize,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let categories = r.categories(&fields.text("categories")?, line)?;
        let (rows, width, values) = r.tensors.matrix(&fields.text("values")?)?;
        fields.end()?;
        r.fits("values", rows, categories.missing() + 2)?;
        r.compiler.check_width(lines.len().saturating_add(width))?;
        let to = r.compiler.n_numbers;
        for _ in 0..width {
            let slot = r.compiler.number();
            lines.push(Line { slot, source: line.source, open: false });
        }
        columns.push(Column { categories, values, to, width });
    }
    Ok((Box::new(Lookup { columns }), lines))
}

impl Column {
    #[inline(always)]
    fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }
}

impl Op for Lookup {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let at = c.categories.find(s);
            s.numbers[c.to..c.to + c.width].copy_from_slice(c.row(at));
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            if !c.categories.find_block(b) {
                return false;
            }
            let (found, out) = b.found(c.to, c.width);
            let rows = found.len();
            for (i, &at) in found.iter().enumerate() {
                for (k, value) in c.row(at).iter().enumerate() {
                    out[k * rows + i] = *value;
                }
            }
        }
        true
    }
}
