//! Modes of columns of many kinds of values, told by fingerprints.
//!
//! One pass over the rows keeps 32 bits of each key's hash, sorted by 7 other bits into parts: 4 bytes a value, whatever
//! the type. A part fits the cache. There, a print that no other equals is left out by its bit in a bitmap, and what is
//! left is counted. If no print occurs twice, the smallest value is the mode. Otherwise the rows are read again for
//! the keys of the most frequent prints, and those are counted. Equal values have equal prints, so a value is at most as
//! frequent as its print; if different values had one print, the count found says from which one on to look again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Missing;
use super::frequent::{Best, Tables, hash, most_frequent};
use super::mode::{Found, Key};
use super::repeats::{Counter, Top};
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
const PART_BITS: u32 = 7;
/// Bits of the hash that choose the pass, the highest of those after the print.
const PASS_BITS: u32 = 12;
/// The part of what is missing or not wanted in this pass.
const NOT_WANTED: u8 = 1 << PART_BITS;
/// Parts that a thread takes together.
const TOGETHER: usize = 8;
/// Prints of which the chunks that have them are looked up, rather than reading all.
const FEW: usize = 8;
/// Units of a column's rows, in which it is told how many prints are held.
const UNITS: usize = 8;

/// How columns are read so that no more prints are held than there is room for.
///
/// Where several columns lie in one line of memory, two are read together, the second one share of the rows behind the
/// first: when the first is complete, only the other share of the second is held.
pub struct Plan {
    /// The units of rows that each share has.
    shares: Vec<Range<usize>>,
    /// How many units of columns are held at a time.
    held: usize,
    /// In how many passes, each of which holds the prints of some of the values.
    passes: u32,
}

impl Plan {
    /// For so many rows and room for so many prints; are columns `together` in lines of memory?
    pub fn new(rows: usize, room: usize, together: bool) -> Self {
        let units = 2 * UNITS - (UNITS * room / rows.max(1)).min(2 * UNITS);
        if together && units <= UNITS / 2 {
            return Self { shares: vec![0..units, units..UNITS], held: 2 * UNITS - units, passes: 1 };
        }
        let passes = u32::try_from(rows.div_ceil(room.max(1))).unwrap_or(u32::MAX);
        Self {
            shares: std::iter::once(0..UNITS).collect(),
            held: UNITS,
            passes: passes.clamp(1, 1 << PASS_BITS),
        }
    }
}

/// A unit of a column's rows.
struct Unit<'a> {
    prints: &'a mut [u32],
    chunks: Vec<Chunk>,
}

/// What is known of a column's values in a chunk of rows.
struct Chunk {
    rows: Range<usize>,
    /// Where the prints of what is there and wanted begin in the unit, by part.
    at: usize,
    /// Where each part's begin after that, then their number.
    begins: [u16; PARTS + 1],
    smallest: u64,
    /// How many values there are, wanted or not.
    there: usize,
}

/// The modes of columns; was there a value that may not occur?
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn modes_by_prints<T: Key>(
    x: &dyn Matrix<T>,
    columns: &[usize],
    plan: &Plan,
    missing: Missing<T>,
    exec: &Exec<'_>,
) -> Result<(Vec<Found>, bool)> {
    let room = x.dim().0.div_ceil(UNITS);
    let mut space = zeroed_space(room * plan.held);
    let mut reader = Reader {
        x,
        missing,
        exec,
        pass: Pass { at: 0, of: plan.passes },
        works: Mutex::default(),
        counters: Mutex::default(),
        free: space.chunks_mut(room.max(1)).collect(),
        refused: false,
    };
    let found = if plan.passes > 1 {
        columns.iter().map(|column| reader.mode_in_passes(*column)).collect::<Result<_>>()?
    } else {
        reader.modes(columns, &plan.shares)?
    };
    Ok((found, reader.refused))
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
        let bits = (hash as u32 >> (32 - PART_BITS - PASS_BITS)) % (1 << PASS_BITS);
        (bits * self.of) >> PASS_BITS == self.at
    }
}

/// Reads a table, and has the memory for it, which goes from one share to the next.
struct Reader<'a, T> {
    x: &'a dyn Matrix<T>,
    missing: Missing<T>,
    exec: &'a Exec<'a>,
    pass: Pass,
    works: Mutex<Vec<Work>>,
    counters: Mutex<Vec<Counter>>,
    free: Vec<&'a mut [u32]>,
    refused: bool,
}

impl<'a, T: Key> Reader<'a, T> {
    /// The modes of columns, all of whose prints are held at a time.
    fn modes(&mut self, columns: &[usize], shares: &[Range<usize>]) -> Result<Vec<Found>> {
        let mut found = Vec::with_capacity(columns.len());
        let mut open: VecDeque<Prints> = VecDeque::new();
        for (step, share) in shares.iter().cycle().enumerate() {
            open.extend(columns.get(step).map(|column| Prints::of(*column)));
            if open.is_empty() {
                break;
            }
            self.take(share.clone(), open.make_contiguous())?;
            if step + 1 >= shares.len()
                && let Some(prints) = open.pop_front()
            {
                let best = best_of(|least, only_most| {
                    let top = self.most(&prints, least, only_most)?;
                    let keys = self.keys_of(prints.column, &top.prints, &prints.rows_of(&top.prints))?;
                    Ok((top, keys))
                })?;
                found.push(self.found(&prints, best));
                self.leave(prints);
            }
        }
        Ok(found)
    }

    /// The mode of a column, some of whose prints are held at a time.
    fn mode_in_passes(&mut self, column: usize) -> Result<Found> {
        let rows = self.x.dim().0;
        let chunks: Vec<_> = (0..rows).step_by(ROWS).map(|begin| begin..rows.min(begin + ROWS)).collect();
        let mut none = Found { best: Best::default(), missing: 0 };
        let best = best_of(|least, only_most| {
            let mut all = Top { count: least, only_most, prints: Vec::new() };
            for at in 0..self.pass.of {
                self.pass.at = at;
                let mut prints = [Prints::of(column)];
                self.take(0..UNITS, &mut prints)?;
                let [prints] = prints;
                none = self.found(&prints, None);
                let top = self.most(&prints, all.count, only_most)?;
                all = Top::of_all(&[all, top]);
                self.leave(prints);
            }
            let keys = self.keys_of(column, &all.prints, &chunks)?;
            Ok((all, keys))
        })?;
        Ok(Found { best: best.unwrap_or(none.best), ..none })
    }

    /// What is found of a column: without a value that occurs twice the smallest one.
    fn found(&self, prints: &Prints<'_>, best: Option<Best>) -> Found {
        let best = best.unwrap_or_else(|| Best { key: prints.smallest(), count: 1 });
        Found { best, missing: self.x.dim().0 - prints.there() }
    }

    /// Leaves a column's space to others.
    fn leave(&mut self, prints: Prints<'a>) {
        self.free.extend(prints.units.into_iter().map(|unit| unit.prints));
    }

    /// Takes units of each of the columns.
    fn take(&mut self, units: Range<usize>, columns: &mut [Prints<'a>]) -> Result<()> {
        let (rows, width) = (self.x.dim().0, columns.len());
        let numbers: Vec<usize> = columns.iter().map(|prints| prints.column).collect();
        let free = self.free.split_off(self.free.len() - units.len() * width);
        let mut taken: Vec<Unit<'_>> =
            free.into_iter().map(|prints| Unit { prints, chunks: Vec::new() }).collect();
        let mut chunks = Vec::new();
        for (unit, k) in units.zip((0..).step_by(width)) {
            let end = (unit + 1) * rows / UNITS;
            let begins = (unit * rows / UNITS..end).step_by(ROWS);
            chunks.extend(begins.map(|begin| (begin..end.min(begin + ROWS), k)));
        }
        // What is missing takes no room: the space is given out as it is filled.
        let left: Vec<_> = taken.iter_mut().map(|unit| Mutex::new((0, &mut *unit.prints))).collect();
        let this = &*self;
        let known = this.exec.map(chunks.len(), |i| {
            let mut work = taken_from(&this.works);
            work.columns.resize_with(width.max(work.columns.len()), Hashed::default);
            let (rows, k) = &chunks[i];
            let known = this.take_chunk(rows.clone(), &numbers, &mut work, &left[*k..k + width]);
            put_back(&this.works, work);
            known
        })?;
        drop(left);
        for ((_, k), (chunks, refused)) in chunks.iter().zip(known) {
            self.refused |= refused;
            for (unit, chunk) in taken[*k..].iter_mut().zip(chunks) {
                unit.chunks.push(chunk);
            }
        }
        for (unit, k) in taken.into_iter().zip((0..width).cycle()) {
            columns[k].units.push(unit);
        }
        Ok(())
    }

    /// Sorts the prints of columns in a chunk by part into what is `left` of each one's space.
    fn take_chunk(
        &self,
        rows: Range<usize>,
        columns: &[usize],
        work: &mut Work,
        left: &[Mutex<(usize, &mut [u32])>],
    ) -> (Vec<Chunk>, bool) {
        let Self { x, pass, missing, .. } = *self;
        let (mut known, mut refused) = (vec![(u64::MAX, 0); columns.len()], false);
        let (mut tile, mut buffer) = (Tile::default(), Vec::new());
        let strided = x.in_lines();
        for (some, next) in tiles(&rows) {
            for run in columns.chunk_by(|a, b| a + 1 == *b).filter(|_| strided) {
                x.fetch(next.clone(), run[0]..run[0] + run.len());
            }
            for ((j, hashed), (smallest, there)) in columns.iter().zip(&mut work.columns).zip(&mut known) {
                let column = x.some_of(*j, some.start, some.len(), &mut buffer);
                let at = some.start - rows.start..some.end - rows.start;
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
                refused |= tile.refused;
            }
        }
        let n = rows.len();
        let sorted = &mut work.sorted[..n];
        let chunk = |((hashed, left), (smallest, there)): ((&mut Hashed, &Mutex<_>), _)| {
            let (prints, parts) = (&mut hashed.prints[..n], &mut hashed.parts[..n]);
            let n = if pass.of > 1 { simd::keep_others(prints, parts, NOT_WANTED) } else { n };
            let begins = by_part(&prints[..n], &parts[..n], sorted);
            // In the cache first: stores all over memory that is not there yet would wait for it.
            let kept = &sorted[..usize::from(begins[PARTS])];
            let (at, prints) = first(left, kept.len());
            prints.copy_from_slice(kept);
            Chunk { rows: rows.clone(), at, begins, smallest, there }
        };
        (work.columns.iter_mut().zip(left).zip(known).map(chunk).collect(), refused)
    }

    /// The most frequent prints, or all that occur so often.
    fn most(&self, prints: &Prints<'_>, least: u64, only_most: bool) -> Result<Top> {
        let tops = self.exec.map(PARTS / TOGETHER, |task| {
            let mut counter = taken_from(&self.counters);
            let begin = task * TOGETHER;
            let mut top = Top { count: least, only_most, prints: Vec::new() };
            simd::dispatch!({
                for part in begin..begin + TOGETHER {
                    counter.count(part, prints.part(part), prints.part((part + 1) % PARTS), &mut top);
                }
            });
            put_back(&self.counters, counter);
            top
        })?;
        Ok(Top::of_all(&tops))
    }

    /// The keys of these prints, and some others, in these chunks of a column.
    fn keys_of(&self, column: usize, prints: &[u64], chunks: &[Range<usize>]) -> Result<Vec<u64>> {
        let (x, missing, strided) = (self.x, self.missing, self.x.in_lines());
        if prints.is_empty() {
            return Ok(Vec::new());
        }
        let log = (16 * prints.len()).next_power_of_two().ilog2().clamp(12, 26);
        let mut marks = vec![0_u64; 1 << (log - 6)];
        for print in prints {
            let at = print >> (32 + PART_BITS - log);
            marks[(at / 64) as usize] |= 1 << (at % 64);
        }
        let kept = self.exec.map(chunks.len(), |i| {
            let (mut kept, mut buffer) = (Vec::new(), Vec::new());
            let mut tile = Tile::default();
            for (rows, next) in tiles(&chunks[i]) {
                if strided {
                    x.fetch(next, column..column + 1);
                }
                let values = x.some_of(column, rows.start, rows.len(), &mut buffer);
                simd::dispatch!({
                    tile.read(values, missing);
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

/// The most frequent value that occurs more than once. The frequent prints of a column, and their keys, are `read` for the
/// least count, and whether the most frequent prints will do.
fn best_of(mut read: impl FnMut(u64, bool) -> Result<(Top, Vec<u64>)>) -> Result<Option<Best>> {
    let (mut least, mut only_most, mut best) = (2, true, None);
    loop {
        let (top, mut keys) = read(least, only_most)?;
        let most = most_frequent(&mut keys, &mut Tables::default()).unwrap_or_default();
        best = (most.count > 1).then_some(most).or(best);
        least = most.count.max(2);
        if top.prints.is_empty() || !only_most || least == top.count {
            return Ok(best);
        }
        // Several values have one print: other prints may be as frequent as any of those.
        only_most = false;
    }
}

/// Tiles of a chunk, and the one after each.
fn tiles(chunk: &Range<usize>) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let end = chunk.end;
    chunk.clone().step_by(TILE).map(move |begin| {
        let next = end.min(begin + TILE);
        (begin..next, next..end.min(next + TILE))
    })
}

/// A work space that is free, or a new one.
fn taken_from<W: Default>(pool: &Mutex<Vec<W>>) -> W {
    pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default()
}

fn put_back<W>(pool: &Mutex<Vec<W>>, work: W) {
    if let Ok(mut pool) = pool.lock() {
        pool.push(work);
    }
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

/// The 32 bits after those of the part.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "bits are chosen")]
fn print_of(hash: u64) -> u32 {
    (hash >> (32 - PART_BITS)) as u32
}

/// The first `n` of what is left, taken from it, and where they begin.
fn first<'a>(left: &Mutex<(usize, &'a mut [u32])>, n: usize) -> (usize, &'a mut [u32]) {
    let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
    let at = left.0;
    let (first, rest) = std::mem::take(&mut left.1).split_at_mut(n);
    *left = (at + n, rest);
    (at, first)
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

/// The prints of a column.
struct Prints<'a> {
    column: usize,
    units: Vec<Unit<'a>>,
}

impl Prints<'_> {
    fn of(column: usize) -> Self {
        Self { column, units: Vec::new() }
    }

    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.units.iter().flat_map(|unit| &unit.chunks)
    }

    fn smallest(&self) -> u64 {
        self.chunks().map(|chunk| chunk.smallest).min().unwrap_or(u64::MAX)
    }

    /// How many values are there?
    fn there(&self) -> usize {
        self.chunks().map(|chunk| chunk.there).sum()
    }

    /// A part's prints, chunk by chunk.
    fn part(&self, part: usize) -> impl Iterator<Item = &[u32]> {
        self.units.iter().flat_map(move |Unit { prints, chunks }| {
            let prints = &**prints;
            chunks.iter().map(move |Chunk { at, begins, .. }| {
                &prints[at + usize::from(begins[part])..at + usize::from(begins[part + 1])]
            })
        })
    }

    /// The rows of the chunks that have these prints; of all, if these are many.
    fn rows_of(&self, prints: &[u64]) -> Vec<Range<usize>> {
        let mut rows: Vec<Range<usize>> = self.chunks().map(|chunk| chunk.rows.clone()).collect();
        if prints.len() <= FEW {
            let mut has = vec![false; rows.len()];
            for print in prints {
                #[allow(clippy::cast_possible_truncation, reason = "the lower half is the print")]
                let (part, print) = ((print >> 32) as usize, *print as u32);
                for (has, prints) in has.iter_mut().zip(self.part(part)) {
                    *has |= prints.contains(&print);
                }
            }
            let mut has = has.into_iter();
            rows.retain(|_| has.next() == Some(true));
        }
        rows
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
        let plan = Plan::new(keys.len(), 2 * keys.len(), true);
        let (found, refused) = modes_by_prints(&x, &[0], &plan, Missing::Nan, &Exec::serial()).unwrap();
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
