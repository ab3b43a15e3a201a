//! How many places of two arrays hold the same label: one pass, compared and counted by whole vectors.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::Label;
use crate::simd;

/// Labels below which one thread is quicker: a million i64 take 0.4 ms, waking the pool some 20 us.
const SERIAL_BELOW: usize = 200_000;
/// Labels of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 16;
/// Labels that a byte-wide counter takes without overflow.
const BLOCK: usize = 128;

/// The number of places where `a` and `b` agree; `None` if a label is not an integer.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn matches<T: Label>(a: &[T], b: &[T], exec: &Exec<'_>) -> Result<Option<u64>> {
    let n = a.len().min(b.len());
    if n < SERIAL_BELOW {
        return Ok(simd::dispatch!(piece(&a[..n], &b[..n])));
    }
    let parts = exec.map(n.div_ceil(PIECE), |i| {
        let range = i * PIECE..((i + 1) * PIECE).min(n);
        simd::dispatch!(piece(&a[range.clone()], &b[range]))
    })?;
    Ok(parts.into_iter().sum())
}

#[inline(always)]
fn piece<T: Label>(a: &[T], b: &[T]) -> Option<u64> {
    let mut count = 0;
    let mut integers = true;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let mut equal = T::Lane::default();
        for (&a, &b) in a.iter().zip(b) {
            equal += T::Lane::from(a == b);
            integers &= a.is_integer() & b.is_integer();
        }
        count += equal.into();
    }
    integers.then_some(count)
}

/// Strings of a fixed width: code points, padded with zeros.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    points: &'a [u32],
    width: usize,
}

impl<'a> Texts<'a> {
    /// Strings of `width` code points each, one after another.
    #[must_use]
    pub fn new(points: &'a [u32], width: usize) -> Self {
        Self { points, width: width.max(1) }
    }

    /// Each string without its padding.
    pub fn iter(self) -> impl Iterator<Item = &'a [u32]> {
        self.points.chunks_exact(self.width).map(|text| {
            let padding = text.iter().rev().take_while(|&&point| point == 0).count();
            &text[..text.len() - padding]
        })
    }

    fn piece(self, i: usize) -> Self {
        let rows = PIECE * self.width;
        Self { points: &self.points[i * rows..((i + 1) * rows).min(self.points.len())], ..self }
    }
}

/// The number of places where two arrays of one length hold the same string.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn matching_texts(a: Texts<'_>, b: Texts<'_>, exec: &Exec<'_>) -> Result<u64> {
    let n = a.points.len() / a.width;
    let width = a.width.min(b.width);
    let blank = |rest: &[u32]| rest.iter().all(|&point| point == 0);
    let parts = exec.only_if(n >= SERIAL_BELOW).map(n.div_ceil(PIECE), |i| {
        let rows = a.piece(i).points.chunks_exact(a.width).zip(b.piece(i).points.chunks_exact(b.width));
        rows.filter(|(a, b)| a[..width] == b[..width] && blank(&a[width..]) && blank(&b[width..])).count()
            as u64
    })?;
    Ok(parts.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_two_widths_match_without_their_padding() {
        let n = 70_000;
        let a: Vec<u32> = (0..n).flat_map(|i| [65, 66 * (i % 2), 0]).collect();
        let b: Vec<u32> = (0..n).flat_map(|i| [65, 66 * (i % 3 % 2)]).collect();
        let (a, b) = (Texts::new(&a, 3), Texts::new(&b, 2));
        let expected = a.iter().zip(b.iter()).filter(|(a, b)| a == b).count() as u64;
        assert_eq!(matching_texts(a, b, &Exec::serial()), Ok(expected));
        assert_eq!(matching_texts(b, a, &Exec::serial()), Ok(expected));
        assert_eq!(a.iter().take(2).collect::<Vec<_>>(), [&[65_u32] as &[u32], &[65, 66]]);
    }

    #[test]
    fn equal_labels_are_counted_at_every_length() {
        for n in [1_usize, 127, 128, 129, 1000, 300_000] {
            let a: Vec<u8> = (0..n).map(|i| (i % 3) as u8).collect();
            let b: Vec<u8> = (0..n).map(|i| (i % 2) as u8).collect();
            let expected = a.iter().zip(&b).filter(|(a, b)| a == b).count() as u64;
            assert_eq!(matches(&a, &b, &Exec::serial()), Ok(Some(expected)));
            let wide = |v: &[u8]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            assert_eq!(matches(&wide(&a), &wide(&b), &Exec::serial()), Ok(Some(expected)));
        }
    }

    #[test]
    fn a_fraction_is_no_label() {
        for wrong in [0.5, f64::NAN, f64::INFINITY, 1e300, 9_223_372_036_854_775_808.0] {
            assert_eq!(matches(&[1.0, wrong], &[1.0, 1.0], &Exec::serial()), Ok(None));
        }
        assert_eq!(matches(&[u64::MAX], &[1], &Exec::serial()), Ok(None));
        assert_eq!(matches(&[-0.0], &[0.0], &Exec::serial()), Ok(Some(1)));
    }
}
