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
        let (mut x, mut out) = (vec![0.0; self.inputs.len()], vec![0.0; self.width]);
        let mut work = Vec::new();
        (0..rows).all(|i| {
            for (x, at) in x.iter_mut().zip(&self.inputs) {
                *x = before[at * rows + i];
            }
            let done = self.function.of(&x, &mut work, &mut out);
            for (k, out) in out.iter().enumerate() {
                after[k * rows + i] = *out;
            }
            done
        })
    }
}
