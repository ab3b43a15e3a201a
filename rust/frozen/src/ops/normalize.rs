//! The row divided by its norm.

use ferroflow_core::Float;
use ferroflow_core::normalize::{Norm, scale_row, scale_stored};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Normalize {
    single: bool,
    norm: Norm,
    /// As the values of a sparse matrix, whose norms are summed otherwise.
    sparse: bool,
    inputs: Vec<(usize, usize)>,
    to: usize,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let sparse = r.fields.bool("sparse")?;
    let norm = match r.fields.text("norm")?.as_str() {
        "l1" => Norm::L1,
        "l2" => Norm::L2,
        "max" => Norm::Max,
        other => return invalid(format!("{} has the norm '{other}', unknown here", r.place())),
    };
    let mut inputs = Vec::new();
    for line in r.input {
        inputs.push((r.number_of(line)?, line.source));
        r.compiler.refuse_missing(line);
    }
    let to = r.compiler.n_numbers;
    let mut lines = Vec::new();
    for line in r.input {
        lines.push(Line { slot: r.compiler.number(), open: false, ..*line });
    }
    Ok((Box::new(Normalize { single, norm, sparse, inputs, to }), lines))
}

impl Normalize {
    /// Scales a row, unless a value is not finite: its place then.
    fn scale<T: Float>(&self, row: &mut [T]) -> Result<(), usize> {
        if let Some(bad) = row.iter().position(|x| !x.is_finite()) {
            return Err(bad);
        }
        if self.sparse {
            scale_stored(row, self.norm);
        } else {
            scale_row(row, self.norm);
        }
        Ok(())
    }

    fn run_row<T: Float>(&self, x: &mut Vec<T>, numbers: &mut [f64]) -> Result<(), usize> {
        x.clear();
        x.extend(self.inputs.iter().map(|&(at, _)| T::from_f64(numbers[at])));
        self.scale(x)?;
        for (to, x) in numbers[self.to..].iter_mut().zip(x) {
            *to = x.to_f64();
        }
        Ok(())
    }

    fn run_block<T: Float>(&self, b: &mut Block<'_>) -> bool {
        let rows = b.rows();
        let (before, after) = b.split(self.to);
        let mut x = Vec::with_capacity(self.inputs.len());
        (0..rows).all(|row| {
            x.clear();
            x.extend(self.inputs.iter().map(|&(at, _)| T::from_f64(before[at * rows + row])));
            let scaled = self.scale(&mut x).is_ok();
            for (to, x) in after[row..].iter_mut().step_by(rows).zip(&x) {
                *to = x.to_f64();
            }
            scaled
        })
    }
}

impl Op for Normalize {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        let done = if self.single { self.run_row(x32, numbers) } else { self.run_row(x64, numbers) };
        done.map_err(|bad| {
            let column = schema.columns().get(self.inputs[bad].1).map_or("?", |c| c.name.as_str());
            let what = "the value is not finite when its row is normalised";
            InputError::cell(InputCode::NotFinite, row, column, what)
        })
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        if self.single { self.run_block::<f32>(b) } else { self.run_block::<f64>(b) }
    }
}
