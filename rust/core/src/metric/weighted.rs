//! Weighted quantiles: where the weights of the values, in order, reach a share of their sum.
//!
//! scikit-learn's `_weighted_percentile` with `average=True`: the value there, or the mean of it and the next one with
//! weight where the share falls exactly between them. One sort, one pass.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::numbers::{BLOCK, Numbers};
use crate::metric::order::{key, score};
use crate::radix::sorted;

/// The quantile of the first column of `t`, or of its distances from `p`; `None` if a value is not finite, a weight
/// negative, or if rounding decides which value it is.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn weighted_quantile(
    t: &Numbers<'_>,
    p: Option<&Numbers<'_>>,
    w: &Numbers<'_>,
    column: usize,
    share: f64,
    exec: &Exec<'_>,
) -> Result<Option<f64>> {
    let n = t.rows();
    let mut items: Vec<(u64, f64)> = Vec::with_capacity(n);
    let (mut a, mut b, mut c) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    for begin in (0..n).step_by(BLOCK) {
        exec.check()?;
        let m = (n - begin).min(BLOCK);
        let (t, w) = (t.column(column, begin, &mut a[..m]), w.column(0, begin, &mut c[..m]));
        let p = p.map(|p| p.column(column, begin, &mut b[..m]));
        for i in 0..m {
            let x = p.map_or(t[i], |p| (t[i] - p[i]).abs());
            if !(x.is_finite() && w[i] >= 0.0 && w[i].is_finite()) {
                return Ok(None);
            }
            if w[i] > 0.0 {
                items.push((key(x), w[i]));
            }
        }
    }
    let items = sorted(&[&items]);
    let total: f64 = items.iter().map(|item| item.1).sum();
    // Half of a sum of whole weights is exact; anything else may fall to either side of a step.
    let exact = share == 0.5 && total < 9e15 && items.iter().all(|item| item.1.fract() == 0.0);
    Ok(at(&items, total, share * total, exact))
}

/// The value where the weights of falling values, from the last on, reach `rank`.
fn at(items: &[(u64, f64)], total: f64, rank: f64, exact: bool) -> Option<f64> {
    let mut below = 0.0;
    for (i, item) in items.iter().enumerate().rev() {
        below += item.1;
        let (off, next) = (below - rank, i.checked_sub(1).map(|i| items[i].0));
        if next == Some(item.0) {
            // Equal values are one.
            continue;
        }
        if !exact && off.abs() <= 1e-9 * total && next.is_some() {
            return None;
        }
        if off > 0.0 || next.is_none() {
            return Some(score(item.0));
        }
        if off == 0.0 {
            return next.map(|next| f64::midpoint(score(item.0), score(next)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;

    fn quantile(x: &[f64], w: &[f64], share: f64) -> Option<f64> {
        let view = |x| Numbers::F64(ArrayView2::from_shape((w.len(), 1), x).unwrap());
        weighted_quantile(&view(x), None, &view(w), 0, share, &Exec::serial()).unwrap()
    }

    #[test]
    fn quantiles_by_hand() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], &[1.0, 1.0, 1.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[4.0, 3.0, 1.0, 2.0], &[1.0; 4], 0.5), Some(2.5));
        assert_eq!(quantile(&[4.0, 3.0, 1.0, 2.0], &[0.0, 2.0, 1.0, 1.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], &[5.0, 1.0, 1.0], 0.5), Some(1.0));
        assert_eq!(quantile(&[1.0, 2.0, 2.0, 3.0], &[1.0; 4], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], &[0.1, 0.2, 0.3], 0.5), None);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], &[0.1, 0.3, 0.3], 0.5), Some(2.0));
        assert_eq!(quantile(&[-1.0, f64::NAN], &[1.0; 2], 0.5), None);
        assert_eq!(quantile(&[-1.0, 2.0], &[1.0, -1.0], 0.5), None);
        assert_eq!(quantile(&[-1.0, 2.0], &[0.0; 2], 0.5), None);
    }
}
