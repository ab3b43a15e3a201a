//! Which fingerprints occur more than once, and how often: part by part, so that a part fits the cache.

use crate::simd;

/// Prints that are looked at with one check that there is room.
const BLOCK: usize = 16;
/// The least bits of a table, which fits the first-level cache, and its words.
const LOG: u32 = 17;
const WORDS: usize = 1 << (LOG - 6);
/// Steps from a print's own slot after which a table gives up.
const STEPS: usize = 64;

/// The most frequent prints, or all that are frequent enough.
pub struct Top {
    pub count: u64,
    pub only_most: bool,
    /// Part and print.
    pub prints: Vec<u64>,
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

    pub fn of_all(tops: &[Self]) -> Self {
        let count = tops.iter().map(|top| top.count).max().unwrap_or(0);
        let only_most = tops.iter().all(|top| top.only_most);
        let tops = tops.iter().filter(|top| top.count == count);
        Self { count, only_most, prints: tops.flat_map(|top| &top.prints).copied().collect() }
    }
}

/// Work space to count parts.
#[derive(Default)]
pub struct Counter {
    prints: Vec<u32>,
    seen: Vec<u64>,
    again: Vec<u32>,
    twice: Vec<u32>,
    slots: Vec<(u32, u32)>,
}

impl Counter {
    /// Offers the prints of a part that occur more than once, while the `next` ones come from memory.
    #[inline(always)]
    pub fn count<'a>(
        &mut self,
        part: usize,
        prints: impl Iterator<Item = &'a [u32]>,
        next: impl Iterator<Item = &'a [u32]>,
        top: &mut Top,
    ) {
        self.prints.clear();
        for (prints, next) in prints.zip(next) {
            simd::prefetch::<true, _>(next);
            self.prints.extend_from_slice(prints);
        }
        let left = self.repeated();
        if left > 1 {
            self.count_left(left, part, top);
        }
    }

    /// Moves the prints that occur more than once, and a few others, to the front. How many?
    #[inline(always)]
    fn repeated(&mut self) -> usize {
        let n = self.prints.len();
        let log = (16 * n).next_power_of_two().ilog2().clamp(LOG, 24);
        self.seen.clear();
        self.seen.resize(1 << (log - 6), 0);
        self.twice.resize(self.twice.len().max(n + BLOCK), 0);
        let held = match self.seen.as_chunks_mut::<WORDS>().0 {
            // Known when compiled, the number of words needs no check for each print.
            [words] => seen_before(&self.prints, &mut self.twice, |print| mark(words, print, LOG)),
            _ => seen_before(&self.prints, &mut self.twice, |print| mark(&mut self.seen, print, log)),
        };
        if held == 0 || held > n / 2 {
            return if held == 0 { 0 } else { n };
        }
        // By the other bits, those that agree in the first ones fall apart.
        self.again.clear();
        self.again.resize(1 << (log - 8), 0);
        let words = self.again.len() - 1;
        for print in &self.twice[..held] {
            self.again[(print / 32) as usize & words] |= 1 << (print % 32);
        }
        simd::keep_marked(&mut self.prints, &self.again)
    }

    /// Counts the first so many prints.
    #[inline(always)]
    fn count_left(&mut self, left: usize, part: usize, top: &mut Top) {
        let prints = &mut self.prints[..left];
        if count(prints, &mut self.slots) {
            for (print, count) in &self.slots {
                top.offer(part, *print, u64::from(*count));
            }
        } else {
            prints.sort_unstable();
            for run in prints.chunk_by(|a, b| a == b) {
                top.offer(part, run[0], run.len() as u64);
            }
        }
    }
}

/// Counts prints in a table; false if they were made to fall together there, or are more than it can count.
#[inline(always)]
fn count(prints: &[u32], slots: &mut Vec<(u32, u32)>) -> bool {
    let log = (2 * prints.len()).next_power_of_two().ilog2();
    if log >= u32::BITS {
        return false;
    }
    slots.clear();
    slots.resize(1 << log, (0, 0));
    let mask = slots.len() - 1;
    for print in prints {
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
                return false;
            }
        }
    }
    true
}

/// Writes the prints that were `seen` before to the front of `found`, which has room for all and a [`BLOCK`]. How many?
#[inline(always)]
fn seen_before(prints: &[u32], found: &mut [u32], mut seen: impl FnMut(u32) -> bool) -> usize {
    let (blocks, rest) = prints.as_chunks::<BLOCK>();
    let mut held = 0;
    // Which print was seen cannot be foreseen, so there is no branch on it.
    for prints in blocks {
        let found = &mut found[held..held + BLOCK];
        let mut n = 0;
        for print in prints {
            found[n % BLOCK] = *print;
            n += usize::from(seen(*print));
        }
        held += n;
    }
    for print in rest {
        found[held] = *print;
        held += usize::from(seen(*print));
    }
    held
}

/// Sets a print's bit. Was it set?
#[inline(always)]
fn mark(words: &mut [u64], print: u32, log: u32) -> bool {
    let at = print >> (32 - log);
    let word = &mut words[(at / 64) as usize];
    let was = *word >> (at % 64) & 1 == 1;
    *word |= 1 << (at % 64);
    was
}
