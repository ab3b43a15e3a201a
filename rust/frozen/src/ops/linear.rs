//! Weighted sums of all columns.

use ferroflow_core::{Float, linear, simd};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

/// Rows whose scores are summed side by side: a vector of the widest registers for each of the eight lanes.
const TOGETHER: usize = 8;

#[derive(Debug)]
struct Linear {
    inputs: Vec<(usize, usize)>,
    weights: Weights,
    to: usize,
}

#[derive(Debug)]
enum Weights {
    Double(Vec<f64>, Vec<f64>),
    Single(Vec<f32>, Vec<f32>),
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let (rows, width, weights) = r.tensors.matrix(&r.fields.text("weights")?)?;
    let bias = r.tensors.numbers(&r.fields.text("bias")?, false)?;
    r.fits("weights", width, r.input.len())?;
    r.fits("bias", bias.len(), rows)?;
    r.compiler.check_width(rows)?;
    let mut inputs = Vec::new();
    for line in r.input {
        inputs.push((r.number_of(line)?, line.source));
        r.compiler.refuse_missing(line);
    }
    let to = r.compiler.n_numbers;
    let mut lines = Vec::new();
    for _ in 0..rows {
        let slot = r.compiler.number();
        lines.push(Line { slot, source: usize::MAX, open: false });
    }
    let weights = if single {
        let narrow = |v: &[f64]| v.iter().map(|&x| f32::from_f64(x)).collect::<Vec<_>>();
        let (w, b) = (narrow(&weights), narrow(&bias));
        if w.iter().chain(&b).any(|x| !x.is_finite()) {
            return invalid(format!("a weight of {} is too large", r.place()));
        }
        Weights::Single(w, b)
    } else {
        Weights::Double(weights, bias)
    };
    Ok((Box::new(Linear { inputs, weights, to }), lines))
}

impl Op for Linear {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        let overflow = |source: usize| {
            let column = schema.columns().get(source).map_or("?", |c| c.name.as_str());
            Err(InputError::cell(
                InputCode::NotFinite,
                row,
                column,
                "the value is not finite when it reaches the model",
            ))
        };
        match &self.weights {
            Weights::Double(weights, bias) => {
                x64.clear();
                x64.reserve(self.inputs.len());
                for &(at, source) in &self.inputs {
                    if !numbers[at].is_finite() {
                        return overflow(source);
                    }
                    x64.push(numbers[at]);
                }
                row_scores(x64, weights, bias, &mut numbers[self.to..self.to + bias.len()]);
            }
            Weights::Single(weights, bias) => {
                x32.clear();
                x32.reserve(self.inputs.len());
                for &(at, source) in &self.inputs {
                    let x = f32::from_f64(numbers[at]);
                    if !x.is_finite() {
                        return overflow(source);
                    }
                    x32.push(x);
                }
                row_scores(x32, weights, bias, &mut numbers[self.to..self.to + bias.len()]);
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        simd::run(
            #[inline(always)]
            || match &self.weights {
                Weights::Double(weights, bias) => block_scores(self, weights, bias, b),
                Weights::Single(weights, bias) => block_scores(self, weights, bias, b),
            },
        )
    }
}

#[inline(always)]
fn row_scores<T: Float>(x: &[T], weights: &[T], bias: &[T], out: &mut [f64]) {
    for ((w, &b), out) in weights.chunks_exact(x.len().max(1)).zip(bias).zip(out.iter_mut()) {
        *out = linear::score(x, w, b).to_f64();
    }
    if x.is_empty() {
        for (&b, out) in bias.iter().zip(out) {
            *out = b.to_f64();
        }
    }
}

/// [`linear::score`] of every row and output; `false` if a score is not finite, which it is not if an input is not.
#[inline(always)]
fn block_scores<T: Float>(op: &Linear, weights: &[T], bias: &[T], b: &mut Block<'_>) -> bool {
    let rows = b.rows();
    // The first numbers of an input's column and of the outputs lie apart: outputs come after all inputs.
    let (before, after) = b.split(op.to);
    let width = op.inputs.len();
    if bias.is_empty() || width == 0 {
        return false;
    }
    let mut finite = true;
    for ((w, &bias), out) in weights.chunks_exact(width).zip(bias).zip(after.chunks_exact_mut(rows)) {
        let mut chunks = out.chunks_exact_mut(TOGETHER);
        let mut row = 0;
        for out in &mut chunks {
            let mut lanes = [[T::ZERO; TOGETHER]; linear::LANES];
            let (eights, rest) = op.inputs.as_chunks::<{ linear::LANES }>();
            let (w_eights, w_rest) = w.as_chunks::<{ linear::LANES }>();
            for (inputs, w) in eights.iter().zip(w_eights) {
                for k in 0..linear::LANES {
                    add(&mut lanes[k], before, inputs[k].0 * rows + row, w[k]);
                }
            }
            for (lane, (input, &w)) in lanes.iter_mut().zip(rest.iter().zip(w_rest)) {
                add(lane, before, input.0 * rows + row, w);
            }
            for r in 0..TOGETHER {
                let sum = linear::add_lanes([
                    lanes[0][r],
                    lanes[1][r],
                    lanes[2][r],
                    lanes[3][r],
                    lanes[4][r],
                    lanes[5][r],
                    lanes[6][r],
                    lanes[7][r],
                ]);
                out[r] = (sum + bias).to_f64();
                finite &= out[r].is_finite();
            }
            row += TOGETHER;
        }
        for out in chunks.into_remainder() {
            let mut lanes = [T::ZERO; linear::LANES];
            for (j, (input, &w)) in op.inputs.iter().zip(w).enumerate() {
                lanes[j % linear::LANES] += T::from_f64(before[input.0 * rows + row]) * w;
            }
            *out = (linear::add_lanes(lanes) + bias).to_f64();
            finite &= out.is_finite();
            row += 1;
        }
    }
    finite
}

#[inline(always)]
fn add<T: Float>(lane: &mut [T; TOGETHER], numbers: &[f64], at: usize, w: T) {
    let x = &numbers[at..at + TOGETHER];
    for r in 0..TOGETHER {
        lane[r] += T::from_f64(x[r]) * w;
    }
}
