//! A layer of a neural network: f(x W + b) of rows, with the bits of [`crate::linear::score`] for each output, so of a
//! frozen model's. W has a row for each input: outputs lie side by side, and a register holds lane k of many.

use ndarray::ArrayView2;

use crate::activation::Activation;
use crate::descent::Csr;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::linear::{LANES, add_lanes, add_vectors};
use crate::simd;

/// Products below which threads cost more than they bring.
const SERIAL_BELOW: usize = 200_000;
/// Rows of a piece, the unit that a thread takes.
const PIECE: usize = 128;
/// Rows whose sums are made side by side, where there are few.
const TOGETHER: usize = 2;
/// The same where there are so many that inputs and weights are worth laying out anew.
const MANY: usize = 8;

/// Weights and what comes after.
#[derive(Clone, Copy)]
pub struct Layer<'a, T> {
    /// A row for each input, of as many weights as there are biases.
    pub weights: &'a [T],
    /// One for each output.
    pub bias: &'a [T],
    /// f
    pub activation: Activation,
}

/// The lanes' sums of two rows for the `V` outputs from `at` on.
#[inline(always)]
fn tile<T: Float, const V: usize>(
    x: [&[T]; TOGETHER],
    weights: &[T],
    outputs: usize,
    at: usize,
) -> [[T; V]; TOGETHER] {
    let mut lanes = [[[T::ZERO; V]; LANES]; TOGETHER];
    let mut groups = weights.chunks_exact(LANES * outputs);
    let mut begin = 0;
    for group in &mut groups {
        for k in 0..LANES {
            let Some(w) = group[k * outputs + at..].first_chunk::<V>() else { continue };
            for r in 0..TOGETHER {
                let x = x[r][begin + k];
                for v in 0..V {
                    lanes[r][k][v] += x * w[v];
                }
            }
        }
        begin += LANES;
    }
    for (k, w) in groups.remainder().chunks_exact(outputs).enumerate() {
        let Some(w) = w[at..].first_chunk::<V>() else { continue };
        for r in 0..TOGETHER {
            let x = x[r][begin + k];
            for v in 0..V {
                lanes[r][k][v] += x * w[v];
            }
        }
    }
    lanes.map(add_vectors)
}

/// One output of one row.
#[inline(always)]
fn single<T: Float>(x: &[T], weights: &[T], outputs: usize, at: usize) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (j, (x, w)) in x.iter().zip(weights.chunks_exact(outputs)).enumerate() {
        lanes[j % LANES] += *x * w[at];
    }
    add_lanes(lanes)
}

#[inline(always)]
fn of_rows<T: Float, const V: usize>(values: &[T], columns: usize, layer: Layer<'_, T>, out: &mut [T]) {
    let outputs = layer.bias.len();
    let rows = out.len() / outputs;
    let row = |r: usize| &values[r * columns..(r + 1) * columns];
    let tiled = outputs / V * V;
    for at in (0..tiled).step_by(V) {
        for r in (0..rows).step_by(TOGETHER) {
            // The last row stands for the one that is missing beside it.
            let second = (r + 1).min(rows - 1);
            let sums = tile::<T, V>([row(r), row(second)], layer.weights, outputs, at);
            for (r, sums) in [r, second].into_iter().zip(sums) {
                for v in 0..V {
                    out[r * outputs + at + v] = sums[v] + layer.bias[at + v];
                }
            }
        }
    }
    for r in 0..rows {
        for at in tiled..outputs {
            out[r * outputs + at] = single(row(r), layer.weights, outputs, at) + layer.bias[at];
        }
    }
}

/// One lane's sums of `MANY` rows for `V` outputs, from the lane's values of all rows, and its weights, group by group.
/// Arrays of their own stay in registers; those in an array do not.
#[inline(always)]
fn lane<T: Float, const V: usize>(x: &[[T; MANY]], weights: &[[T; V]]) -> [[T; V]; MANY] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = [[T::ZERO; V]; MANY];
    for (x, w) in x.iter().zip(weights) {
        for v in 0..V {
            a[v] += x[0] * w[v];
            b[v] += x[1] * w[v];
            c[v] += x[2] * w[v];
            d[v] += x[3] * w[v];
            e[v] += x[4] * w[v];
            f[v] += x[5] * w[v];
            g[v] += x[6] * w[v];
            h[v] += x[7] * w[v];
        }
    }
    [a, b, c, d, e, f, g, h]
}

/// The sums of `MANY` rows for `V` outputs; `x` and `weights` hold lane after lane. One lane at a time leaves registers
/// for many rows, which share the weights.
#[inline(always)]
fn block<T: Float, const V: usize>(x: &[[T; MANY]], weights: &[[T; V]], groups: usize) -> [[T; V]; MANY] {
    let mut l = [[[T::ZERO; V]; MANY]; LANES];
    for (k, to) in l.iter_mut().enumerate() {
        let group = k * groups..(k + 1) * groups;
        *to = lane(&x[group.clone()], &weights[group]);
    }
    let mut sums = [[T::ZERO; V]; MANY];
    for r in 0..MANY {
        sums[r] = add_vectors([l[0][r], l[1][r], l[2][r], l[3][r], l[4][r], l[5][r], l[6][r], l[7][r]]);
    }
    sums
}

/// The same as [`of_rows`] by way of [`block`]. What is missing in the last group, block or register is zero, which
/// changes no sum.
#[inline(always)]
fn of_many_rows<T: Float, const V: usize>(values: &[T], columns: usize, layer: Layer<'_, T>, out: &mut [T]) {
    let outputs = layer.bias.len();
    let groups = columns.div_ceil(LANES);
    let size = groups * LANES;
    let rows = out.len() / outputs;
    let place = |j: usize| j % LANES * groups + j / LANES;
    let mut x = vec![[T::ZERO; MANY]; rows.div_ceil(MANY) * size];
    for (r, row) in values.chunks_exact(columns).enumerate() {
        let x = &mut x[r / MANY * size..][..size];
        for (j, value) in row.iter().enumerate() {
            x[place(j)][r % MANY] = *value;
        }
    }
    let mut weights = vec![[T::ZERO; V]; size];
    for at in (0..outputs).step_by(V) {
        let n = V.min(outputs - at);
        for (j, row) in layer.weights.chunks_exact(outputs).enumerate() {
            let to = &mut weights[place(j)];
            to[..n].copy_from_slice(&row[at..at + n]);
            to[n..].fill(T::ZERO);
        }
        for (x, out) in x.chunks_exact(size).zip(out.chunks_mut(MANY * outputs)) {
            let sums = block::<T, V>(x, &weights, groups);
            for (sums, out) in sums.iter().zip(out.chunks_exact_mut(outputs)) {
                for v in 0..n {
                    out[at + v] = sums[v] + layer.bias[at + v];
                }
            }
        }
    }
}

/// The values of dense rows of any layout into `out`, row by row; `V` outputs fill a register.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn dense<T: Float, const V: usize>(
    x: ArrayView2<'_, T>,
    layer: Layer<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let (columns, outputs) = (x.ncols(), layer.bias.len());
    exec.only_if(x.len() * outputs >= SERIAL_BELOW).for_each_piece(out, PIECE * outputs, |i, out| {
        let begin = i * PIECE;
        let part = x.slice(ndarray::s![begin..begin + out.len() / outputs, ..]);
        let copied: Vec<T>;
        let values = if let Some(values) = part.as_slice() {
            values
        } else {
            copied = part.iter().copied().collect();
            &copied
        };
        if out.len() < MANY * outputs {
            simd::dispatch!(of_rows::<T, V>(values, columns, layer, out));
        } else {
            simd::dispatch!(of_many_rows::<T, V>(values, columns, layer, out));
        }
        layer.activation.each(out);
    })
}

/// The values of CSR rows with rising column numbers into `out`, row by row.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn sparse<T: Float>(
    x: &Csr<'_, T>,
    stored: usize,
    layer: Layer<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let outputs = layer.bias.len();
    exec.only_if(stored * outputs >= SERIAL_BELOW).for_each_piece(out, PIECE * outputs, |i, out| {
        let mut lanes = vec![T::ZERO; LANES * outputs];
        for (r, out) in out.chunks_exact_mut(outputs).enumerate() {
            let (indices, values) = x.row(i * PIECE + r);
            of_sparse_row(indices, values, layer, &mut lanes, out);
        }
    })
}

fn of_sparse_row<T: Float>(
    indices: &[i32],
    values: &[T],
    layer: Layer<'_, T>,
    lanes: &mut [T],
    out: &mut [T],
) {
    let outputs = out.len();
    lanes.fill(T::ZERO);
    for (&j, &x) in indices.iter().zip(values) {
        let j = j as usize;
        let w = &layer.weights[j * outputs..(j + 1) * outputs];
        let lane = &mut lanes[j % LANES * outputs..][..outputs];
        for (lane, w) in lane.iter_mut().zip(w) {
            *lane += x * *w;
        }
    }
    for (o, out) in out.iter_mut().enumerate() {
        *out = add_lanes(std::array::from_fn(|k| lanes[k * outputs + o])) + layer.bias[o];
    }
    layer.activation.each(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::score;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dense_and_sparse_rows_have_the_bits_of_linear_scores(
            rows in 1usize..30,
            columns in 1usize..20,
            outputs in 1usize..20,
            seed in 0u32..1000,
        ) {
            let number = |i: usize| {
                let x = ((i as u32 + 1).wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(40_503)) % 1000;
                if x.is_multiple_of(4) { 0.0 } else { f64::from(x) / 37.0 - 11.0 }
            };
            let x: Vec<f64> = (0..rows * columns).map(number).collect();
            let weights: Vec<f64> = (0..columns * outputs).map(|i| number(i + 7000)).collect();
            let bias: Vec<f64> = (0..outputs).map(|i| number(i + 90_000)).collect();
            let layer = Layer { weights: &weights, bias: &bias, activation: Activation::Tanh };
            let mut out = vec![0.0; rows * outputs];
            let view = ArrayView2::from_shape((rows, columns), &x).unwrap();
            dense::<f64, 8>(view, layer, &mut out, &Exec::serial()).unwrap();
            for r in 0..rows {
                for o in 0..outputs {
                    let w: Vec<f64> = (0..columns).map(|j| weights[j * outputs + o]).collect();
                    let expected = Activation::Tanh.of(score(&x[r * columns..(r + 1) * columns], &w, bias[o]));
                    prop_assert_eq!(out[r * outputs + o].to_bits(), expected.to_bits());
                }
            }
            let (mut values, mut indices, mut ends) = (Vec::new(), Vec::new(), vec![0]);
            for row in x.chunks(columns) {
                for (j, x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                    values.push(*x);
                    indices.push(j as i32);
                }
                ends.push(values.len() as i64);
            }
            let mut found = vec![0.0; rows * outputs];
            let csr = Csr::new(&values, &indices, &ends, columns).unwrap();
            sparse(&csr, values.len(), layer, &mut found, &Exec::serial()).unwrap();
            for (a, b) in found.iter().zip(&out) {
                prop_assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }
}
