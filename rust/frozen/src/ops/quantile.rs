//! The share of training values below a cell, given as it is or as the normal distribution has it.

use std::sync::Arc;

use ferroflow_core::Float;
use ferroflow_core::quantile::{Curve, Output};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Quantile {
    single: bool,
    output: Output,
    columns: Vec<(usize, usize, Curve)>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let output = match r.fields.text("output")?.as_str() {
        "uniform" => Output::Uniform,
        "normal" => Output::Normal,
        other => return invalid(format!("{} has the output '{other}'", r.place())),
    };
    let (width, n, quantiles) = r.tensors.matrix(&r.fields.text("quantiles")?)?;
    let references: Arc<[f64]> = r.tensors.numbers(&r.fields.text("references")?, false)?.into();
    r.fits("quantiles", width, r.input.len())?;
    r.fits("references", references.len(), n)?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for (j, line) in r.input.iter().enumerate() {
        let Ok(curve) = Curve::new(quantiles[j * n..(j + 1) * n].to_vec(), references.clone()) else {
            return invalid(format!("the quantiles of {} are not in order", r.place()));
        };
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push((from, to, curve));
        lines.push(Line { slot, ..*line });
    }
    Ok((Box::new(Quantile { single, output, columns }), lines))
}

impl Quantile {
    fn cell(&self, x: f64, curve: &Curve) -> f64 {
        if self.single {
            curve.apply(f32::from_f64(x), self.output).to_f64()
        } else {
            curve.apply(x, self.output)
        }
    }
}

impl Op for Quantile {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for (from, to, curve) in &self.columns {
            s.numbers[*to] = self.cell(s.numbers[*from], curve);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for (from, to, curve) in &self.columns {
            b.map(*from, *to, |x| self.cell(x, curve));
        }
        true
    }
}
