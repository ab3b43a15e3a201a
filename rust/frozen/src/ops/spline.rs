//! B-spline bases of each column.

use ferroflow_core::Float;
use ferroflow_core::spline::{Basis, Beyond};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch};
use crate::json::{Fields, invalid};
use crate::schema::Schema;

#[derive(Debug)]
struct Spline {
    single: bool,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    source: usize,
    to: usize,
    width: usize,
    degree: usize,
    basis: Basis,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let degree = r.fields.size("degree")?;
    let beyond = r.fields.text("beyond")?;
    let (all, gaps) = (r.fields.bool("all")?, r.fields.bool("gaps")?);
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let knots = r.tensors.numbers(&fields.text("knots")?, false)?;
        let end =
            |r: &mut OpReader<'_, '_, '_>, fields: &mut Fields, name: &str| match fields.maybe_text(name)? {
                Some(tensor) => r.tensors.numbers(&tensor, false),
                None => Ok(Vec::new()),
            };
        let low = end(r, &mut fields, "low")?;
        let low_slopes = end(r, &mut fields, "low_slopes")?;
        let high = end(r, &mut fields, "high")?;
        let high_slopes = end(r, &mut fields, "high_slopes")?;
        fields.end()?;
        let beyond = match beyond.as_str() {
            "error" => Beyond::Error,
            "continue" => Beyond::Continue,
            "periodic" => Beyond::Periodic,
            "constant" | "linear" => Beyond::Ends { low, low_slopes, high, high_slopes },
            other => return invalid(format!("{} goes on as '{other}'", r.place())),
        };
        let basis = match Basis::new(knots, degree, beyond) {
            Ok(basis) => basis,
            Err(error) => return invalid(format!("{}: {error}", r.place())),
        };
        let width = basis.splines() - usize::from(!all);
        r.compiler.check_width(lines.len().saturating_add(width))?;
        let from = r.number_of(line)?;
        if !gaps {
            r.compiler.refuse_missing(line);
        }
        let to = r.compiler.n_numbers;
        for _ in 0..width {
            let slot = r.compiler.number();
            lines.push(Line { slot, source: line.source, open: false });
        }
        columns.push(Column { from, source: line.source, to, width, degree, basis });
    }
    Ok((Box::new(Spline { single, columns }), lines))
}

impl Column {
    /// The splines of a value; `false` if it lies where it may not.
    fn apply<T: Float>(&self, x: f64, out: &mut [f64]) -> bool {
        let mut work = vec![0.0; 2 * (self.degree + 1)];
        let mut splines = vec![T::ZERO; self.width];
        let fine = self.basis.apply(T::from_f64(x), &mut work, &mut splines);
        for (to, from) in out.iter_mut().zip(splines) {
            *to = from.to_f64();
        }
        fine
    }
}

impl Op for Spline {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let x = s.numbers[c.from];
            let out = &mut s.numbers[c.to..c.to + c.width];
            let fine = if self.single { c.apply::<f32>(x, out) } else { c.apply::<f64>(x, out) };
            if !fine {
                let column = schema.columns().get(c.source).map_or("?", |c| c.name.as_str());
                let what = format!("{x} lies beyond the knots of the splines, which refuse it");
                return Err(InputError::cell(InputCode::NotFinite, row, column, &what));
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, _: &mut Block<'a>) -> bool {
        // Each row has its own few splines: row by row is the way.
        false
    }
}
