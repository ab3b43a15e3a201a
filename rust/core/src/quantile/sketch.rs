//! A sketch of a column's quantiles that takes values as they come and merges with others.
//!
//! Level `i` holds up to [`SIZE`] values that stand for `2^i` each. A full level is sorted and every second value goes
//! up, from the first and from the second one in turn (Manku, Rajagopalan and Lindsay, SIGMOD 1998). Sorting out half of
//! a level moves a rank by at most `2^i`, and a level is full at most `n / (SIZE 2^i)` times, so a rank is wrong by at
//! most `(1 + log2(n / SIZE)) / SIZE` of `n`: 0.22% of a million values, 0.46% of a billion, and by far less on
//! data that does not know the sketch. Up to [`SIZE`] values, and always at both ends, it is exact.

use super::lerp;
use crate::apart::Apart;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::matrix::Matrix;

/// Values of a level: 32 KB each.
pub const SIZE: usize = 4_096;
/// Values of a block of rows, which stays in the second-level cache while each column takes its own.
const BLOCK: usize = 1 << 17;
/// Values of a block from which threads bring more than they cost.
const SERIAL_BELOW: usize = 1 << 14;

/// What is known of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// Values seen, without NaN.
    pub count: u64,
    /// The smallest and the largest of them; +infinity and -infinity if there is none.
    pub range: (f64, f64),
    /// Bit `i`: does level `i` next give up its second, fourth, ... value?
    pub turn: u64,
    /// Values that stand for `2^i` each.
    pub levels: Vec<Vec<f64>>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { count: 0, range: (f64::INFINITY, f64::NEG_INFINITY), turn: 0, levels: Vec::new() }
    }
}

impl Sketch {
    /// Takes values in; NaN is passed over.
    pub fn update<T: Float>(&mut self, values: impl Iterator<Item = T>) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        for v in values.filter(|v| !v.is_nan()) {
            let v = v.to_f64();
            self.count += 1;
            self.range = (self.range.0.min(v), self.range.1.max(v));
            self.levels[0].push(v);
            if self.levels[0].len() >= SIZE {
                self.compact();
            }
        }
    }

    /// Takes in what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.range = (self.range.0.min(other.range.0), self.range.1.max(other.range.1));
        self.turn ^= other.turn;
        self.levels.resize(self.levels.len().max(other.levels.len()), Vec::new());
        for (mine, theirs) in self.levels.iter_mut().zip(&other.levels) {
            mine.extend_from_slice(theirs);
        }
        self.compact();
    }

    /// Halves every level that is full.
    fn compact(&mut self) {
        let mut i = 0;
        while i < self.levels.len() {
            if self.levels[i].len() >= SIZE {
                let mut full = std::mem::take(&mut self.levels[i]);
                full.sort_unstable_by(f64::total_cmp);
                // An odd one stays behind, since nothing above would stand for it.
                if full.len() % 2 == 1 {
                    self.levels[i].extend(full.pop());
                }
                if i + 1 == self.levels.len() {
                    self.levels.push(Vec::new());
                }
                let first = (self.turn >> (i % 64) & 1) as usize;
                self.turn ^= 1 << (i % 64);
                self.levels[i + 1].extend(full.into_iter().skip(first).step_by(2));
            }
            i += 1;
        }
    }

    /// The quantiles of shares `q` in [0, 1], as NumPy interpolates linearly; NaN if no value was seen.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are whole and below the count"
    )]
    pub fn quantiles(&self, q: &[f64]) -> Vec<f64> {
        if self.count == 0 {
            return vec![f64::NAN; q.len()];
        }
        let mut items: Vec<(f64, u64)> = Vec::new();
        for (i, level) in self.levels.iter().enumerate() {
            items.extend(level.iter().map(|v| (*v, 1 << i)));
        }
        items.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let ends: Vec<u64> = items
            .iter()
            .scan(0, |sum, item| {
                *sum += item.1;
                Some(*sum)
            })
            .collect();
        let last = self.count - 1;
        let value = |rank: u64| match rank {
            0 => self.range.0,
            _ if rank >= last => self.range.1,
            _ => items[ends.partition_point(|end| *end <= rank)].0,
        };
        q.iter()
            .map(|q| {
                let place = q * last as f64;
                let low = (place as u64).min(last);
                lerp(value(low), value(low + 1), place - low as f64)
            })
            .collect()
    }
}

/// Takes the rows of `x` into the sketches of its columns. Returns whether a value was infinite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn update_all<T: Float>(sketches: &mut [Sketch], x: &dyn Matrix<T>, exec: &Exec<'_>) -> Result<bool> {
    let ((rows, columns), mut buffer) = (x.dim(), Vec::new());
    let step = (BLOCK / columns.max(1)).max(1);
    for begin in (0..rows).step_by(step) {
        let part = x.some_rows(begin, step.min(rows - begin), &mut buffer);
        exec.only_if(part.len() >= SERIAL_BELOW).for_each_piece(sketches, 1, |j, sketch| {
            for sketch in sketch {
                sketch.update(part.column(j).iter().copied());
            }
        })?;
    }
    Ok(any_infinite(sketches))
}

/// The same of columns that lie apart, one a sketch.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn update_columns<T: Float>(
    sketches: &mut [Sketch],
    columns: &[impl Apart<T>],
    exec: &Exec<'_>,
) -> Result<bool> {
    let values: usize = columns.iter().map(Apart::len).sum();
    exec.only_if(values >= SERIAL_BELOW).for_each_piece(sketches, 1, |j, sketch| {
        let (rows, mut buffer) = (columns[j].len(), Vec::new());
        for begin in (0..rows).step_by(BLOCK) {
            let values = columns[j].block(begin, BLOCK.min(rows - begin), &mut buffer);
            sketch.iter_mut().for_each(|sketch| sketch.update(values.iter().copied()));
        }
    })?;
    Ok(any_infinite(sketches))
}

fn any_infinite(sketches: &[Sketch]) -> bool {
    sketches.iter().any(|s| s.count > 0 && !(s.range.0.is_finite() && s.range.1.is_finite()))
}

/// Merges the sketches of the same columns.
pub fn merge_all(mine: &mut [Sketch], theirs: &[Sketch]) {
    for (a, b) in mine.iter_mut().zip(theirs) {
        a.merge(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By how many ranks is `value` away from the rank that it should have?
    fn rank_error(sorted: &[f64], value: f64, rank: f64) -> f64 {
        let low = sorted.partition_point(|v| *v < value) as f64;
        let high = sorted.partition_point(|v| *v <= value) as f64 - 1.0;
        (low - rank).max(rank - high).max(0.0)
    }

    fn check(values: &[f64], parts: usize) {
        let mut whole = Sketch::default();
        for part in values.chunks(values.len().div_ceil(parts).max(1)) {
            let mut sketch = Sketch::default();
            sketch.update(part.iter().copied());
            whole.merge(&sketch);
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        assert_eq!(whole.count, values.len() as u64);
        let kept: u64 = whole.levels.iter().enumerate().map(|(i, level)| (level.len() as u64) << i).sum();
        assert_eq!(kept, whole.count);
        // Between two ranks, so one more.
        let allowed = n * (1.0 + (n / SIZE as f64).log2()) / SIZE as f64 + 1.0;
        let q: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
        for (q, v) in q.iter().zip(whole.quantiles(&q)) {
            let error = rank_error(&sorted, v, q * (n - 1.0));
            assert!(error <= allowed, "{q}: {error} > {allowed}");
        }
        assert_eq!(whole.quantiles(&[0.0, 1.0]), [sorted[0], sorted[sorted.len() - 1]]);
    }

    #[test]
    fn ranks_are_as_near_as_stated() {
        let mut rng = crate::random::Mt19937::new(0);
        let n = 200_003;
        let smooth: Vec<f64> = (0..n).map(|_| rng.next_f64()).collect();
        let rising: Vec<f64> = (0..n).map(f64::from).collect();
        let ties: Vec<f64> = smooth.iter().map(|v| (v * 7.0).floor()).collect();
        let sawtooth: Vec<f64> = (0..n).map(|i| f64::from(i % 4_096)).collect();
        for values in [smooth, rising, ties, sawtooth] {
            for parts in [1, 2, 7] {
                check(&values, parts);
            }
        }
    }

    #[test]
    fn nothing_seen_has_no_quantile() {
        let mut sketch = Sketch::default();
        sketch.update([f64::NAN].into_iter());
        assert!(sketch.quantiles(&[0.5])[0].is_nan());
    }

    proptest! {
        #[test]
        fn few_values_are_exact(mut values in prop::collection::vec(-1e3..1e3f64, 1..200), cut in 0usize..200) {
            let cut = cut.min(values.len());
            let (mut a, mut b) = (Sketch::default(), Sketch::default());
            a.update(values[..cut].iter().copied());
            b.update(values[cut..].iter().copied());
            a.merge(&b);
            values.sort_by(f64::total_cmp);
            let q: Vec<f64> = (0..=10).map(|i| f64::from(i) / 10.0).collect();
            for (q, found) in q.iter().zip(a.quantiles(&q)) {
                let place = q * (values.len() - 1) as f64;
                let low = place as usize;
                let high = (low + 1).min(values.len() - 1);
                prop_assert_eq!(found, lerp(values[low], values[high], place - low as f64));
            }
        }
    }
}
