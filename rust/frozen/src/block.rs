//! A block of rows on its way through the ops, column by column, small enough for the caches.

use std::ops::Range;

use crate::graph::Text;

/// Numbers and texts of a block: 128 KB of numbers, read again and again from the second-level cache.
const CELLS: usize = 1 << 14;
/// Rows of a block at most, and at least: with fewer, a row's own way is as quick.
const MOST: usize = 1_024;
const LEAST: usize = 8;

/// Rows of a block of a graph with so many slots; `None` if rows are too wide for blocks to pay.
pub fn rows_of(slots: usize) -> Option<usize> {
    // An odd number of cache lines: columns a power of two apart would share the same few places of the cache.
    let eights = (CELLS / slots.max(1)).min(MOST) / 8;
    (eights > 0).then(|| 8 * (eights - (eights + 1) % 2))
}

/// Are so many rows worth a block?
pub fn pays(rows: usize) -> bool {
    rows >= LEAST
}

/// A block of rows: the slots one after the other, `rows` cells each.
pub struct Block<'a> {
    rows: usize,
    numbers: Vec<f64>,
    texts: Vec<Text<'a>>,
    found: Vec<usize>,
}

impl<'a> Block<'a> {
    pub fn new(n_numbers: usize, n_texts: usize, rows: usize) -> Self {
        Self {
            rows,
            numbers: vec![0.0; n_numbers * rows],
            texts: vec![None; n_texts * rows],
            found: Vec::new(),
        }
    }

    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn range(&self, slot: usize) -> Range<usize> {
        slot * self.rows..(slot + 1) * self.rows
    }

    /// A column of numbers.
    pub fn numbers(&self, slot: usize) -> &[f64] {
        &self.numbers[self.range(slot)]
    }

    pub fn numbers_mut(&mut self, slot: usize) -> &mut [f64] {
        let range = self.range(slot);
        &mut self.numbers[range]
    }

    pub fn texts(&self, slot: usize) -> &[Text<'a>] {
        &self.texts[self.range(slot)]
    }

    pub fn texts_mut(&mut self, slot: usize) -> &mut [Text<'a>] {
        let range = self.range(slot);
        &mut self.texts[range]
    }

    /// The columns of numbers before `slot`, and those from it on. An op writes behind all that it reads.
    #[inline(always)]
    pub fn split(&mut self, slot: usize) -> (&[f64], &mut [f64]) {
        let (before, after) = self.numbers.split_at_mut(slot * self.rows);
        (before, after)
    }

    #[inline(always)]
    pub fn map(&mut self, from: usize, to: usize, f: impl Fn(f64) -> f64) {
        let (rows, from) = (self.rows, self.range(from));
        let (before, after) = self.split(to);
        for (x, out) in before[from].iter().zip(&mut after[..rows]) {
            *out = f(*x);
        }
    }

    pub fn map_texts(&mut self, from: usize, to: usize, f: impl Fn(Option<&str>) -> f64) {
        let (from, to) = (self.range(from), self.range(to));
        for (x, out) in self.texts[from].iter().zip(&mut self.numbers[to]) {
            *out = f(x.as_deref());
        }
    }

    pub fn fill_texts(&mut self, from: usize, to: usize, f: impl Fn(&Text<'a>) -> Text<'a>) {
        let (rows, from) = (self.rows, self.range(from));
        let (before, after) = self.texts.split_at_mut(to * rows);
        for (x, out) in before[from].iter().zip(&mut after[..rows]) {
            *out = f(x);
        }
    }

    /// Notes a number of each row, for [`Block::found`].
    pub fn note_numbers(&mut self, from: usize, f: impl Fn(f64) -> usize) {
        let range = self.range(from);
        self.found.clear();
        self.found.extend(self.numbers[range].iter().map(|x| f(*x)));
    }

    pub fn note_texts(&mut self, from: usize, f: impl Fn(Option<&str>) -> usize) {
        let range = self.range(from);
        self.found.clear();
        self.found.extend(self.texts[range].iter().map(|x| f(x.as_deref())));
    }

    /// What was noted, and `width` columns of numbers to write to.
    pub fn found(&mut self, to: usize, width: usize) -> (&[usize], &mut [f64]) {
        let rows = self.rows;
        (&self.found, &mut self.numbers[to * rows..(to + width) * rows])
    }
}
