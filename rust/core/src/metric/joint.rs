//! Which label was taken for which, for integers that lie close together: one pass over memory.
//!
//! Labels of a few classes span a narrow window `lo..=hi`. Block by block the range is read off, then pairs are counted
//! into a square table over the window, in four sub-tables so that equal neighbours do not wait for each other; two
//! classes need no table, their counts are sums of comparisons. Tables merge by adding, on the union of their windows.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::Label;
use crate::simd;

/// Widest window: its four tables (64 KB) still fit the second-level cache.
const WIDEST: usize = 64;
/// Rows below which one thread is quicker: a million pairs take 1 ms, waking the pool some 20 us.
const SERIAL_BELOW: usize = 100_000;
/// Rows of a piece, the unit that a thread takes; its counts fit a `u32`.
const PIECE: usize = 1 << 16;
/// Rows of a block, small enough for the first-level cache.
const BLOCK: usize = 2048;

/// Counts of pairs over a window of integers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joint {
    /// The window's first integer.
    pub lo: i64,
    /// How many integers the window holds; 0 before the first row.
    pub width: usize,
    /// `counts[(t - lo) * width + (p - lo)]` pairs `(t, p)`.
    pub counts: Vec<u64>,
}

/// What [`joint`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairs {
    /// The counts.
    Close(Joint),
    /// The labels are integers, but too far apart for a table over their window.
    Apart,
    /// Not all labels are integers.
    NotIntegers,
}

/// Counts the pairs `(t[i], p[i])`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn joint<T: Label>(t: &[T], p: &[T], exec: &Exec<'_>) -> Result<Pairs> {
    let n = t.len().min(p.len());
    let (t, p) = (&t[..n], &p[..n]);
    if n < SERIAL_BELOW {
        return Ok(simd::dispatch!(piece(t, p)));
    }
    // Labels far apart show in the first piece already; the others then need not be counted.
    let apart = AtomicBool::new(false);
    let parts = exec.map(n.div_ceil(PIECE), |i| {
        if apart.load(Ordering::Relaxed) {
            return Pairs::Apart;
        }
        let range = i * PIECE..((i + 1) * PIECE).min(n);
        let found = simd::dispatch!(piece(&t[range.clone()], &p[range]));
        if found == Pairs::Apart {
            apart.store(true, Ordering::Relaxed);
        }
        found
    })?;
    let mut all = Joint::default();
    for part in parts {
        match part {
            Pairs::Close(part) if all.merge(&part) => {}
            Pairs::Close(_) | Pairs::Apart => return Ok(Pairs::Apart),
            Pairs::NotIntegers => return Ok(Pairs::NotIntegers),
        }
    }
    Ok(Pairs::Close(all))
}

impl Joint {
    /// Adds the counts of other rows; `false` if the windows together are too wide.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if other.width == 0 {
            return true;
        }
        if !self.cover(other.lo, other.lo + (other.width - 1) as i64) {
            return false;
        }
        let shift = (other.lo - self.lo) as usize;
        for (i, row) in other.counts.chunks(other.width).enumerate() {
            let begin = (i + shift) * self.width + shift;
            for (sum, count) in self.counts[begin..begin + row.len()].iter_mut().zip(row) {
                *sum += count;
            }
        }
        true
    }

    /// Adds `n` rows whose labels are `lo` and `hi` alone, as [`two_classes`] counted them.
    fn add_two(&mut self, lo: i64, hi: i64, n: u64, [ts, ps, both]: [u64; 3]) {
        let (lo, hi) = ((lo - self.lo) as usize, (hi - self.lo) as usize);
        if lo == hi {
            self.counts[lo * self.width + lo] += n;
            return;
        }
        let pairs = [(lo, lo, n + both - ts - ps), (lo, hi, ps - both), (hi, lo, ts - both), (hi, hi, both)];
        for (t, p, count) in pairs {
            self.counts[t * self.width + p] += count;
        }
    }

    /// Places in the window of the labels that occur, in order.
    #[must_use]
    pub fn occurring(&self) -> Vec<usize> {
        let occurs = |i: usize| {
            (0..self.width).any(|j| self.counts[i * self.width + j] + self.counts[j * self.width + i] > 0)
        };
        (0..self.width).filter(|&i| occurs(i)).collect()
    }

    /// Widens the window to hold `lo..=hi`; `false` if it became too wide.
    fn cover(&mut self, lo: i64, hi: i64) -> bool {
        if self.width == 0 {
            let Some(width) = span(lo, hi) else { return false };
            *self = Self { lo, width, counts: vec![0; width * width] };
            return true;
        }
        let last = self.lo + (self.width - 1) as i64;
        if lo >= self.lo && hi <= last {
            return true;
        }
        let (lo, hi) = (lo.min(self.lo), hi.max(last));
        let Some(width) = span(lo, hi) else { return false };
        let old = std::mem::replace(self, Self { lo, width, counts: vec![0; width * width] });
        self.merge(&old)
    }
}

/// How many integers `lo..=hi` holds, unless too many.
fn span(lo: i64, hi: i64) -> Option<usize> {
    let width = usize::try_from(hi.checked_sub(lo)?).ok()?.checked_add(1)?;
    (width <= WIDEST).then_some(width)
}

#[inline(always)]
fn piece<T: Label>(t: &[T], p: &[T]) -> Pairs {
    let mut all = Joint::default();
    let mut scratch: Vec<u32> = Vec::new();
    let mut index = [0_u32; BLOCK];
    for (t, p) in t.chunks(BLOCK).zip(p.chunks(BLOCK)) {
        let (lo, hi, integers) = range(t, p);
        if !integers {
            return Pairs::NotIntegers;
        }
        let inside = all.width > 0 && lo >= all.lo && hi <= all.lo + (all.width - 1) as i64;
        if !inside {
            // The window moves under the sub-tables: what they hold is kept first.
            flush(&mut scratch, &mut all);
            if !all.cover(lo, hi) {
                return Pairs::Apart;
            }
        }
        if let Some(sums) = two_classes(t, p, lo, hi) {
            all.add_two(lo, hi, t.len() as u64, sums);
        } else {
            let cells = all.width * all.width;
            if scratch.len() != 4 * cells {
                scratch.clear();
                scratch.resize(4 * cells, 0);
            }
            let index = &mut index[..t.len()];
            let (origin, width) = (all.lo, all.width as u32);
            for i in 0..t.len() {
                let row = t[i].to_i64().wrapping_sub(origin) as u32;
                let column = p[i].to_i64().wrapping_sub(origin) as u32;
                index[i] = row * width + column;
            }
            count(index, &mut scratch, cells);
        }
    }
    flush(&mut scratch, &mut all);
    Pairs::Close(all)
}

/// Smallest and largest label of both, and whether all are integers.
#[inline(always)]
fn range<T: Label>(t: &[T], p: &[T]) -> (i64, i64, bool) {
    let (mut lo, mut hi, mut integers) = (i64::MAX, i64::MIN, true);
    for (&t, &p) in t.iter().zip(p) {
        integers &= t.is_integer() & p.is_integer();
        let (t, p) = (t.to_i64(), p.to_i64());
        lo = lo.min(t).min(p);
        hi = hi.max(t).max(p);
    }
    (lo, hi, integers)
}

/// How often the true label is `hi`, the predicted one, and both, if all labels are `lo` or `hi`.
#[inline(always)]
fn two_classes<T: Label>(t: &[T], p: &[T], lo: i64, hi: i64) -> Option<[u64; 3]> {
    let one_of = |x: T| x.to_i64() == lo || x.to_i64() == hi;
    // A third label mostly shows at once.
    if !t.iter().take(16).chain(p.iter().take(16)).all(|&x| one_of(x)) {
        return None;
    }
    let (mut ts, mut ps, mut both, mut two) = (0, 0, 0, true);
    for (&t, &p) in t.iter().zip(p) {
        two &= one_of(t) & one_of(p);
        let (t, p) = (u64::from(t.to_i64() == hi), u64::from(p.to_i64() == hi));
        ts += t;
        ps += p;
        both += t & p;
    }
    two.then_some([ts, ps, both])
}

#[inline(always)]
fn count(index: &[u32], scratch: &mut [u32], cells: usize) {
    let (a, rest) = scratch.split_at_mut(cells);
    let (b, rest) = rest.split_at_mut(cells);
    let (c, d) = rest.split_at_mut(cells);
    let d = &mut d[..cells];
    let mut fours = index.chunks_exact(4);
    for four in &mut fours {
        a[four[0] as usize] += 1;
        b[four[1] as usize] += 1;
        c[four[2] as usize] += 1;
        d[four[3] as usize] += 1;
    }
    for &i in fours.remainder() {
        a[i as usize] += 1;
    }
}

/// Moves the sub-tables' counts into the table.
fn flush(scratch: &mut Vec<u32>, all: &mut Joint) {
    if !scratch.is_empty() {
        let cells = all.counts.len();
        for part in scratch.chunks(cells) {
            for (sum, &count) in all.counts.iter_mut().zip(part) {
                *sum += u64::from(count);
            }
        }
        scratch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn by_hand<T: Label>(t: &[T], p: &[T]) -> BTreeMap<(i64, i64), u64> {
        let mut counts = BTreeMap::new();
        for (t, p) in t.iter().zip(p) {
            *counts.entry((t.to_i64(), p.to_i64())).or_insert(0) += 1;
        }
        counts
    }

    fn as_map(joint: &Joint) -> BTreeMap<(i64, i64), u64> {
        let width = joint.width.max(1);
        let cells = joint.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        cells.map(|(i, &n)| ((joint.lo + (i / width) as i64, joint.lo + (i % width) as i64), n)).collect()
    }

    proptest! {
        #[test]
        fn counts_are_those_by_hand(
            lo in -200_i64..200, width in 1_i64..70, step in 1_i64..4, n in 1_usize..10_000, seed in any::<u64>(), drift in 0_i64..3,
        ) {
            let mut state = seed | 1;
            let mut next = |i: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                lo + drift * (i as i64 / 3000) + ((state >> 33) as i64) % width * step
            };
            let t: Vec<i64> = (0..n).map(&mut next).collect();
            let p: Vec<i64> = (0..n).map(&mut next).collect();
            let expected = by_hand(&t, &p);
            let least = t.iter().chain(&p).min().unwrap();
            let most = t.iter().chain(&p).max().unwrap();
            match joint(&t, &p, &Exec::serial()).unwrap() {
                Pairs::Close(found) => prop_assert_eq!(as_map(&found), expected),
                Pairs::Apart => prop_assert!(most - least >= WIDEST as i64),
                Pairs::NotIntegers => prop_assert!(false),
            }
        }
    }

    #[test]
    fn pieces_merge_over_moving_windows() {
        let n = 300_000;
        let t: Vec<i32> = (0..n).map(|i| if i < 150_000 { i % 2 } else { 5 + i % 7 }).collect();
        let p: Vec<i32> = (0..n).map(|i| if i < 150_000 { 1 } else { -3 + i % 5 }).collect();
        let Pairs::Close(found) = joint(&t, &p, &Exec::serial()).unwrap() else { panic!("close labels") };
        assert_eq!(as_map(&found), by_hand(&t, &p));
    }

    #[test]
    fn the_ends_of_the_integers_do_not_overflow() {
        assert_eq!(joint(&[i64::MIN], &[i64::MAX], &Exec::serial()), Ok(Pairs::Apart));
        let Pairs::Close(one) = joint(&[i64::MIN, i64::MIN], &[i64::MIN; 2], &Exec::serial()).unwrap() else {
            panic!("one label")
        };
        assert_eq!((one.lo, one.width, one.counts), (i64::MIN, 1, vec![2]));
        assert_eq!(joint(&[0.5], &[1.0], &Exec::serial()), Ok(Pairs::NotIntegers));
    }
}
