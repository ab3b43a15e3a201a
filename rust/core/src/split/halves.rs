//! A training and a test part: the first rows and the last, a permutation cut in two, or each class cut in two.

use crate::error::Result;
use crate::exec::Exec;
use crate::random::Mt19937;
use crate::split::labels::Classes;

/// Rows in the order in which they are taken.
#[derive(Clone, Copy)]
pub enum Order<'a> {
    /// From this one on.
    From(usize),
    /// These ones.
    Rows(&'a [u32]),
}

/// The rows of both parts.
pub struct Halves {
    /// The rows, one part after the other; empty if they are taken as they come.
    order: Vec<u32>,
    train: (usize, usize),
    test: (usize, usize),
}

impl Halves {
    /// The first `train` rows, and the `test` rows after them.
    #[must_use]
    pub fn in_order(train: usize, test: usize) -> Self {
        Self { order: Vec::new(), train: (0, train), test: (train, train + test) }
    }

    /// `ShuffleSplit`: of a permutation of `n` rows the first `test`, and the next `train`.
    #[must_use]
    pub fn shuffled(n: u32, train: usize, test: usize, rng: &mut Mt19937) -> Self {
        let mut order: Vec<u32> = (0..n).collect();
        rng.shuffle(&mut order);
        Self { order, train: (test, test + train), test: (0, test) }
    }

    /// `StratifiedShuffleSplit`: classes keep their shares; each class is permuted and cut, then both parts are permuted.
    /// `train` and `test` together are at most the number of rows.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn stratified(
        classes: &Classes,
        train: usize,
        test: usize,
        rng: &mut Mt19937,
        exec: &Exec<'_>,
    ) -> Result<Self> {
        // scikit-learn's classes are sorted by label.
        let counts: Vec<u32> = classes.ascending.iter().map(|&code| classes.counts[code as usize]).collect();
        let for_train = approximate_mode(&counts, train, rng);
        let left: Vec<u32> = counts.iter().zip(&for_train).map(|(&n, &taken)| n - taken).collect();
        let for_test = approximate_mode(&left, test, rng);

        let mut next = vec![0; counts.len()];
        let mut begin = 0;
        for (&code, &count) in classes.ascending.iter().zip(&counts) {
            next[code as usize] = begin;
            begin += count as usize;
        }
        let mut by_class = vec![0_u32; classes.codes.len()];
        for (row, &code) in (0..).zip(&classes.codes) {
            let next = &mut next[code as usize];
            by_class[*next] = row;
            *next += 1;
        }
        let mut order = vec![0; train + test];
        let (mut to_train, mut to_test) = order.split_at_mut(train);
        let mut rest = by_class.as_mut_slice();
        for ((&count, &a), &b) in counts.iter().zip(&for_train).zip(&for_test) {
            exec.check()?;
            let (rows, after) = rest.split_at_mut(count as usize);
            rest = after;
            rng.shuffle(rows);
            let (a, b) = (a as usize, b as usize);
            copy_front(&mut to_train, &rows[..a]);
            copy_front(&mut to_test, &rows[a..a + b]);
        }
        let (in_train, in_test) = order.split_at_mut(train);
        rng.shuffle(in_train);
        exec.check()?;
        rng.shuffle(in_test);
        Ok(Self { order, train: (0, train), test: (train, train + test) })
    }

    fn part(&self, (begin, end): (usize, usize)) -> (Order<'_>, usize) {
        let order = self.order.get(begin..end).map_or(Order::From(begin), Order::Rows);
        (order, end - begin)
    }

    /// The rows to learn from, and how many.
    #[must_use]
    pub fn train(&self) -> (Order<'_>, usize) {
        self.part(self.train)
    }

    /// The rows to test, and how many.
    #[must_use]
    pub fn test(&self) -> (Order<'_>, usize) {
        self.part(self.test)
    }
}

/// Copies `rows` to the front of `to`, and moves its front behind them.
fn copy_front(to: &mut &mut [u32], rows: &[u32]) {
    let (front, behind) = std::mem::take(to).split_at_mut(rows.len());
    front.copy_from_slice(rows);
    *to = behind;
}

/// `sklearn.utils.extmath._approximate_mode`: the likeliest numbers of each class among `draws` rows. What flooring
/// leaves goes to the largest remainders, and among equal ones by chance.
fn approximate_mode(counts: &[u32], draws: usize, rng: &mut Mt19937) -> Vec<u32> {
    let total: u64 = counts.iter().map(|&n| u64::from(n)).sum();
    // The same divisions and products as NumPy's, so that ties are the same.
    let expected: Vec<f64> = counts.iter().map(|&n| f64::from(n) / total as f64 * draws as f64).collect();
    let mut taken: Vec<u32> = expected.iter().map(|x| x.floor() as u32).collect();
    let floored: u64 = taken.iter().map(|&n| u64::from(n)).sum();
    let mut missing = (draws as u64).saturating_sub(floored) as usize;
    let mut classes: Vec<(f64, u32)> = expected.iter().map(|x| x - x.floor()).zip(0_u32..).collect();
    descending(&mut classes);
    for tied in classes.chunk_by(|a, b| a.0 == b.0) {
        if missing == 0 {
            break;
        }
        // `choice` without replacement permutes them all, however few it takes.
        let mut places: Vec<usize> = (0..tied.len()).collect();
        rng.shuffle(&mut places);
        for &place in places.iter().take(missing) {
            taken[tied[place].1 as usize] += 1;
        }
        missing -= missing.min(tied.len());
    }
    taken
}

/// Sorts by value, the largest first; equal ones keep their order.
pub fn descending(items: &mut [(f64, u32)]) {
    items.sort_by(|a, b| b.0.total_cmp(&a.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_approximate_mode_is_scikit_learns() {
        // The examples in the docstring of scikit-learn's function.
        let mode = |counts: &[u32], draws, seed| approximate_mode(counts, draws, &mut Mt19937::new(seed));
        assert_eq!(mode(&[4, 2], 3, 0), [2, 1]);
        assert_eq!(mode(&[5, 2], 4, 0), [3, 1]);
        assert_eq!(mode(&[2, 2, 2, 1], 2, 0), [0, 1, 1, 0]);
        assert_eq!(mode(&[2, 2, 2, 1], 2, 42), [1, 1, 0, 0]);
    }
}
