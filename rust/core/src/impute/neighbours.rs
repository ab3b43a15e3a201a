//! The mean of the nearest rows' values, as scikit-learn's `KNNImputer` has it.
//!
//! The distance of two rows is `sqrt(n / common * sum (x - y)^2)` over the `common` of `n` columns that neither misses,
//! summed in `f64`. scikit-learn expands the square, which rounds, and leaves rows that are equally far to NumPy's
//! partition, whose choice depends on the processor. Here the earlier row is the nearer one.
//!
//! Rows are gone through in tiles that stay in the cache; nothing of the size of the distance matrix is ever stored.

use ndarray::{ArrayView1, ArrayView2, s};

use super::Missing;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Rows to choose from that are measured together, column by column.
const TILE: usize = 512;
/// Distances that stay in registers while the columns are gone through.
const LANES: usize = 32;
/// Distances that are looked at together for one that is near enough.
const GROUP: usize = 16;
/// Rows beyond twice as many as are looked for that are kept before the farther ones are dropped.
const SPARE: usize = 16;
/// Rows to fill, at most, for which one tile is turned into columns.
const BATCH: usize = 256;
/// Squared differences below which threads cost more than they bring.
const SERIAL_BELOW: usize = 200_000;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Nearest<T> {
    /// What marks a missing value.
    pub missing: Missing<T>,
    /// How many rows the mean is of.
    pub k: usize,
    /// Are they weighted by 1 / distance?
    pub by_distance: bool,
}

/// A missing value of a row to fill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Row
    pub row: usize,
    /// Column
    pub column: usize,
    /// The mean of the nearest rows' values; `None` if no row has a distance.
    pub mean: Option<f64>,
}

/// May the squares of some values overflow in their own type?
pub fn overflow<T: Float>(tables: &[ArrayView2<'_, T>], missing: Missing<T>) -> bool {
    let (mut largest, mut columns) = (0.0_f64, 0);
    for x in tables {
        columns = columns.max(x.ncols());
        let there = x.iter().filter(|v| !missing.is(**v));
        largest = there.fold(largest, |largest, v| largest.max(v.to_f64().abs()));
    }
    let double = T::from_f64(1e300).is_finite();
    4.0 * largest * largest * columns as f64 > if double { 1e300 } else { 1e37 }
}

/// What to fill each missing value of `x` with, from the rows of `from`; in the order of rows, then columns. Columns
/// that `from` has no values of are left out.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn nearest<T: Float>(
    x: ArrayView2<'_, T>,
    from: ArrayView2<'_, T>,
    what: Nearest<T>,
    exec: &Exec<'_>,
) -> Result<Vec<Cell>> {
    let columns = x.ncols();
    let full: Vec<bool> =
        from.columns().into_iter().map(|c| c.iter().any(|v| !what.missing.is(*v))).collect();
    let holes = |row: ArrayView1<'_, T>| {
        let mark = |(v, full): (&T, &bool)| *full && what.missing.is(*v);
        row.iter().zip(&full).any(mark)
    };
    let rows: Vec<usize> = (0..x.nrows()).filter(|i| holes(x.row(*i))).collect();
    let exec = exec.only_if(rows.len() * from.len() >= SERIAL_BELOW);
    let batch = rows.len().div_ceil(16).clamp(1, BATCH);
    let found = exec.map(rows.len().div_ceil(batch), |i| {
        let rows = &rows[i * batch..rows.len().min((i + 1) * batch)];
        let mut seekers: Vec<Seeker> =
            rows.iter().map(|row| Seeker::new(*row, x.row(*row), &full, what)).collect();
        let mut tile = Tile::new(columns, from.nrows());
        for begin in (0..from.nrows()).step_by(TILE) {
            tile.load(begin, from.slice(s![begin..from.nrows().min(begin + TILE), ..]), what.missing);
            for seeker in &mut seekers {
                simd::dispatch!(tile.measure(seeker));
                for wanted in &mut seeker.wanted {
                    simd::dispatch!(tile.collect(wanted));
                }
            }
        }
        let mut cells = Vec::new();
        for seeker in seekers {
            for wanted in seeker.wanted {
                let (row, column) = (seeker.row, wanted.column);
                cells.push(Cell { row, column, mean: wanted.finish(what.by_distance) });
            }
        }
        cells
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// A row to fill.
struct Seeker {
    row: usize,
    /// Its columns with a value, and the values.
    there: Vec<(usize, f64)>,
    /// The same, a bit for each column.
    seen: Vec<u64>,
    wanted: Vec<Wanted>,
}

impl Seeker {
    fn new<T: Float>(row: usize, x: ArrayView1<'_, T>, full: &[bool], what: Nearest<T>) -> Self {
        let seen = vec![0; x.len().div_ceil(64)];
        let mut new = Self { row, there: Vec::new(), seen, wanted: Vec::new() };
        for (j, v) in x.iter().enumerate() {
            if !what.missing.is(*v) {
                new.there.push((j, v.to_f64()));
                new.seen[j / 64] |= 1 << (j % 64);
            } else if full.get(j) == Some(&true) {
                new.wanted.push(Wanted::new(j, what.k));
            }
        }
        new
    }
}

/// Rows to choose from, column by column, NaN where a value is missing; and how far they are from the last seeker.
struct Tile {
    columns: usize,
    /// The first of the rows.
    begin: usize,
    /// How many there are, rounded up to whole lanes.
    rows: usize,
    values: Vec<f64>,
    /// A bit for each column with a value, 64 columns of all rows after another.
    seen: Vec<u64>,
    /// Squared distances.
    distance: [f64; TILE],
}

impl Tile {
    fn new(columns: usize, rows: usize) -> Self {
        let rows = rows.min(TILE).next_multiple_of(LANES);
        let values = vec![f64::NAN; columns * rows];
        Self {
            columns,
            begin: 0,
            rows,
            values,
            seen: vec![0; columns.div_ceil(64) * rows],
            distance: [0.0; TILE],
        }
    }

    fn load<T: Float>(&mut self, begin: usize, rows: ArrayView2<'_, T>, missing: Missing<T>) {
        self.begin = begin;
        self.rows = rows.nrows().next_multiple_of(LANES);
        self.values.fill(f64::NAN);
        self.seen.fill(0);
        for (i, row) in rows.outer_iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                if !missing.is(*v) {
                    self.values[j * self.rows + i] = v.to_f64();
                    self.seen[j / 64 * self.rows + i] |= 1 << (j % 64);
                }
            }
        }
    }

    /// Squared distances from a row; not a number where there is no common column.
    #[inline(always)]
    fn measure(&mut self, seeker: &mut Seeker) {
        let width = self.columns as f64;
        for begin in (0..self.rows).step_by(LANES) {
            let mut sum = [0.0; LANES];
            for (j, x) in &seeker.there {
                let values = &self.values[j * self.rows + begin..][..LANES];
                for l in 0..LANES {
                    let off = x - values[l];
                    let square = off * off;
                    // NaN, which is not greater than zero, where the other row misses the value.
                    sum[l] += if square > 0.0 { square } else { 0.0 };
                }
            }
            let mut common = [0.0; LANES];
            for (word, seen) in seeker.seen.iter().enumerate() {
                let others = &self.seen[word * self.rows + begin..][..LANES];
                for l in 0..LANES {
                    common[l] += f64::from((seen & others[l]).count_ones());
                }
            }
            let distance = &mut self.distance[begin..][..LANES];
            for l in 0..LANES {
                distance[l] = sum[l] / common[l] * width;
            }
        }
    }

    /// Takes in those that may be among the nearest.
    #[inline(always)]
    fn collect(&self, wanted: &mut Wanted) {
        let values = &self.values[wanted.column * self.rows..][..self.rows];
        for begin in (0..self.rows).step_by(GROUP) {
            let (distance, values) = (&self.distance[begin..][..GROUP], &values[begin..][..GROUP]);
            let mut any = false;
            for l in 0..GROUP {
                any |= (distance[l] < wanted.limit) & !values[l].is_nan();
            }
            if any {
                for l in 0..GROUP {
                    if distance[l] < wanted.limit && !values[l].is_nan() {
                        let (distance, value, row) = (distance[l], values[l], self.begin + begin + l);
                        wanted.add(Near { distance, value, row });
                    }
                }
            }
        }
    }
}

/// A row that may be among the nearest.
#[derive(Clone, Copy)]
struct Near {
    distance: f64,
    value: f64,
    row: usize,
}

impl Near {
    /// Nearer first, of equal distances the first row.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.row.cmp(&other.row))
    }
}

/// The nearest rows for one missing value.
struct Wanted {
    column: usize,
    k: usize,
    /// Only nearer ones can still be among the nearest, since rows come in order.
    limit: f64,
    near: Vec<Near>,
}

impl Wanted {
    fn new(column: usize, k: usize) -> Self {
        Self { column, k, limit: f64::INFINITY, near: Vec::new() }
    }

    #[inline(never)]
    fn add(&mut self, one: Near) {
        self.near.push(one);
        if self.near.len() >= 2 * self.k + SPARE {
            self.prune();
        }
    }

    /// Leaves only the nearest `k`.
    fn prune(&mut self) {
        if self.near.len() >= self.k {
            self.limit = self.near.select_nth_unstable_by(self.k - 1, Near::order).1.distance;
            self.near.truncate(self.k);
        }
    }

    fn finish(mut self, by_distance: bool) -> Option<f64> {
        self.prune();
        self.near.sort_unstable_by(Near::order);
        if self.near.is_empty() {
            return None;
        }
        Some(if by_distance { self.weighted_mean() } else { self.mean() })
    }

    fn mean(&self) -> f64 {
        self.near.iter().map(|one| one.value).sum::<f64>() / self.near.len() as f64
    }

    /// The mean weighted by 1 / distance: that of the rows at no distance, if there are such.
    fn weighted_mean(&self) -> f64 {
        let at_once = self.near.iter().any(|one| one.distance == 0.0);
        let (mut sum, mut weights) = (0.0, 0.0);
        for one in &self.near {
            let weight = match one.distance {
                0.0 => 1.0,
                _ if at_once => 0.0,
                distance => 1.0 / distance.sqrt(),
            };
            sum += weight * one.value;
            weights += weight;
        }
        sum / weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    fn naive(
        x: ArrayView2<'_, f64>,
        from: ArrayView2<'_, f64>,
        i: usize,
        j: usize,
        k: usize,
    ) -> Vec<(f64, f64)> {
        let mut all = Vec::new();
        for row in from.outer_iter().filter(|row| !row[j].is_nan()) {
            let off: Vec<f64> =
                x.row(i).iter().zip(row).map(|(a, b)| a - b).filter(|d| !d.is_nan()).collect();
            let sum: f64 = off.iter().map(|d| d * d).sum();
            if !off.is_empty() {
                all.push((sum / off.len() as f64 * x.ncols() as f64, row[j]));
            }
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.truncate(k);
        all
    }

    proptest! {
        #[test]
        fn the_nearest_rows_are_found(
            rows in 1usize..40, others in 1usize..1200, columns in 1usize..12, k in 1usize..9,
            whole in any::<bool>(), seed in any::<u32>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let mut table = |rows| Array2::from_shape_fn((rows, columns), |_| {
                let v = rng.next_f64();
                if v < 0.3 { f64::NAN } else if whole { (v * 9.0).floor() } else { v }
            });
            let (x, from) = (table(rows), table(others));
            let what = Nearest { missing: Missing::Nan, k, by_distance: false };
            for cell in nearest(x.view(), from.view(), what, &Exec::serial()).unwrap() {
                // A stable sort leaves equally far rows in their order.
                let near = naive(x.view(), from.view(), cell.row, cell.column, k);
                prop_assert!(x[(cell.row, cell.column)].is_nan());
                let expected = near.iter().map(|one| one.1).sum::<f64>() / near.len() as f64;
                prop_assert_eq!(cell.mean, (!near.is_empty()).then_some(expected));
            }
        }
    }

    #[test]
    fn the_first_of_equally_far_rows_wins_and_zero_distances_take_all() {
        let from = ndarray::array![[1.0, 5.0], [1.0, 6.0], [2.0, 7.0], [f64::NAN, 3.0]];
        let x = ndarray::array![[1.0, f64::NAN], [1.5, f64::NAN], [f64::NAN, f64::NAN]];
        let found = |k, by_distance| {
            let what = Nearest { missing: Missing::Nan, k, by_distance };
            let cells = nearest(x.view(), from.view(), what, &Exec::serial()).unwrap();
            cells.into_iter().filter(|cell| cell.column == 1).map(|cell| cell.mean).collect::<Vec<_>>()
        };
        // 1.5 is as far from 1 as from 2.
        assert_eq!(found(1, false), [Some(5.0), Some(5.0), None]);
        assert_eq!(found(3, false)[0], Some(6.0));
        assert_eq!(found(3, true), [Some(5.5), Some(6.0), None]);
    }

    #[test]
    fn large_values_overflow_in_their_type() {
        let x = ndarray::array![[1e20_f32, f32::NAN]];
        assert!(overflow(&[x.view()], Missing::Nan));
        assert!(!overflow(&[x.mapv(f64::from).view()], Missing::Nan));
    }
}
