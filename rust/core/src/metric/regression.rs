//! Errors of predicted numbers: one pass over truth and prediction, whatever the loss.
//!
//! Blocks are read as `f64`, so that `f32` and integers need no copy of the data; sums of blocks are added in the rows'
//! order. A value that is not finite, or outside what a loss is defined on, makes its sum not finite: callers look there
//! instead of checking the data first. Variances are summed as centred squares of a block and merged (Chan, Golub,
//! LeVeque 1979), so a mean far from zero costs no digits.

use crate::error::Result;
use crate::exec::Exec;
use crate::exp;
use crate::logarithm::{ln_1p_each, ln_each};
use crate::metric::numbers::{BLOCK, Numbers, PIECE, SERIAL_BELOW, lane_sum, lane_sums};
use crate::simd;

/// What a row is charged; `t` is the truth and `p` the prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// `(t - p)^2`
    Squared,
    /// `|t - p|`
    Absolute,
    /// `|t - p| / max(|t|, eps)`
    Percentage,
    /// `max(alpha (t - p), (alpha - 1) (t - p))`
    Pinball(f64),
    /// `(ln(1 + t) - ln(1 + p))^2`
    SquaredLog,
    /// The unit Poisson deviance.
    Poisson,
    /// The unit gamma deviance.
    Gamma,
    /// The unit Tweedie deviance of power 1.5, whose powers are roots.
    Tweedie15,
    /// That of another power below 0 or above 1, but for 2.
    Tweedie(f64),
}

/// Sum of losses and of weights, for each column.
pub type Charged = Vec<(f64, f64)>;

/// Adds up the losses of each column, times the rows' weights.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn charge(
    t: &Numbers<'_>,
    p: &Numbers<'_>,
    w: Option<&Numbers<'_>>,
    loss: Loss,
    exec: &Exec<'_>,
) -> Result<Charged> {
    let columns = t.columns();
    let parts = pieces(t, exec, |rows| {
        let mut room = Room::default();
        let mut sums = vec![(0.0, 0.0); columns];
        for begin in rows.clone().step_by(BLOCK) {
            let n = (rows.end - begin).min(BLOCK);
            let [a, b, c, d] = room.cut(n);
            let w = w.map(|w| w.column(0, begin, c));
            for (j, sum) in sums.iter_mut().enumerate() {
                let (t, p) = (t.column(j, begin, a), p.column(j, begin, b));
                sum.0 += charge_block(t, p, w, loss, d);
                sum.1 += w.map_or(n as f64, |w| lane_sum(n, |i| w[i]));
            }
        }
        sums
    })?;
    let mut total = vec![(0.0, 0.0); columns];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            total.0 += part.0;
            total.1 += part.1;
        }
    }
    Ok(total)
}

fn charge_block(t: &[f64], p: &[f64], w: Option<&[f64]>, loss: Loss, room: &mut [f64]) -> f64 {
    let n = t.len();
    let (p, room) = (&p[..n], &mut room[..2 * n]);
    let w = w.map(|w| &w[..n]);
    macro_rules! sum {
        (|$i:ident| $each:expr) => {
            match w {
                Some(w) => simd::dispatch!(lane_sum(n, |$i| w[$i] * $each)),
                None => simd::dispatch!(lane_sum(n, |$i| $each)),
            }
        };
    }
    match loss {
        Loss::Squared => sum!(|i| (t[i] - p[i]) * (t[i] - p[i])),
        Loss::Absolute => sum!(|i| (t[i] - p[i]).abs()),
        Loss::Percentage => sum!(|i| (t[i] - p[i]).abs() / t[i].abs().max(f64::EPSILON)),
        Loss::Pinball(alpha) => sum!(|i| {
            let d = t[i] - p[i];
            if d >= 0.0 { alpha * d } else { (alpha - 1.0) * d }
        }),
        Loss::SquaredLog => {
            let (a, b) = room.split_at_mut(n);
            a.copy_from_slice(t);
            b.copy_from_slice(p);
            simd::dispatch!({
                ln_1p_each(a);
                ln_1p_each(b);
            });
            let (a, b) = (&a[..n], &b[..n]);
            sum!(|i| (a[i] - b[i]) * (a[i] - b[i]))
        }
        Loss::Poisson => {
            // t ln(t / p) is 0 at t = 0.
            let ratio = &mut room[..n];
            for i in 0..n {
                ratio[i] = if t[i] > 0.0 { t[i] / p[i] } else { 1.0 };
            }
            simd::dispatch!(ln_each(ratio));
            let ratio = &*ratio;
            sum!(|i| defined(t[i] >= 0.0 && p[i] > 0.0, 2.0 * (t[i] * ratio[i] - t[i] + p[i])))
        }
        Loss::Gamma => {
            let ratio = &mut room[..n];
            for i in 0..n {
                ratio[i] = p[i] / t[i];
            }
            simd::dispatch!(ln_each(ratio));
            let ratio = &*ratio;
            sum!(|i| defined(t[i] > 0.0 && p[i] > 0.0, 2.0 * (ratio[i] + t[i] / p[i] - 1.0)))
        }
        Loss::Tweedie(q) => {
            simd::dispatch!(tweedie(t, p, q, room));
            let each = &room[..n];
            sum!(|i| each[i])
        }
        Loss::Tweedie15 => sum!(|i| {
            let root = p[i].sqrt();
            defined(
                t[i] >= 0.0 && p[i] > 0.0,
                2.0 * (t[i].sqrt() / (-0.5 * 0.5) + t[i] / root / 0.5 + root / 0.5),
            )
        }),
    }
}

/// Unit Tweedie deviances of power `q` into the first part of `room`.
#[inline(always)]
fn tweedie(t: &[f64], p: &[f64], q: f64, room: &mut [f64]) {
    let n = t.len();
    let (a, b) = room.split_at_mut(n);
    let (p, b) = (&p[..n], &mut b[..n]);
    for i in 0..n {
        // Outside of what the power is defined on there is no logarithm.
        let sound = p[i] > 0.0 && (q < 0.0 || t[i] > 0.0 || (q < 2.0 && t[i] == 0.0));
        (a[i], b[i]) = (if t[i] > 0.0 { t[i] } else { 1.0 }, if sound { p[i] } else { f64::NAN });
    }
    ln_each(a);
    ln_each(b);
    a.iter_mut().for_each(|a| *a *= 2.0 - q);
    b.iter_mut().for_each(|b| *b *= 1.0 - q);
    exp::each(a);
    exp::each(b);
    for i in 0..n {
        let truth = if t[i] > 0.0 { a[i] } else { 0.0 };
        a[i] = 2.0 * (truth / ((1.0 - q) * (2.0 - q)) - t[i] * b[i] / (1.0 - q) + p[i] * b[i] / (2.0 - q));
    }
}

#[inline(always)]
fn defined(is: bool, value: f64) -> f64 {
    if is { value } else { f64::NAN }
}

/// What is left unexplained, and what there was to explain, of one column.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Explained {
    /// Sum of weights.
    pub weight: f64,
    /// Weighted mean of the truth, and the weighted sum of squares about it.
    pub truth: (f64, f64),
    /// The same of truth - prediction, where asked for.
    pub error: (f64, f64),
    /// Weighted sum of squared errors.
    pub squared: f64,
}

impl Explained {
    fn merge(&mut self, other: &Self) {
        // Also where no row has weight: what is not finite must show.
        self.squared += other.squared;
        if other.weight == 0.0 {
            return;
        }
        let weight = self.weight + other.weight;
        let share = other.weight / weight;
        let join = |a: (f64, f64), b: (f64, f64)| {
            let apart = b.0 - a.0;
            (a.0 + apart * share, a.1 + b.1 + apart * apart * self.weight * share)
        };
        (self.truth, self.error) = (join(self.truth, other.truth), join(self.error, other.error));
        self.weight = weight;
    }
}

/// Sums for R2 and, with the errors' own variance, for explained variance, of each column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn explain(
    t: &Numbers<'_>,
    p: &Numbers<'_>,
    w: Option<&Numbers<'_>>,
    errors: bool,
    exec: &Exec<'_>,
) -> Result<Vec<Explained>> {
    let columns = t.columns();
    let parts = pieces(t, exec, |rows| {
        let mut room = Room::default();
        let mut sums = vec![Explained::default(); columns];
        for begin in rows.clone().step_by(BLOCK) {
            let n = (rows.end - begin).min(BLOCK);
            let [a, b, c, _] = room.cut(n);
            let w = w.map(|w| w.column(0, begin, c));
            for (j, sum) in sums.iter_mut().enumerate() {
                let (t, p) = (t.column(j, begin, a), p.column(j, begin, b));
                // Near the mean from the first block on.
                let shift = if sum.weight > 0.0 { sum.truth.0 } else { t[0] };
                let weight = w.map_or(n as f64, |w| lane_sum(n, |i| w[i]));
                let mut block = match w {
                    Some(w) => simd::dispatch!(compare_block(t, p, weight, |i| w[i], shift)),
                    None => simd::dispatch!(compare_block(t, p, weight, |_| 1.0, shift)),
                };
                if errors {
                    block.error = match w {
                        Some(w) => simd::dispatch!(about_error(t, p, &block, |i| w[i])),
                        None => simd::dispatch!(about_error(t, p, &block, |_| 1.0)),
                    };
                }
                sum.merge(&block);
            }
        }
        sums
    })?;
    let mut total = vec![Explained::default(); columns];
    for part in parts {
        total.iter_mut().zip(&part).for_each(|(total, part)| total.merge(part));
    }
    Ok(total)
}

/// Digits may be lost to a shift that is not the mean, but no more than four bits.
const LOST: f64 = 16.0;

/// Squares about the truth's mean, from sums about `shift` and 0 where that loses little.
#[inline(always)]
fn compare_block(t: &[f64], p: &[f64], weight: f64, w: impl Fn(usize) -> f64, shift: f64) -> Explained {
    let n = t.len();
    let p = &p[..n];
    let [d, dd, squared] = lane_sums(
        n,
        #[inline(always)]
        |i| {
            let (d, e) = (t[i] - shift, t[i] - p[i]);
            [w(i) * d, w(i) * (d * d), w(i) * (e * e)]
        },
    );
    let off = d / weight;
    let truth = shift + off;
    let mut about = dd - d * off;
    let kept = LOST * about >= dd;
    if !kept {
        about = lane_sum(n, |i| w(i) * ((t[i] - truth) * (t[i] - truth)));
    }
    Explained { weight, truth: (truth, about), error: (0.0, 0.0), squared }
}

/// The errors' mean, and squares about it.
#[inline(always)]
fn about_error(t: &[f64], p: &[f64], block: &Explained, w: impl Fn(usize) -> f64) -> (f64, f64) {
    let n = t.len();
    let p = &p[..n];
    let sum = lane_sum(n, |i| w(i) * (t[i] - p[i]));
    let mean = sum / block.weight;
    let about = block.squared - sum * mean;
    if LOST * about >= block.squared {
        return (mean, about);
    }
    let about = lane_sum(n, |i| {
        let f = t[i] - p[i] - mean;
        w(i) * (f * f)
    });
    (mean, about)
}

/// The largest absolute error of the first column; NaN if a value is not finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn largest(t: &Numbers<'_>, p: &Numbers<'_>, exec: &Exec<'_>) -> Result<f64> {
    let parts = pieces(t, exec, |rows| {
        let mut room = Room::default();
        let mut most = 0.0_f64;
        for begin in rows.clone().step_by(BLOCK) {
            let n = (rows.end - begin).min(BLOCK);
            let [a, b, ..] = room.cut(n);
            let (t, p) = (t.column(0, begin, a), p.column(0, begin, b));
            most = simd::dispatch!(largest_block(t, p, most));
        }
        most
    })?;
    Ok(parts.into_iter().fold(0.0, larger))
}

/// The larger one, NaN if one is.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn largest_block(t: &[f64], p: &[f64], before: f64) -> f64 {
    let mut lanes = [before; 16];
    for (t, p) in t.chunks(16).zip(p.chunks(16)) {
        for (lane, (t, p)) in lanes.iter_mut().zip(t.iter().zip(p)) {
            *lane = larger(*lane, (t - p).abs());
        }
    }
    lanes.into_iter().fold(before, larger)
}

/// Rows that `t` has, piece by piece, in order.
pub(super) fn pieces<R: Send>(
    t: &Numbers<'_>,
    exec: &Exec<'_>,
    f: impl Fn(std::ops::Range<usize>) -> R + Sync,
) -> Result<Vec<R>> {
    let n = t.rows();
    let exec = exec.only_if(n * t.columns() >= SERIAL_BELOW);
    exec.map(n.div_ceil(PIECE), |i| f(i * PIECE..((i + 1) * PIECE).min(n)))
}

/// Scratch for one block: truth, prediction, weights, and two more.
pub(super) struct Room(Vec<f64>);

impl Default for Room {
    fn default() -> Self {
        Self(vec![0.0; 5 * BLOCK])
    }
}

impl Room {
    pub(super) fn cut(&mut self, n: usize) -> [&mut [f64]; 4] {
        let (a, rest) = self.0.split_at_mut(BLOCK);
        let (b, rest) = rest.split_at_mut(BLOCK);
        let (c, d) = rest.split_at_mut(BLOCK);
        [&mut a[..n], &mut b[..n], &mut c[..n], d]
    }
}
