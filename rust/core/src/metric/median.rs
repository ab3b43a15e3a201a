//! The median absolute error, exactly and without an array of all errors.
//!
//! A sample brackets the two middle errors at four standard errors. One pass counts the errors below the bracket and
//! keeps those inside, among which the middle ones are selected; a bracket that misses them falls back to a selection
//! among all.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::numbers::{BLOCK, Numbers};
use crate::metric::regression::{Room, pieces};
use crate::simd;

/// Rows below which all errors are simply selected in.
const SELECT_BELOW: usize = 1 << 14;
/// Errors in the sample: about 6% of all then fall into the bracket.
const SAMPLE: usize = 1 << 12;

/// The median of `|t - p|` of each column; NaN if a value is not finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn medians(t: &Numbers<'_>, p: &Numbers<'_>, exec: &Exec<'_>) -> Result<Vec<f64>> {
    (0..t.columns()).map(|j| median(t, p, j, exec)).collect()
}

fn median(t: &Numbers<'_>, p: &Numbers<'_>, column: usize, exec: &Exec<'_>) -> Result<f64> {
    let n = t.rows();
    // Both middle ranks; the same one of an odd number.
    let (low, high) = ((n - 1) / 2, n / 2);
    let bracket = if n < SELECT_BELOW { (0.0, f64::INFINITY) } else { bracket(t, p, column) };
    for bracket in [bracket, (0.0, f64::INFINITY)] {
        let parts = pieces(t, exec, |rows| inside(t, p, column, rows, bracket))?;
        if parts.iter().any(|part| !part.finite) {
            return Ok(f64::NAN);
        }
        let below: usize = parts.iter().map(|part| part.below).sum();
        let mut kept: Vec<f64> = Vec::with_capacity(parts.iter().map(|part| part.kept.len()).sum());
        parts.iter().for_each(|part| kept.extend_from_slice(&part.kept));
        if low >= below && high < below + kept.len() {
            let (_, a, above) = kept.select_nth_unstable_by(low - below, f64::total_cmp);
            let b = if high > low { above.iter().copied().fold(f64::INFINITY, f64::min) } else { *a };
            return Ok(if high > low { (*a + b) / 2.0 } else { *a });
        }
    }
    Ok(f64::NAN)
}

/// Values that are almost surely below and above both middle errors.
fn bracket(t: &Numbers<'_>, p: &Numbers<'_>, column: usize) -> (f64, f64) {
    let n = t.rows();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut sample: Vec<f64> = (0..SAMPLE)
        .map(|i| {
            // One row of each of as many equal parts, at a place that no pattern in the data follows.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (begin, end) = (i * n / SAMPLE, (i + 1) * n / SAMPLE);
            let row = begin + (state >> 33) as usize % (end - begin);
            let (mut a, mut b) = ([0.0], [0.0]);
            (t.column(column, row, &mut a)[0] - p.column(column, row, &mut b)[0]).abs()
        })
        .collect();
    // The rank's standard error is half the root of the sample's size.
    let off = 2 * SAMPLE.isqrt();
    let (_, low, above) = sample.select_nth_unstable_by(SAMPLE / 2 - off, f64::total_cmp);
    let (_, high, _) = above.select_nth_unstable_by(2 * off - 1, f64::total_cmp);
    (*low, *high)
}

/// How the errors of some rows lie about the bracket.
struct Part {
    below: usize,
    kept: Vec<f64>,
    finite: bool,
}

fn inside(
    t: &Numbers<'_>,
    p: &Numbers<'_>,
    column: usize,
    rows: std::ops::Range<usize>,
    bracket: (f64, f64),
) -> Part {
    let mut room = Room::default();
    let mut part = Part { below: 0, kept: Vec::new(), finite: true };
    for begin in rows.clone().step_by(BLOCK) {
        let n = (rows.end - begin).min(BLOCK);
        let [a, b, c, d] = room.cut(n);
        let (t, p) = (t.column(column, begin, a), p.column(column, begin, b));
        let (below, finite) = simd::dispatch!(errors(t, p, bracket.0, c));
        let kept = simd::keep_within(c, bracket, d);
        part.below += below;
        part.finite &= finite;
        part.kept.extend_from_slice(&d[..kept]);
    }
    part
}

/// The errors; how many are below `low`, and whether all are finite.
#[inline(always)]
fn errors(t: &[f64], p: &[f64], low: f64, out: &mut [f64]) -> (usize, bool) {
    let n = t.len();
    let (p, out) = (&p[..n], &mut out[..n]);
    let (mut below, mut finite) = (0_u64, true);
    for i in 0..n {
        out[i] = (t[i] - p[i]).abs();
        below += u64::from(out[i] < low);
        finite &= out[i] < f64::INFINITY;
    }
    (below as usize, finite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;

    fn found(t: &[f64], p: &[f64]) -> f64 {
        let view = |x| Numbers::F64(ArrayView2::from_shape((t.len(), 1), x).unwrap());
        medians(&view(t), &view(p), &Exec::serial()).unwrap()[0]
    }

    #[test]
    fn hard_errors_of_few_and_many_rows() {
        let mut rng = crate::random::Mt19937::new(0);
        for n in [1, 2, 3, 10, SELECT_BELOW, SELECT_BELOW + 1, 100_001] {
            for kind in 0..5 {
                let t: Vec<f64> = (0..n)
                    .map(|i| match kind {
                        0 => rng.next_f64(),
                        1 => (rng.next_f64() * 2.0).floor(),
                        2 => i as f64,
                        3 if i < n / 2 => 1e300,
                        3 => rng.next_f64(),
                        _ => 7.0,
                    })
                    .collect();
                let p = vec![0.25; n];
                let mut errors: Vec<f64> = t.iter().map(|t| (t - 0.25).abs()).collect();
                errors.sort_unstable_by(f64::total_cmp);
                let expected = (errors[(n - 1) / 2] + errors[n / 2]) / 2.0;
                assert!((found(&t, &p) - expected).abs() <= 1e-15 * expected, "{n} {kind}");
            }
        }
        for n in [10, 100_000] {
            let mut t = vec![1.0; n];
            t[n / 2] = f64::NAN;
            assert!(found(&t, &vec![0.0; n]).is_nan());
        }
    }
}
