//! Groups of rows that stay together: which fold tests a group, and the rows of some groups.
//!
//! Groups are numbered by their place in ascending order, as `numpy.unique` numbers them.

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::pairwise::pairwise;
use crate::random::Mt19937;
use crate::simd;
use crate::split::halves::descending;
use crate::split::labels::Classes;

/// What the rows of a group are for; any other number: for nothing.
const TRAIN: u8 = 1;
const TEST: u8 = 2;

/// `GroupKFold(k)`: which of `k` folds tests each group. The largest group goes first, each to the fold with the fewest rows
/// so far; among equal ones the last group, and the first fold.
#[must_use]
pub fn balanced(groups: &Classes, k: usize) -> Vec<u32> {
    let counts = groups.ascending.iter().map(|&code| u64::from(groups.counts[code as usize]));
    let mut order: Vec<u64> = counts.zip(0_u64..).map(|(count, group)| count << 32 | group).collect();
    order.sort_unstable();
    let mut folds = vec![0; order.len()];
    let mut rows = vec![0_u64; k];
    for both in order.into_iter().rev() {
        let (count, group) = (both >> 32, both as u32);
        let fewest = rows.iter().copied().min().unwrap_or(0);
        let fold = rows.iter().position(|&n| n == fewest).unwrap_or(0);
        rows[fold] += count;
        folds[group as usize] = fold as u32;
    }
    folds
}

/// `StratifiedGroupKFold(k)`: which of `k` folds tests each group. The group whose classes differ most in number goes first,
/// each to the fold where the shares of the classes then vary least between folds; as good ones, to the smallest.
///
/// Sums are made in NumPy's order, so that ties are the same.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Memory`] if groups x classes do not fit.
pub fn stratified(
    groups: &Classes,
    classes: &Classes,
    k: usize,
    rng: Option<&mut Mt19937>,
    exec: &Exec<'_>,
) -> Result<Vec<u32>> {
    let width = classes.counts.len();
    let table = table(groups, classes)?;
    exec.check()?;
    let mut order: Vec<u32> = (0..groups.counts.len() as u32).collect();
    if let Some(rng) = rng {
        rng.shuffle(&mut order);
    }
    let row = |group: u32| {
        let code = groups.ascending[group as usize] as usize;
        &table[code * width..][..width]
    };
    let mut counts = vec![0.0; width];
    let mut spread: Vec<(f64, u32)> = Vec::with_capacity(order.len());
    for &group in &order {
        counts.iter_mut().zip(row(group)).for_each(|(count, &n)| *count = f64::from(n));
        spread.push((deviation(&mut counts), group));
    }
    descending(&mut spread);
    exec.check()?;

    let counts: Vec<f64> =
        classes.ascending.iter().map(|&code| f64::from(classes.counts[code as usize])).collect();
    let mut shares = Shares::new(&counts, k);
    let mut folds = vec![0; order.len()];
    for (i, &(_, group)) in spread.iter().enumerate() {
        if i % 1024 == 0 {
            exec.check()?;
        }
        folds[group as usize] = simd::dispatch!(shares.place(row(group)));
    }
    Ok(folds)
}

/// Rows of each class (ascending) in each group (as coded): `result[group * classes + class]`.
fn table(groups: &Classes, classes: &Classes) -> Result<Vec<u32>> {
    let (height, width) = (groups.counts.len(), classes.counts.len());
    let mut table: Vec<u32> = Vec::new();
    let cells = height.checked_mul(width).filter(|&cells| table.try_reserve_exact(cells).is_ok());
    let cells = cells.ok_or_else(|| {
        Error::Memory(format!("counts of {width} classes in {height} groups do not fit into memory"))
    })?;
    table.resize(cells, 0);
    let mut places = vec![0; width];
    for (place, &code) in classes.ascending.iter().enumerate() {
        places[code as usize] = place;
    }
    for (&group, &class) in groups.codes.iter().zip(&classes.codes) {
        table[group as usize * width + places[class as usize]] += 1;
    }
    Ok(table)
}

/// The shares of each class that folds have so far.
struct Shares<'a> {
    /// Rows of each class.
    totals: &'a [f64],
    k: usize,
    /// Rows of each class that each fold tests, and their shares of the totals.
    counts: Vec<f64>,
    shares: Vec<f64>,
    /// Rows that each fold tests.
    rows: Vec<u64>,
    trial: Vec<f64>,
    sums: Vec<f64>,
    squares: Vec<f64>,
    column: Vec<f64>,
}

impl<'a> Shares<'a> {
    fn new(totals: &'a [f64], k: usize) -> Self {
        let width = totals.len();
        Self {
            totals,
            k,
            counts: vec![0.0; k * width],
            shares: vec![0.0; k * width],
            rows: vec![0; k],
            trial: vec![0.0; width],
            sums: vec![0.0; width],
            squares: vec![0.0; width],
            column: vec![0.0; k],
        }
    }

    /// Puts a group into the best fold.
    #[inline(always)]
    fn place(&mut self, group: &[u32]) -> u32 {
        let width = self.totals.len();
        let (mut best, mut least, mut fewest) = (0, f64::INFINITY, u64::MAX);
        for fold in 0..self.k {
            let counts = &self.counts[fold * width..][..width];
            for (((trial, &count), &n), &total) in
                self.trial.iter_mut().zip(counts).zip(group).zip(self.totals)
            {
                *trial = (count + f64::from(n)) / total;
            }
            let value = self.variation(fold);
            // numpy.isclose
            let close = least.is_finite() && (value - least).abs() <= 1e-8 + 1e-5 * least.abs();
            if value < least || (close && self.rows[fold] < fewest) {
                (best, least, fewest) = (fold, value, self.rows[fold]);
            }
        }
        let (counts, shares) =
            (&mut self.counts[best * width..][..width], &mut self.shares[best * width..][..width]);
        for (((count, share), &n), &total) in counts.iter_mut().zip(shares).zip(group).zip(self.totals) {
            *count += f64::from(n);
            *share = *count / total;
            self.rows[best] += u64::from(n);
        }
        best as u32
    }

    /// The mean over classes of the deviation of their shares over folds, where `fold` has those on trial.
    #[inline(always)]
    fn variation(&mut self, fold: usize) -> f64 {
        let (width, k) = (self.totals.len(), self.k as f64);
        if width == 1 {
            // NumPy sums a single column as it sums a row.
            self.column.copy_from_slice(&self.shares);
            self.column[fold] = self.trial[0];
            return deviation(&mut self.column);
        }
        self.sums.fill(0.0);
        self.squares.fill(0.0);
        for f in 0..self.k {
            let shares = if f == fold { &self.trial } else { &self.shares[f * width..][..width] };
            for (sum, &share) in self.sums.iter_mut().zip(shares) {
                *sum += share;
            }
        }
        for sum in &mut self.sums {
            *sum /= k;
        }
        for f in 0..self.k {
            let shares = if f == fold { &self.trial } else { &self.shares[f * width..][..width] };
            for ((square, &share), &mean) in self.squares.iter_mut().zip(shares).zip(&self.sums) {
                *square += (share - mean) * (share - mean);
            }
        }
        for square in &mut self.squares {
            *square = (*square / k).sqrt();
        }
        pairwise(&self.squares) / width as f64
    }
}

/// `numpy.std`; leaves squares behind.
fn deviation(values: &mut [f64]) -> f64 {
    let n = values.len() as f64;
    let mean = pairwise(values) / n;
    for value in &mut *values {
        *value = (*value - mean) * (*value - mean);
    }
    (pairwise(values) / n).sqrt()
}

/// How many rows there are to learn from and to test, where group g is for `roles[g]`.
#[must_use]
pub fn part_sizes(groups: &Classes, roles: &[u8]) -> (usize, usize) {
    let (mut train, mut test) = (0, 0);
    for (&code, &role) in groups.ascending.iter().zip(roles) {
        let rows = groups.counts[code as usize] as usize;
        match role {
            TRAIN => train += rows,
            TEST => test += rows,
            _ => {}
        }
    }
    (train, test)
}

/// Writes the rows of groups to learn from and to test, in ascending order; the slices have the lengths that
/// [`part_sizes`] gives.
pub fn part(groups: &Classes, roles: &[u8], train: &mut [i64], test: &mut [i64]) {
    let mut of_code = vec![0; groups.counts.len()];
    for (&code, &role) in groups.ascending.iter().zip(roles) {
        of_code[code as usize] = role;
    }
    if train.len() + test.len() == groups.codes.len() {
        let roles: Vec<u8> = groups.codes.iter().map(|&code| of_code[code as usize]).collect();
        simd::part_positions(&roles, TEST, 0, test, train);
        return;
    }
    let (mut train, mut test) = (train.iter_mut(), test.iter_mut());
    for (row, &code) in (0..).zip(&groups.codes) {
        let slot = match of_code[code as usize] {
            TRAIN => train.next(),
            TEST => test.next(),
            _ => None,
        };
        if let Some(slot) = slot {
            *slot = row;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_group_goes_to_the_emptiest_fold() {
        let groups = Classes::of_numbers(&[5, 5, 5, 1, 1, 7, 7, 2]).unwrap();
        // By size: 5 (three rows), then 7 and 1 (two each, the last first), 2.
        assert_eq!(balanced(&groups, 2), [1, 0, 0, 1]);
        assert_eq!(balanced(&groups, 3), [2, 1, 0, 1]);
    }

    #[test]
    fn sums_are_numpys() {
        // numpy.sum(1 / numpy.arange(1, n + 1))
        let sum = |n: usize| pairwise(&(1..=n).map(|i| 1.0 / i as f64).collect::<Vec<_>>());
        assert_eq!(sum(7), 2.5928571428571425);
        assert_eq!(sum(100), 5.187377517639621);
        assert_eq!(sum(1000), 7.485470860550345);
    }

    #[test]
    fn rows_of_groups_are_parted() {
        let groups = Classes::of_numbers(&[5, 1, 5, 2, 1, 7]).unwrap();
        for (roles, train, test) in
            [([1, 2, 2, 1], vec![1, 4, 5], vec![0, 2, 3]), ([0, 1, 2, 0], vec![3], vec![0, 2])]
        {
            let (a, b) = part_sizes(&groups, &roles);
            let (mut x, mut y) = (vec![0; a], vec![0; b]);
            part(&groups, &roles, &mut x, &mut y);
            assert_eq!((x, y), (train, test));
        }
    }
}
