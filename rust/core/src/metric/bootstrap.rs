//! The bootstrap: metrics of rows drawn again, each as often as it falls.
//!
//! A resample is how often each of `n` rows was drawn in `n` draws, so every metric of it is one weighted pass over what
//! was computed once: losses, classes, or the order of the scores. [`LANES`] resamples go together through each pass, side
//! by side, so that a row is looked up once for all of them and vectors do the rest. Resample `i` of a seed is always the
//! same, whatever is computed of it and on however many threads.

use crate::error::Result;
use crate::exec::Exec;
use crate::simd;

/// Resamples that go together.
const LANES: usize = 8;
/// How often a row was drawn in each of them.
type Times = [u8; LANES];
type Lanes = [f64; LANES];
/// Rows whose sum is taken by itself, so that long sums round less.
const BLOCK: usize = 1024;
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

/// Adds to the lane how often each row falls in resample `i`.
fn draw(seed: u64, i: usize, lane: usize, times: &mut [Times]) {
    const DRAWS: usize = 256;
    let n = times.len() as u64;
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
            // A row is drawn once on average, and 255 times never.
            let times = &mut times[row as usize][lane];
            *times = times.saturating_add(1);
        }
        left -= draws;
    }
}

/// What is computed of each resample.
pub enum Statistic<'a> {
    /// The mean of each column.
    Means(Vec<&'a [f64]>),
    /// The median of the values, which are ranked by themselves.
    Median(&'a [f64], Ranks),
    /// Hits, predictions and truths of each class.
    Labels {
        /// Each row's class.
        t: &'a [u16],
        /// The class that was predicted.
        p: &'a [u16],
        /// Number of classes.
        classes: usize,
    },
    /// The sum of the values of each group.
    Groups {
        /// The values.
        values: &'a [f64],
        /// Each row's group.
        group: &'a [u16],
        /// Number of groups.
        groups: usize,
    },
    /// Area under the ROC curve and average precision of each ranking, NaN where undefined.
    Rankings(Vec<Ranks>),
}

impl Statistic<'_> {
    /// Numbers for each resample.
    fn width(&self) -> usize {
        match self {
            Self::Means(columns) => columns.len(),
            Self::Median(..) => 1,
            Self::Labels { classes, .. } => 3 * classes,
            Self::Groups { groups, .. } => *groups,
            Self::Rankings(rankings) => 2 * rankings.len(),
        }
    }

    /// Writes the numbers of resamples with rows drawn so often.
    fn compute(&self, times: &[Times], out: &mut [Lanes]) {
        match self {
            Self::Means(columns) => {
                let n = times.len() as f64;
                for (column, out) in columns.iter().zip(out) {
                    *out = simd::dispatch!(sums(column, times)).map(|sum| sum / n);
                }
            }
            Self::Median(values, ranks) => out[0] = simd::dispatch!(medians(values, ranks, times)),
            Self::Labels { t, p, classes } => simd::dispatch!(label_sums(t, p, *classes, times, out)),
            Self::Groups { values, group, .. } => simd::dispatch!(group_sums(values, group, times, out)),
            Self::Rankings(rankings) => {
                for (ranks, out) in rankings.iter().zip(out.chunks_exact_mut(2)) {
                    [out[0], out[1]] = simd::dispatch!(ranks.scores(times));
                }
            }
        }
    }
}

/// The numbers of all `statistics`, side by side, of each resample of `n` rows.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn resample(
    n: usize,
    statistics: &[Statistic<'_>],
    (resamples, seed): (usize, u64),
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    let width = statistics.iter().map(Statistic::width).sum::<usize>();
    let mut table = vec![0.0; resamples * width];
    exec.only_if(n * resamples >= SERIAL_BELOW).for_each_piece(&mut table, LANES * width, |i, table| {
        let mut times = vec![[0; LANES]; n];
        for lane in 0..table.len() / width {
            draw(seed, i * LANES + lane, lane, &mut times);
        }
        let mut numbers = vec![[0.0; LANES]; width];
        let mut rest = &mut numbers[..];
        for statistic in statistics {
            let (own, others) = rest.split_at_mut(statistic.width());
            statistic.compute(&times, own);
            rest = others;
        }
        for (lane, row) in table.chunks_exact_mut(width).enumerate() {
            row.iter_mut().zip(&numbers).for_each(|(out, numbers)| *out = numbers[lane]);
        }
    })?;
    Ok(table)
}

#[inline(always)]
fn lanes(times: &Times) -> Lanes {
    times.map(f64::from)
}

#[inline(always)]
fn sums(column: &[f64], times: &[Times]) -> Lanes {
    let mut total = [0.0; LANES];
    for (column, times) in column.chunks(BLOCK).zip(times.chunks(BLOCK)) {
        let mut sum = [0.0; LANES];
        for (&x, times) in column.iter().zip(times) {
            let times = lanes(times);
            for k in 0..LANES {
                sum[k] += x * times[k];
            }
        }
        for k in 0..LANES {
            total[k] += sum[k];
        }
    }
    total
}

#[inline(always)]
fn label_sums(t: &[u16], p: &[u16], classes: usize, times: &[Times], out: &mut [Lanes]) {
    let mut sums = vec![[0_u32; LANES]; 3 * classes];
    let (hits, rest) = sums.split_at_mut(classes);
    let (predicted, truly) = rest.split_at_mut(classes);
    for ((times, &t), &p) in times.iter().zip(t).zip(p) {
        let times = times.map(u32::from);
        let hit = if t == p { u32::MAX } else { 0 };
        for k in 0..LANES {
            hits[t as usize][k] += times[k] & hit;
            predicted[p as usize][k] += times[k];
            truly[t as usize][k] += times[k];
        }
    }
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum.map(f64::from));
}

#[inline(always)]
fn group_sums(values: &[f64], group: &[u16], times: &[Times], out: &mut [Lanes]) {
    for ((times, &x), &group) in times.iter().zip(values).zip(group) {
        let (times, out) = (lanes(times), &mut out[group as usize]);
        for k in 0..LANES {
            out[k] += x * times[k];
        }
    }
}

#[inline(always)]
fn medians(values: &[f64], ranks: &Ranks, times: &[Times]) -> Lanes {
    let n = times.len() as u32;
    // Rows up to the middle ones: so many have no more than half of the draws before or at them.
    let (mut seen, mut low, mut high) = ([0_u32; LANES], [0_u32; LANES], [0_u32; LANES]);
    for &row in &ranks.rows {
        let times = times[row as usize].map(u32::from);
        for k in 0..LANES {
            seen[k] += times[k];
            low[k] += u32::from(seen[k] <= (n - 1) / 2);
            high[k] += u32::from(seen[k] <= n / 2);
        }
    }
    // A lane without draws has no middle; whatever is told of it is not used.
    let value = |place: u32| ranks.rows.get(place as usize).map_or(f64::NAN, |&row| values[row as usize]);
    std::array::from_fn(|k| f64::midpoint(value(low[k]), value(high[k])))
}

/// Rows by descending scores, and where groups of equal scores end.
pub struct Ranks {
    rows: Vec<u32>,
    positive: Vec<bool>,
    /// Does the row's group go on with the next one?
    tied: Vec<bool>,
}

impl Ranks {
    /// Ranks finite scores.
    #[must_use]
    pub fn new(scores: &[f64], positive: impl Fn(usize) -> bool) -> Self {
        let items: Vec<(u64, f64)> =
            scores.iter().enumerate().map(|(i, &x)| (super::order::key(x), i as f64)).collect();
        let sorted = crate::radix::sorted(&[&items]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "row numbers")]
        let rows: Vec<u32> = sorted.iter().map(|item| item.1 as u32).collect();
        let mut tied: Vec<bool> = sorted.windows(2).map(|pair| pair[0].0 == pair[1].0).collect();
        tied.push(false);
        let positive = rows.iter().map(|&row| positive(row as usize)).collect();
        Self { rows, positive, tied }
    }

    /// Area under the ROC curve and average precision of rows that count so often.
    #[inline(always)]
    fn scores(&self, times: &[Times]) -> [Lanes; 2] {
        let (mut above, mut below, mut wins, mut precision) =
            ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let (mut up, mut down, mut any) = ([0.0; LANES], [0.0; LANES], false);
        for ((&row, &positive), &tied) in self.rows.iter().zip(&self.positive).zip(&self.tied) {
            let times = lanes(&times[row as usize]);
            let side = if positive { &mut up } else { &mut down };
            for k in 0..LANES {
                side[k] += times[k];
            }
            any |= positive;
            if tied {
                continue;
            }
            for k in 0..LANES {
                wins[k] += down[k] * (2.0 * above[k] + up[k]);
                above[k] += up[k];
                below[k] += down[k];
            }
            if any {
                for k in 0..LANES {
                    // 0 / 0 before the first drawn row is no number: the least of rows stands for none.
                    precision[k] += up[k] * (above[k] / (above[k] + below[k]).max(1.0));
                }
            }
            (up, down, any) = ([0.0; LANES], [0.0; LANES], false);
        }
        [
            std::array::from_fn(|k| wins[k] / (2.0 * above[k] * below[k])),
            std::array::from_fn(|k| precision[k] / above[k]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn as_many_draws_as_rows_and_the_same_on_any_number_of_threads() {
        let n = 5000;
        let mut times = vec![[0; LANES]; n];
        draw(3, 7, 2, &mut times);
        assert_eq!(times.iter().map(|t| usize::from(t[2])).sum::<usize>(), n);
        let column: Vec<f64> = (0..n).map(|i| (i % 17) as f64).collect();
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let source = || Some(pool.clone());
        let on = |threads, resamples| {
            let exec = Exec::new(&source, threads, &|| false);
            resample(n, &[Statistic::Means(vec![&column])], (resamples, 1), &exec).unwrap()
        };
        assert_eq!(on(1, 40), on(3, 40));
        assert_eq!(on(1, 13), on(1, 40)[..13]);
        let spread = (on(1, 40).iter().map(|m| (m - 8.0).powi(2)).sum::<f64>() / 40.0).sqrt();
        // The standard error of the mean of 5000 values whose deviation is 4.9.
        assert!((0.04..0.11).contains(&spread), "{spread}");
    }

    #[test]
    fn weighted_areas_are_those_of_repeated_rows() {
        let n = 300;
        for ties in [1.0, 40.0] {
            let scores: Vec<f64> = (0..n).map(|i| (f64::from(i * 37 % 301) / ties).floor()).collect();
            let ranks = Ranks::new(&scores, |i| i % 3 == 0);
            let mut times = vec![[0; LANES]; n as usize];
            draw(0, 0, 5, &mut times);
            let [area, precision] = ranks.scores(&times).map(|lanes| lanes[5]);
            let drawn: Vec<usize> =
                (0..n as usize).flat_map(|i| std::iter::repeat_n(i, usize::from(times[i][5]))).collect();
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
            let ranks = Ranks::new(&values[..n], |_| true);
            let median = [Statistic::Median(&values[..n], ranks)];
            let found = resample(n, &median, (5, 9), &Exec::serial()).unwrap();
            for (i, found) in found.iter().enumerate() {
                let mut times = vec![[0; LANES]; n];
                draw(9, i, 0, &mut times);
                let mut drawn: Vec<f64> =
                    (0..n).flat_map(|i| std::iter::repeat_n(values[i], usize::from(times[i][0]))).collect();
                drawn.sort_unstable_by(f64::total_cmp);
                assert_eq!(*found, f64::midpoint(drawn[(n - 1) / 2], drawn[n / 2]));
            }
        }
    }

    #[test]
    fn sums_of_labels_and_groups_are_those_of_repeated_rows() {
        let n = 200;
        let t: Vec<u16> = (0..n).map(|i| (i * 7 % 3) as u16).collect();
        let p: Vec<u16> = (0..n).map(|i| (i * 5 % 3) as u16).collect();
        let values: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let both = [
            Statistic::Labels { t: &t, p: &p, classes: 3 },
            Statistic::Groups { values: &values, group: &t, groups: 3 },
        ];
        let found = resample(n, &both, (3, 4), &Exec::serial()).unwrap();
        let mut times = vec![[0; LANES]; n];
        draw(4, 2, 1, &mut times);
        let mut expected = [0.0; 12];
        for (i, times) in times.iter().enumerate() {
            let (t, p, times) = (t[i] as usize, p[i] as usize, f64::from(times[1]));
            expected[t] += if t == p { times } else { 0.0 };
            expected[3 + p] += times;
            expected[6 + t] += times;
            expected[9 + t] += times * i as f64;
        }
        assert_eq!(found[2 * 12..], expected);
    }
}
