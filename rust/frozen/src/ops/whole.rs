//! Ops that make some numbers of all the numbers of a row.

use std::fmt::Debug;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputError, LoadError};
use crate::graph::{Line, Scratch, Slot};
use crate::schema::Schema;

/// What such an op computes.
pub trait Function: Debug + Send + Sync {
    /// `out` of the numbers of one row; `work` is room to use. `false` refuses the row.
    fn of(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool;

    /// The same of one row or more that stand one after the other, as do their results.
    fn of_each(&self, rows: usize, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool {
        let (width, outputs) = (x.len() / rows, out.len() / rows);
        (0..rows).all(|i| {
            let out = &mut out[i * outputs..(i + 1) * outputs];
            self.of(&x[i * width..(i + 1) * width], work, out)
        })
    }
}

#[derive(Debug)]
struct Whole {
    inputs: Vec<usize>,
    to: usize,
    width: usize,
    function: Box<dyn Function>,
}

impl OpReader<'_, '_, '_> {
    /// An op that makes `width` numbers of each row, and takes no missing ones.
    pub fn whole(&mut self, width: usize, function: Box<dyn Function>) -> Made {
        self.compiler.check_width(width)?;
        let input = self.input;
        let inputs = input.iter().map(|line| self.number_of(line)).collect::<Result<_, LoadError>>()?;
        input.iter().for_each(|line| self.compiler.refuse_missing(line));
        let to = self.compiler.n_numbers;
        let line = |slot: Slot| Line { slot, source: usize::MAX, open: false };
        let lines = (0..width).map(|_| line(self.compiler.number())).collect();
        Ok((Box::new(Whole { inputs, to, width, function }), lines))
    }
}

impl Op for Whole {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, _: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, work, .. } = s;
        x64.clear();
        x64.extend(self.inputs.iter().map(|&at| numbers[at]));
        let out = &mut numbers[self.to..self.to + self.width];
        if self.function.of(x64, work, out) { Ok(()) } else { Err(InputError::overflow(row)) }
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        let rows = b.rows();
        let (before, after) = b.split(self.to);
        let (n, width) = (self.inputs.len(), self.width);
        let (mut x, mut out) = (vec![0.0; rows * n], vec![0.0; rows * width]);
        for (j, at) in self.inputs.iter().enumerate() {
            let column = &before[at * rows..(at + 1) * rows];
            x.iter_mut().skip(j).step_by(n).zip(column).for_each(|(x, cell)| *x = *cell);
        }
        let done = self.function.of_each(rows, &x, &mut Vec::new(), &mut out);
        for (k, column) in after.chunks_exact_mut(rows).take(width).enumerate() {
            column.iter_mut().zip(out.iter().skip(k).step_by(width)).for_each(|(cell, out)| *cell = *out);
        }
        done
    }
}
