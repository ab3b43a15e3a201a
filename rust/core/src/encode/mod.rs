//! Categories of a column: learned as distinct values with their counts, looked up, and turned into numbers.
//!
//! Agrees with scikit-learn's `OneHotEncoder` and `OrdinalEncoder`. A column's values get ids in the order in which they
//! first appear ([`TextTable`], [`NumberTable`]: `insert`, `merge`, `ranks`); categories are sorted once at the end, and
//! a small table of outputs is read through the ids ([`encode`]). So a row costs one hash and one load, sorting costs
//! per category, and tables of two parts merge.

mod apply;
pub mod hashed;
mod numbers;
mod sets;
pub mod target;
mod texts;

pub use apply::{
    Codes, Column, Source, compact, count_codes, encode, one_per_place, scatter, scatter_by_column,
};
pub use numbers::{Learned, Lookup, Number, NumberSource, NumberTable, learn};
pub use sets::rows_of_sets;
pub use texts::TextTable;

use crate::error::Result;
use crate::exec::Exec;

/// Rows of a part, which is learned with a table of its own: far above what a merge of tables costs.
const PART: usize = 400_000;
/// Parts at most.
const PARTS: usize = 8;

/// What can be learned in parts.
pub trait Table: Default + Send {
    /// How many ids were given.
    fn len(&self) -> usize;
    /// Was none given?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Takes in what `other` has; returns the id here of each id there.
    fn merge(&mut self, other: &Self) -> Vec<u32>;
}

/// Ids of `rows` values: `fill(table, begin, out)` gives those of the rows from `begin` on, into fixed parts that are
/// merged in order. `counts[id]` is how often it appears, if `count`; ids are kept if `ids` (of `rows`) is given.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn learn_parts<T: Table>(
    rows: usize,
    ids: Option<&mut [u32]>,
    count: bool,
    exec: &Exec<'_>,
    fill: impl Fn(&mut T, usize, &mut [u32]) + Sync,
) -> Result<(T, Vec<u64>)> {
    let parts = (rows / PART).clamp(1, PARTS);
    let len = rows.div_ceil(parts).max(1);
    let learn_part = |part: usize, mut kept: Option<&mut [u32]>| {
        let mut table = T::default();
        let mut counts = Vec::new();
        let mut scratch = [0_u32; BLOCK];
        let (first, end) = (part * len, ((part + 1) * len).min(rows));
        let mut begin = first;
        while begin < end {
            let n = BLOCK.min(end - begin);
            let block = match &mut kept {
                Some(ids) => &mut ids[begin - first..begin - first + n],
                None => &mut scratch[..n],
            };
            fill(&mut table, begin, block);
            if count {
                counts.resize(table.len(), 0_u64);
                for &id in block.iter() {
                    counts[id as usize] += 1;
                }
            }
            begin += n;
        }
        (table, counts)
    };
    let mut kept = ids;
    let learned: Vec<(T, Vec<u64>)> = match kept.as_deref_mut() {
        Some(ids) => {
            let slices: Vec<_> = ids.chunks_mut(len).map(|s| std::sync::Mutex::new(Some(s))).collect();
            exec.map(parts, |part| {
                let slice = slices.get(part).and_then(|s| s.lock().ok().and_then(|mut s| s.take()));
                learn_part(part, slice)
            })?
        }
        None => exec.map(parts, |part| learn_part(part, None))?,
    };
    let mut learned = learned.into_iter();
    let (mut table, mut counts) = learned.next().unwrap_or_else(|| (T::default(), Vec::new()));
    let mut maps = vec![Vec::new()];
    for (other, more) in learned {
        let map = table.merge(&other);
        if count {
            counts.resize(table.len(), 0);
            for (&to, n) in map.iter().zip(more) {
                counts[to as usize] += n;
            }
        }
        maps.push(map);
    }
    if let Some(ids) = kept
        && parts > 1
    {
        exec.for_each_piece(ids, len, |part, ids| {
            if let Some(map) = maps.get(part).filter(|map| !map.is_empty()) {
                for id in ids {
                    *id = map[*id as usize];
                }
            }
        })?;
    }
    Ok((table, counts))
}

/// Rows that are handled at a time, so that their ids stay in the first cache.
pub const BLOCK: usize = 2048;
