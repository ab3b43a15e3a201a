//! The most frequent value of what is there, the smallest of several.

use super::frequent::{Best, Tables, most_frequent};
use super::prints::{Plan, modes_by_prints};
use super::scan::{of_few_kinds, sample, scan};
use super::tile::{TILE, Tile};
use super::{Missing, SERIAL_BELOW};
use crate::error::Result;
use crate::exec::Exec;
use crate::matrix::Matrix;
use crate::simd;

/// A value that sorts as a whole number.
pub trait Key: Copy + PartialEq + Send + Sync {
    /// A number in the order of the values, equal for equal ones.
    fn key(self) -> u64;
    /// The value of a number.
    fn value(key: u64) -> f64;
    /// Is it no number?
    fn is_nan(self) -> bool;
    /// Is it neither that nor infinite?
    fn is_finite(self) -> bool;
}

impl Key for i64 {
    #[inline(always)]
    fn key(self) -> u64 {
        self.cast_unsigned() ^ (1 << 63)
    }
    fn value(key: u64) -> f64 {
        (key ^ (1 << 63)).cast_signed() as f64
    }
    fn is_nan(self) -> bool {
        false
    }
    fn is_finite(self) -> bool {
        true
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
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
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
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
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
/// Bytes of input for each byte that is held beside it.
const INPUT: usize = 20;
/// Bytes of those that are not prints but work space.
const WORK: usize = 1_200_000;
/// Bytes of an input that is so small that [`ROOM`] prints are held.
const SMALL: usize = 64_000_000;
const ROOM: usize = 1_000_000;

/// The most frequent value of each column, what is `missing` left out (of whole numbers with NaN as the mark: nothing).
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn modes<T: Key>(x: &dyn Matrix<T>, missing: Missing<T>, exec: &Exec<'_>) -> Result<Modes> {
    let (rows, columns) = x.dim();
    let exec = &exec.only_if(rows * columns >= SERIAL_BELOW);
    let mut all = Modes { mode: vec![f64::NAN; columns], missing: vec![0.0; columns], refused: false };
    let mut learn = |j: usize, found: Found| {
        all.missing[j] = found.missing as f64;
        if found.missing < rows {
            all.mode[j] = T::value(found.best.key);
        }
    };
    let mut left: Vec<usize> = (0..columns).collect();
    if rows < SCAN_FROM {
        for (j, (found, refused)) in exec.map(columns, |j| gathered(x, j, missing))?.into_iter().enumerate() {
            learn(j, found);
            all.refused |= refused;
        }
        return Ok(all);
    }
    let sample = sample(x);
    let few = exec.map(columns, |j| of_few_kinds(&sample[j], missing))?;
    drop(sample);
    let few: Vec<usize> = left.iter().copied().filter(|j| few[*j]).collect();
    if !few.is_empty() {
        let (found, refused) = scan(x, &few, missing, exec)?;
        all.refused = refused;
        for (j, found) in few.iter().zip(found) {
            if let Some(found) = found {
                learn(*j, found);
                left.retain(|other| other != j);
            }
        }
    }
    if left.is_empty() {
        return Ok(all);
    }
    let room = if x.bytes() < SMALL { ROOM } else { (x.bytes() / INPUT - WORK) / size_of::<u32>() };
    let plan = Plan::new(rows, room, x.in_lines());
    let (found, refused) = modes_by_prints(x, &left, &plan, missing, exec)?;
    for (j, found) in left.iter().zip(found) {
        learn(*j, found);
    }
    all.refused |= refused;
    Ok(all)
}

/// The mode of a column whose keys are gathered; was there a value that may not occur?
fn gathered<T: Key>(x: &dyn Matrix<T>, j: usize, missing: Missing<T>) -> (Found, bool) {
    let rows = x.dim().0;
    let (mut keys, mut there, mut refused) = (vec![0; rows], 0, false);
    let (mut tile, mut buffer) = (Tile::default(), Vec::new());
    for begin in (0..rows).step_by(TILE) {
        let values = x.some_of(j, begin, TILE.min(rows - begin), &mut buffer);
        simd::dispatch!({
            tile.read(values, missing);
            tile.write(&mut keys[there..]);
        });
        there += tile.count;
        refused |= tile.refused;
    }
    let best = most_frequent(&mut keys[..there], &mut Tables::default()).unwrap_or_default();
    (Found { best, missing: rows - there }, refused)
}

#[cfg(test)]
mod tests {
    use super::super::frequent::most_frequent;
    use super::*;
    use ndarray::ArrayView2;

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
                let got = modes(&x, Missing::Nan, &exec).unwrap();
                assert!(same(&got.mode, &naive(x)) && !got.refused);
                assert_eq!(got.missing[7], rows as f64);
                let holes = x.column(3).iter().filter(|v| v.is_nan()).count();
                assert_eq!(got.missing[3], holes as f64);
            }
        }
        let by_prints = |plan: &Plan| {
            let of = |found: Vec<Found>| {
                found
                    .iter()
                    .map(|found| (found.best.key, found.best.count, found.missing))
                    .collect::<Vec<_>>()
            };
            let (found, refused) =
                modes_by_prints(&x.view(), &[3, 4, 5, 7], plan, Missing::Nan, &Exec::serial()).unwrap();
            (of(found), refused)
        };
        let alone = by_prints(&Plan::new(rows, rows, false));
        for (eighths, together) in
            [(16, true), (13, true), (12, true), (8, true), (2, false), (1, false), (0, false)]
        {
            assert_eq!(by_prints(&Plan::new(rows, eighths * rows / 8, together)), alone);
        }
        x[(rows - 3, 1)] = f64::INFINITY;
        let refused = |x| modes(&x, Missing::Nan, &Exec::serial()).unwrap().refused;
        assert!(refused(x.view()));
        // A marker that is a number, the most frequent one.
        let x = x.mapv(|v: f64| if v.is_finite() { v as i64 } else { 0 });
        let got = modes(&x.view(), Missing::Value(0), &Exec::serial()).unwrap();
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
        let got = modes(&x.view(), Missing::Nan, &Exec::serial()).unwrap();
        assert_eq!(got.mode[0], 1.0);
        assert!(got.mode[1].is_nan() && !got.refused);
        assert_eq!(got.missing, [1.0, 5.0]);
    }
}
