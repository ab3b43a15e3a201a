//! Encodings of categories by the target's mean, shrunk towards the mean of all rows.
//!
//! Agrees with scikit-learn's `TargetEncoder` (Micci-Barreca 2001, equations 3 to 7). Rows are summed into cells of
//! (category, fold); what is learned from all folds but one is merged from the others' cells, so cross-fitting costs two
//! passes over the rows whatever the number of folds (one for classes, whose squares follow from their counts), and one
//! to write the encodings. Squares are taken about each cell's own mean and merged by Chan, Golub and LeVeque, so
//! nothing is lost by subtraction.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2};

use crate::error::Result;
use crate::exec::Exec;

/// Rows below which threads cost more than they bring.
const SERIAL_BELOW: usize = 50_000;
/// Rows of a part, which has cells of its own.
const PART: usize = 100_000;
/// Parts at most.
const PARTS: usize = 8;
/// A part has at least this many rows for each cell, so that merging costs little beside it.
const ROWS_PER_CELL: usize = 2;
/// Rows of a piece of the output, the unit that a thread takes.
const PIECE: usize = 1 << 15;

/// What is predicted, row by row.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// The class of each row, and how many there are.
    Classes(&'a [u32], usize),
    /// Numbers.
    Values(&'a [f64]),
}

/// Number, sum and squares (about their mean) of values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// How many.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Their squares about their mean.
    pub squares: f64,
}

impl Moment {
    /// What both have seen.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        if other.count == 0.0 {
            return self;
        }
        if self.count == 0.0 {
            return other;
        }
        let delta = other.sum / other.count - self.sum / self.count;
        let weight = self.count * other.count / (self.count + other.count);
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares + delta * delta * weight,
        }
    }
}

/// What the cells of (category, fold) hold, fold after fold within a category.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Rows of each class, `classes` a cell.
    Counts {
        /// The counts.
        counts: Vec<u64>,
        /// Numbers a cell.
        classes: usize,
    },
    /// Of numbers.
    Moments(Vec<Moment>),
}

/// How strongly encodings are drawn towards the mean of all rows.
#[derive(Clone, Copy)]
pub enum Smooth {
    /// By the variances, an empirical Bayes estimate.
    Auto,
    /// As this many rows of the mean.
    Rows(f64),
}

impl Smooth {
    fn encode(self, cell: Moment, mean: f64, variance: f64) -> f64 {
        let Moment { count, sum, squares } = cell;
        match self {
            Self::Rows(rows) if rows + count == 0.0 => mean,
            Self::Rows(rows) => (rows * mean + sum) / (rows + count),
            Self::Auto => {
                let own = variance * count;
                let share = own / (own + squares / count);
                // No rows, or no variance at all.
                if share.is_nan() { mean } else { share * (sum / count) + (1.0 - share) * mean }
            }
        }
    }
}

/// The cells of one column: its rows' categories, and which fold tests each row (of `folds`; all the first if `None`).
/// Rows whose category is not below `categories` (of which there is one at least) count as the first's, as scikit-learn
/// has it: that happens only where categories are given and rows of others are not refused.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn cells(
    codes: ArrayView1<'_, u32>,
    categories: usize,
    target: Target<'_>,
    tests: Option<&[u32]>,
    folds: usize,
    exec: &Exec<'_>,
) -> Result<Cells> {
    let rows = codes.len();
    let cells = categories * folds;
    let least = PART.max(ROWS_PER_CELL * cells);
    let parts = (rows / least).clamp(1, PARTS);
    let len = rows.div_ceil(parts).max(1);
    let walk = Walk { codes, categories, tests, folds };
    let range = |part: usize| (part * len).min(rows)..((part + 1) * len).min(rows);
    match target {
        Target::Classes(classes, n) => {
            let tables = exec.map(parts, |part| {
                let mut counts = vec![0_u32; cells * n];
                walk.each(range(part), classes, |cell, class| counts[cell * n + class as usize] += 1);
                counts
            })?;
            let counts = folded(tables, |a, b| *a += b).into_iter().map(u64::from).collect();
            Ok(Cells::Counts { counts, classes: n })
        }
        Target::Values(values) => {
            let tables = exec.map(parts, |part| {
                let mut sums = vec![(0.0, 0.0); cells];
                walk.each(range(part), values, |cell, value| {
                    let (count, sum) = &mut sums[cell];
                    *count += 1.0;
                    *sum += value;
                });
                sums
            })?;
            let sums = folded(tables, |a, b| *a = (a.0 + b.0, a.1 + b.1));
            let means: Vec<f64> = sums.iter().map(|(count, sum)| sum / count).collect();
            let tables = exec.map(parts, |part| {
                let mut squares = vec![0.0; cells];
                walk.each(range(part), values, |cell, value| {
                    let distance = value - means[cell];
                    squares[cell] += distance * distance;
                });
                squares
            })?;
            let squares = folded(tables, |a, b| *a += b);
            let moment = |((count, sum), squares)| Moment { count, sum, squares };
            Ok(Cells::Moments(sums.into_iter().zip(squares).map(moment).collect()))
        }
    }
}

/// Rows as the numbers of their cells.
struct Walk<'a> {
    codes: ArrayView1<'a, u32>,
    categories: usize,
    tests: Option<&'a [u32]>,
    folds: usize,
}

impl Walk<'_> {
    /// Calls `see(cell, of[row])` for each row of a range.
    #[inline(always)]
    fn each<T: Copy>(&self, rows: Range<usize>, of: &[T], mut see: impl FnMut(usize, T)) {
        let codes = self.codes.slice(ndarray::s![rows.clone()]);
        let known = |code: u32| if (code as usize) < self.categories { code as usize } else { 0 };
        let of = &of[rows.clone()];
        match (self.tests, codes.as_slice()) {
            (Some(tests), Some(codes)) => {
                for ((&code, &fold), &value) in codes.iter().zip(&tests[rows]).zip(of) {
                    see(known(code) * self.folds + fold as usize, value);
                }
            }
            (Some(tests), None) => {
                for ((&code, &fold), &value) in codes.iter().zip(&tests[rows]).zip(of) {
                    see(known(code) * self.folds + fold as usize, value);
                }
            }
            (None, _) => codes.iter().zip(of).for_each(|(&code, &value)| see(known(code), value)),
        }
    }
}

/// Equally long tables added up in order.
fn folded<T: Copy>(tables: Vec<Vec<T>>, add: impl Fn(&mut T, T)) -> Vec<T> {
    let mut tables = tables.into_iter();
    let mut all = tables.next().unwrap_or_default();
    for table in tables {
        all.iter_mut().zip(table).for_each(|(a, b)| add(a, b));
    }
    all
}

impl Cells {
    /// The cells of all folds together, one a category.
    #[must_use]
    pub fn whole(&self, folds: usize) -> Self {
        match self {
            Self::Counts { counts, classes } => Self::Counts {
                counts: counts
                    .chunks_exact(folds * classes)
                    .flat_map(|cells| (0..*classes).map(|c| cells.iter().skip(c).step_by(*classes).sum()))
                    .collect(),
                classes: *classes,
            },
            Self::Moments(cells) => Self::Moments(
                cells
                    .chunks_exact(folds)
                    .map(|cells| cells.iter().copied().fold(Moment::default(), Moment::merged))
                    .collect(),
            ),
        }
    }

    /// The cells of all categories together, one a fold: every row is in one of them.
    #[must_use]
    pub fn by_fold(&self, folds: usize) -> Self {
        match self {
            Self::Counts { counts, classes } => {
                let mut out = vec![0; folds * classes];
                for cells in counts.chunks_exact(folds * classes) {
                    out.iter_mut().zip(cells).for_each(|(out, n)| *out += n);
                }
                Self::Counts { counts: out, classes: *classes }
            }
            Self::Moments(cells) => {
                let mut out = vec![Moment::default(); folds];
                for cells in cells.chunks_exact(folds) {
                    out.iter_mut().zip(cells).for_each(|(out, cell)| *out = out.merged(*cell));
                }
                Self::Moments(out)
            }
        }
    }

    /// In place of each cell, the others of its category: what is learned where that fold is left out.
    #[must_use]
    pub fn left_out(&self, folds: usize) -> Self {
        match self {
            Self::Counts { counts, classes } => {
                let mut out = Vec::with_capacity(counts.len());
                for cells in counts.chunks_exact(folds * classes) {
                    let whole: Vec<u64> =
                        (0..*classes).map(|c| cells.iter().skip(c).step_by(*classes).sum()).collect();
                    out.extend(cells.iter().zip(whole.iter().cycle()).map(|(n, whole)| whole - n));
                }
                Self::Counts { counts: out, classes: *classes }
            }
            Self::Moments(cells) => {
                let mut out = Vec::with_capacity(cells.len());
                for cells in cells.chunks_exact(folds) {
                    // Those before a fold are merged on the way there, those after it on the way back.
                    let begin = out.len();
                    let mut seen = Moment::default();
                    for cell in cells {
                        out.push(seen);
                        seen = seen.merged(*cell);
                    }
                    seen = Moment::default();
                    for (cell, out) in cells.iter().zip(&mut out[begin..]).rev() {
                        *out = out.merged(seen);
                        seen = cell.merged(seen);
                    }
                }
                Self::Moments(out)
            }
        }
    }

    /// How many encodings a cell gets: one of numbers and of two classes (of the second), else one a class.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self {
            Self::Counts { classes, .. } if *classes > 2 => *classes,
            _ => 1,
        }
    }

    /// Output `o` of each cell as its moments.
    fn moment(&self, cell: usize, output: usize) -> Moment {
        match self {
            Self::Counts { counts, classes } => {
                let counts = &counts[cell * classes..(cell + 1) * classes];
                let count = counts.iter().sum::<u64>() as f64;
                let class = if *classes == 2 { 1 } else { output };
                let sum = counts[class] as f64;
                Moment { count, sum, squares: if count > 0.0 { sum * (count - sum) / count } else { 0.0 } }
            }
            Self::Moments(cells) => cells[cell],
        }
    }

    /// (mean, variance) of each output of each cell.
    #[must_use]
    pub fn means(&self, cells: usize) -> Vec<(f64, f64)> {
        let outputs = self.outputs();
        let mut out = Vec::with_capacity(cells * outputs);
        for cell in 0..cells {
            for output in 0..outputs {
                let Moment { count, sum, squares } = self.moment(cell, output);
                out.push((sum / count, squares / count));
            }
        }
        out
    }

    /// The encodings of `cells` cells, where `means` are those of the rows that each of the folds was learned from.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn encodings(
        &self,
        cells: usize,
        means: &[(f64, f64)],
        smooth: Smooth,
        exec: &Exec<'_>,
    ) -> Result<Vec<f64>> {
        let outputs = self.outputs();
        let mut out = vec![0.0; cells * outputs];
        let exec = exec.only_if(out.len() >= SERIAL_BELOW);
        let folds = means.len();
        // A whole number of folds.
        let piece = (PIECE / folds.max(1)).max(1) * folds.max(1);
        exec.for_each_piece(&mut out, piece, |i, out| {
            for ((at, out), (mean, variance)) in (i * piece..).zip(out).zip(means.iter().cycle()) {
                *out = smooth.encode(self.moment(at / outputs, at % outputs), *mean, *variance);
            }
        })?;
        Ok(out)
    }
}

/// Writes each row's encodings, column after column: `tables[j][(code * folds + test) * outputs..]`. A code that is not
/// among the categories gets `unknown`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn write(
    codes: ArrayView2<'_, u32>,
    tests: Option<&[u32]>,
    folds: usize,
    tables: &[&[f64]],
    unknown: &[f64],
    out: &mut [f64],
    exec: &Exec<'_>,
) -> Result<()> {
    let (outputs, columns) = (unknown.len(), tables.len());
    let width = outputs * columns;
    if width == 0 {
        return Ok(());
    }
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let rows = (PIECE / width).max(64);
    exec.for_each_piece(out, rows * width, |i, out| {
        let begin = i * rows;
        for (j, table) in tables.iter().enumerate() {
            let codes = codes.slice(ndarray::s![begin..begin + out.len() / width, j]);
            for ((row, &code), out) in (begin..).zip(codes).zip(out.chunks_exact_mut(width)) {
                let fold = tests.map_or(0, |tests| tests[row] as usize);
                let at = (code as usize * folds + fold) * outputs;
                let from = table.get(at..at + outputs).unwrap_or(unknown);
                if outputs == 1 {
                    out[j] = from[0];
                } else {
                    out[j * outputs..(j + 1) * outputs].copy_from_slice(from);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(values: &[f64]) -> Moment {
        let (count, sum) = (values.len() as f64, values.iter().sum::<f64>());
        let mean = sum / count;
        let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        if values.is_empty() { Moment::default() } else { Moment { count, sum, squares } }
    }

    fn near(a: Moment, b: Moment) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
        a.count == b.count && near(a.sum, b.sum) && near(a.squares, b.squares)
    }

    proptest! {
        #[test]
        fn what_a_fold_leaves_out_is_all_others(rows in prop::collection::vec((0..4_u32, 0..3_u32, 0..3_u32, -9.0..9.0_f64), 0..80)) {
            let (folds, categories) = (3, 3);
            let codes: Vec<u32> = rows.iter().map(|r| r.0).collect(); // 3 is unknown, and counts as 0
            let tests: Vec<u32> = rows.iter().map(|r| r.1).collect();
            let classes: Vec<u32> = rows.iter().map(|r| r.2).collect();
            let values: Vec<f64> = rows.iter().map(|r| r.3).collect();
            let of = |target| {
                cells(ArrayView1::from(&codes), categories, target, Some(&tests), folds, &Exec::serial()).unwrap().left_out(folds)
            };
            let counts = of(Target::Classes(&classes, 3));
            let moments = of(Target::Values(&values));
            for code in 0..categories {
                for fold in 0..folds {
                    let chosen: Vec<_> = rows.iter().filter(|r| r.0 as usize % 3 == code && r.1 as usize != fold).collect();
                    let at = code * folds + fold;
                    let picked: Vec<f64> = chosen.iter().map(|r| r.3).collect();
                    prop_assert!(near(moments.moment(at, 0), moment(&picked)));
                    for class in 0..3 {
                        let picked: Vec<f64> = chosen.iter().map(|r| f64::from(u8::from(r.2 as usize == class))).collect();
                        prop_assert!(near(counts.moment(at, class), moment(&picked)));
                    }
                }
            }
        }
    }

    #[test]
    fn rows_get_the_encoding_of_their_fold() {
        let codes = [0, 1, 2, 1_u32];
        let view = ArrayView2::from_shape((4, 1), &codes).unwrap();
        let table = [1.0, 2.0, 3.0, 4.0];
        let mut out = [0.0; 4];
        write(view, Some(&[0, 1, 0, 0]), 2, &[&table], &[-1.0], &mut out, &Exec::serial()).unwrap();
        assert_eq!(out, [1.0, 4.0, -1.0, 3.0]);
    }

    #[test]
    fn empty_and_constant_cells_get_the_mean() {
        let empty = Moment::default();
        assert_eq!(Smooth::Auto.encode(empty, 0.3, 1.0), 0.3);
        assert_eq!(Smooth::Rows(0.0).encode(empty, 0.3, 1.0), 0.3);
        assert_eq!(Smooth::Auto.encode(moment(&[2.0, 2.0]), 2.0, 0.0), 2.0);
        assert_eq!(Smooth::Rows(2.0).encode(moment(&[1.0, 3.0]), 0.0, 0.0), 1.0);
    }
}
