//! The ops on a block of rows, column by column: the arithmetic of `row`, in the same order for each row, so the same
//! bits. A block with a row that would be refused, or that this way does not know, is given back to go row by row.

use ferroflow_core::{Float, linear, simd};

use super::{LinearOp, Lookup, Marker, Op, REFUSE, ScaleBy, ScaleColumn, Weights, ZEROS};
use crate::block::Block;
use crate::graph::Slot;

/// Rows whose scores are summed side by side: a vector of the widest registers for each of the eight lanes.
const TOGETHER: usize = 8;

impl Op {
    /// Runs on the slots of a block's rows; `false` if it has to go row by row.
    pub fn run_block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        match self {
            Self::Impute { columns, marker: None } => simd::run(
                #[inline(always)]
                || {
                    for &(from, to, fill) in columns {
                        b.map(from, to, |x| if x.is_nan() { fill } else { x });
                    }
                },
            ),
            #[allow(clippy::float_cmp, reason = "the marker is that very number")]
            Self::Impute { columns, marker: Some(marker) } => simd::run(
                #[inline(always)]
                || {
                    for &(from, to, fill) in columns {
                        b.map(from, to, |x| if x == *marker { fill } else { x });
                    }
                },
            ),
            Self::Indicator(op) => {
                for &(from, to) in &op.columns {
                    #[allow(clippy::float_cmp, reason = "the marker is that very number")]
                    match (&op.marker, from) {
                        (Marker::Missing, Slot::Number(at)) => b.map(at, to, |x| truth(x.is_nan())),
                        (Marker::Number(v), Slot::Number(at)) => b.map(at, to, |x| truth(x == *v)),
                        (Marker::Missing, Slot::Text(at)) => b.map_texts(at, to, |x| truth(x.is_none())),
                        (Marker::Text(v), Slot::Text(at)) => {
                            b.map_texts(at, to, |x| truth(x == Some(v.as_str())))
                        }
                        _ => return false,
                    }
                }
            }
            Self::Scale(op) => simd::run(
                #[inline(always)]
                || {
                    for c in &op.columns {
                        if op.single {
                            scaled::<f32>(b, c, op.by);
                        } else {
                            scaled::<f64>(b, c, op.by);
                        }
                    }
                },
            ),
            Self::OneHot(op) => {
                for c in &op.columns {
                    if !b.look_up(&c.lookup, c.from, c.codes.len() - 2) {
                        return false;
                    }
                    let (found, out) = b.found(c.to, c.width);
                    out.fill(0.0);
                    let rows = found.len();
                    for (i, &at) in found.iter().enumerate() {
                        match c.codes[at] {
                            REFUSE => return false,
                            ZEROS => {}
                            code => out[code as usize * rows + i] = 1.0,
                        }
                    }
                }
            }
            Self::Ordinal(op) => {
                for c in &op.columns {
                    let n = c.values.len() - 2;
                    if !b.look_up(&c.lookup, c.from, n) {
                        return false;
                    }
                    let (found, out) = b.found(c.to, 1);
                    for (&at, out) in found.iter().zip(out) {
                        if (at == n && c.refuse_missing) || (at == n + 1 && c.refuse_unknown) {
                            return false;
                        }
                        *out = c.values[at];
                    }
                }
            }
            Self::Linear(op) => {
                return simd::run(
                    #[inline(always)]
                    || match &op.weights {
                        Weights::Double(weights, bias) => scores(op, weights, bias, b),
                        Weights::Single(weights, bias) => scores(op, weights, bias, b),
                    },
                );
            }
            Self::ImputeText { columns, marker } => {
                for (from, to, fill) in columns {
                    b.fill_texts(*from, *to, |x| match (x, marker) {
                        (None, None) => Some(fill.as_str()),
                        (Some(text), Some(marker)) if text == marker => Some(fill.as_str()),
                        _ => x,
                    });
                }
            }
        }
        true
    }
}

#[inline(always)]
fn truth(hit: bool) -> f64 {
    f64::from(u8::from(hit))
}

/// One column by the arithmetic of the core's `scale::apply_row`.
#[inline(always)]
fn scaled<T: Float>(b: &mut Block<'_>, c: &ScaleColumn, by: ScaleBy) {
    let (m, s) = (T::from_f64(c.mean), T::from_f64(c.scale));
    let (from, to) = (c.from, c.to);
    match (by.center, by.divide, by.multiply) {
        (_, _, true) => b.map(from, to, |x| (T::from_f64(x) * s).to_f64()),
        (true, true, _) => b.map(from, to, |x| ((T::from_f64(x) - m) / s).to_f64()),
        (true, false, _) => b.map(from, to, |x| (T::from_f64(x) - m).to_f64()),
        (false, true, _) => b.map(from, to, |x| (T::from_f64(x) / s).to_f64()),
        (false, false, _) => b.map(from, to, |x| T::from_f64(x).to_f64()),
    }
}

/// [`linear::score`] of every row and output; `false` if a score is not finite, which it is not if an input is not.
#[inline(always)]
fn scores<T: Float>(op: &LinearOp, weights: &[T], bias: &[T], b: &mut Block<'_>) -> bool {
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

impl Block<'_> {
    /// Notes for every row where its cell stands among the categories; `n` if missing, `n + 1` if unknown.
    fn look_up(&mut self, lookup: &Lookup, from: Slot, n: usize) -> bool {
        match (lookup, from) {
            (Lookup::Numbers(map), Slot::Number(at)) => self.note_numbers(at, |v| {
                if v.is_nan() { n } else { map.get(&(v + 0.0).to_bits()).copied().unwrap_or(n + 1) }
            }),
            (Lookup::Texts(map), Slot::Text(at)) => self.note_texts(at, |text| match text {
                None => n,
                Some(text) => map.get(text).copied().unwrap_or(n + 1),
            }),
            _ => return false,
        }
        true
    }
}
