//! The most frequent value of what is there, the smallest of several.

use std::ops::Range;
use std::sync::Mutex;

use ndarray::{ArrayView2, s};

use super::SERIAL_BELOW;
use super::frequent::{Best, Tables, most_frequent_of};
use super::scan::{of_few_kinds, scan};
use super::tile::{TILE, Tile};
use crate::error::Result;
use crate::exec::Exec;
use crate::memory::zeroed_space;
use crate::simd;

/// A value that sorts as a whole number.
pub trait Key: Copy + PartialEq + Send + Sync {
    /// A number in the order of the values, equal for equal ones.
    fn key(self) -> u64;
    /// The value of a number.
    fn value(key: u64) -> f64;
}

impl Key for i64 {
    #[inline(always)]
    fn key(self) -> u64 {
        self.cast_unsigned() ^ (1 << 63)
    }
    fn value(key: u64) -> f64 {
        (key ^ (1 << 63)).cast_signed() as f64
    }
}

impl Key for f64 {
    #[inline(always)]
    fn key(self) -> u64 {
        // Adding zero makes one of both zeros.
        let bits = (self + 0.0).to_bits();
        bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | (1 << 63))
    }
    fn value(key: u64) -> f64 {
        f64::from_bits(if key >> 63 == 1 { key ^ (1 << 63) } else { !key })
    }
}

impl Key for f32 {
    #[inline(always)]
    fn key(self) -> u64 {
        f64::from(self).key()
    }
    fn value(key: u64) -> f64 {
        f64::value(key)
    }
}

/// What is known of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Most frequent value of each column, NaN for one without values.
    pub mode: Vec<f64>,
    /// Missing values of each column.
    pub missing: Vec<f64>,
    /// Was there a value that may not occur?
    pub refused: bool,
}

/// The mode of a column and how many of its values are missing.
#[derive(Clone, Copy)]
pub struct Found {
    pub best: Best,
    pub missing: usize,
}

/// Rows from which columns of few kinds of values are looked for.
const SCAN_FROM: usize = 1 << 14;
/// Rows of a chunk, the unit that a thread turns into columns.
const ROWS: usize = 1 << 15;
/// Keys that are held at a time, unless each thread's own column has more: 80 MB.
const WORK: usize = 10_000_000;
/// Columns that are turned together, at most.
const WIDE: usize = 64;

/// The most frequent value of each column, what is `missing` left out.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn modes<T: Key>(
    x: ArrayView2<'_, T>,
    missing: impl Fn(T) -> bool + Sync,
    refuses: impl Fn(T) -> bool + Sync,
    exec: &Exec<'_>,
) -> Result<Modes> {
    let (rows, columns) = x.dim();
    let exec = &exec.only_if(x.len() >= SERIAL_BELOW);
    let mut all = Modes { mode: vec![f64::NAN; columns], missing: vec![0.0; columns], refused: false };
    let mut learn = |j: usize, found: Found| {
        all.missing[j] = found.missing as f64;
        if found.missing < rows {
            all.mode[j] = T::value(found.best.key);
        }
    };
    let mut left: Vec<usize> = (0..columns).collect();
    if rows >= SCAN_FROM {
        let few = exec.map(columns, |j| of_few_kinds(x.column(j), &missing))?;
        let few: Vec<usize> = left.iter().copied().filter(|j| few[*j]).collect();
        if !few.is_empty() {
            let (found, refused) = scan(x, &few, &missing, &refuses, exec)?;
            all.refused = refused;
            for (j, found) in few.iter().zip(found) {
                if let Some(found) = found {
                    learn(*j, found);
                    left.retain(|other| other != j);
                }
            }
        }
    }
    let at_most = (WORK / rows.max(1)).clamp(exec.threads(), WIDE);
    let groups = left.len().div_ceil(at_most).max(1);
    let pool: Mutex<Vec<Tables>> = Mutex::default();
    let mut keys: Vec<u64> = Vec::new();
    for columns in left.chunks(left.len().div_ceil(groups).max(1)) {
        if keys.is_empty() {
            keys = zeroed_space(rows * columns.len());
        }
        let turned = turn(x, columns, &mut keys, &missing, &refuses, exec)?;
        let keys: Vec<_> = keys.chunks_mut(rows.max(1)).take(columns.len()).map(Mutex::new).collect();
        let found = exec.map(columns.len(), |k| {
            let chunks = turned.iter().zip((0..).step_by(ROWS));
            let places: Vec<_> =
                chunks.clone().map(|(turned, begin)| begin..begin + turned.counts[k]).collect();
            let missing = rows - places.iter().map(Range::len).sum::<usize>();
            let smallest = turned.iter().map(|turned| turned.smallest[k]).min().unwrap_or(u64::MAX);
            let mut tables = pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
            let mut best = Best::default();
            if let Ok(mut keys) = keys[k].lock() {
                best = most_frequent_of(&mut keys, &places, smallest, &mut tables);
            }
            if let Ok(mut pool) = pool.lock() {
                pool.push(tables);
            }
            Found { best, missing }
        })?;
        for (j, found) in columns.iter().zip(found) {
            learn(*j, found);
        }
        all.refused |= turned.iter().any(|turned| turned.refused);
    }
    Ok(all)
}

/// What is known of the columns of a chunk of rows.
struct Turned {
    /// Keys of each, those of what is there.
    counts: Vec<usize>,
    smallest: Vec<u64>,
    refused: bool,
}

/// Turns rows into columns of keys: a chunk's keys of what is there begin at the chunk's first row.
fn turn<T: Key>(
    x: ArrayView2<'_, T>,
    columns: &[usize],
    keys: &mut [u64],
    missing: &(impl Fn(T) -> bool + Sync),
    refuses: &(impl Fn(T) -> bool + Sync),
    exec: &Exec<'_>,
) -> Result<Vec<Turned>> {
    let rows = x.nrows();
    let mut chunks: Vec<Vec<&mut [u64]>> = (0..rows.div_ceil(ROWS)).map(|_| Vec::new()).collect();
    for column in keys.chunks_mut(rows.max(1)).take(columns.len()) {
        for (chunk, keys) in chunks.iter_mut().zip(column.chunks_mut(ROWS)) {
            chunk.push(keys);
        }
    }
    let chunks: Vec<_> = chunks.into_iter().map(Mutex::new).collect();
    exec.map(chunks.len(), |i| {
        let mut turned = Turned {
            counts: vec![0; columns.len()],
            smallest: vec![u64::MAX; columns.len()],
            refused: false,
        };
        let Ok(mut keys) = chunks[i].lock() else { return turned };
        let mut tile = Tile::default();
        let last = rows.min((i + 1) * ROWS);
        for begin in (i * ROWS..last).step_by(TILE) {
            let end = last.min(begin + TILE);
            for (k, j) in columns.iter().enumerate() {
                let column = x.slice(s![begin..end, *j]);
                simd::dispatch!({
                    tile.read(column, missing, refuses);
                    tile.write(&mut keys[k][turned.counts[k]..]);
                    turned.smallest[k] = turned.smallest[k].min(tile.smallest());
                });
                turned.counts[k] += tile.count;
                turned.refused |= tile.refused;
            }
        }
        turned
    })
}

#[cfg(test)]
mod tests {
    use super::super::frequent::most_frequent;
    use super::*;

    #[test]
    fn keys_keep_order_and_value() {
        let values = [-f64::MAX, -1.5, -0.0, f64::MIN_POSITIVE, 2.0, f64::MAX];
        for pair in values.windows(2) {
            assert!(pair[0].key() < pair[1].key());
        }
        for v in values {
            assert_eq!(f64::value(v.key()), v);
        }
        assert_eq!(0.0.key(), (-0.0).key());
        assert!(i64::MIN.key() < (-1_i64).key() && (-1_i64).key() < 3_i64.key());
        assert_eq!(<i64 as Key>::value((-7_i64).key()), -7.0);
    }

    #[test]
    fn many_rows_of_few_and_of_many_kinds() {
        let rows = SCAN_FROM + 77;
        let mut rng = crate::random::Mt19937::new(0);
        // The sample of the last two columns is not like the rest.
        let levels = |i: usize, j: usize| match j {
            0..5 => [1.0, 3.0, 60.0, 2_000.0, 1e9][j],
            _ if i.is_multiple_of(rows / 2_048) => 5.0,
            5 => 1e5,
            _ => 9.0,
        };
        let mut x = ndarray::Array2::from_shape_fn((rows, 8), |(i, j)| {
            let there = rng.next_f64() > 0.1;
            if there && j < 7 { (rng.next_f64() * levels(i, j)).floor() - 2.0 } else { f64::NAN }
        });
        let naive = |x: ArrayView2<'_, f64>| {
            let mode = |column: ndarray::ArrayView1<'_, f64>| {
                let mut keys: Vec<u64> = column.iter().filter(|v| !v.is_nan()).map(|v| v.key()).collect();
                most_frequent(&mut keys, &mut Tables::default()).map_or(f64::NAN, |best| f64::value(best.key))
            };
            x.columns().into_iter().map(mode).collect::<Vec<_>>()
        };
        let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
        let pool = std::sync::Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let source = || Some(pool.clone());
        for exec in [Exec::serial(), Exec::new(&source, 3, &|| false)] {
            for x in [x.view(), x.clone().reversed_axes().as_standard_layout().t()] {
                let got = modes(x, f64::is_nan, |v: f64| v.is_infinite(), &exec).unwrap();
                assert!(same(&got.mode, &naive(x)) && !got.refused);
                assert_eq!(got.missing[7], rows as f64);
                let holes = x.column(3).iter().filter(|v| v.is_nan()).count();
                assert_eq!(got.missing[3], holes as f64);
            }
        }
        x[(rows - 3, 1)] = f64::INFINITY;
        let refused = |x| modes(x, f64::is_nan, |v: f64| v.is_infinite(), &Exec::serial()).unwrap().refused;
        assert!(refused(x.view()));
        // A marker that is a number, the most frequent one.
        let x = x.mapv(|v: f64| if v.is_finite() { v as i64 } else { 0 });
        let got = modes(x.view(), |v| v == 0, |_| false, &Exec::serial()).unwrap();
        assert!(got.mode.iter().all(|v| *v != 0.0));
    }

    #[test]
    fn the_smallest_of_several() {
        let x = ndarray::array![
            [3.0, f64::NAN],
            [1.0, f64::NAN],
            [3.0, f64::NAN],
            [1.0, f64::NAN],
            [f64::NAN; 2]
        ];
        let got = modes(x.view(), f64::is_nan, |v: f64| !v.is_finite(), &Exec::serial()).unwrap();
        assert_eq!(got.mode[0], 1.0);
        assert!(got.mode[1].is_nan() && !got.refused);
        assert_eq!(got.missing, [1.0, 5.0]);
    }
}
