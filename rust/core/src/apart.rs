//! Columns that lie apart from each other, as frames have them: as they are, of any type, with bits for what is missing, or
//! in several pieces, as Arrow has them.

use ndarray::{ArrayView1, s};

use crate::float::Float;
use crate::numbers::Numbers;
use crate::simd;

/// A column of a table whose columns lie apart.
pub trait Apart<T>: Sync {
    /// How many values it has.
    fn len(&self) -> usize;

    /// Has it none?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `n` values from `begin` on, NaN where they are missing; in `buffer` unless they lie there so.
    fn block<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> &'b [T];

    /// Its values (any where they are missing), bits and the first one's number, if it has some: a value is there if its bit
    /// is set.
    fn bits(&self) -> Option<(&[T], &[u8], usize)> {
        None
    }
}

impl<T: Float> Apart<T> for ArrayView1<'_, T> {
    fn len(&self) -> usize {
        ArrayView1::len(self)
    }

    fn block<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> &'b [T] {
        if let Some(values) = self.as_slice() {
            return &values[begin..begin + n];
        }
        buffer.clear();
        buffer.extend(self.slice(s![begin..begin + n]).iter().copied());
        buffer
    }
}

/// A column of numbers of any type, read as `f64`, and what marks its missing values.
pub struct Marked<'a> {
    /// A matrix of one column; any values where they are missing.
    pub numbers: Numbers<'a>,
    /// What marks them.
    pub marks: Marks<'a>,
}

/// What marks missing values.
#[derive(Clone, Copy)]
pub enum Marks<'a> {
    /// Nothing: none are missing but NaN.
    None,
    /// Bytes: it is missing if its own is not zero.
    Bytes(&'a [u8]),
    /// Bits, and the first one's number, of what is there.
    Bits(&'a [u8], usize),
}

impl Marked<'_> {
    /// The values, if they lie there as `f64`.
    fn doubles(&self) -> Option<&[f64]> {
        if let Numbers::F64(x) = &self.numbers { x.column(0).to_slice() } else { None }
    }
}

impl Apart<f64> for Marked<'_> {
    fn len(&self) -> usize {
        self.numbers.rows()
    }

    fn bits(&self) -> Option<(&[f64], &[u8], usize)> {
        let Marks::Bits(bits, first) = self.marks else { return None };
        self.doubles().map(|values| (values, bits, first))
    }

    fn block<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<f64>) -> &'b [f64] {
        let doubles = self.doubles();
        if let (Marks::None, Some(values)) = (self.marks, doubles) {
            return &values[begin..begin + n];
        }
        buffer.resize(n, 0.0);
        let mut read = vec![0.0; if doubles.is_some() { 0 } else { n.min(BITS) }];
        for (i, out) in buffer.chunks_mut(BITS).enumerate() {
            let begin = begin + i * BITS;
            let values = match doubles {
                Some(values) => &values[begin..begin + out.len()],
                None => self.numbers.column(0, begin, &mut read[..out.len()]),
            };
            match self.marks {
                Marks::None => out.copy_from_slice(values),
                Marks::Bytes(missing) => {
                    for ((out, v), missing) in out.iter_mut().zip(values).zip(&missing[begin..]) {
                        *out = if *missing == 0 { *v } else { f64::NAN };
                    }
                }
                Marks::Bits(bits, first) => {
                    simd::choose(values, &words(bits, first + begin, values.len()).0, f64::NAN, out);
                }
            }
        }
        buffer
    }
}

/// A column that lies in one or more pieces.
pub struct Pieces<'a> {
    first: Marked<'a>,
    /// The others, and where each begins.
    rest: Vec<(usize, Marked<'a>)>,
    len: usize,
}

impl<'a> Pieces<'a> {
    /// One piece after the other.
    #[must_use]
    pub fn new(first: Marked<'a>, others: impl IntoIterator<Item = Marked<'a>>) -> Self {
        let mut all = Self { len: first.len(), first, rest: Vec::new() };
        for piece in others {
            let begin = all.len;
            all.len += piece.len();
            all.rest.push((begin, piece));
        }
        all
    }

    /// The piece that has the value number `at`, where it begins and where it ends.
    fn piece(&self, at: usize) -> (&Marked<'a>, usize, usize) {
        match self.rest.partition_point(|(begin, _)| *begin <= at) {
            0 => (&self.first, 0, self.first.len()),
            k => {
                let (begin, piece) = &self.rest[k - 1];
                (piece, *begin, begin + piece.len())
            }
        }
    }
}

impl<'a> From<Marked<'a>> for Pieces<'a> {
    fn from(only: Marked<'a>) -> Self {
        Self::new(only, [])
    }
}

impl Apart<f64> for Pieces<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn bits(&self) -> Option<(&[f64], &[u8], usize)> {
        if self.rest.is_empty() { self.first.bits() } else { None }
    }

    fn block<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<f64>) -> &'b [f64] {
        if self.rest.is_empty() {
            return self.first.block(begin, n, buffer);
        }
        let (piece, from, to) = self.piece(begin);
        if begin + n <= to {
            return piece.block(begin - from, n, buffer);
        }
        let (mut all, mut at) = (Vec::with_capacity(n), begin);
        while at < begin + n {
            let (piece, from, to) = self.piece(at);
            let take = (begin + n).min(to) - at;
            all.extend_from_slice(piece.block(at - from, take, buffer));
            at += take;
        }
        *buffer = all;
        buffer
    }
}

/// Bits that are read at a time.
pub(crate) const BITS: usize = 1 << 11;
pub(crate) type Words = [u64; BITS / 64];

/// `n` bits from the number `first` on (at most [`BITS`]), zeros beyond; and how many of them are set.
pub(crate) fn words(bits: &[u8], first: usize, n: usize) -> (Words, u32) {
    simd::dispatch!({
        let mut words = [0; BITS / 64];
        match bits[first / 8..].first_chunk::<{ BITS / 8 }>() {
            Some(bytes) if first.is_multiple_of(8) && n == BITS => {
                for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
                    *word = u64::from_le_bytes(*bytes);
                }
            }
            _ => {
                for (word, begin) in words.iter_mut().zip((0..n).step_by(64)) {
                    *word = self::word(bits, first + begin);
                }
                if !n.is_multiple_of(64) {
                    words[n / 64] &= (1 << (n % 64)) - 1;
                }
            }
        }
        (words, words.iter().map(|word| word.count_ones()).sum())
    })
}

/// The 64 bits from the one of the number `at` on; zeros beyond the last.
#[inline(always)]
fn word(bits: &[u8], at: usize) -> u64 {
    let from = &bits[at / 8..];
    let (low, last) = match from.first_chunk::<9>() {
        Some([low @ .., last]) => (*low, *last),
        None => {
            let mut low = [0; 8];
            let n = from.len().min(8);
            low[..n].copy_from_slice(&from[..n]);
            (low, 0)
        }
    };
    let low = u64::from_le_bytes(low);
    match at % 8 {
        0 => low,
        shift => low >> shift | u64::from(last) << (64 - shift),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayView1, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::exec::Exec;
    use crate::extrema::Extrema;
    use crate::impute::Missing;
    use crate::moments::Moments;
    use crate::quantile::{Sketch, quantiles_of_columns, update_columns};
    use crate::scale::{Direction, Mode, Standard, apply_columns};

    #[test]
    fn other_types_are_read_as_f64() {
        let values: Vec<i16> = (0..5_000).map(|i| (i % 700) as i16 - 300).collect();
        let bytes: Vec<u8> = (0..5_000).map(|i| u8::from(i % 3 == 0) * 7).collect();
        let bits: Vec<u8> = vec![0b0110_1101; 700];
        let numbers = || Numbers::from(ArrayView1::from(&values).insert_axis(Axis(1)));
        let mut buffer = Vec::new();
        for (marks, missing) in [
            (Marks::None, &(|_| false) as &dyn Fn(usize) -> bool),
            (Marks::Bytes(&bytes), &|i| i % 3 == 0),
            (Marks::Bits(&bits, 5), &|i| bits[(5 + i) / 8] >> ((5 + i) % 8) & 1 == 0),
        ] {
            let column = Marked { numbers: numbers(), marks };
            for (begin, n) in [(0, 5_000), (1, 4_098), (4_999, 1), (17, 0)] {
                let block = column.block(begin, n, &mut buffer);
                assert_eq!(block.len(), n);
                for (i, v) in (begin..).zip(block) {
                    assert!(if missing(i) { v.is_nan() } else { *v == f64::from(values[i]) });
                }
            }
        }
    }

    #[test]
    fn pieces_are_read_as_one_column() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let bits = [0b1011_0111_u8; 14];
        let mut buffer = Vec::new();
        for cuts in [vec![], vec![40], vec![0, 0, 7, 8, 8, 99, 100]] {
            let begins = [0].into_iter().chain(cuts.iter().copied());
            let mut parts = begins.zip(cuts.iter().copied().chain([100])).map(|(begin, end)| Marked {
                numbers: ArrayView1::from(&values[begin..end]).insert_axis(Axis(1)).into(),
                marks: if begin % 2 == 0 { Marks::Bits(&bits, begin) } else { Marks::None },
            });
            let column = Pieces::new(parts.next().unwrap(), parts);
            let missing = |i: usize| {
                let begin = cuts.iter().copied().filter(|cut| *cut <= i).max().unwrap_or(0);
                begin % 2 == 0 && bits[i / 8] >> (i % 8) & 1 == 0
            };
            assert_eq!(column.len(), 100);
            for (begin, n) in [(0, 100), (3, 37), (39, 2), (7, 1), (8, 91), (99, 1), (50, 0)] {
                let block = column.block(begin, n, &mut buffer);
                assert_eq!(block.len(), n);
                for (i, v) in (begin..).zip(block) {
                    assert!(if missing(i) { v.is_nan() } else { *v == values[i] });
                }
            }
        }
    }

    proptest! {
        #[test]
        fn kernels_take_bits_for_nan(rows in 1usize..40_000, first in 0usize..20, seed in any::<u32>()) {
            let mut rng = crate::random::Mt19937::new(seed);
            let mut bits = vec![vec![0_u8; (first + rows).div_ceil(8)]; 3];
            let values = Array2::from_shape_fn((3, rows), |_| rng.next_f64() - 0.5);
            let mut expected = values.clone();
            // The last column has all values.
            for (mut column, bits) in expected.axis_iter_mut(Axis(0)).zip(&mut bits).take(2) {
                for (i, v) in column.iter_mut().enumerate() {
                    if rng.next_f64() < 0.3 {
                        *v = f64::NAN;
                    } else {
                        bits[(first + i) / 8] |= 1 << ((first + i) % 8);
                    }
                }
            }
            let nullable: Vec<_> = values.rows().into_iter().zip(&bits).enumerate().map(|(j, (values, bits))| {
                let marks = if j < 2 { Marks::Bits(bits, first) } else { Marks::None };
                Marked { numbers: values.insert_axis(Axis(1)).into(), marks }
            }).collect();
            let plain: Vec<ArrayView1<'_, f64>> = expected.axis_iter(Axis(0)).collect();
            let serial = Exec::serial();
            let (mut a, mut b) = (Moments::new(3), Moments::new(3));
            a.update_columns(&nullable, None, &serial).unwrap();
            b.update_columns(&plain, None, &serial).unwrap();
            prop_assert_eq!(a, b);
            let (mut a, mut b) = (Extrema::new(3), Extrema::new(3));
            a.update_columns(&nullable, &serial).unwrap();
            b.update_columns(&plain, &serial).unwrap();
            prop_assert_eq!(a, b);
            let (mut a, mut b) = (vec![Sketch::default(); 3], vec![Sketch::default(); 3]);
            update_columns(&mut a, &nullable, &serial).unwrap();
            update_columns(&mut b, &plain, &serial).unwrap();
            prop_assert_eq!(a, b);
            let of = |found: crate::quantile::Quantiles<f64>| {
                (found.pairs.iter().map(|(a, b)| (a.to_bits(), b.to_bits())).collect::<Vec<_>>(), found.missing)
            };
            let a = quantiles_of_columns(&nullable, Missing::Nan, &[0.25, 0.5], &serial).unwrap();
            let b = quantiles_of_columns(&plain, Missing::Nan, &[0.25, 0.5], &serial).unwrap();
            prop_assert_eq!(of(a), of(b));
            let (mean, scale) = ([0.1, 0.2, 0.3], [2.0, 3.0, 4.0]);
            let standard = Standard { mean: Some(&mean), scale: Some(&scale) };
            let mode = || Mode { direction: Direction::Forward, clip: None };
            let (mut a, mut b) = (vec![0.0; 3 * rows], vec![0.0; 3 * rows]);
            apply_columns(&nullable, standard, mode(), &mut a, &serial).unwrap();
            apply_columns(&plain, standard, mode(), &mut b, &serial).unwrap();
            prop_assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}
