//! The mean of several values, column by column.

use ferroflow_core::Float;

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;

#[derive(Debug)]
struct Mean {
    single: bool,
    /// One for each value, and their sum.
    weights: Option<(Vec<f64>, f64)>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let (parts, columns) = (r.fields.size("parts")?, r.input.len());
    if parts == 0 || !columns.is_multiple_of(parts) {
        return invalid(format!("{} has {columns} columns for {parts} parts", r.place()));
    }
    let weights = r.maybe_numbers("weights", parts)?.map(|w| {
        let sum = w.iter().sum();
        (w, sum)
    });
    r.whole(columns / parts, Box::new(Mean { single, weights }))
}

impl Mean {
    fn mean<T: Float>(&self, x: &[f64], out: &mut [f64]) {
        let width = out.len();
        for (j, out) in out.iter_mut().enumerate() {
            let parts = x.iter().skip(j).step_by(width).map(|&x| T::from_f64(x));
            let (sum, by) = match &self.weights {
                Some((weights, sum)) => {
                    let weighted = parts.zip(weights).map(|(x, &w)| x * T::from_f64(w));
                    (weighted.fold(T::ZERO, |a, b| a + b), *sum)
                }
                None => {
                    let n = (x.len() / width) as f64;
                    (parts.fold(T::ZERO, |a, b| a + b), n)
                }
            };
            *out = (sum / T::from_f64(by)).to_f64();
        }
    }
}

impl Function for Mean {
    fn of(&self, x: &[f64], _: &mut Vec<f64>, out: &mut [f64]) -> bool {
        if self.single {
            self.mean::<f32>(x, out);
        } else {
            self.mean::<f64>(x, out);
        }
        out.iter().all(|v| v.is_finite())
    }
}
