//! K folds: which fold tests which row.
//!
//! A fold's number takes a byte (four if there are more than 256 folds), so a million rows stay in the second cache;
//! a fold is then written out in one pass over those bytes.

use crate::error::Result;
use crate::exec::Exec;
use crate::random::Mt19937;
use crate::simd;
use crate::split::labels::Classes;

enum Tests {
    /// Fold f tests the f-th block of rows.
    Blocks,
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

/// The folds of `n` rows.
pub struct Folds {
    n: usize,
    sizes: Vec<usize>,
    tests: Tests,
}

/// A fold's number.
trait Id: Copy + PartialEq + Default {
    fn new(fold: usize) -> Self;
}

impl Id for u8 {
    fn new(fold: usize) -> Self {
        fold as u8
    }
}

impl Id for u32 {
    fn new(fold: usize) -> Self {
        fold as u32
    }
}

/// The most folds whose numbers fit a byte.
const NARROW: usize = 256;

/// Rows written between two looks at whether to stop.
const STEP: usize = 1 << 20;

impl Folds {
    /// `KFold(k)`: blocks whose sizes differ by one at most, of the rows as they come, or as `rng` shuffles them.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn plain(n: u32, k: usize, rng: Option<&mut Mt19937>, exec: &Exec<'_>) -> Result<Self> {
        let n = n as usize;
        let sizes: Vec<usize> = (0..k).map(|fold| n / k + usize::from(fold < n % k)).collect();
        let tests = match rng {
            None => Tests::Blocks,
            Some(rng) => {
                let mut picks = vec![0; n];
                let mut end = n;
                while end > 1 {
                    exec.check()?;
                    let begin = end.saturating_sub(STEP).max(1);
                    rng.intervals_down(begin as u32, &mut picks[begin..end]);
                    end = begin;
                }
                exec.check()?;
                if k <= NARROW {
                    Tests::Narrow(deal(&picks, &sizes))
                } else {
                    Tests::Wide(deal(&picks, &sizes))
                }
            }
        };
        Ok(Self { n, sizes, tests })
    }

    /// `StratifiedKFold(k)`: each class dealt out over the folds, in blocks of rows as they come, or as `rng` shuffles
    /// them.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn stratified(
        classes: &Classes,
        k: usize,
        rng: Option<&mut Mt19937>,
        exec: &Exec<'_>,
    ) -> Result<Self> {
        let (tests, sizes) = if k <= NARROW {
            let (tests, sizes) = stratify(classes, k, rng, exec)?;
            (Tests::Narrow(tests), sizes)
        } else {
            let (tests, sizes) = stratify(classes, k, rng, exec)?;
            (Tests::Wide(tests), sizes)
        };
        Ok(Self { n: classes.codes.len(), sizes, tests })
    }

    /// Folds of whole groups: the g-th group in ascending order is tested by the `folds[g]`-th of `k` folds; by none, if
    /// that is `k` or more.
    #[must_use]
    pub fn of_groups(groups: &Classes, folds: &[u32], k: usize) -> Self {
        let mut sizes = vec![0; k];
        let mut of_code = vec![k as u32; groups.counts.len()];
        for (&code, &fold) in groups.ascending.iter().zip(folds) {
            let code = code as usize;
            if let Some(size) = sizes.get_mut(fold as usize) {
                *size += groups.counts[code] as usize;
                of_code[code] = fold;
            }
        }
        // One number more is none of the folds'.
        let tests = if k < NARROW {
            Tests::Narrow(groups.codes.iter().map(|&code| of_code[code as usize] as u8).collect())
        } else {
            Tests::Wide(groups.codes.iter().map(|&code| of_code[code as usize]).collect())
        };
        Self { n: groups.codes.len(), sizes, tests }
    }

    /// How many folds there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// (rows to learn from, rows to test) of a fold.
    #[must_use]
    pub fn sizes(&self, fold: usize) -> (usize, usize) {
        (self.n - self.sizes[fold], self.sizes[fold])
    }

    /// Writes which fold tests each row.
    pub fn numbers(&self, out: &mut [u32]) {
        match &self.tests {
            Tests::Blocks => {
                let mut rest = out;
                for (fold, &size) in (0..).zip(&self.sizes) {
                    let (block, after) = rest.split_at_mut(size.min(rest.len()));
                    block.fill(fold);
                    rest = after;
                }
            }
            Tests::Narrow(tests) => out.iter_mut().zip(tests).for_each(|(out, &fold)| *out = fold.into()),
            Tests::Wide(tests) => out.iter_mut().zip(tests).for_each(|(out, &fold)| *out = fold),
        }
    }

    /// Writes the rows of a fold, in ascending order; the slices have the lengths that [`Folds::sizes`] gives.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn write(&self, fold: usize, train: &mut [i64], test: &mut [i64], exec: &Exec<'_>) -> Result<()> {
        match &self.tests {
            Tests::Blocks => {
                let begin: usize = self.sizes[..fold].iter().sum();
                let end = begin + self.sizes[fold];
                let (before, after) = train.split_at_mut(begin);
                count_up(before, 0);
                count_up(test, begin);
                count_up(after, end);
                Ok(())
            }
            Tests::Narrow(tests) => part(tests, u8::new(fold), train, test, exec, simd::part_positions),
            Tests::Wide(tests) => part(tests, u32::new(fold), train, test, exec, part_wide),
        }
    }
}

fn count_up(out: &mut [i64], begin: usize) {
    simd::dispatch!({
        for (i, out) in out.iter_mut().enumerate() {
            *out = (begin + i) as i64;
        }
    });
}

type Part<T> = fn(&[T], T, i64, &mut [i64], &mut [i64]) -> usize;

fn part<T: Id>(
    tests: &[T],
    fold: T,
    train: &mut [i64],
    test: &mut [i64],
    exec: &Exec<'_>,
    part: Part<T>,
) -> Result<()> {
    let (mut learned, mut tested) = (0, 0);
    for (step, tests) in tests.chunks(STEP).enumerate() {
        exec.check()?;
        let begin = step * STEP;
        let here = part(tests, fold, begin as i64, &mut test[tested..], &mut train[learned..]);
        tested += here;
        learned += tests.len() - here;
    }
    Ok(())
}

fn part_wide(tests: &[u32], fold: u32, begin: i64, test: &mut [i64], train: &mut [i64]) -> usize {
    let (mut a, mut b) = (0, 0);
    for (row, &id) in (begin..).zip(tests) {
        if id == fold {
            test[a] = row;
            a += 1;
        } else {
            train[b] = row;
            b += 1;
        }
    }
    a
}

/// The fold of each row, where rows shuffled by `picks` are cut into blocks.
///
/// The shuffle swaps i with picks[i] from the last i to the second. Folds are wanted by row, not by place, which is what
/// the same swaps in the opposite order do to the blocks' numbers: no array of row numbers is ever shuffled.
fn deal<T: Id>(picks: &[u32], sizes: &[usize]) -> Vec<T> {
    let mut folds = vec![T::default(); picks.len()];
    let mut begin = 0;
    for (fold, &size) in sizes.iter().enumerate() {
        let fold = T::new(fold);
        for i in begin..begin + size {
            let j = picks[i] as usize;
            folds[i] = folds[j];
            folds[j] = fold;
        }
        begin += size;
    }
    folds
}

/// Rows of each class that each fold tests: `result[class * k + fold]`.
///
/// scikit-learn deals the sorted classes round robin: the fold of place p is p modulo k.
fn allocation(counts: &[u32], k: usize) -> Vec<usize> {
    let mut result = vec![0; counts.len() * k];
    let mut begin = 0_usize;
    // Places below `end` that are fold's.
    let below = |end: usize, fold: usize| end / k + usize::from(fold < end % k);
    for (of_class, &count) in result.chunks_exact_mut(k).zip(counts) {
        let end = begin + count as usize;
        for (fold, rows) in of_class.iter_mut().enumerate() {
            *rows = below(end, fold) - below(begin, fold);
        }
        begin = end;
    }
    result
}

fn stratify<T: Id>(
    classes: &Classes,
    k: usize,
    mut rng: Option<&mut Mt19937>,
    exec: &Exec<'_>,
) -> Result<(Vec<T>, Vec<usize>)> {
    let Classes { codes, counts, .. } = classes;
    let allocation = allocation(counts, k);
    let mut sizes = vec![0; k];
    // The folds of the rows of the first class, then those of the second, ...; and where each class is in there.
    let mut dealt = Vec::with_capacity(codes.len());
    let mut next = Vec::with_capacity(counts.len());
    for of_class in allocation.chunks_exact(k) {
        exec.check()?;
        let begin = dealt.len();
        next.push(begin);
        for (fold, &rows) in of_class.iter().enumerate() {
            sizes[fold] += rows;
            dealt.resize(dealt.len() + rows, T::new(fold));
        }
        if let Some(rng) = rng.as_deref_mut() {
            rng.shuffle(&mut dealt[begin..]);
        }
    }
    exec.check()?;
    let folds = codes
        .iter()
        .map(|&code| {
            let next = &mut next[code as usize];
            *next += 1;
            dealt[*next - 1]
        })
        .collect();
    Ok((folds, sizes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folds: &Folds, fold: usize) -> (Vec<i64>, Vec<i64>) {
        let (a, b) = folds.sizes(fold);
        let (mut train, mut test) = (vec![-1; a], vec![-1; b]);
        folds.write(fold, &mut train, &mut test, &Exec::serial()).unwrap();
        (train, test)
    }

    #[test]
    fn dealing_by_the_inverse_is_shuffling_rows_and_cutting_blocks() {
        for (n, k) in [(2_u32, 2_usize), (9, 2), (10, 3), (1000, 7), (1000, 300), (1000, 1000), (70_001, 5)] {
            let mut rows: Vec<i64> = (0..i64::from(n)).collect();
            Mt19937::new(3).shuffle(&mut rows);
            let folds = Folds::plain(n, k, Some(&mut Mt19937::new(3)), &Exec::serial()).unwrap();
            let mut begin = 0;
            for fold in 0..k.min(20) {
                let (train, test) = written(&folds, fold);
                let mut expected = rows[begin..begin + test.len()].to_vec();
                begin += test.len();
                expected.sort_unstable();
                assert_eq!(test, expected);
                assert_eq!(train, (0..i64::from(n)).filter(|i| !test.contains(i)).collect::<Vec<_>>());
                if n > 10_000 {
                    break;
                }
            }
        }
    }

    #[test]
    fn every_row_is_tested_once_whatever_the_classes() {
        let labels: Vec<i64> = (0..1003).map(|i| i * i % 7 - 3).collect();
        let classes = Classes::of_numbers(&labels).unwrap();
        for k in [2, 5, 300] {
            let folds = Folds::stratified(&classes, k, Some(&mut Mt19937::new(1)), &Exec::serial()).unwrap();
            let mut all: Vec<i64> = (0..k).flat_map(|fold| written(&folds, fold).1).collect();
            all.sort_unstable();
            assert_eq!(all, (0..1003).collect::<Vec<_>>());
            let mut numbers = vec![0; 1003];
            folds.numbers(&mut numbers);
            assert!(written(&folds, 1).1.iter().all(|&row| numbers[row as usize] == 1));
            let sizes: Vec<usize> = (0..k).map(|fold| folds.sizes(fold).1).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }
}
