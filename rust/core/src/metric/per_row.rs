//! Metrics of ranked labels, row by row: where the relevant labels of a row stand among all by their scores.
//!
//! Each row's labels are put in descending order of their scores; groups of equal scores are then walked through once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::numbers::{BLOCK, Numbers, SERIAL_BELOW};
use crate::metric::order::key;

/// What a row scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowScore<'a> {
    /// How far down one must go to cover all relevant labels; 0 without any.
    Coverage,
    /// The share of pairs (relevant, irrelevant) that are not in the right order; ties are wrong.
    RankingLoss,
    /// The mean over relevant labels of the share of relevant ones among those ranked as high.
    RankingPrecision,
    /// Gains (the truth) by these discounts of the ranks; tied gains are averaged.
    Gain(&'a [f64]),
    /// The same, divided by the best that could be had; 0 if that is 0.
    NormalGain(&'a [f64]),
}

/// The scores of all rows; `None` if a value may not occur: relevant labels have a 1, others a 0.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn row_scores(
    truth: &Numbers<'_>,
    scores: &Numbers<'_>,
    what: RowScore<'_>,
    exec: &Exec<'_>,
) -> Result<Option<Vec<f64>>> {
    let (n, labels) = (truth.rows(), truth.columns());
    let sound = AtomicBool::new(true);
    let mut out = vec![0.0; n];
    let step = (BLOCK / labels.max(1)).max(1);
    exec.only_if(n * labels >= SERIAL_BELOW / 10).for_each_piece(&mut out, step * 16, |i, out| {
        let (mut a, mut b) = (vec![0.0; step * labels], vec![0.0; step * labels]);
        let mut order: Vec<(u64, f64)> = Vec::with_capacity(labels);
        for (block, out) in out.chunks_mut(step).enumerate() {
            let begin = (i * 16 + block) * step;
            let t = truth.whole_rows(begin, &mut a[..out.len() * labels]);
            let s = scores.whole_rows(begin, &mut b[..out.len() * labels]);
            let finite = t.iter().chain(s).fold(true, |all, x| all & x.is_finite());
            let binary = || t.iter().fold(true, |all, &x| all & ((x == 0.0) | (x == 1.0)));
            let gains = matches!(what, RowScore::Gain(_) | RowScore::NormalGain(_));
            if !finite || !(gains || binary()) {
                sound.store(false, Ordering::Relaxed);
                return;
            }
            for ((t, s), out) in t.chunks_exact(labels).zip(s.chunks_exact(labels)).zip(out) {
                order.clear();
                order.extend(s.iter().zip(t).map(|(&s, &t)| (key(s), t)));
                order.sort_unstable_by_key(|label| label.0);
                *out = of_row(&order, what);
                if let RowScore::NormalGain(discounts) = what
                    && *out != 0.0
                {
                    order.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
                    let best: f64 =
                        order.iter().zip(discounts).map(|(label, discount)| label.1 * discount).sum();
                    *out = if best == 0.0 { 0.0 } else { *out / best };
                }
            }
        }
    })?;
    Ok(sound.into_inner().then_some(out))
}

/// Labels by descending scores.
fn of_row(order: &[(u64, f64)], what: RowScore<'_>) -> f64 {
    let n = order.len();
    let relevant: f64 = order.iter().map(|label| label.1).sum();
    let all_or_none = relevant == 0.0 || relevant == n as f64;
    match what {
        RowScore::RankingLoss if all_or_none => return 0.0,
        RowScore::RankingPrecision if all_or_none => return 1.0,
        _ => {}
    }
    let (mut above, mut result) = (0.0, 0.0);
    for (begin, group) in groups(order) {
        let here: f64 = group.iter().map(|label| label.1).sum();
        let end = begin + group.len();
        match what {
            RowScore::Coverage => {
                if here > 0.0 {
                    result = end as f64;
                }
            }
            RowScore::RankingLoss => {
                // Irrelevant labels here stand before, or beside, the relevant ones from here on.
                result += (relevant - above) * (group.len() as f64 - here);
            }
            RowScore::RankingPrecision => result += here * ((above + here) / end as f64),
            RowScore::Gain(discounts) | RowScore::NormalGain(discounts) => {
                result += here / group.len() as f64 * discounts[begin..end].iter().sum::<f64>();
            }
        }
        above += here;
    }
    match what {
        RowScore::RankingLoss => result / (relevant * (n as f64 - relevant)),
        RowScore::RankingPrecision => result / relevant,
        _ => result,
    }
}

/// Runs of equal keys, and where they begin.
fn groups(order: &[(u64, f64)]) -> impl Iterator<Item = (usize, &[(u64, f64)])> {
    order.chunk_by(|a, b| a.0 == b.0).scan(0, |begin, group| {
        let first = *begin;
        *begin += group.len();
        Some((first, group))
    })
}

/// 1 for each row whose class is among those of the `k` highest scores, of equal ones the later; `None` if a score is not
/// finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn top_k(
    codes: &[u16],
    columns: &[u16],
    scores: &Numbers<'_>,
    k: usize,
    exec: &Exec<'_>,
) -> Result<Option<Vec<bool>>> {
    let labels = scores.columns();
    let sound = AtomicBool::new(true);
    let mut out = vec![false; codes.len()];
    let step = (BLOCK / labels.max(1)).max(1);
    exec.only_if(codes.len() * labels >= SERIAL_BELOW).for_each_piece(&mut out, step * 16, |i, out| {
        let mut room = vec![0.0; step * labels];
        for (block, out) in out.chunks_mut(step).enumerate() {
            let begin = (i * 16 + block) * step;
            let s = scores.whole_rows(begin, &mut room[..out.len() * labels]);
            if !s.iter().fold(true, |all, x| all & x.is_finite()) {
                sound.store(false, Ordering::Relaxed);
                return;
            }
            for ((s, &code), out) in s.chunks_exact(labels).zip(&codes[begin..]).zip(out) {
                let (before, after) = s.split_at(columns[code as usize] as usize);
                let own = after[0];
                let higher = before.iter().filter(|x| **x > own).count();
                *out = higher + after[1..].iter().filter(|x| **x >= own).count() < k;
            }
        }
    })?;
    Ok(sound.into_inner().then_some(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayView2, array};

    #[test]
    fn rows_with_ties_by_hand() {
        let truth = array![[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]];
        let scores = array![[0.2, 0.2, 0.9], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.5, 0.5, 0.5]];
        let of = |what| {
            row_scores(&Numbers::F64(truth.view()), &Numbers::F64(scores.view()), what, &Exec::serial())
                .unwrap()
                .unwrap()
        };
        assert_eq!(of(RowScore::Coverage), [3.0, 0.0, 3.0, 3.0]);
        assert_eq!(of(RowScore::RankingLoss), [0.5, 0.0, 0.0, 1.0]);
        let precision = of(RowScore::RankingPrecision);
        assert_eq!(precision, [(1.0 + 2.0 / 3.0) / 2.0, 1.0, 1.0, 1.0 / 3.0]);
        let gains = of(RowScore::Gain(&[1.0, 0.5, 0.25]));
        assert_eq!(gains, [1.0 + 0.5 * 0.75, 0.0, 1.75, 1.0 / 3.0 * 1.75]);
        assert_eq!(of(RowScore::NormalGain(&[1.0, 0.5, 0.25]))[1..3], [0.0, 1.0]);
    }

    #[test]
    fn the_later_of_equal_scores_ranks_first() {
        let scores = [0.3, 0.3, 0.3];
        let hit = |code: u16, k| {
            let view = ArrayView2::from_shape((1, 3), &scores).unwrap();
            top_k(&[code], &[0, 1, 2], &Numbers::F64(view), k, &Exec::serial()).unwrap().unwrap()[0]
        };
        assert_eq!([hit(2, 1), hit(1, 1), hit(1, 2), hit(0, 2), hit(0, 3)], [true, false, true, false, true]);
    }
}
