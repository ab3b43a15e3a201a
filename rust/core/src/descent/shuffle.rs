//! Random orders that memory can follow.
//!
//! Rows that fit a cache: every order is equally likely. Rao and Sandelius' shuffle, items to random buckets, in which
//! Fisher and Yates' swaps stay in the first-level cache.
//!
//! More rows: random access costs 225 ns a row of 400 bytes where the arithmetic takes 30. Rows are then shuffled as in
//! Xu et al.: In-database machine learning with CorgiPile (2022), which proves that descent converges on it as on a full
//! shuffle: blocks of about a page of neighbouring rows in random order, and the rows of some 64 such blocks, a window,
//! among each other. A window is fetched block by block while the one before it is worked through.

use std::ops::Range;

use crate::random::Mt19937;

const BUCKETS: usize = 256;
/// Items below which one bucket is small enough.
const SMALL: usize = 4_096;
/// Bytes of all rows up to which they are shuffled one by one.
const CACHED: usize = 4 << 20;
/// Bytes of a block.
const BLOCK: usize = 4 << 10;
/// Bytes of a window: two of them fit the second-level cache.
const WINDOW: usize = 256 << 10;

/// The orders of the epochs.
pub struct Orders {
    rng: Mt19937,
    rows: Vec<u32>,
    blocks: Vec<u32>,
    /// Rows of a block and of a window; 0 if there are no windows.
    block: usize,
    window: usize,
    buckets: Vec<u8>,
    spare: Vec<u32>,
    order: Vec<u32>,
    fetch: Vec<u32>,
}

impl Orders {
    /// The orders of `rows`, of `bytes` each on average.
    pub fn new(rows: &[u32], bytes: usize, seed: u32) -> Self {
        let bytes = bytes.max(1);
        let block = if rows.len() * bytes > CACHED { BLOCK / bytes } else { 0 };
        let (block, window) = if block > 1 { (block, WINDOW / bytes / block * block) } else { (0, 0) };
        let blocks = if block > 0 { (0..rows.len().div_ceil(block) as u32).collect() } else { Vec::new() };
        let fetch = Vec::new();
        let order = rows.to_vec();
        Self {
            rng: Mt19937::new(seed),
            rows: rows.to_vec(),
            blocks,
            block,
            window,
            buckets: Vec::new(),
            spare: Vec::new(),
            order,
            fetch,
        }
    }

    /// The rows of this epoch.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The rows to fetch while those at `range` of the order are worked through.
    #[inline(always)]
    pub fn fetch(&self, range: Range<usize>) -> &[u32] {
        let end = (range.end + self.window).min(self.fetch.len());
        &self.fetch[(range.start + self.window).min(end)..end]
    }

    /// Makes another order.
    pub fn next(&mut self) {
        if self.block == 0 {
            return scatter(&mut self.order, &mut self.rng, &mut self.buckets, &mut self.spare);
        }
        scatter(&mut self.blocks, &mut self.rng, &mut self.buckets, &mut self.spare);
        self.fetch.clear();
        for &b in &self.blocks {
            let begin = b as usize * self.block;
            self.fetch.extend_from_slice(&self.rows[begin..self.rows.len().min(begin + self.block)]);
        }
        self.order.copy_from_slice(&self.fetch);
        for window in self.order.chunks_mut(self.window) {
            swap(window, &mut self.rng);
        }
    }
}

fn scatter(items: &mut [u32], rng: &mut Mt19937, buckets: &mut Vec<u8>, spare: &mut Vec<u32>) {
    if items.len() < SMALL {
        return swap(items, rng);
    }
    buckets.clear();
    while buckets.len() < items.len() {
        buckets.extend(rng.next_u32().to_le_bytes());
    }
    let mut ends = [0usize; BUCKETS];
    for bucket in &buckets[..items.len()] {
        ends[usize::from(*bucket)] += 1;
    }
    let mut places = [0usize; BUCKETS];
    let mut begin = 0;
    for (end, place) in ends.iter_mut().zip(&mut places) {
        *place = begin;
        begin += *end;
        *end = begin;
    }
    spare.resize(items.len(), 0);
    for (item, bucket) in items.iter().zip(buckets.iter()) {
        let place = &mut places[usize::from(*bucket)];
        spare[*place] = *item;
        *place += 1;
    }
    items.copy_from_slice(spare);
    let mut begin = 0;
    for end in ends {
        swap(&mut items[begin..end], rng);
        begin = end;
    }
}

/// 32 random bits a place: their bias of n / 2^32 does not matter here.
pub(super) fn swap(items: &mut [u32], rng: &mut Mt19937) {
    for i in (1..items.len()).rev() {
        let j = (u64::from(rng.next_u32()) * (i as u64 + 1)) >> 32;
        items.swap(i, j as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_permutations_and_every_place_is_likely() {
        for (n, bytes) in [(100, 8), (10_000, 8), (30_000, 400), (30_001, 3_000), (2_000, 9_000)] {
            let rows: Vec<u32> = (0..n).map(|i| 2 * i).collect();
            let mut orders = Orders::new(&rows, bytes, 3);
            let mut sum = 0.0;
            for _ in 0..200 {
                orders.next();
                let mut sorted = orders.order().to_vec();
                sum += f64::from(sorted[17]);
                sorted.sort_unstable();
                assert_eq!(sorted, rows);
                let window = orders.window;
                if let Some(windows) = (n as usize).checked_div(window) {
                    let at = (windows - 1) * window;
                    let mut fetched = orders.fetch(at - window..at).to_vec();
                    fetched.sort_unstable();
                    let mut worked = orders.order()[at..at + window].to_vec();
                    worked.sort_unstable();
                    assert_eq!(fetched, worked);
                }
            }
            // The mean of 200 uniform values: its deviation is 2 n / sqrt(12 * 200), and five of them do not happen.
            assert!((sum / 200.0 - f64::from(n)).abs() < 10.0 * f64::from(n) / 2400f64.sqrt());
        }
    }
}
