//! From values to the shares of a column that lie below them, as scikit-learn's `QuantileTransformer` maps them.
//!
//! Between two learned quantiles the share is interpolated from either side and the two are averaged, by NumPy's
//! `interp` to the last bit; on a quantile that stands for several references it is the mean of the first and the last.
//! A grid of equal cells tells where among the quantiles a value's search begins, and the widest cell how many halvings
//! are left: none of it branches.

use std::sync::Arc;

use ndarray::ArrayView2;

use crate::columns::{BLOCK, Met, map_columns};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;
use crate::normal;
use crate::simd;

/// Values below which threads cost more than they bring.
const SERIAL_BELOW: usize = 20_000;
/// Rows below which a grid costs more than it brings.
const GRID_FROM: usize = 1_024;
/// Cells for each quantile.
const CELLS: usize = 4;
/// Nearer than this to the ends of a normal output's range is on them.
const THRESHOLD: f64 = 1e-7;

/// The distribution that the shares are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Shares, from 0 to 1.
    Uniform,
    /// Standard normal, cut off at shares of 1e-7.
    Normal,
}

/// What was learned of a column: quantiles, which do not fall, and the shares below them.
#[derive(Clone, Debug)]
pub struct Curve {
    quantiles: Vec<f64>,
    references: Arc<[f64]>,
}

impl Curve {
    /// Checks that there are as many quantiles as references, and that they are in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] otherwise.
    pub fn new(quantiles: Vec<f64>, references: Arc<[f64]>) -> Result<Self> {
        let rising = quantiles.windows(2).all(|pair| pair[0] <= pair[1]);
        let finite = quantiles.iter().chain(&*references).all(|v| v.is_finite());
        if quantiles.is_empty() || quantiles.len() != references.len() || !rising || !finite {
            return Err(Error::Invalid(
                "quantiles and references must be finite, as many, and in order".into(),
            ));
        }
        Ok(Self { quantiles, references })
    }

    fn first(&self) -> f64 {
        self.quantiles[0]
    }

    fn last(&self) -> f64 {
        self.quantiles[self.quantiles.len() - 1]
    }

    /// What the quantile number `i` and the way to the next one contribute.
    fn step(&self, i: usize) -> Step {
        let (q, r) = (&self.quantiles, &self.references);
        let slope = if i + 1 < q.len() { (r[i + 1] - r[i]) / (q[i + 1] - q[i]) } else { 0.0 };
        Step { quantile: q[i], reference: r[i], slope, level: r[i] }
    }

    /// The share of a value on the quantile number `i`, the last of its kind.
    fn level(&self, i: usize) -> f64 {
        let first = self.quantiles.partition_point(|q| *q < self.quantiles[i]);
        0.5 * (self.references[i] + self.references[first])
    }

    /// The share of `x`, by a search among the quantiles.
    #[must_use]
    pub fn share(&self, x: f64) -> f64 {
        let i = self.quantiles.partition_point(|q| *q <= x).saturating_sub(1);
        let mut step = self.step(i);
        if x == step.quantile {
            step.level = self.level(i);
        }
        let next = (i + 1).min(self.quantiles.len() - 1);
        step.share(x, self.quantiles[next], self.references[next], self.ends())
    }

    fn ends(&self) -> Ends {
        let last = self.references.len() - 1;
        Ends {
            quantiles: (self.first(), self.last()),
            references: (self.references[0], self.references[last]),
        }
    }

    /// The output of `x`, given its share.
    #[inline]
    fn place<T: Float>(&self, x: T, share: f64, output: Output) -> T {
        let mut y = T::from_f64(share);
        match output {
            Output::Uniform => {
                if x.to_f64() == self.last() {
                    y = T::ONE;
                }
                if x.to_f64() == self.first() {
                    y = T::ZERO;
                }
                y
            }
            Output::Normal => {
                // In the type of the data, as NumPy computes it.
                let off = T::from_f64(THRESHOLD);
                if (x + off).to_f64() > self.last() {
                    y = T::ONE;
                }
                if (x - off).to_f64() < self.first() {
                    y = T::ZERO;
                }
                T::from_f64(normal_of(y.to_f64()))
            }
        }
    }

    /// The value whose output is `y`, as scikit-learn finds it.
    #[must_use]
    pub fn invert<T: Float>(&self, y: T, output: Output) -> T {
        let y = y.to_f64();
        let (share, low, high) = match output {
            Output::Uniform => (y, y == 0.0, y == 1.0),
            Output::Normal => {
                let share = normal::share(y);
                (share, share - THRESHOLD < 0.0, share + THRESHOLD > 1.0)
            }
        };
        let (q, r) = (&self.quantiles, &self.references);
        let i = r.partition_point(|r| *r <= share).saturating_sub(1);
        let x = if share.is_nan() {
            share
        } else if low || share < r[0] {
            self.first()
        } else if high || i + 1 >= q.len() {
            self.last()
        } else if share == r[i] {
            q[i]
        } else {
            (q[i + 1] - q[i]) / (r[i + 1] - r[i]) * (share - r[i]) + q[i]
        };
        T::from_f64(x)
    }

    /// The output of `x`.
    #[must_use]
    pub fn apply<T: Float>(&self, x: T, output: Output) -> T {
        self.place(x, self.share(x.to_f64()), output)
    }
}

/// The normal quantile of a share, cut off as scikit-learn cuts it.
fn normal_of(share: f64) -> f64 {
    let cut = THRESHOLD - f64::EPSILON;
    // Beyond the cuts the quantile is not needed, and NaN stays.
    if share <= cut {
        normal::quantile(cut)
    } else if share >= 1.0 - cut {
        normal::quantile(1.0 - cut)
    } else {
        normal::quantile(share)
    }
}

/// A quantile, its reference, the slope to the next, and the share of a value that is equal to it.
#[derive(Clone, Copy)]
struct Step {
    quantile: f64,
    reference: f64,
    slope: f64,
    level: f64,
}

/// The first and the last of quantiles and references.
#[derive(Clone, Copy)]
struct Ends {
    quantiles: (f64, f64),
    references: (f64, f64),
}

impl Step {
    /// The share of `x`, of which this is the last quantile that is not above it.
    #[inline(always)]
    fn share(&self, x: f64, next_quantile: f64, next_reference: f64, ends: Ends) -> f64 {
        let from_below = self.slope * (x - self.quantile) + self.reference;
        let from_above = self.slope * (next_quantile - x) - next_reference;
        let between = 0.5 * (from_below - from_above);
        let inside = if x == self.quantile { self.level } else { between };
        let inside = if x < ends.quantiles.0 { ends.references.0 } else { inside };
        if x > ends.quantiles.1 { ends.references.1 } else { inside }
    }
}

/// A curve made ready for many values.
struct Table<'a> {
    curve: &'a Curve,
    ends: Ends,
    /// One for each quantile, and one more.
    steps: Vec<Step>,
    /// The quantiles, then as many NaN as the first halving may look ahead.
    keys: Vec<f64>,
    /// For each cell, the last quantile in a cell before it.
    starts: Vec<u32>,
    scale: f64,
    /// The first halving's step, a power of two; 0 if no cell has a quantile.
    reach: usize,
}

impl<'a> Table<'a> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a curve has fewer than 2^32 quantiles, checked by `apply`"
    )]
    fn new(curve: &'a Curve) -> Self {
        let q = &curve.quantiles;
        let mut steps: Vec<Step> = (0..q.len()).map(|i| curve.step(i)).collect();
        let mut first = 0;
        for i in 0..q.len() {
            if q[i] != q[first] {
                first = i;
            }
            steps[i].level = 0.5 * (curve.references[i] + curve.references[first]);
        }
        steps.push(steps[q.len() - 1]);
        let cells = (CELLS * q.len()).next_power_of_two();
        let scale = cells as f64 / (curve.last() - curve.first());
        let mut counts = vec![0u32; cells];
        for v in q {
            counts[cell(*v, curve.first(), scale, cells)] += 1;
        }
        let widest = counts.iter().copied().max().unwrap_or(0) as usize;
        let mut below = 0u32;
        let starts = counts
            .iter()
            .map(|count| {
                let start = below.saturating_sub(1);
                below += count;
                start
            })
            .collect();
        // Halvings by reach, reach / 2, ..., 1 go up to 2 reach - 1 >= widest quantiles on.
        let reach = (widest + 1).next_power_of_two() / 2;
        let mut keys = q.clone();
        keys.resize(q.len() + 2 * reach, f64::NAN);
        Self { ends: curve.ends(), curve, steps, keys, starts, scale, reach }
    }

    /// Replaces some values by their shares.
    #[inline(always)]
    fn shares(&self, values: &mut [f64]) {
        let mut at = [0u32; BLOCK];
        let at = &mut at[..values.len().min(BLOCK)];
        let (first, cells) = (self.curve.first(), self.starts.len());
        for (i, x) in at.iter_mut().zip(values.iter()) {
            *i = self.starts[cell(*x, first, self.scale, cells)];
        }
        let mut reach = self.reach;
        while reach > 0 {
            for (i, x) in at.iter_mut().zip(values.iter()) {
                debug_assert!(*i as usize + reach < self.keys.len());
                // SAFETY: a start is below the number of quantiles n, the steps so far are at most 2 `self.reach` - 1
                // together with this one, and there are n + 2 `self.reach` keys.
                let key = unsafe { *self.keys.get_unchecked(*i as usize + reach) };
                *i += if key <= *x { reach as u32 } else { 0 };
            }
            reach /= 2;
        }
        for (i, x) in at.iter().zip(values.iter_mut()) {
            let i = *i as usize;
            debug_assert!(i + 1 < self.steps.len());
            // SAFETY: the search never goes on to a NaN, so `i` is below the number of quantiles n, and there are n + 1
            // steps.
            let (step, next) = unsafe { (self.steps.get_unchecked(i), self.steps.get_unchecked(i + 1)) };
            *x = step.share(*x, next.quantile, next.reference, self.ends);
        }
    }
}

/// The cell of a value; it never falls where the value rises.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from below 0 or from NaN gives 0"
)]
fn cell(x: f64, first: f64, scale: f64, cells: usize) -> usize {
    (((x - first) * scale) as u32 as usize).min(cells - 1)
}

/// Maps the values of a matrix by the curves of its columns into `out`, in the order of `map_columns`.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Invalid`] if there are not as many curves as columns or
/// too many quantiles.
pub fn apply<T: Float>(
    x: ArrayView2<'_, T>,
    curves: &[Curve],
    output: Output,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<Met> {
    if curves.len() != x.ncols() || curves.iter().any(|c| c.quantiles.len() > 1 << 28) {
        return Err(Error::Invalid(
            "as many curves as columns are needed, of fewer than 2^28 quantiles".into(),
        ));
    }
    let exec = exec.only_if(x.len() >= SERIAL_BELOW);
    if x.nrows() < GRID_FROM {
        return map_columns(x, out, &exec, |j, values| {
            for v in values {
                *v = curves[j].apply(*v, output);
            }
        });
    }
    let tables = exec.map(curves.len(), |j| Table::new(&curves[j]))?;
    map_columns(x, out, &exec, |j, values| {
        let table = &tables[j];
        let mut shares = [0.0; BLOCK];
        let shares = &mut shares[..values.len()];
        for (to, from) in shares.iter_mut().zip(&*values) {
            *to = from.to_f64();
        }
        simd::dispatch!(table.shares(shares));
        for (v, share) in values.iter_mut().zip(&*shares) {
            *v = table.curve.place(*v, *share, output);
        }
    })
}

/// Brings shares back to values by the curves of their columns, into `out`, in the order of `map_columns`.
///
/// # Errors
/// As [`apply`].
pub fn invert<T: Float>(
    y: ArrayView2<'_, T>,
    curves: &[Curve],
    output: Output,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<Met> {
    if curves.len() != y.ncols() {
        return Err(Error::Invalid("as many curves as columns are needed".into()));
    }
    map_columns(y, out, &exec.only_if(y.len() >= SERIAL_BELOW), |j, values| {
        for v in values {
            *v = curves[j].invert(*v, output);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_grid_finds_what_a_search_finds(
            mut quantiles in prop::collection::vec(
                prop_oneof![-3.0..3.0f64, (-3i32..3).prop_map(f64::from), -1e300..1e300f64, Just(1e-310)], 1..60),
            values in prop::collection::vec(prop_oneof![-4.0..4.0f64, Just(f64::NAN), -1e301..1e301f64], 1..60),
            normal in any::<bool>(),
        ) {
            quantiles.sort_by(f64::total_cmp);
            let references: Vec<f64> = (0..quantiles.len()).map(|i| i as f64 / 59.0).collect();
            let curve = Curve::new(quantiles.clone(), references.into()).unwrap();
            let output = if normal { Output::Normal } else { Output::Uniform };
            // The quantiles too are values, and there are rows enough for a grid.
            let column: Vec<f64> = values.iter().chain(&quantiles).copied().cycle().take(GRID_FROM).collect();
            let x = Array2::from_shape_vec((GRID_FROM, 1), column.clone()).unwrap();
            let mut out = vec![0.0; GRID_FROM];
            apply(x.view(), std::slice::from_ref(&curve), output, &mut out, &Exec::serial()).unwrap();
            for (x, y) in column.into_iter().zip(out) {
                let expected = curve.apply(x, output);
                prop_assert!(y.to_bits() == expected.to_bits() || (y.is_nan() && expected.is_nan()), "{}: {} {}", x, y, expected);
            }
        }
    }
}
