//! Sorting by 64-bit keys, by radix.
//!
//! Keys come in the pieces that their rows were read in; the first pass of the sort gathers them, so they are never copied
//! for that alone. Three passes sort by 33 bits from the highest on that differs, least digit first, so that items of
//! equal keys keep their order. Few keys agree in so many bits: their runs are put in order last, whatever the data at n log n.

const BITS: u32 = 11;
const BUCKETS: usize = 1 << BITS;
const DIGITS: usize = 3;
/// Keys below which comparing is quicker than counting digits.
const COMPARE_BELOW: usize = 2000;

/// What is sorted by its key.
pub(crate) trait Keyed: Copy + Default {
    fn key(self) -> u64;
}

impl Keyed for u64 {
    #[inline(always)]
    fn key(self) -> u64 {
        self
    }
}

/// A key and what goes with it.
impl Keyed for (u64, f64) {
    #[inline(always)]
    fn key(self) -> u64 {
        self.0
    }
}

/// A key and the number of what it belongs to.
impl Keyed for (u64, u32) {
    #[inline(always)]
    fn key(self) -> u64 {
        self.0
    }
}

/// The items of all pieces by ascending keys, equal ones in the order they came in.
pub(crate) fn sorted<K: Keyed>(pieces: &[&[K]]) -> Vec<K> {
    let n = pieces.iter().map(|piece| piece.len()).sum();
    if n < COMPARE_BELOW {
        let mut a: Vec<K> = Vec::with_capacity(n);
        pieces.iter().for_each(|piece| a.extend_from_slice(piece));
        a.sort_by_key(|item| item.key());
        return a;
    }
    let first = pieces.iter().find_map(|piece| piece.first()).map_or(0, |item| item.key());
    let differs = pieces.iter().copied().flatten().fold(0, |bits, item| bits | (item.key() ^ first));
    // The least bit of the least digit.
    let shift = (u64::BITS - differs.leading_zeros()).saturating_sub(DIGITS as u32 * BITS);
    let mut counts = vec![[0_u32; BUCKETS]; DIGITS];
    let (low, rest) = counts.split_at_mut(1);
    let (middle, high) = rest.split_at_mut(1);
    for item in pieces.iter().copied().flatten() {
        let key = item.key() >> shift;
        low[0][digit(key, 0)] += 1;
        middle[0][digit(key, 1)] += 1;
        high[0][digit(key, 2)] += 1;
    }
    let (mut a, mut b) = (vec![K::default(); n], vec![K::default(); n]);
    scatter(pieces, shift, 0, &counts[0], &mut a);
    scatter(&[&a], shift, 1, &counts[1], &mut b);
    scatter(&[&b], shift, 2, &counts[2], &mut a);
    if shift > 0 {
        order_runs(&mut a, shift);
    }
    a
}

#[inline(always)]
fn digit(key: u64, d: u32) -> usize {
    (key >> (d * BITS)) as usize % BUCKETS
}

fn scatter<K: Keyed>(from: &[&[K]], shift: u32, d: u32, counts: &[u32; BUCKETS], to: &mut [K]) {
    let mut next = [0_u32; BUCKETS];
    let mut begin = 0;
    for (next, count) in next.iter_mut().zip(counts) {
        *next = begin;
        begin += count;
    }
    for item in from.iter().copied().flatten() {
        let next = &mut next[digit(item.key() >> shift, d)];
        to[*next as usize] = *item;
        *next += 1;
    }
}

/// Sorts runs of keys that agree in the bits above `shift`.
fn order_runs<K: Keyed>(items: &mut [K], shift: u32) {
    let mut end = 1;
    while end < items.len() {
        // Most keys are where they belong: one look at the neighbour tells.
        if items[end - 1].key() <= items[end].key() {
            end += 1;
            continue;
        }
        let run = items[end].key() >> shift;
        let mut begin = end - 1;
        while begin > 0 && items[begin - 1].key() >> shift == run {
            begin -= 1;
        }
        while end < items.len() && items[end].key() >> shift == run {
            end += 1;
        }
        items[begin..end].sort_by_key(|item| item.key());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_sorted_as_one() {
        let mut rng = crate::random::Mt19937::new(0);
        for n in [0, 1, 10, 5000, 70_000] {
            for kind in 0..5 {
                let items: Vec<(u64, f64)> = (0..n)
                    .map(|i| {
                        let u = rng.next_f64();
                        let x = match kind {
                            0 => u - 0.5,
                            1 => (u * 3.0).floor(),
                            3 => 7.0,
                            2 => 7.0 + u * 1e-14,
                            _ => (u - 0.5) * 1e300,
                        };
                        (x.to_bits(), i as f64)
                    })
                    .collect();
                let mut expected = items.clone();
                expected.sort_by_key(|item| item.0);
                let (head, tail) = items.split_at(n / 3);
                assert_eq!(sorted(&[head, tail, &[]]), expected);
            }
        }
    }
}
