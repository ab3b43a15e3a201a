//! Products of columns, up to a degree.

use ferroflow_core::Float;
use ferroflow_core::polynomial::Terms;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Polynomial {
    single: bool,
    inputs: Vec<(usize, usize)>,
    terms: Terms,
    to: usize,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let degrees = (r.fields.size("least")?, r.fields.size("most")?);
    let (distinct, bias) = (r.fields.bool("distinct")?, r.fields.bool("bias")?);
    let most = r.compiler.most_columns();
    let terms = match Terms::new(r.input.len(), degrees, distinct, bias, most) {
        Ok(terms) => terms,
        Err(error) => return invalid(format!("{}: {error}", r.place())),
    };
    r.compiler.check_width(terms.width())?;
    let mut inputs = Vec::new();
    for line in r.input {
        inputs.push((r.number_of(line)?, line.source));
        r.compiler.refuse_missing(line);
    }
    let to = r.compiler.n_numbers;
    let mut lines = Vec::new();
    for _ in 0..terms.width() {
        let slot = r.compiler.number();
        lines.push(Line { slot, source: usize::MAX, open: false });
    }
    Ok((Box::new(Polynomial { single, inputs, terms, to }), lines))
}

impl Polynomial {
    fn terms<T: Float>(&self, x: &[T], out: &mut [f64]) {
        let mut terms = vec![T::ZERO; self.terms.width()];
        self.terms.apply_row(x, &mut terms);
        for (to, from) in out.iter_mut().zip(terms) {
            *to = from.to_f64();
        }
    }
}

impl Op for Polynomial {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        if let Some((_, source)) = self.inputs.iter().find(|(at, _)| !numbers[*at].is_finite()) {
            let column = schema.columns().get(*source).map_or("?", |c| c.name.as_str());
            let what = "the value is not finite when its powers are taken";
            return Err(InputError::cell(InputCode::NotFinite, row, column, what));
        }
        let width = self.terms.width();
        if self.single {
            x32.clear();
            x32.extend(self.inputs.iter().map(|(at, _)| f32::from_f64(numbers[*at])));
            self.terms(x32, &mut numbers[self.to..self.to + width]);
        } else {
            x64.clear();
            x64.extend(self.inputs.iter().map(|(at, _)| numbers[*at]));
            self.terms(x64, &mut numbers[self.to..self.to + width]);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        if self.inputs.iter().any(|(at, _)| b.numbers(*at).iter().any(|x| !x.is_finite())) {
            return false;
        }
        let rows = b.rows();
        let (before, after) = b.split(self.to);
        let mut term = vec![0.0; rows];
        for (k, out) in after.chunks_exact_mut(rows).take(self.terms.width()).enumerate() {
            let factors = self.terms.factors(k);
            term.fill(1.0);
            // The first factor is multiplied last; what is multiplied first stays as it is.
            for (i, j) in factors.iter().rev().enumerate() {
                let at = self.inputs[*j].0 * rows;
                let column = &before[at..at + rows];
                match (i, self.single) {
                    (0, false) => term.copy_from_slice(column),
                    (0, true) => {
                        term.iter_mut().zip(column).for_each(|(t, x)| *t = f32::from_f64(*x).to_f64())
                    }
                    (_, false) => term.iter_mut().zip(column).for_each(|(t, x)| *t *= x),
                    (_, true) => term.iter_mut().zip(column).for_each(|(t, x)| {
                        *t = (f32::from_f64(*t) * f32::from_f64(*x)).to_f64();
                    }),
                }
            }
            out.copy_from_slice(&term);
        }
        true
    }
}
