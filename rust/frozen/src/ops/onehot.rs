//! A column for each category, 1 where the cell is that category.

use super::category::Categories;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct OneHot {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    categories: Categories,
    /// Per category the place of its 1, or `ZEROS`, or `REFUSE`; then of a missing cell, then of an unknown one.
    codes: Vec<i64>,
    to: usize,
    width: usize,
}

const ZEROS: i64 = -1;
const REFUSE: i64 = -2;

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let categories = r.categories(&fields.text("categories")?, line)?;
        let codes = r.tensors.ints(&fields.text("codes")?)?;
        let width = fields.size("width")?;
        fields.end()?;
        let n = categories.missing();
        r.fits("codes", codes.len(), n + 2)?;
        // A column that no code leads to would be wide for nothing.
        if width > codes.len() {
            return invalid(format!("{} has more columns than codes", r.place()));
        }
        r.compiler.check_width(lines.len().saturating_add(width))?;
        let most = i64::try_from(width).unwrap_or(i64::MAX);
        if codes.iter().any(|&c| c < REFUSE || c >= most) || codes[..n].contains(&REFUSE) {
            return invalid(format!("a code of {} lies outside its columns", r.place()));
        }
        if codes[n] == REFUSE {
            r.compiler.refuse_missing(line);
        }
        let to = r.compiler.n_numbers;
        for _ in 0..width {
            let slot = r.compiler.number();
            lines.push(Line { slot, source: line.source, open: false });
        }
        columns.push(Column { categories, codes, to, width });
    }
    Ok((Box::new(OneHot { columns }), lines))
}

impl Op for OneHot {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let at = c.categories.find(s);
            let code = c.codes[at];
            if code == REFUSE {
                return Err(c.categories.refused(at, s, row, schema));
            }
            s.numbers[c.to..c.to + c.width].fill(0.0);
            if code != ZEROS
                && let Ok(code) = usize::try_from(code)
            {
                s.numbers[c.to + code] = 1.0;
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            if !c.categories.find_block(b) {
                return false;
            }
            let (found, out) = b.found(c.to, c.width);
            out.fill(0.0);
            let rows = found.len();
            for (i, &at) in found.iter().enumerate() {
                match c.codes[at] {
                    REFUSE => return false,
                    ZEROS => {}
                    code => out[code as usize * rows + i] = 1.0,
                }
            }
        }
        true
    }
}
