//! Distinct numbers, as keys whose order is that of the numbers.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use ndarray::ArrayView1;

use super::{BLOCK, Source, Table, learn_parts};
use crate::error::Result;
use crate::exec::Exec;

/// A number that has a key: `a < b` exactly if `a.key() < b.key()`; both zeros have one key, all NaN the largest.
pub trait Number: Copy + Send + Sync + PartialEq + 'static {
    /// Do keys lie too far apart for a table over their range?
    const FLOAT: bool;
    /// Its key.
    fn key(self) -> u64;
    /// The number of a key.
    fn from_key(key: u64) -> Self;
    /// Is it an infinity?
    fn is_infinite(self) -> bool {
        false
    }
    /// Is it the zero with a sign?
    fn is_negative_zero(self) -> bool {
        false
    }
}

const SIGN: u64 = 1 << 63;
/// The key of every NaN.
const NAN: u64 = u64::MAX;

macro_rules! signed {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const FLOAT: bool = false;
            #[inline(always)]
            fn key(self) -> u64 {
                (i64::from(self) as u64) ^ SIGN
            }
            fn from_key(key: u64) -> Self {
                (key ^ SIGN) as i64 as $t
            }
        }
    )*};
}
macro_rules! unsigned {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const FLOAT: bool = false;
            #[inline(always)]
            fn key(self) -> u64 {
                u64::from(self)
            }
            fn from_key(key: u64) -> Self {
                key as $t
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);
unsigned!(u8, u16, u32, u64);

impl Number for f64 {
    const FLOAT: bool = true;
    #[inline(always)]
    fn key(self) -> u64 {
        if self.is_nan() {
            return NAN;
        }
        let bits = (self + 0.0).to_bits();
        if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
    }
    fn is_infinite(self) -> bool {
        f64::is_infinite(self)
    }
    fn is_negative_zero(self) -> bool {
        self.to_bits() == (-0.0_f64).to_bits()
    }
    fn from_key(key: u64) -> Self {
        if key == NAN {
            return f64::NAN;
        }
        f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
    }
}

impl Number for f32 {
    const FLOAT: bool = true;
    #[inline(always)]
    fn key(self) -> u64 {
        f64::from(self).key()
    }
    fn is_infinite(self) -> bool {
        f32::is_infinite(self)
    }
    fn is_negative_zero(self) -> bool {
        self.to_bits() == (-0.0_f32).to_bits()
    }
    fn from_key(key: u64) -> Self {
        f64::from_key(key) as f32
    }
}

#[inline]
fn hash(key: u64) -> u64 {
    FixedState::default().hash_one(key)
}

/// A hash table over keys.
#[derive(Clone, Default)]
pub struct NumberTable {
    entries: HashTable<(u64, u32)>,
    keys: Vec<u64>,
    /// A direct-mapped cache of keys and their ids plus one, once whole blocks come; it answers few kinds at a
    /// third of the table's cost.
    recent: Vec<(u64, u32)>,
}

/// Slots of that cache, a power of two: 64 KB.
const RECENT_BITS: u32 = 12;

impl NumberTable {
    /// The id of `key`, a new one if it was not seen before.
    #[inline]
    pub fn insert(&mut self, key: u64) -> u32 {
        let hash = hash(key);
        if let Some(&(_, id)) = self.entries.find(hash, |e| e.0 == key) {
            return id;
        }
        let id = self.keys.len() as u32;
        self.keys.push(key);
        self.entries.insert_unique(hash, (key, id), |e| self::hash(e.0));
        id
    }

    /// `out[i]` is the id of `keys[i]`.
    fn insert_all(&mut self, keys: &[u64], out: &mut [u32]) {
        if out.len() < BLOCK {
            keys.iter().zip(out).for_each(|(key, id)| *id = self.insert(*key));
            return;
        }
        if self.recent.is_empty() {
            self.recent = vec![(0, 0); 1 << RECENT_BITS];
        }
        for (&key, id) in keys.iter().zip(out) {
            let slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - RECENT_BITS)) as usize;
            let (known, next) = self.recent[slot];
            *id = if known == key && next > 0 {
                next - 1
            } else {
                let id = self.insert(key);
                self.recent[slot] = (key, id + 1);
                id
            };
        }
    }

    /// The id of `key`, if it was seen.
    #[inline]
    #[must_use]
    pub fn find(&self, key: u64) -> Option<u32> {
        self.entries.find(hash(key), |e| e.0 == key).map(|e| e.1)
    }
}

impl Table for NumberTable {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn merge(&mut self, other: &Self) -> Vec<u32> {
        other.keys.iter().map(|&key| self.insert(key)).collect()
    }
}

/// What a column of numbers has.
pub struct Learned {
    /// The distinct keys, sorted.
    pub keys: Vec<u64>,
    /// How often each appears, if asked for.
    pub counts: Vec<u64>,
    /// The place of each id among the keys; empty if ids were not kept.
    pub ranks: Vec<u32>,
    /// Each row's id, unless a lookup is as quick (a small range of integers).
    pub ids: Option<Vec<u32>>,
}

/// A table over the range of the values is used up to this many values a row of input, and a few in any case.
const RANGE_PER_ROW: u64 = 4;
const RANGE_ALWAYS: u64 = 1024;
/// And never above this: 16 MB of counts, beyond any cache.
const RANGE_MOST: u64 = 1 << 22;

/// The distinct values of a column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn learn<T: Number>(x: ArrayView1<'_, T>, count: bool, keep: bool, exec: &Exec<'_>) -> Result<Learned> {
    let rows = x.len();
    if !T::FLOAT && rows > 0 {
        let (low, high) = range(x, exec)?;
        let span = high - low;
        if span < RANGE_MOST && span < RANGE_ALWAYS.max(RANGE_PER_ROW.saturating_mul(rows as u64)) {
            return dense(x, low, span as usize + 1, count, exec);
        }
    }
    let fill = |begin: usize, keys: &mut [u64]| {
        let x = x.slice(ndarray::s![begin..begin + keys.len()]);
        match x.as_slice() {
            Some(x) => x.iter().zip(keys).for_each(|(v, key)| *key = v.key()),
            None => x.iter().zip(keys).for_each(|(v, key)| *key = v.key()),
        }
    };
    hashed(rows, &fill, count, keep, exec)
}

/// By a hash table over keys, of which `fill(begin, out)` gives those from a row on: compiled once for all types.
fn hashed(
    rows: usize,
    fill: &(dyn Fn(usize, &mut [u64]) + Sync),
    count: bool,
    keep: bool,
    exec: &Exec<'_>,
) -> Result<Learned> {
    let mut ids = if keep { Some(vec![0_u32; rows]) } else { None };
    let (table, counts) =
        learn_parts(rows, ids.as_deref_mut(), count, exec, |table: &mut NumberTable, begin, out| {
            let mut keys = [0; BLOCK];
            let keys = &mut keys[..out.len()];
            fill(begin, keys);
            table.insert_all(keys, out);
        })?;
    let mut order: Vec<u32> = (0..table.keys.len() as u32).collect();
    order.sort_unstable_by_key(|&id| table.keys[id as usize]);
    let mut ranks = vec![0; order.len()];
    for (rank, &id) in order.iter().enumerate() {
        ranks[id as usize] = rank as u32;
    }
    let keys = order.iter().map(|&id| table.keys[id as usize]).collect();
    let counts = if count { order.iter().map(|&id| counts[id as usize]).collect() } else { counts };
    Ok(Learned { keys, counts, ranks, ids })
}

fn pieces(rows: usize) -> (usize, usize) {
    let parts = (rows / super::PART).clamp(1, super::PARTS);
    (parts, rows.div_ceil(parts).max(1))
}

/// The smallest and the largest key.
fn range<T: Number>(x: ArrayView1<'_, T>, exec: &Exec<'_>) -> Result<(u64, u64)> {
    let (parts, len) = pieces(x.len());
    let found = exec.map(parts, |part| {
        let x = x.slice(ndarray::s![part * len..((part + 1) * len).min(x.len())]);
        let mut low = u64::MAX;
        let mut high = 0;
        if let Some(x) = x.as_slice() {
            crate::simd::dispatch!({
                for v in x {
                    low = low.min(v.key());
                    high = high.max(v.key());
                }
            });
        } else {
            for v in x {
                low = low.min(v.key());
                high = high.max(v.key());
            }
        }
        (low, high)
    })?;
    Ok(found.into_iter().fold((u64::MAX, 0), |a, b| (a.0.min(b.0), a.1.max(b.1))))
}

/// By a table over the range: counts, or marks of one byte (storing one does not wait for what is stored there).
fn dense<T: Number>(
    x: ArrayView1<'_, T>,
    low: u64,
    span: usize,
    count: bool,
    exec: &Exec<'_>,
) -> Result<Learned> {
    let keys =
        |seen: &dyn Fn(usize) -> bool| (0..span).filter(|&i| seen(i)).map(|i| low + i as u64).collect();
    let learned = |keys, counts| Learned { keys, counts, ranks: Vec::new(), ids: None };
    if count {
        let seen = tally(x, span, low, |n: &mut u64| *n += 1, |a, b| *a += b, exec)?;
        return Ok(learned(keys(&|i| seen[i] > 0), seen.iter().copied().filter(|&n| n > 0).collect()));
    }
    let seen = tally(x, span, low, |mark: &mut u8| *mark = 1, |a, b| *a |= b, exec)?;
    Ok(learned(keys(&|i| seen[i] > 0), Vec::new()))
}

fn tally<T: Number, N: Copy + Default + Send>(
    x: ArrayView1<'_, T>,
    span: usize,
    low: u64,
    see: impl Fn(&mut N) + Sync,
    add: impl Fn(&mut N, N),
    exec: &Exec<'_>,
) -> Result<Vec<N>> {
    let (parts, len) = pieces(x.len());
    let tables = exec.map(parts, |part| {
        let x = x.slice(ndarray::s![part * len..((part + 1) * len).min(x.len())]);
        let mut table = vec![N::default(); span];
        if let Some(x) = x.as_slice() {
            x.iter().for_each(|v| see(&mut table[(v.key() - low) as usize]));
        } else {
            x.iter().for_each(|v| see(&mut table[(v.key() - low) as usize]));
        }
        table
    })?;
    let mut tables = tables.into_iter();
    let mut total = tables.next().unwrap_or_else(|| vec![N::default(); span]);
    for table in tables {
        total.iter_mut().zip(table).for_each(|(a, b)| add(a, b));
    }
    Ok(total)
}

/// Finds the place of a key among categories.
pub enum Lookup {
    /// `places[key - low]`, for categories that lie close together.
    Dense {
        /// The smallest key.
        low: u64,
        /// The place of each key from there on; `unknown` where there is none.
        places: Vec<u32>,
        /// How many categories there are: the place of what is not among them.
        unknown: u32,
    },
    /// By hash.
    Hash {
        /// Ids are places.
        table: NumberTable,
        /// How many categories there are.
        unknown: u32,
    },
}

impl Lookup {
    /// For distinct `keys`, whose places count from 0.
    #[must_use]
    pub fn new(keys: &[u64]) -> Self {
        let unknown = keys.len() as u32;
        let low = keys.iter().copied().min().unwrap_or(0);
        let span = keys.iter().copied().max().unwrap_or(0) - low;
        if span < RANGE_ALWAYS || span < 8 * keys.len() as u64 {
            let mut places = vec![unknown; span as usize + 1];
            for (place, key) in keys.iter().enumerate() {
                places[(key - low) as usize] = place as u32;
            }
            return Self::Dense { low, places, unknown };
        }
        let mut table = NumberTable::default();
        for &key in keys {
            table.insert(key);
        }
        Self::Hash { table, unknown }
    }
}

/// A column of numbers, seen through a lookup.
pub struct NumberSource<'a, T> {
    /// The column.
    pub x: ArrayView1<'a, T>,
    /// The categories.
    pub lookup: &'a Lookup,
}

impl<T: Number> Source for NumberSource<'_, T> {
    fn ids(&self, begin: usize, out: &mut [u32]) {
        debug_assert!(out.len() <= BLOCK);
        let x = self.x.slice(ndarray::s![begin..begin + out.len()]);
        match self.lookup {
            Lookup::Dense { low, places, unknown } => {
                let place = |v: T| {
                    let at = v.key().wrapping_sub(*low);
                    usize::try_from(at).ok().and_then(|at| places.get(at)).copied().unwrap_or(*unknown)
                };
                if let Some(x) = x.as_slice() {
                    for (v, id) in x.iter().zip(out) {
                        *id = place(*v);
                    }
                } else {
                    for (v, id) in x.iter().zip(out) {
                        *id = place(*v);
                    }
                }
            }
            Lookup::Hash { table, unknown } => {
                for (v, id) in x.iter().zip(out) {
                    *id = table.find(v.key()).unwrap_or(*unknown);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_keep_the_order(a: f64, b: f64, c: i32, d: i32) {
            prop_assert_eq!(a < b, a.key() < b.key() && !a.is_nan() && !b.is_nan());
            prop_assert!(a.is_nan() || f64::from_key(a.key()) == a);
            prop_assert_eq!(c < d, c.key() < d.key());
            prop_assert_eq!(i32::from_key(c.key()), c);
        }

        #[test]
        fn learned_is_what_sorting_gives(x in prop::collection::vec(prop_oneof![-5..5_i64, any::<i64>()], 1..200)) {
            let view = ArrayView1::from(&x);
            let got = learn(view, true, true, &Exec::serial()).unwrap();
            let mut expected = x.clone();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(got.keys.iter().map(|&k| i64::from_key(k)).collect::<Vec<_>>(), expected.clone());
            for (v, n) in expected.iter().zip(&got.counts) {
                prop_assert_eq!(*n, x.iter().filter(|w| *w == v).count() as u64);
            }
            let lookup = Lookup::new(&got.keys);
            let mut places = vec![0; x.len()];
            NumberSource { x: view, lookup: &lookup }.ids(0, &mut places);
            for (v, place) in x.iter().zip(&places) {
                prop_assert_eq!(&expected[*place as usize], v);
            }
            if let Some(ids) = got.ids {
                prop_assert_eq!(ids.iter().map(|&id| got.ranks[id as usize]).collect::<Vec<_>>(), places);
            }
        }
    }

    #[test]
    fn zeros_and_nans_are_one_each() {
        let x = [0.0, -0.0, f64::NAN, -f64::NAN, 1.0];
        let got = learn(ArrayView1::from(&x), false, false, &Exec::serial()).unwrap();
        assert_eq!(got.keys.len(), 3);
        assert!(f64::from_key(got.keys[2]).is_nan());
    }

    #[test]
    fn parts_give_what_the_whole_gives() {
        let x: Vec<i64> = (0..2_000_000_i64).map(|i| (i * 7919) % 100_003 * 1_000_000).collect();
        let got = learn(ArrayView1::from(&x), true, true, &Exec::serial()).unwrap();
        assert_eq!(got.keys.len(), 100_003);
        assert_eq!(got.counts.iter().sum::<u64>(), 2_000_000);
        let ids = got.ids.unwrap();
        assert!(x.iter().zip(&ids).all(|(v, &id)| got.keys[got.ranks[id as usize] as usize] == v.key()));
    }
}
