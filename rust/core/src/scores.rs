//! Linear scores of many rows, and the probabilities of scores: `crate::linear` row by row, so the bits are those of a
//! frozen model.

use ndarray::ArrayView2;

use crate::descent::Csr;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::linear;
use crate::simd;

/// Products below which threads cost more than they bring.
const SERIAL_BELOW: usize = 200_000;
/// Products of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;

/// Weights, output by output, and the intercepts.
#[derive(Clone, Copy)]
pub struct Linear<'a, T> {
    /// `bias.len()` rows of as many weights as there are columns.
    pub weights: &'a [T],
    /// An intercept for each.
    pub bias: &'a [T],
}

#[inline(always)]
fn of_rows<T: Float>(values: &[T], columns: usize, model: Linear<'_, T>, out: &mut [T]) {
    let outputs = model.bias.len();
    for (x, out) in values.chunks_exact(columns).zip(out.chunks_exact_mut(outputs)) {
        for ((w, b), out) in model.weights.chunks_exact(columns).zip(model.bias).zip(out) {
            *out = linear::score(x, w, *b);
        }
    }
}

/// e^x of each value, in place, with the bits of [`Float::exp`].
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn exponentials<T: Float>(values: &mut [T], exec: &Exec<'_>) -> Result<()> {
    let exec = exec.only_if(values.len() >= PIECE);
    exec.for_each_piece(values, PIECE / 8, |_, piece| simd::dispatch!(T::exp_each(piece)))
}

fn pieces(rows: usize, products: usize) -> (usize, bool) {
    let per_row = products / rows.max(1);
    ((PIECE / per_row.max(1)).max(1), products >= SERIAL_BELOW)
}

/// The scores of dense rows of any layout into `out`, row by row.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn dense<T: Float>(
    x: ArrayView2<'_, T>,
    model: Linear<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let (columns, outputs) = (x.ncols(), model.bias.len());
    if columns == 0 || outputs == 0 {
        return Ok(());
    }
    let (rows, parallel) = pieces(x.nrows(), x.len() * outputs);
    exec.only_if(parallel).for_each_piece(out, rows * outputs, |i, out| {
        let begin = i * rows;
        let part = x.slice(ndarray::s![begin..begin + out.len() / outputs, ..]);
        if let Some(values) = part.as_slice() {
            simd::dispatch!(of_rows(values, columns, model, out));
        } else {
            let mut row = vec![T::ZERO; columns];
            for (x, out) in part.outer_iter().zip(out.chunks_exact_mut(outputs)) {
                for (to, from) in row.iter_mut().zip(x) {
                    *to = *from;
                }
                simd::dispatch!(of_rows(&row, columns, model, out));
            }
        }
    })
}

/// The scores of CSR rows with rising column numbers into `out`, row by row.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn sparse<T: Float>(
    x: &Csr<'_, T>,
    columns: usize,
    stored: usize,
    model: Linear<'_, T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let outputs = model.bias.len();
    if columns == 0 || outputs == 0 {
        return Ok(());
    }
    let (rows, parallel) = pieces(out.len() / outputs, stored * outputs);
    exec.only_if(parallel).for_each_piece(out, rows * outputs, |i, out| {
        for (r, out) in out.chunks_exact_mut(outputs).enumerate() {
            let (indices, values) = x.row(i * rows + r);
            for ((w, b), out) in model.weights.chunks_exact(columns).zip(model.bias).zip(out) {
                *out = linear::score_sparse(indices, values, w, *b);
            }
        }
    })
}

/// Probabilities from scores, row by row: 1 - s and s of one score (s = sigmoid), the softmax of several.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn probabilities<T: Float>(scores: &[T], outputs: usize, out: &mut [T], exec: &Exec<'_>) -> Result<()> {
    let exec = exec.only_if(scores.len() >= SERIAL_BELOW / 10);
    if outputs == 1 {
        return exec.for_each_piece(out, 2 * PIECE / 8, |i, out| {
            let mut p = scores[i * PIECE / 8..][..out.len() / 2].to_vec();
            simd::dispatch!(linear::sigmoid_each(&mut p));
            for (p, out) in p.iter().zip(out.chunks_exact_mut(2)) {
                (out[0], out[1]) = (T::ONE - *p, *p);
            }
        });
    }
    let rows = (PIECE / 8 / outputs.max(1)).max(1);
    exec.for_each_piece(out, rows * outputs, |i, out| {
        let begin = i * rows * outputs;
        out.copy_from_slice(&scores[begin..begin + out.len()]);
        simd::dispatch!(linear::softmax_each(out, outputs));
    })
}
