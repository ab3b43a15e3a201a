//! Modes of columns of few kinds of values, by one pass over the rows.

use std::sync::Mutex;

use ndarray::{ArrayView1, s};

use super::frequent::Best;
use super::kinds::Kinds;
use super::mode::{Found, Key};
use super::tile::{self, Tile};
use super::{CHUNK, Missing};
use crate::error::Result;
use crate::exec::Exec;
use crate::matrix::Matrix;
use crate::simd;

/// Values that are counted column by column before the next ones: they stay in the first-level cache.
const TILE: usize = 1 << 12;
/// Rows of a tile, at least, so that a column's counts are not fetched for a few values.
const TALL: usize = 64;
/// Rows that tell whether a column has few kinds of values.
const SAMPLE: usize = 2_048;

/// Some rows, all over the table, column by column.
pub fn sample<T: Key>(x: &dyn Matrix<T>) -> Vec<Vec<T>> {
    let ((rows, columns), mut buffer) = (x.dim(), Vec::new());
    let n = rows.min(SAMPLE);
    let mut sample = vec![Vec::with_capacity(n); columns];
    for i in 0..n {
        for (column, v) in sample.iter_mut().zip(x.some_rows(i * (rows / n), 1, &mut buffer)) {
            column.push(*v);
        }
    }
    sample
}

/// Are most values of kinds that a sample of them has?
pub fn of_few_kinds<T: Key>(sample: &[T], missing: Missing<T>) -> bool {
    let mut kinds = Kinds::default();
    let there = |v: &&T| match missing {
        Missing::Nan => !v.is_nan(),
        Missing::Value(marker) => **v != marker,
    };
    for v in sample.iter().filter(there) {
        kinds.add(v.key(), 1);
    }
    let kinds = kinds.counted().unwrap_or_default();
    let there: u64 = kinds.iter().map(|kind| kind.1).sum();
    let once = kinds.iter().filter(|kind| kind.1 == 1).count() as u64;
    // The share of those met once is about the chance that the next value is of a new kind.
    4 * once <= there
}

/// The mode of each of some columns, none where the kinds are too many; was there a value that may not occur?
pub fn scan<T: Key>(
    x: &dyn Matrix<T>,
    columns: &[usize],
    missing: Missing<T>,
    exec: &Exec<'_>,
) -> Result<(Vec<Option<Found>>, bool)> {
    let (rows, width) = x.dim();
    // Columns that are read together, and how many lie in a row.
    let (group, width) = if x.by_column() { (1, 1) } else { (columns.len(), width) };
    let tile = (TILE / width).max(TALL);
    let step = (CHUNK / width).next_multiple_of(tile);
    let chunks = rows.div_ceil(step);
    let pool: Mutex<Vec<Counts>> = Mutex::default();
    exec.for_each(chunks * (columns.len() / group), |i| {
        let new = || Counts::new(columns.len());
        let mut counts = pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_else(new);
        let (begin, first) = (i % chunks * step, i / chunks * group);
        let (end, mut buffer) = (rows.min(begin + step), Vec::new());
        for begin in (begin..end).step_by(tile) {
            let tile = x.some_rows(begin, tile.min(end - begin), &mut buffer);
            for k in first..first + group {
                let column = tile.column(columns[k]);
                simd::dispatch!(counts.take(k, column, missing));
            }
        }
        if let Ok(mut pool) = pool.lock() {
            pool.push(counts);
        }
    })?;
    let counts = pool.into_inner().unwrap_or_default();
    let found = exec.map(columns.len(), |k| {
        let mut kinds = Kinds::default();
        for counts in &counts {
            kinds.merge(&counts.kinds[k]);
        }
        let mut best = Best::default();
        for (key, count) in kinds.counted()? {
            best.offer(*key, *count);
        }
        Some(Found { best, missing: counts.iter().map(|counts| counts.missing[k]).sum() })
    })?;
    Ok((found, counts.iter().any(|counts| counts.refused)))
}

/// What a thread has counted.
struct Counts {
    kinds: Vec<Kinds>,
    missing: Vec<usize>,
    refused: bool,
}

impl Counts {
    fn new(columns: usize) -> Self {
        Self { kinds: vec![Kinds::default(); columns], missing: vec![0; columns], refused: false }
    }

    /// Counts values of the `k`-th column.
    #[inline(always)]
    fn take<T: Key>(&mut self, k: usize, values: ArrayView1<'_, T>, missing: Missing<T>) {
        let kinds = &mut self.kinds[k];
        if kinds.counted().is_none() {
            return;
        }
        let mut tile = Tile::default();
        for begin in (0..values.len()).step_by(tile::TILE) {
            let end = values.len().min(begin + tile::TILE);
            tile.read(values.slice(s![begin..end]), missing);
            self.missing[k] += end - begin - tile.count;
            self.refused |= tile.refused;
            let (keys, there) = tile.marked();
            // What is missing is a kind that never occurs: no branch to guess wrong.
            kinds.add_all(keys, there);
        }
    }
}
