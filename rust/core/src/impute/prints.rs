//! Modes of columns of many kinds of values, told by fingerprints.
//!
//! One pass over the rows keeps 32 bits of each key's hash, sorted by 6 other bits into parts: 4 bytes a value, whatever
//! the type. A part fits the cache. There, a print that no other equals is left out by its bit in a bitmap, and what is
//! left is counted. If no print occurs twice, the smallest value is the mode. Otherwise the rows are read again for
//! the keys of the most frequent prints, and those are counted. Equal values have equal prints, so a value is at most as
//! frequent as its print; if different values had one print, the count found says from which one on to look again.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Missing;
use super::frequent::{Best, Tables, hash, most_frequent};
use super::mode::{Found, Key};
use super::tile::{TILE, Tile};
use crate::error::Result;
use crate::exec::Exec;
use crate::matrix::Matrix;
use crate::memory::zeroed_space;
use crate::simd;

/// Rows of a chunk, whose prints are sorted by part in the first-level cache.
const ROWS: usize = 1 << 13;
/// Parts, of as many bits of the hash.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 6;
/// Bits of the hash that choose the pass, the highest of those after the print.
const PASS_BITS: u32 = 12;
/// The part of what is missing or not wanted in this pass.
const NOT_WANTED: u8 = 1 << PART_BITS;
/// Values of which what is wanted is chosen at a time.
const WANTED: usize = 1 << 10;
/// Parts that a thread takes together.
const TOGETHER: usize = 8;
/// Prints of which the chunks that have them are looked up, rather than reading all.
const FEW: usize = 8;
/// Steps from a print's own slot after which a table gives up.
const STEPS: usize = 64;

/// Memory for the prints, which goes from one group of columns to the next.
#[derive(Default)]
pub struct Space {
    prints: Vec<u32>,
}

/// What is known of a chunk of rows.
struct Taken<'a> {
    columns: Vec<Column<'a>>,
    refused: bool,
}

/// What is known of a column's values in a chunk.
struct Column<'a> {
    /// The prints of what is there and wanted, by part.
    prints: &'a [u32],
    /// Where each part's begin, then their number.
    begins: [u16; PARTS + 1],
    smallest: u64,
    /// How many values there are, wanted or not.
    there: usize,
}

/// The modes of a few columns, in so many passes over them, each of which holds the prints of some of the values; was there
/// a value that may not occur?
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn modes_by_prints<T: Key>(
    x: &dyn Matrix<T>,
    columns: &[usize],
    passes: usize,
    space: &mut Space,
    missing: Missing<T>,
    exec: &Exec<'_>,
) -> Result<(Vec<Found>, bool)> {
    let passes = u32::try_from(passes).unwrap_or(u32::MAX).clamp(1, 1 << PASS_BITS);
    let (mut all, refused) = modes_of_pass(x, columns, Pass { at: 0, of: passes }, space, missing, exec)?;
    for at in 1..passes {
        let (others, _) = modes_of_pass(x, columns, Pass { at, of: passes }, space, missing, exec)?;
        for (found, other) in all.iter_mut().zip(others) {
            let (a, b) = (found.best, other.best);
            if b.count > a.count || (b.count == a.count && b.key < a.key) {
                found.best = b;
            }
        }
    }
    Ok((all, refused))
}

/// Which of several passes it is: one takes the values of some hashes.
#[derive(Clone, Copy)]
struct Pass {
    at: u32,
    of: u32,
}

impl Pass {
    /// Does it take a value of this hash? By bits that neither the part nor the print has.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "bits are chosen")]
    fn takes(self, hash: u64) -> bool {
        let bits = (hash as u32 >> 14) % (1 << PASS_BITS);
        (bits * self.of) >> PASS_BITS == self.at
    }
}

/// The same of the values of a pass, where a column's smallest value stands for all that occur once.
fn modes_of_pass<T: Key>(
    x: &dyn Matrix<T>,
    columns: &[usize],
    pass: Pass,
    space: &mut Space,
    missing: Missing<T>,
    exec: &Exec<'_>,
) -> Result<(Vec<Found>, bool)> {
    let (rows, width) = (x.dim().0, columns.len());
    if space.prints.len() < rows * width {
        space.prints = zeroed_space(rows * width);
    }
    // What is missing takes no room: the space is given out as it is filled.
    let space = Mutex::new(&mut space.prints[..]);
    let taken = {
        let pool: Mutex<Vec<Work>> = Mutex::default();
        exec.map(rows.div_ceil(ROWS), |i| {
            let mut work = pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
            work.columns.resize_with(width, Hashed::default);
            let rows = i * ROWS..rows.min((i + 1) * ROWS);
            let taken = take(x, rows, columns, pass, missing, &mut work, &space);
            if let Ok(mut pool) = pool.lock() {
                pool.push(work);
            }
            taken
        })?
    };
    let of_columns: Vec<Prints<'_>> = (0..width).map(|k| Prints { k, taken: &taken }).collect();
    let pool: Mutex<Vec<Counter>> = Mutex::default();
    let count = |columns: &[usize], least: u64, only_most: bool| {
        const TASKS: usize = PARTS / TOGETHER;
        let tops = exec.map(columns.len() * TASKS, |task| {
            let mut counter = pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
            let begin = task % TASKS * TOGETHER;
            let mut top = Top { count: least, only_most, prints: Vec::new() };
            simd::dispatch!(counter.count(
                &of_columns[columns[task / TASKS]],
                begin..begin + TOGETHER,
                &mut top
            ));
            if let Ok(mut pool) = pool.lock() {
                pool.push(counter);
            }
            top
        })?;
        Ok(tops.chunks(TASKS).map(Top::of_all).collect::<Vec<_>>())
    };
    let all: Vec<usize> = (0..width).collect();
    let mut found = Vec::with_capacity(width);
    for (k, mut top) in count(&all, 2, true)?.into_iter().enumerate() {
        let prints = &of_columns[k];
        let mut best = Best { key: prints.smallest(), count: 1 };
        while !top.prints.is_empty() {
            let mut keys = prints.keys_of(&top.prints, x, columns[k], missing, exec)?;
            let most = most_frequent(&mut keys, &mut Tables::default()).unwrap_or_default();
            if most.count > 1 {
                best = most;
            }
            let least = most.count.max(2);
            if !top.only_most || least == top.count {
                break;
            }
            // Several values have one print: other prints may be as frequent as any of those.
            top = count(&[k], least, false)?.remove(0);
        }
        found.push(Found { best, missing: rows - prints.there() });
    }
    Ok((found, taken.iter().any(|taken| taken.refused)))
}

/// What a thread needs to take a chunk.
struct Work {
    columns: Vec<Hashed>,
    sorted: Vec<u32>,
}

impl Default for Work {
    fn default() -> Self {
        Self { columns: Vec::new(), sorted: vec![0; ROWS] }
    }
}

/// The hashes of a column's chunk.
struct Hashed {
    prints: Vec<u32>,
    /// The part of each, [`NOT_WANTED`] for what is missing or not wanted.
    parts: Vec<u8>,
}

impl Default for Hashed {
    fn default() -> Self {
        Self { prints: vec![0; ROWS], parts: vec![0; ROWS] }
    }
}

impl Hashed {
    /// Moves what is wanted of so many to the front. How many?
    fn keep_wanted(&mut self, rows: usize) -> usize {
        let (mut wanted, mut others) = ([0; WANTED + simd::PART_ROOM], [0; WANTED + simd::PART_ROOM]);
        let mut kept = 0;
        for begin in (0..rows).step_by(WANTED) {
            let parts = &self.parts[begin..rows.min(begin + WANTED)];
            let n = parts.len() - simd::part_positions(parts, NOT_WANTED, 0, &mut others, &mut wanted);
            for at in wanted[..n].iter().filter_map(|at| usize::try_from(*at).ok()) {
                (self.prints[kept], self.parts[kept]) = (self.prints[begin + at], self.parts[begin + at]);
                kept += 1;
            }
        }
        kept
    }
}

/// The 32 bits after those of the part.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "bits are chosen")]
fn print_of(hash: u64) -> u32 {
    (hash >> (32 - PART_BITS)) as u32
}

/// Sorts the prints of a chunk's columns by part into what is left of `space`.
fn take<'a, T: Key>(
    x: &dyn Matrix<T>,
    rows: Range<usize>,
    columns: &[usize],
    pass: Pass,
    missing: Missing<T>,
    work: &mut Work,
    space: &Mutex<&'a mut [u32]>,
) -> Taken<'a> {
    let mut taken = Taken { columns: Vec::with_capacity(columns.len()), refused: false };
    let mut known = vec![(u64::MAX, 0); columns.len()];
    let (mut tile, mut buffer) = (Tile::default(), Vec::new());
    let strided = !x.by_column() && x.dim().1 > 1;
    for begin in rows.clone().step_by(TILE) {
        let end = rows.end.min(begin + TILE);
        if let (Some(from), Some(to), true) = (columns.first(), columns.last(), strided) {
            // The next tile comes from memory meanwhile, which does not read ahead by itself.
            x.fetch(end..rows.end.min(end + TILE), *from..*to + 1);
        }
        for ((j, hashed), (smallest, there)) in columns.iter().zip(&mut work.columns).zip(&mut known) {
            let column = x.some_of(*j, begin, end - begin, &mut buffer);
            let at = begin - rows.start..end - rows.start;
            let (prints, parts) = (&mut hashed.prints[at.clone()], &mut hashed.parts[at]);
            simd::dispatch!({
                tile.read(column, missing);
                *smallest = (*smallest).min(tile.smallest());
                if pass.of == 1 {
                    mix(&tile, prints, parts, |_| true);
                } else {
                    mix(&tile, prints, parts, |hash| pass.takes(hash));
                }
            });
            *there += tile.count;
            taken.refused |= tile.refused;
        }
    }
    let rows = rows.len();
    let sorted = &mut work.sorted[..rows];
    for (hashed, (smallest, there)) in work.columns.iter_mut().zip(known) {
        let rows = if pass.of > 1 { hashed.keep_wanted(rows) } else { rows };
        let (prints, parts) = (&hashed.prints[..rows], &hashed.parts[..rows]);
        let begins = by_part(prints, parts, sorted);
        // In the cache first: stores all over memory that is not there yet would wait for it.
        let kept = &sorted[..usize::from(begins[PARTS])];
        let prints = first(space, kept.len());
        prints.copy_from_slice(kept);
        taken.columns.push(Column { prints, begins, smallest, there });
    }
    taken
}

/// The first `n` of what is left, taken from it.
fn first<'a>(space: &Mutex<&'a mut [u32]>, n: usize) -> &'a mut [u32] {
    let mut left = space.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, rest) = std::mem::take(&mut *left).split_at_mut(n);
    *left = rest;
    first
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "a part has few bits")]
fn mix(tile: &Tile, prints: &mut [u32], parts: &mut [u8], wanted: impl Fn(u64) -> bool) {
    let (keys, there) = tile.marked();
    for (((key, there), print), part) in keys.iter().zip(there).zip(prints).zip(parts) {
        let hash = hash(*key, 0);
        *print = print_of(hash);
        let of = (hash >> (64 - PART_BITS)) as u8;
        *part = if (*there == 1) & wanted(hash) { of } else { NOT_WANTED };
    }
}

/// Sorts prints by part, what is missing last. Where does each part begin?
#[allow(clippy::cast_possible_truncation, reason = "a chunk has few rows")]
fn by_part(prints: &[u32], parts: &[u8], out: &mut [u32]) -> [u16; PARTS + 1] {
    // Room for one bit more, so that no look-up needs a check.
    let mut places = [0_u16; 2 * PARTS];
    for part in parts {
        places[usize::from(*part) % (2 * PARTS)] += 1;
    }
    let mut end = 0;
    for place in &mut places {
        end += *place;
        *place = end - *place;
    }
    let mut begins = [0; PARTS + 1];
    begins.copy_from_slice(&places[..=PARTS]);
    for (print, part) in prints.iter().zip(parts) {
        let place = &mut places[usize::from(*part) % (2 * PARTS)];
        out[usize::from(*place)] = *print;
        *place += 1;
    }
    begins
}

/// The prints of a column, the `k`-th of the chunks'.
struct Prints<'a> {
    k: usize,
    taken: &'a [Taken<'a>],
}

impl Prints<'_> {
    fn smallest(&self) -> u64 {
        self.taken.iter().map(|taken| taken.columns[self.k].smallest).min().unwrap_or(u64::MAX)
    }

    /// How many values are there?
    fn there(&self) -> usize {
        self.taken.iter().map(|taken| taken.columns[self.k].there).sum()
    }

    /// A part's prints, chunk by chunk.
    fn part(&self, part: usize) -> impl Iterator<Item = &[u32]> {
        self.taken.iter().map(move |taken| {
            let Column { prints, begins, .. } = &taken.columns[self.k];
            &prints[usize::from(begins[part])..usize::from(begins[part + 1])]
        })
    }

    /// The keys of these prints, and some others.
    fn keys_of<T: Key>(
        &self,
        prints: &[u64],
        x: &dyn Matrix<T>,
        column: usize,
        missing: Missing<T>,
        exec: &Exec<'_>,
    ) -> Result<Vec<u64>> {
        let log = (16 * prints.len()).next_power_of_two().ilog2().clamp(12, 26);
        let mut marks = vec![0_u64; 1 << (log - 6)];
        for print in prints {
            let at = print >> (32 + PART_BITS - log);
            marks[(at / 64) as usize] |= 1 << (at % 64);
        }
        let mut chunks: Vec<usize> = (0..self.taken.len()).collect();
        if prints.len() <= FEW {
            let mut has = vec![false; chunks.len()];
            for print in prints {
                #[allow(clippy::cast_possible_truncation, reason = "the lower half is the print")]
                let (part, print) = ((print >> 32) as usize, *print as u32);
                for (has, prints) in has.iter_mut().zip(self.part(part)) {
                    *has |= prints.contains(&print);
                }
            }
            chunks.retain(|i| has[*i]);
        }
        let kept = exec.map(chunks.len(), |i| {
            let begin = chunks[i] * ROWS;
            let end = x.dim().0.min(begin + ROWS);
            let (mut kept, mut buffer) = (Vec::new(), Vec::new());
            let mut tile = Tile::default();
            for begin in (begin..end).step_by(TILE) {
                let rows = x.some_of(column, begin, TILE.min(end - begin), &mut buffer);
                simd::dispatch!({
                    tile.read(rows, missing);
                    let (keys, there) = tile.marked();
                    kept.extend(keys.iter().zip(there).filter_map(|(key, there)| {
                        let at = hash(*key, 0) >> (64 - log);
                        let marked = marks[(at / 64) as usize] >> (at % 64) & 1;
                        (marked & u64::from(*there) == 1).then_some(*key)
                    }));
                });
            }
            kept
        })?;
        Ok(kept.concat())
    }
}

/// The most frequent prints, or all that are frequent enough.
struct Top {
    count: u64,
    only_most: bool,
    /// Part and print.
    prints: Vec<u64>,
}

impl Top {
    #[inline(always)]
    fn offer(&mut self, part: usize, print: u32, count: u64) {
        if count < self.count {
            return;
        }
        if self.only_most && count > self.count {
            self.prints.clear();
            self.count = count;
        }
        self.prints.push(((part as u64) << 32) | u64::from(print));
    }

    fn of_all(tops: &[Self]) -> Self {
        let count = tops.iter().map(|top| top.count).max().unwrap_or(0);
        let only_most = tops.iter().all(|top| top.only_most);
        let tops = tops.iter().filter(|top| top.count == count);
        Self { count, only_most, prints: tops.flat_map(|top| &top.prints).copied().collect() }
    }
}

/// Work space to count parts.
#[derive(Default)]
struct Counter {
    prints: Vec<u32>,
    seen: Vec<u64>,
    again: Vec<u32>,
    twice: Vec<u32>,
    slots: Vec<(u32, u64)>,
}

impl Counter {
    #[inline(always)]
    fn count(&mut self, column: &Prints<'_>, parts: Range<usize>, top: &mut Top) {
        for part in parts {
            self.prints.clear();
            // The next part comes from memory meanwhile.
            for (prints, next) in column.part(part).zip(column.part((part + 1) % PARTS)) {
                simd::prefetch::<true, _>(next);
                self.prints.extend_from_slice(prints);
            }
            let left = self.repeated();
            if left > 1 {
                self.count_left(left, part, top);
            }
        }
    }

    /// Moves the prints that occur more than once, and a few others, to the front. How many?
    #[inline(always)]
    fn repeated(&mut self) -> usize {
        let n = self.prints.len();
        let log = (16 * n).next_power_of_two().ilog2().clamp(9, 24);
        self.seen.clear();
        self.seen.resize(1 << (log - 6), 0);
        self.twice.resize(n.max(self.twice.len()), 0);
        // Slices, since vectors would be looked up anew for every print.
        let (prints, seen, twice) = (&mut self.prints[..], &mut self.seen[..], &mut self.twice[..n]);
        // Which bit is set already cannot be foreseen, so there is no branch on it.
        let words = seen.len() - 1;
        let mut held = 0;
        for print in prints.iter() {
            let at = print >> (32 - log);
            let word = &mut seen[(at / 64) as usize & words];
            twice[held] = *print;
            held += (*word >> (at % 64) & 1) as usize;
            *word |= 1 << (at % 64);
        }
        if held == 0 || held > n / 2 {
            return if held == 0 { 0 } else { n };
        }
        // By the other bits, those that agree in the first ones fall apart.
        self.again.clear();
        self.again.resize(1 << (log - 8), 0);
        let (again, words) = (&mut self.again[..], (1 << (log - 8)) - 1);
        for print in &twice[..held] {
            again[(print / 32) as usize & words] |= 1 << (print % 32);
        }
        simd::keep_marked(prints, again)
    }

    /// Counts the first so many prints.
    #[inline(always)]
    fn count_left(&mut self, left: usize, part: usize, top: &mut Top) {
        let slots = &mut self.slots;
        let prints = &mut self.prints[..left];
        let log = (2 * left).next_power_of_two().ilog2();
        slots.clear();
        slots.resize(1 << log, (0, 0));
        let mask = slots.len() - 1;
        for print in prints.iter() {
            let mut at = (print.wrapping_mul(0x9E37_79B9) >> (32 - log)) as usize;
            let mut steps = 0;
            loop {
                let slot = &mut slots[at & mask];
                if slot.1 == 0 || slot.0 == *print {
                    *slot = (*print, slot.1 + 1);
                    break;
                }
                at += 1;
                steps += 1;
                if steps == STEPS {
                    // Prints made to fall together.
                    prints.sort_unstable();
                    for run in prints.chunk_by(|a, b| a == b) {
                        top.offer(part, run[0], run.len() as u64);
                    }
                    return;
                }
            }
        }
        for (print, count) in slots.iter() {
            top.offer(part, *print, *count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;

    /// A key of that hash.
    fn unmix(hash: u64) -> u64 {
        let factor = 0x9E37_79B9_7F4A_7C15_u64;
        let mut inverse = 1_u64;
        for _ in 0..6 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(inverse)));
        }
        let y = hash.wrapping_mul(inverse);
        let y = y ^ (y >> 29);
        y ^ (y >> 58)
    }

    fn mode(keys: &[u64]) -> u64 {
        let column: Vec<i64> = keys.iter().map(|key| (key ^ (1 << 63)).cast_signed()).collect();
        let x = ArrayView2::from_shape((keys.len(), 1), &column).unwrap();
        let (found, refused) =
            modes_by_prints(&x, &[0], 1, &mut Space::default(), Missing::Nan, &Exec::serial()).unwrap();
        assert!(!refused && found[0].missing == 0);
        found[0].best.key
    }

    #[test]
    fn values_of_one_print_are_told_apart() {
        assert_eq!(hash(unmix(5), 0), 5);
        let rows = 2 * ROWS + 100;
        let alone = |i: usize| (i as u64).wrapping_mul(0x1234_5678_9ABC_DEF1);
        let together = |i: u64| unmix((7 << 40) + i);
        let base: Vec<u64> = (0..rows).map(alone).collect();
        assert_eq!(mode(&base), *base.iter().min().unwrap());
        // Three values of one print, none twice.
        let mut keys = base.clone();
        for (i, at) in [5, 9_000, rows - 1].into_iter().enumerate() {
            keys[at] = together(i as u64);
        }
        assert_eq!(mode(&keys), *keys.iter().min().unwrap());
        // Another value twice: rarer than the print, but the mode.
        (keys[100], keys[rows - 50]) = (1 << 63, 1 << 63);
        assert_eq!(mode(&keys), 1 << 63);
        // A thousand values of one print, each once, and two values thrice.
        let mut keys = base;
        for i in 0..1_000 {
            keys[8 * i] = together(i as u64);
        }
        for at in [1, 4_001, 16_001] {
            (keys[at], keys[at + 1]) = (together(2_000), 99);
        }
        assert_eq!(mode(&keys), together(2_000).min(99));
        // All of one print, some twice.
        let keys: Vec<u64> = (0..rows as u64).map(|i| together(i % (rows as u64 - 9))).collect();
        assert_eq!(mode(&keys), (0..9).map(together).min().unwrap());
    }
}
