//! The bootstrap: metrics of rows drawn again, each as often as it falls.
//!
//! A resample is how often each of `n` rows was drawn in `n` draws, so every metric of it is one weighted pass over what
//! was computed once: losses, classes, or the order of the scores. Resample `i` of a seed is always the same, whatever
//! else is computed of it and on however many threads.

use crate::error::Result;
use crate::exec::Exec;
use crate::simd;

/// Rows times resamples below which one thread is quicker.
const SERIAL_BELOW: usize = 50_000;
/// What SplitMix64 adds from draw to draw (Steele, Lea, Flood 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(always)]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// How often each row falls in resample `i`.
fn draw(seed: u64, i: usize, times: &mut [u16]) {
    const DRAWS: usize = 256;
    let n = times.len() as u64;
    times.fill(0);
    let mut state = mix(mix(seed).wrapping_add(mix(i as u64 + 1)));
    let mut rows = [0_u64; DRAWS];
    let mut left = times.len();
    while left > 0 {
        let draws = left.min(DRAWS);
        // By vectors first; the counting that follows cannot be.
        simd::dispatch!(for (k, row) in rows[..draws].iter_mut().enumerate() {
            // 32 bits choose: the lack of evenness, n / 2^32, is far below what resampling shows.
            *row = ((mix(state.wrapping_add((k as u64 + 1).wrapping_mul(STEP))) >> 32) * n) >> 32;
        });
        state = state.wrapping_add((DRAWS as u64).wrapping_mul(STEP));
        for &row in &rows[..draws] {
            let times = &mut times[row as usize];
            *times = times.saturating_add(1);
        }
        left -= draws;
    }
}

/// Calls `f` with each resample and its room of `width` values; the rooms one after another.
fn each_resample(
    n: usize,
    (resamples, seed): (usize, u64),
    width: usize,
    exec: &Exec<'_>,
    f: impl Fn(&[u16], &mut [f64]) + Sync,
) -> Result<Vec<f64>> {
    let mut out = vec![0.0; resamples * width];
    exec.only_if(n * resamples >= SERIAL_BELOW).for_each_piece(&mut out, width, |i, out| {
        let mut times = vec![0_u16; n];
        draw(seed, i, &mut times);
        f(&times, out);
    })?;
    Ok(out)
}

/// Means of the columns in each resample.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn means(columns: &[&[f64]], runs: (usize, u64), exec: &Exec<'_>) -> Result<Vec<f64>> {
    let n = columns.first().map_or(0, |column| column.len());
    each_resample(n, runs, columns.len(), exec, |times, out| {
        for (column, out) in columns.iter().zip(out) {
            let times = &times[..column.len()];
            let sum = crate::metric::numbers::lane_sum;
            *out = simd::dispatch!(sum(n, |i| column[i] * f64::from(times[i]))) / n as f64;
        }
    })
}

/// Hits, predictions and truths of each of `classes` in each resample.
///
/// # Errors
/// As [`means`].
pub fn label_sums(
    t: &[u16],
    p: &[u16],
    classes: usize,
    runs: (usize, u64),
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    each_resample(t.len(), runs, 3 * classes, exec, |times, out| {
        let mut sums = vec![0_u32; 3 * classes];
        let (hits, rest) = sums.split_at_mut(classes);
        let (predicted, truly) = rest.split_at_mut(classes);
        for ((&times, &t), &p) in times.iter().zip(t).zip(p) {
            let times = u32::from(times);
            hits[t as usize] += if t == p { times } else { 0 };
            predicted[p as usize] += times;
            truly[t as usize] += times;
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = f64::from(sum));
    })
}

/// Sums of the values of each group in each resample.
///
/// # Errors
/// As [`means`].
pub fn group_sums(
    values: &[f64],
    group: &[u16],
    groups: usize,
    runs: (usize, u64),
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    each_resample(values.len(), runs, groups, exec, |times, out| {
        for ((&times, &value), &group) in times.iter().zip(values).zip(group) {
            out[group as usize] += f64::from(times) * value;
        }
    })
}

/// Rows by descending scores, and where groups of equal scores end.
pub struct Ranks {
    rows: Vec<u32>,
    positive: Vec<bool>,
    /// Does the row's group go on with the next one?
    tied: Vec<bool>,
    any_tied: bool,
}

impl Ranks {
    /// Ranks finite scores.
    #[must_use]
    pub fn new(scores: &[f64], positive: impl Fn(usize) -> bool) -> Self {
        let items: Vec<(u64, f64)> =
            scores.iter().enumerate().map(|(i, &x)| (super::order::key(x), i as f64)).collect();
        let sorted = super::order::sorted(&[&items]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "row numbers")]
        let rows: Vec<u32> = sorted.iter().map(|item| item.1 as u32).collect();
        let mut tied: Vec<bool> = sorted.windows(2).map(|pair| pair[0].0 == pair[1].0).collect();
        tied.push(false);
        let positive = rows.iter().map(|&row| positive(row as usize)).collect();
        let any_tied = tied.contains(&true);
        Self { rows, positive, tied, any_tied }
    }

    /// Area under the ROC curve and average precision of rows that count so often.
    fn scores(&self, times: &[u16]) -> (f64, f64) {
        let (mut above, mut below, mut wins, mut precision) = (0_u64, 0_u64, 0_u64, 0.0);
        if self.any_tied {
            let (mut up, mut down) = (0_u64, 0_u64);
            for ((&row, &positive), &tied) in self.rows.iter().zip(&self.positive).zip(&self.tied) {
                let times = u64::from(times[row as usize]);
                up += if positive { times } else { 0 };
                down += if positive { 0 } else { times };
                if !tied {
                    wins += down * (2 * above + up);
                    above += up;
                    below += down;
                    if up > 0 {
                        precision += up as f64 * (above as f64 / (above + below) as f64);
                    }
                    (up, down) = (0, 0);
                }
            }
        } else {
            for (&row, &positive) in self.rows.iter().zip(&self.positive) {
                let times = u64::from(times[row as usize]);
                let up = if positive { times } else { 0 };
                above += up;
                below += times - up;
                wins += 2 * above * (times - up);
                // 0 / 0 before the first drawn row is no number: the least of rows stands for none.
                precision += up as f64 * (above as f64 / (above + below).max(1) as f64);
            }
        }
        (wins as f64 / (2.0 * above as f64 * below as f64), precision / above as f64)
    }
}

/// The area under the ROC curve and the average precision of each ranking in each resample, NaN where undefined.
///
/// # Errors
/// As [`means`].
pub fn ranking_scores(
    rankings: &[Ranks],
    rows: usize,
    runs: (usize, u64),
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    each_resample(rows, runs, 2 * rankings.len(), exec, |times, out| {
        for (ranks, out) in rankings.iter().zip(out.chunks_exact_mut(2)) {
            (out[0], out[1]) = ranks.scores(times);
        }
    })
}

/// The median of the values in each resample.
///
/// # Errors
/// As [`means`].
pub fn medians(values: &[f64], runs: (usize, u64), exec: &Exec<'_>) -> Result<Vec<f64>> {
    let n = values.len();
    let ranks = Ranks::new(values, |_| true);
    each_resample(n, runs, 1, exec, |times, out| {
        let mut seen = 0;
        let mut low = None;
        for &row in &ranks.rows {
            seen += usize::from(times[row as usize]);
            if low.is_none() && seen > (n - 1) / 2 {
                low = Some(values[row as usize]);
            }
            if let Some(low) = low
                && seen > n / 2
            {
                out[0] = f64::midpoint(low, values[row as usize]);
                return;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn as_many_draws_as_rows_and_the_same_on_any_number_of_threads() {
        let n = 5000;
        let mut times = vec![0; n];
        draw(3, 7, &mut times);
        assert_eq!(times.iter().map(|&t| usize::from(t)).sum::<usize>(), n);
        let column: Vec<f64> = (0..n).map(|i| (i % 17) as f64).collect();
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let source = || Some(pool.clone());
        let on = |threads| means(&[&column], (40, 1), &Exec::new(&source, threads, &|| false)).unwrap();
        assert_eq!(on(1), on(3));
        let spread = (on(1).iter().map(|m| (m - 8.0).powi(2)).sum::<f64>() / 40.0).sqrt();
        // The standard error of the mean of 5000 values whose deviation is 4.9.
        assert!((0.04..0.11).contains(&spread), "{spread}");
    }

    #[test]
    fn weighted_areas_are_those_of_repeated_rows() {
        let n = 300;
        for ties in [1.0, 40.0] {
            let scores: Vec<f64> = (0..n).map(|i| (f64::from(i * 37 % 301) / ties).floor()).collect();
            let ranks = Ranks::new(&scores, |i| i % 3 == 0);
            let mut times = vec![0; n as usize];
            draw(0, 0, &mut times);
            let (area, precision) = ranks.scores(&times);
            let drawn: Vec<usize> =
                (0..n as usize).flat_map(|i| std::iter::repeat_n(i, usize::from(times[i]))).collect();
            let (mut wins, mut pairs, mut sum, mut positives) = (0.0, 0.0, 0.0, 0.0);
            for &a in drawn.iter().filter(|a| **a % 3 == 0) {
                positives += 1.0;
                let at_least = |third: bool| {
                    drawn.iter().filter(|b| scores[**b] >= scores[a] && (!third || **b % 3 == 0)).count()
                        as f64
                };
                sum += at_least(true) / at_least(false);
                for &b in drawn.iter().filter(|b| **b % 3 != 0) {
                    pairs += 1.0;
                    wins += if scores[a] > scores[b] {
                        1.0
                    } else if scores[a] == scores[b] {
                        0.5
                    } else {
                        0.0
                    };
                }
            }
            assert!((area - wins / pairs).abs() < 1e-12);
            assert!((precision - sum / positives).abs() < 1e-12);
        }
    }

    #[test]
    fn medians_are_those_of_repeated_rows() {
        let values: Vec<f64> = (0..101).map(|i| f64::from(i * 29 % 101)).collect();
        for n in [100, 101] {
            let found = medians(&values[..n], (5, 9), &Exec::serial()).unwrap();
            for (i, found) in found.iter().enumerate() {
                let mut times = vec![0; n];
                draw(9, i, &mut times);
                let mut drawn: Vec<f64> =
                    (0..n).flat_map(|i| std::iter::repeat_n(values[i], usize::from(times[i]))).collect();
                drawn.sort_unstable_by(f64::total_cmp);
                assert_eq!(*found, f64::midpoint(drawn[(n - 1) / 2], drawn[n / 2]));
            }
        }
    }
}
