//! Rows as numbers of their classes: what every metric of scores and probabilities starts from.
//!
//! Integers of a few classes lie close together: one pass writes each row's distance from the smallest of the first rows
//! in 16 bits and counts them. Where one is smaller still, or some between do not occur, a second pass, over a quarter of
//! the memory or less, puts the classes' ranks there. Other labels are numbered through a table first.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::{Codes, Label, Numbers, encode};
use crate::simd;

/// Integers that are counted without a table: from `ROOM` below the smallest of the first rows on.
const WINDOW: usize = 2048;
const ROOM: u16 = 256;
/// Rows looked at to place the window.
const FIRST: usize = 64;
/// Rows of a block, small enough for the first-level cache.
const BLOCK: usize = 2048;
/// Rows of a piece, the unit that a thread takes; its counts fit a `u32`.
const PIECE: usize = 1 << 16;
/// Rows below which one thread is quicker.
const SERIAL_BELOW: usize = 200_000;

/// Rows as classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets<L> {
    /// The labels that occur, in order.
    pub labels: Vec<L>,
    /// Each row's place among them.
    pub codes: Vec<u16>,
    /// How many rows each label has.
    pub counts: Vec<u64>,
}

/// Classes of integers; `None` if not all are integers, or if there are more classes than 16 bits tell apart.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn of_integers<T: Label>(y: &[T], exec: &Exec<'_>) -> Result<Option<Targets<i64>>> {
    match close(y, exec)? {
        Some(found) => Ok(Some(found)),
        None => match encode(y, &[], exec)? {
            Some(codes) => Ok(of_codes(codes)),
            None => Ok(None),
        },
    }
}

/// Classes of labels that were numbered as they were seen.
#[must_use]
pub fn of_codes<L: Ord + Clone>(found: Codes<L>) -> Option<Targets<L>> {
    let order = found.order();
    let mut rank = vec![0_u16; order.len()];
    for (place, &number) in order.iter().enumerate() {
        rank[number] = u16::try_from(place).ok()?;
    }
    let mut counts = vec![0; order.len()];
    let codes: Vec<u16> = found.t.iter().map(|&number| rank[number as usize]).collect();
    codes.iter().for_each(|&code| counts[code as usize] += 1);
    Some(Targets {
        labels: order.iter().map(|&number| found.labels[number].clone()).collect(),
        codes,
        counts,
    })
}

/// The sum of the weights of each class, row after row.
#[must_use]
pub fn class_weights(codes: &[u16], classes: usize, w: &Numbers<'_>) -> Vec<f64> {
    let mut sums = vec![0.0; classes];
    let mut scratch = vec![0.0; BLOCK];
    for (i, codes) in codes.chunks(BLOCK).enumerate() {
        let w = w.column(0, i * BLOCK, &mut scratch[..codes.len()]);
        codes.iter().zip(w).for_each(|(&code, w)| sums[code as usize] += w);
    }
    sums
}

/// A piece's counts from `lo` on.
struct Part {
    lo: usize,
    counts: Vec<u32>,
}

fn close<T: Label>(y: &[T], exec: &Exec<'_>) -> Result<Option<Targets<i64>>> {
    let first = y.iter().take(FIRST).map(|x| x.to_i64()).min().unwrap_or(0);
    let base = first.saturating_sub(i64::from(ROOM));
    let exec = exec.only_if(y.len() >= SERIAL_BELOW);
    let mut codes = vec![0_u16; y.len()];
    let slots: Vec<std::sync::Mutex<Option<Part>>> =
        (0..y.len().div_ceil(PIECE)).map(|_| std::sync::Mutex::new(None)).collect();
    exec.for_each_piece(&mut codes, PIECE, |i, codes| {
        let part = count_piece(&y[i * PIECE..][..codes.len()], base, codes);
        if let Ok(mut slot) = slots[i].lock() {
            *slot = part;
        }
    })?;
    let mut counts = vec![0_u64; WINDOW];
    for slot in slots {
        let Some(part) = slot.into_inner().ok().flatten() else { return Ok(None) };
        for (sum, count) in counts[part.lo..].iter_mut().zip(part.counts) {
            *sum += u64::from(count);
        }
    }
    let occurring: Vec<usize> = (0..WINDOW).filter(|&i| counts[i] > 0).collect();
    let (lo, hi) = (occurring.first().copied().unwrap_or(0), occurring.last().copied().unwrap_or(0));
    let mut rank = vec![0_u16; WINDOW];
    for (place, &i) in occurring.iter().enumerate() {
        rank[i] = place as u16;
    }
    let gaps = hi - lo + 1 > occurring.len();
    let off = ROOM.wrapping_sub(lo as u16);
    if gaps {
        exec.for_each_piece(&mut codes, PIECE, |_, codes| {
            codes.iter_mut().for_each(|code| *code = rank[code.wrapping_add(ROOM) as usize]);
        })?;
    } else if off != 0 {
        exec.for_each_piece(&mut codes, PIECE, |_, codes| {
            simd::dispatch!(codes.iter_mut().for_each(|code| *code = code.wrapping_add(off)));
        })?;
    }
    let counts = occurring.iter().map(|&i| counts[i]).collect();
    Ok(Some(Targets { labels: occurring.iter().map(|&i| base + i as i64).collect(), codes, counts }))
}

/// Writes each label's distance from `base + ROOM` and counts those from `base`; `None` if one is no integer, or too far.
fn count_piece<T: Label>(y: &[T], base: i64, codes: &mut [u16]) -> Option<Part> {
    let mut counts = vec![0_u32; WINDOW];
    let (mut least, mut most) = (WINDOW, 0);
    for (y, codes) in y.chunks(BLOCK).zip(codes.chunks_mut(BLOCK)) {
        if !simd::dispatch!(distances(y, base, codes)) {
            return None;
        }
        let (lo, hi, at_lo, at_hi) = simd::dispatch!(ends(codes));
        least = least.min(lo as usize);
        most = most.max(hi as usize);
        if at_lo + at_hi == codes.len() as u32 {
            // Two classes need no table.
            counts[lo as usize] += at_lo;
            counts[hi as usize] += at_hi;
            simd::dispatch!(codes.iter_mut().for_each(|code| *code = code.wrapping_sub(ROOM)));
        } else {
            for code in codes {
                counts[*code as usize] += 1;
                *code = code.wrapping_sub(ROOM);
            }
        }
    }
    if least > most {
        return None;
    }
    counts.truncate(most + 1);
    counts.drain(..least);
    Some(Part { lo: least, counts })
}

#[inline(always)]
fn distances<T: Label>(y: &[T], base: i64, codes: &mut [u16]) -> bool {
    let mut plain = true;
    for (code, &y) in codes.iter_mut().zip(y) {
        let distance = y.to_i64().wrapping_sub(base) as u64;
        plain &= (distance < WINDOW as u64) & y.is_integer();
        *code = distance as u16;
    }
    plain
}

/// The smallest and the largest code, and how many rows have them (a row that has both counts once).
#[inline(always)]
fn ends(codes: &[u16]) -> (u16, u16, u32, u32) {
    let (lo, hi) = codes.iter().fold((u16::MAX, 0), |(lo, hi), &code| (lo.min(code), hi.max(code)));
    // A block's counts fit 16 bits, so whole vectors of codes are compared.
    let (mut at_lo, mut at_hi) = (0_u16, 0_u16);
    for &code in codes {
        at_lo += u16::from(code == lo);
        at_hi += u16::from(code == hi);
    }
    (lo, hi, u32::from(at_lo), if hi > lo { u32::from(at_hi) } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_lead_back_to_the_labels() {
        for n in [1, 63, 2049, 300_000] {
            for (step, classes) in [(1_i64, 1), (1, 2), (1, 10), (7, 5), (1, 2000), (1, 5000), (1 << 40, 3)] {
                let mut y: Vec<i64> = (0..n).map(|i| (i * i + i / 3) % classes * step - 3).collect();
                // The first rows do not show the smallest label.
                y[n as usize / 2] -= i64::from(n > 200);
                let found = of_integers(&y, &Exec::serial()).unwrap().unwrap();
                let back: Vec<i64> = found.codes.iter().map(|&code| found.labels[code as usize]).collect();
                assert_eq!(back, y);
                assert!(found.labels.is_sorted());
                for (label, count) in found.labels.iter().zip(&found.counts) {
                    assert_eq!(y.iter().filter(|y| *y == label).count() as u64, *count);
                }
            }
        }
        assert_eq!(of_integers(&[0.5, 1.0], &Exec::serial()).unwrap(), None);
        assert_eq!(of_integers(&[1.0, f64::NAN], &Exec::serial()).unwrap(), None);
        let many: Vec<u32> = (0..70_000).collect();
        assert_eq!(of_integers(&many, &Exec::serial()).unwrap(), None);
    }
}
