//! Probabilities by bins: how many, how large, and how often the positive class came.
//!
//! The sums of [`bins`] run in the rows' order on one thread, so that they have the bits of NumPy's `bincount`.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::numbers::{BLOCK, Numbers, PIECE, SERIAL_BELOW};
use crate::simd;

/// Edges up to which a row's bin is found by comparing with all of them.
const FEW: usize = 32;

/// Sums of each bin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bins {
    /// Sum of probabilities.
    pub probability: Vec<f64>,
    /// Number of positive rows.
    pub positive: Vec<f64>,
    /// Number of rows.
    pub rows: Vec<f64>,
}

/// Puts each probability into the bin whose number is that of the inner `edges` below it; `None` if one is not within 0
/// and 1. `positive` is the code of the positive class, if it occurs.
#[must_use]
pub fn bins(codes: &[u16], positive: Option<u16>, p: &Numbers<'_>, edges: &[f64]) -> Option<Bins> {
    let zeros = vec![0.0; edges.len() + 1];
    let mut bins = Bins { probability: zeros.clone(), positive: zeros.clone(), rows: zeros };
    let (mut room, mut at) = ([0.0; BLOCK], [0_u16; BLOCK]);
    for (i, codes) in codes.chunks(BLOCK).enumerate() {
        let p = p.column(0, i * BLOCK, &mut room[..codes.len()]);
        let at = &mut at[..codes.len()];
        if !p.iter().fold(true, |all, &p| all & (0.0..=1.0).contains(&p)) {
            return None;
        }
        place(p, edges, at);
        for ((&bin, &p), &code) in at.iter().zip(p).zip(codes) {
            let bin = bin as usize;
            bins.probability[bin] += p;
            bins.positive[bin] += f64::from(u8::from(positive == Some(code)));
            bins.rows[bin] += 1.0;
        }
    }
    Some(bins)
}

/// What hits come to beyond their confidence in each bin, `sum w (hit - confidence)`, and the sum of weights; `None` if a
/// probability is not within 0 and 1.
///
/// `columns` tells the column of each class. The confidence is the highest probability of a row, a hit that its class has
/// it, of equal ones the first; of one column it is the column, a hit the class that has column 1.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn gaps(
    codes: &[u16],
    columns: &[u16],
    p: &Numbers<'_>,
    w: Option<&Numbers<'_>>,
    edges: &[f64],
    exec: &Exec<'_>,
) -> Result<Option<(Vec<f64>, f64)>> {
    let (n, k) = (codes.len(), p.columns());
    let step = (BLOCK / k.max(1)).clamp(16, BLOCK);
    let parts = exec.only_if(n * k >= SERIAL_BELOW).map(n.div_ceil(PIECE), |i| {
        let rows = i * PIECE..((i + 1) * PIECE).min(n);
        let (mut room, mut weights, mut best) = (vec![0.0; step * k], vec![1.0; step], vec![0.0; step]);
        let (mut hit, mut at) = (vec![false; step], vec![0_u16; step]);
        let (mut sums, mut total) = (vec![0.0; edges.len() + 1], 0.0);
        for begin in rows.clone().step_by(step) {
            let m = (rows.end - begin).min(step);
            let p = p.whole_rows(begin, &mut room[..m * k]);
            if !p.iter().fold(true, |all, &p| all & (0.0..=1.0).contains(&p)) {
                return None;
            }
            for i in 0..m {
                let row = &p[i * k..(i + 1) * k];
                let (place, highest) =
                    row.iter().enumerate().fold((0, row[0]), |a, (j, &p)| if p > a.1 { (j, p) } else { a });
                let own = usize::from(columns[codes[begin + i] as usize]);
                (best[i], hit[i]) = (highest, own == if k == 1 { 1 } else { place });
            }
            let weights = match w {
                Some(w) => w.column(0, begin, &mut weights[..m]),
                None => &weights[..m],
            };
            place(&best[..m], edges, &mut at[..m]);
            for i in 0..m {
                sums[at[i] as usize] += weights[i] * (f64::from(u8::from(hit[i])) - best[i]);
                total += weights[i];
            }
        }
        Some((sums, total))
    })?;
    let mut all = (vec![0.0; edges.len() + 1], 0.0);
    for part in parts {
        let Some((sums, total)) = part else { return Ok(None) };
        all.0.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
        all.1 += total;
    }
    Ok(Some(all))
}

/// The number of edges below each probability.
fn place(p: &[f64], edges: &[f64], at: &mut [u16]) {
    if edges.len() <= FEW {
        simd::dispatch!(count_edges(p, edges, at));
    } else {
        at.iter_mut().zip(p).for_each(|(at, &p)| *at = edges.partition_point(|&edge| edge < p) as u16);
    }
}

#[inline(always)]
fn count_edges(p: &[f64], edges: &[f64], at: &mut [u16]) {
    at.fill(0);
    for &edge in edges {
        at.iter_mut().zip(p).for_each(|(at, &p)| *at += u16::from(edge < p));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;

    #[test]
    fn an_edge_belongs_to_the_bin_below() {
        let p = [0.0, 0.25, 0.5, 0.75, 1.0];
        let codes = [0, 1, 0, 1, 1];
        let view = || Numbers::F64(ArrayView2::from_shape((5, 1), &p).unwrap());
        let found = bins(&codes, Some(1), &view(), &[0.25, 0.5]).unwrap();
        assert_eq!(found.rows, [2.0, 1.0, 2.0]);
        assert_eq!(found.positive, [1.0, 0.0, 2.0]);
        assert_eq!(found.probability, [0.25, 0.5, 1.75]);
        let many: Vec<f64> = (1..100).map(|i| f64::from(i) / 100.0).collect();
        assert_eq!(bins(&codes, None, &view(), &many).unwrap().rows[24], 1.0);
    }
}
