//! The mean of the nearest rows' values, as scikit-learn's `KNNImputer` has it.
//!
//! The distance of two rows is `sqrt(n / common * sum (x - y)^2)` over the `common` of `n` columns that neither misses.
//! scikit-learn expands the square, which rounds: by up to `noise * (|x|^2 + |y|^2)`. So each distance here has that
//! margin, and where rows lie so close about the last place that scikit-learn's rounding (or its order of equal ones)
//! decides, the cell is handed back as [`Found::Unsettled`]. Whole numbers have no margin, only ties.
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

/// What came out for a missing value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found {
    /// The mean of the nearest rows' values.
    Mean(f64),
    /// scikit-learn's rounding, or its order of equal distances, decides. This is the mean if the first rows win.
    Unsettled(f64),
    /// No row has a distance.
    Nobody,
}

/// A missing value of a row to fill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Row
    pub row: usize,
    /// Column
    pub column: usize,
    /// What it is filled with.
    pub found: Found,
}

/// Are all sums of squares of such values exact, in their own type?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Squares {
    /// Whole numbers, and not too large.
    Exact,
    /// Rounded.
    Rounded,
    /// So large that they overflow.
    Overflow,
}

/// The squares of the values in any of the tables.
pub fn squares<T: Float>(tables: &[ArrayView2<'_, T>], missing: Missing<T>) -> Squares {
    let (mut largest, mut whole, mut columns) = (0.0_f64, true, 0);
    for x in tables {
        columns = columns.max(x.ncols());
        for v in x.iter().filter(|v| !missing.is(**v)) {
            let v = v.to_f64();
            largest = largest.max(v.abs());
            whole &= v == v.trunc();
        }
    }
    let sum = 4.0 * largest * largest * columns as f64;
    let (precise, finite) = if is_double::<T>() { (9e15, 1e300) } else { (1.6e7, 1e37) };
    match sum {
        _ if sum > finite || !sum.is_finite() => Squares::Overflow,
        _ if whole && sum < precise => Squares::Exact,
        _ => Squares::Rounded,
    }
}

/// The rounding of scikit-learn's sums of squares, relative to the squares.
fn noise<T: Float>(squares: Squares, columns: usize) -> f64 {
    if squares == Squares::Exact { 0.0 } else { (2 * columns + 16) as f64 * epsilon::<T>() }
}

fn is_double<T: Float>() -> bool {
    T::from_f64(1e300).is_finite()
}

fn epsilon<T: Float>() -> f64 {
    if is_double::<T>() { f64::EPSILON } else { f64::from(f32::EPSILON) }
}

/// A weight of 1 / distance is scikit-learn's to compute where its rounding may change the squared distance by one part in
/// so many.
fn steady<T: Float>(squares: Squares) -> f64 {
    match squares {
        Squares::Exact => 0.0,
        _ if is_double::<T>() => 1e6,
        _ => 1e2,
    }
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
    squares: Squares,
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
    let margin = noise::<T>(squares, columns);
    let found = exec.map(rows.len().div_ceil(batch), |i| {
        let rows = &rows[i * batch..rows.len().min((i + 1) * batch)];
        let mut seekers: Vec<Seeker> =
            rows.iter().map(|row| Seeker::new(*row, x.row(*row), &full, what)).collect();
        let mut tile = Tile::new(columns, margin, 4.0 * epsilon::<T>());
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
                cells.push(Cell {
                    row,
                    column,
                    found: wanted.finish(what.by_distance, steady::<T>(squares)),
                });
            }
        }
        cells
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// The distances of every row of `x` to every row of `from`, with scikit-learn's bits where squares are exact.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn distances<T: Float>(
    x: ArrayView2<'_, T>,
    from: ArrayView2<'_, T>,
    missing: Missing<T>,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let columns = x.ncols();
    let what = Nearest { missing, k: 1, by_distance: false };
    let exec = exec.only_if(x.nrows() * from.len() >= SERIAL_BELOW);
    let width = T::from_f64(columns as f64);
    exec.for_each_piece(out, from.nrows(), |i, out| {
        let mut seeker = Seeker::new(i, x.row(i), &[], what);
        let mut tile = Tile::new(columns, 0.0, 0.0);
        for (t, out) in out.chunks_mut(TILE).enumerate() {
            let begin = t * TILE;
            tile.load(begin, from.slice(s![begin..begin + out.len(), ..]), missing);
            simd::dispatch!(tile.measure(&mut seeker));
            for (out, (sum, common)) in out.iter_mut().zip(tile.sum.iter().zip(&tile.common)) {
                // As NumPy divides and multiplies: the quotient is rounded once before the product.
                *out = (T::from_f64(sum / common) * width).sqrt();
            }
        }
    })
}

/// A row to fill.
struct Seeker {
    row: usize,
    /// Its columns with a value, and the values.
    there: Vec<(usize, f64)>,
    /// The same, a bit for each column.
    seen: Vec<u64>,
    norm: f64,
    wanted: Vec<Wanted>,
}

impl Seeker {
    fn new<T: Float>(row: usize, x: ArrayView1<'_, T>, full: &[bool], what: Nearest<T>) -> Self {
        let seen = vec![0; x.len().div_ceil(64)];
        let mut new = Self { row, there: Vec::new(), seen, norm: 0.0, wanted: Vec::new() };
        for (j, v) in x.iter().enumerate() {
            if !what.missing.is(*v) {
                let v = v.to_f64();
                new.there.push((j, v));
                new.seen[j / 64] |= 1 << (j % 64);
                new.norm += v * v;
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
    margin: f64,
    /// Relative rounding of the last steps: a quotient, a product and a root.
    last: f64,
    values: Vec<f64>,
    /// A bit for each column with a value, 64 columns of all rows after another.
    seen: Vec<u64>,
    norm: [f64; TILE],
    sum: [f64; TILE],
    common: [f64; TILE],
    distance: [f64; TILE],
    error: [f64; TILE],
    low: [f64; TILE],
}

impl Tile {
    fn new(columns: usize, margin: f64, last: f64) -> Self {
        let values = vec![f64::NAN; columns * TILE];
        let zeros = [0.0; TILE];
        Self {
            columns,
            begin: 0,
            margin,
            last,
            values,
            seen: vec![0; columns.div_ceil(64) * TILE],
            norm: zeros,
            sum: zeros,
            common: zeros,
            distance: zeros,
            error: zeros,
            low: zeros,
        }
    }

    fn load<T: Float>(&mut self, begin: usize, rows: ArrayView2<'_, T>, missing: Missing<T>) {
        self.begin = begin;
        if rows.nrows() < TILE {
            self.values.fill(f64::NAN);
        }
        self.seen.fill(0);
        self.norm.fill(0.0);
        for (i, row) in rows.outer_iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                let there = !missing.is(*v);
                let v = v.to_f64();
                self.values[j * TILE + i] = if there { v } else { f64::NAN };
                self.seen[j / 64 * TILE + i] |= u64::from(there) << (j % 64);
                self.norm[i] += if there { v * v } else { 0.0 };
            }
        }
    }

    /// Squared distances from a row, and by how much scikit-learn's may differ.
    #[inline(always)]
    fn measure(&mut self, seeker: &mut Seeker) {
        let width = self.columns as f64;
        for begin in (0..TILE).step_by(LANES) {
            let mut sum = [0.0; LANES];
            for (j, x) in &seeker.there {
                let values = &self.values[j * TILE + begin..][..LANES];
                for l in 0..LANES {
                    let off = x - values[l];
                    let square = off * off;
                    // NaN, which is not greater than zero, where the other row misses the value.
                    sum[l] += if square > 0.0 { square } else { 0.0 };
                }
            }
            let mut common = [0.0; LANES];
            for (word, seen) in seeker.seen.iter().enumerate() {
                let others = &self.seen[word * TILE + begin..][..LANES];
                for l in 0..LANES {
                    common[l] += f64::from((seen & others[l]).count_ones());
                }
            }
            let lanes = begin..begin + LANES;
            self.sum[lanes.clone()].copy_from_slice(&sum);
            self.common[lanes.clone()].copy_from_slice(&common);
            let norm = &self.norm[lanes.clone()];
            let (distance, error) = (&mut self.distance[lanes.clone()], &mut self.error[lanes.clone()]);
            let low = &mut self.low[lanes];
            for l in 0..LANES {
                let slack = self.margin * (seeker.norm + norm[l]) + self.last * sum[l];
                let scale = width / common[l];
                distance[l] = sum[l] * scale;
                error[l] = slack * scale;
                low[l] = distance[l] - error[l];
            }
        }
    }

    /// Takes in those that may be among the nearest.
    #[inline(always)]
    fn collect(&self, wanted: &mut Wanted) {
        let values = &self.values[wanted.column * TILE..][..TILE];
        for begin in (0..TILE).step_by(GROUP) {
            let (low, values) = (&self.low[begin..][..GROUP], &values[begin..][..GROUP]);
            let mut any = false;
            for l in 0..GROUP {
                any |= (low[l] <= wanted.limit) & !values[l].is_nan();
            }
            if any {
                for l in 0..GROUP {
                    if low[l] <= wanted.limit && !values[l].is_nan() {
                        let (distance, error) = (self.distance[begin + l], self.error[begin + l]);
                        wanted.add(Near { distance, error, value: values[l], row: self.begin + begin + l });
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
    error: f64,
    value: f64,
    row: usize,
}

impl Near {
    fn low(&self) -> f64 {
        self.distance - self.error
    }
    fn high(&self) -> f64 {
        self.distance + self.error
    }
    /// Nearer first, of equal distances the first row.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.row.cmp(&other.row))
    }
}

/// The nearest rows for one missing value.
struct Wanted {
    column: usize,
    k: usize,
    /// None that is farther can be among the nearest.
    limit: f64,
    near: Vec<Near>,
    /// More rows are equally near than are kept.
    crowded: bool,
}

impl Wanted {
    fn new(column: usize, k: usize) -> Self {
        Self { column, k, limit: f64::INFINITY, near: Vec::new(), crowded: false }
    }

    #[inline(never)]
    fn add(&mut self, one: Near) {
        self.near.push(one);
        if self.near.len() >= 2 * self.k + 64 {
            self.prune();
            if self.near.len() >= 2 * self.k + 32 {
                self.crowded = true;
                self.near.select_nth_unstable_by(self.k - 1, Near::order);
                self.near.truncate(self.k);
            }
        }
    }

    /// Leaves only those that may be among the nearest `k`.
    fn prune(&mut self) {
        if self.near.len() > self.k {
            let by_high = |a: &Near, b: &Near| a.high().total_cmp(&b.high());
            let limit = self.near.select_nth_unstable_by(self.k - 1, by_high).1.high();
            self.limit = limit;
            self.near.retain(|one| one.low() <= limit);
        }
    }

    fn finish(mut self, by_distance: bool, steady: f64) -> Found {
        if self.near.is_empty() {
            return Found::Nobody;
        }
        self.prune();
        let k = self.k;
        let mut settled = !self.crowded;
        if settled && self.near.len() > k {
            let by_low = |a: &Near, b: &Near| a.low().total_cmp(&b.low());
            let next = self.near.select_nth_unstable_by(k, by_low).1.low();
            // Those that may or may not be among the nearest: no matter which, if their values are the same.
            let mut open = self.near.iter().filter(|one| one.high() >= next);
            let first = open.next().map_or(0.0, |one| one.value);
            settled = open.all(|one| one.value == first);
        }
        self.near.sort_unstable_by(Near::order);
        self.near.truncate(k);
        settled &= !by_distance || !self.near.iter().any(|one| one.error * steady > one.distance);
        let mean = if by_distance { self.weighted_mean() } else { self.mean() };
        if settled { Found::Mean(mean) } else { Found::Unsettled(mean) }
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
        all.truncate(k + 1);
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
                if v < 0.3 { f64::NAN } else if whole { (v * 50.0).floor() } else { v }
            });
            let (x, from) = (table(rows), table(others));
            let what = Nearest { missing: Missing::Nan, k, by_distance: false };
            let squares = squares(&[x.view(), from.view()], what.missing);
            prop_assert!(whole == (squares == Squares::Exact) || !whole);
            let cells = nearest(x.view(), from.view(), what, squares, &Exec::serial()).unwrap();
            for cell in cells {
                let all = naive(x.view(), from.view(), cell.row, cell.column, k);
                prop_assert!(x[(cell.row, cell.column)].is_nan());
                match cell.found {
                    Found::Nobody => prop_assert!(all.is_empty()),
                    Found::Unsettled(_) => {
                        prop_assert!(all.len() == k + 1 && all[k].0 - all[k - 1].0 <= 1e-12 * (1.0 + all[k].0));
                    }
                    Found::Mean(mean) => {
                        let near = &all[..k.min(all.len())];
                        let expected = near.iter().map(|one| one.1).sum::<f64>() / near.len() as f64;
                        prop_assert!((mean - expected).abs() <= 1e-12 * (1.0 + expected.abs()));
                    }
                }
            }
        }
    }

    #[test]
    fn equal_values_settle_a_tie_and_zero_distances_take_all() {
        let from = ndarray::array![[1.0, 5.0], [1.0, 5.0], [2.0, 7.0], [f64::NAN, 3.0]];
        let x = ndarray::array![[1.0, f64::NAN], [1.5, f64::NAN], [f64::NAN, f64::NAN]];
        let found = |k, by_distance| {
            let what = Nearest { missing: Missing::Nan, k, by_distance };
            let squares = squares(&[x.view(), from.view()], what.missing);
            let cells = nearest(x.view(), from.view(), what, squares, &Exec::serial()).unwrap();
            cells.into_iter().filter(|cell| cell.column == 1).map(|cell| cell.found).collect::<Vec<_>>()
        };
        // 1.5 is as far from 1 as from 2.
        assert_eq!(found(1, false), [Found::Mean(5.0), Found::Unsettled(5.0), Found::Nobody]);
        assert_eq!(found(3, false)[0], Found::Mean(17.0 / 3.0));
        // In rounded squares a distance of zero is scikit-learn's to compute.
        assert_eq!(found(3, true)[0], Found::Unsettled(5.0));
        let x = x.mapv(|v: f64| v.trunc());
        let what = Nearest { missing: Missing::Nan, k: 3, by_distance: true };
        let cells = nearest(x.view(), from.view(), what, Squares::Exact, &Exec::serial()).unwrap();
        assert_eq!(cells[0].found, Found::Mean(5.0));
    }
}
