//! A line from point to point for each column, level beyond the first and the last.

use ferroflow_core::Float;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Piecewise {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    single: bool,
    x: Vec<f64>,
    y: Vec<f64>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let x = r.tensors.numbers(&fields.text("x")?, false)?;
        let y = r.tensors.numbers(&fields.text("y")?, false)?;
        fields.end()?;
        r.fits("y", y.len(), x.len())?;
        if x.is_empty() || x.windows(2).any(|w| w[0] >= w[1]) {
            return invalid(format!("the points of {} do not rise", r.place()));
        }
        let from = r.number_of(line)?;
        r.compiler.refuse_missing(line);
        let to = r.compiler.n_numbers;
        lines.push(Line { slot: r.compiler.number(), source: line.source, open: false });
        columns.push(Column { from, to, single, x, y });
    }
    Ok((Box::new(Piecewise { columns }), lines))
}

impl Column {
    #[allow(clippy::float_cmp, reason = "a point's own value has its own height")]
    fn height(&self, v: f64) -> f64 {
        let v = if self.single { f32::from_f64(v).to_f64() } else { v };
        if v.is_nan() {
            return v;
        }
        // The points at or below v.
        let below = self.x.partition_point(|x| *x <= v);
        let height = match below {
            0 => self.y[0],
            n if n == self.x.len() => self.y[n - 1],
            n => {
                let (x, y) = (&self.x[n - 1..=n], &self.y[n - 1..=n]);
                if x[0] == v { y[0] } else { (y[1] - y[0]) / (x[1] - x[0]) * (v - x[0]) + y[0] }
            }
        };
        if self.single { f32::from_f64(height).to_f64() } else { height }
    }
}

impl Op for Piecewise {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            s.numbers[c.to] = c.height(s.numbers[c.from]);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            b.map(c.from, c.to, |v| c.height(v));
        }
        true
    }
}
