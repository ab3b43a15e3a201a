//! Losses of predicted probabilities: one pass over classes and probabilities.
//!
//! Log loss `-ln p[y]` with `p` kept within `[eps, 1 - eps]`, Brier score `sum_k (p[k] - [y = k])^2`, hinge loss
//! `max(0, 1 - (d[y] - max_{k != y} d[k]))`. One column stands for the second of two classes. Whether probabilities lie
//! within 0 and 1 and sum to one is seen on the way, and told.

use crate::error::Result;
use crate::exec::Exec;
use crate::logarithm::plain_ln;
use crate::metric::numbers::{BLOCK, Numbers, PIECE, SERIAL_BELOW, lane_sum};
use crate::simd;

/// What a row is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `-ln p[y]`
    Log,
    /// `sum_k (p[k] - [y = k])^2`; of one column `(p - [y = 1])^2`.
    Brier,
    /// The margin's shortfall from 1, of decisions instead of probabilities.
    Hinge,
}

/// Sum of losses and of weights; NaN if a value may not occur, or if a row's probabilities do not sum to one.
///
/// `codes` are each row's class, `columns[code]` the class's column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn charge(
    codes: &[u16],
    columns: &[u16],
    p: &Numbers<'_>,
    w: Option<&Numbers<'_>>,
    loss: Loss,
    exec: &Exec<'_>,
) -> Result<(f64, f64)> {
    let (n, k) = (codes.len(), p.columns());
    let exec = exec.only_if(n * k >= SERIAL_BELOW);
    // Blocks of about as many values, whatever the number of columns.
    let step = (BLOCK / k.max(1)).clamp(16, BLOCK);
    let parts = exec.map(n.div_ceil(PIECE), |i| {
        let rows = i * PIECE..((i + 1) * PIECE).min(n);
        let (mut scratch, mut losses, mut room) = (vec![0.0; step * k], vec![0.0; step], vec![0.0; step]);
        let mut sums = (0.0, 0.0);
        for begin in rows.clone().step_by(step) {
            let m = (rows.end - begin).min(step);
            let values = p.whole_rows(begin, &mut scratch[..m * k]);
            let (codes, losses) = (&codes[begin..begin + m], &mut losses[..m]);
            let sound = match (loss, k) {
                (Loss::Log, 1) => simd::dispatch!(own_of_one(codes, columns, values, p.is_single(), losses)),
                (Loss::Log, _) => simd::dispatch!(own_of_many(codes, columns, values, p.is_single(), losses)),
                (Loss::Brier, 1) => simd::dispatch!(brier_of_one(codes, columns, values, losses)),
                (Loss::Brier, _) => {
                    simd::dispatch!(brier_of_many(codes, columns, values, p.is_single(), losses))
                }
                (Loss::Hinge, 1) => simd::dispatch!(hinge_of_one(codes, columns, values, losses)),
                (Loss::Hinge, _) => simd::dispatch!(hinge_of_many(codes, columns, values, losses)),
            };
            let (loss, weight) = match w {
                Some(w) => {
                    if loss == Loss::Log {
                        simd::dispatch!(losses.iter_mut().for_each(|p| *p = -plain_ln(*p)));
                    }
                    let losses = &*losses;
                    let w = w.column(0, begin, &mut room[..m]);
                    simd::dispatch!((lane_sum(m, |i| w[i] * losses[i]), lane_sum(m, |i| w[i])))
                }
                None if loss == Loss::Log => (simd::dispatch!(sum_of_logs(losses)), m as f64),
                None => (simd::dispatch!(lane_sum(m, |i| losses[i])), m as f64),
            };
            sums.0 += if sound { loss } else { f64::NAN };
            sums.1 += weight;
        }
        sums
    })?;
    Ok(parts.into_iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)))
}

/// Do all rows sum to one, as far as scikit-learn's `allclose` asks, for certain?
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn sums_to_one(p: &Numbers<'_>, exec: &Exec<'_>) -> Result<bool> {
    const TOLERANCE: f64 = 0.9e-5;
    let (n, k) = (p.rows(), p.columns());
    let step = (BLOCK / k.max(1)).clamp(16, BLOCK);
    let parts = exec.only_if(n * k >= SERIAL_BELOW).map(n.div_ceil(PIECE), |i| {
        let rows = i * PIECE..((i + 1) * PIECE).min(n);
        let mut scratch = vec![0.0; step * k];
        rows.clone().step_by(step).all(|begin| {
            let m = (rows.end - begin).min(step);
            let values = p.whole_rows(begin, &mut scratch[..m * k]);
            let near = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() < TOLERANCE;
            values.chunks_exact(k).fold(true, |all, row| all & near(row))
        })
    })?;
    Ok(parts.into_iter().all(|near| near))
}

#[inline(always)]
fn within(p: &[f64]) -> bool {
    p.iter().fold(true, |all, &p| all & (0.0..=1.0).contains(&p))
}

/// How near to 0 and 1 scikit-learn lets probabilities come, and how far from 1 their sum may be for certain.
#[inline(always)]
fn tolerances(single: bool) -> (f64, f64) {
    let eps = if single { f64::from(f32::EPSILON) } else { f64::EPSILON };
    (eps, 0.9 * eps.sqrt())
}

/// Keeps each within what scikit-learn keeps it: then none needs the care of zeros and of what is not finite.
#[inline(always)]
fn clip(p: &mut [f64], eps: f64) {
    p.iter_mut().for_each(|p| *p = p.max(eps).min(1.0 - eps));
}

/// The sum of `-ln` of each, by one logarithm of a product of many: of 16 no less than epsilon none is too small for a
/// normal number. Where most are near 1, their product's rounding would show, and each has its own.
#[inline(always)]
fn sum_of_logs(p: &[f64]) -> f64 {
    const LANES: usize = 8;
    const FACTORS: usize = 16;
    const NEAR_ONE: f64 = 0.9;
    let (eights, rest) = p.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for group in eights.chunks(FACTORS) {
        let mut products = [1.0; LANES];
        for p in group {
            for l in 0..LANES {
                products[l] *= p[l];
            }
        }
        if products.iter().fold(true, |all, product| all & (*product < NEAR_ONE)) {
            for l in 0..LANES {
                sums[l] -= plain_ln(products[l]);
            }
        } else {
            for p in group {
                for l in 0..LANES {
                    sums[l] -= plain_ln(p[l]);
                }
            }
        }
    }
    let rest: f64 = rest.iter().map(|p| -plain_ln(*p)).sum();
    sums.iter().sum::<f64>() + rest
}

/// The probability of each row's own class, clipped: what log loss takes the logarithm of.
#[inline(always)]
fn own_of_one(codes: &[u16], columns: &[u16], p: &[f64], single: bool, out: &mut [f64]) -> bool {
    let second = second(columns);
    for ((out, &p), &code) in out.iter_mut().zip(p).zip(codes) {
        *out = if code == second { p } else { 1.0 - p };
    }
    clip(out, tolerances(single).0);
    within(p)
}

#[inline(always)]
fn own_of_many(codes: &[u16], columns: &[u16], p: &[f64], single: bool, out: &mut [f64]) -> bool {
    let (eps, tolerance) = tolerances(single);
    let k = p.len() / codes.len();
    let mut sound = within(p);
    for ((out, p), &code) in out.iter_mut().zip(p.chunks_exact(k)).zip(codes) {
        *out = p[columns[code as usize] as usize];
        sound &= (p.iter().sum::<f64>() - 1.0).abs() < tolerance;
    }
    clip(out, eps);
    sound
}

#[inline(always)]
fn brier_of_one(codes: &[u16], columns: &[u16], p: &[f64], out: &mut [f64]) -> bool {
    let second = second(columns);
    for ((out, &p), &code) in out.iter_mut().zip(p).zip(codes) {
        let d = if code == second { 1.0 - p } else { p };
        *out = d * d;
    }
    within(p)
}

#[inline(always)]
fn brier_of_many(codes: &[u16], columns: &[u16], p: &[f64], single: bool, out: &mut [f64]) -> bool {
    let tolerance = tolerances(single).1;
    let k = p.len() / codes.len();
    let mut sound = within(p);
    for ((out, p), &code) in out.iter_mut().zip(p.chunks_exact(k)).zip(codes) {
        let own = columns[code as usize] as usize;
        let (mut total, mut squares) = (0.0, 0.0);
        for (j, &p) in p.iter().enumerate() {
            let d = if j == own { 1.0 - p } else { p };
            total += p;
            squares += d * d;
        }
        *out = squares;
        sound &= (total - 1.0).abs() < tolerance;
    }
    sound
}

#[inline(always)]
fn hinge_of_one(codes: &[u16], columns: &[u16], d: &[f64], out: &mut [f64]) -> bool {
    let second = second(columns);
    let mut sound = true;
    for ((out, &d), &code) in out.iter_mut().zip(d).zip(codes) {
        *out = (1.0 - if code == second { d } else { -d }).max(0.0);
        sound &= d.is_finite();
    }
    sound
}

#[inline(always)]
fn hinge_of_many(codes: &[u16], columns: &[u16], d: &[f64], out: &mut [f64]) -> bool {
    let k = d.len() / codes.len();
    for ((out, d), &code) in out.iter_mut().zip(d.chunks_exact(k)).zip(codes) {
        let own = columns[code as usize] as usize;
        let (before, after) = (&d[..own], &d[own + 1..]);
        let other = before.iter().chain(after).copied().fold(f64::NEG_INFINITY, f64::max);
        *out = (1.0 - (d[own] - other)).max(0.0);
    }
    d.iter().fold(true, |all, d| all & d.is_finite())
}

/// The code of the class that one column stands for.
#[inline(always)]
fn second(columns: &[u16]) -> u16 {
    columns.iter().position(|&column| column == 1).map_or(u16::MAX, |code| code as u16)
}
