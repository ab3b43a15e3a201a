//! The most frequent of many keys, the smallest of several.
//!
//! Keys are counted in tables that fit the cache, split by their hash if they are too many for one.

use crate::simd;

/// Keys that are sorted rather than counted.
const FEW: usize = 512;
/// Slots of the largest table: 128 KB, half of them used at most.
const SLOTS: usize = 8_192;
/// Keys of a part, about.
const PART: usize = 1_024;
/// Steps from a key's own slot after which a table gives up.
const STEPS: usize = 64;

/// Work space.
#[derive(Default)]
pub struct Tables {
    parts: Vec<u64>,
    slots: Vec<(u64, u64)>,
}

/// A key and how often it occurs.
#[derive(Clone, Copy, Default)]
pub struct Best {
    pub key: u64,
    pub count: u64,
}

impl Best {
    #[inline(always)]
    pub fn offer(&mut self, key: u64, count: u64) {
        if count > self.count || (count == self.count && key < self.key) {
            *self = Self { key, count };
        }
    }
}

/// The most frequent key and its count; `keys` is work space afterwards.
pub fn most_frequent(keys: &mut [u64], tables: &mut Tables) -> Option<Best> {
    let mut best = Best { key: *keys.first()?, count: 0 };
    if keys.len() <= FEW {
        sort(keys, &mut best);
    } else if !simd::dispatch!(count(keys, SLOTS, &mut tables.slots, &mut best)) {
        count_parts(keys, tables, &mut best);
    }
    Some(best)
}

/// Bits as of a random number; the `salt` changes which keys fall together.
#[inline(always)]
pub fn hash(key: u64, salt: u64) -> u64 {
    (key ^ (key >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ (salt << 40) ^ (salt << 17))
}

fn sort(keys: &mut [u64], best: &mut Best) {
    keys.sort_unstable();
    for run in keys.chunk_by(|a, b| a == b) {
        best.offer(run[0], run.len() as u64);
    }
}

/// Counts in a table of so many slots (a power of two); false, and nothing counted, if they do not do.
#[inline(always)]
fn count(keys: &[u64], slots: usize, table: &mut Vec<(u64, u64)>, best: &mut Best) -> bool {
    table.clear();
    table.resize(slots, (0, 0));
    let shift = 64 - slots.ilog2();
    let mut free = slots / 2;
    for key in keys {
        let mut at = (hash(*key, 3) >> shift) as usize;
        let mut steps = 0;
        loop {
            let slot = &mut table[at & (slots - 1)];
            if slot.1 == 0 {
                *slot = (*key, 1);
                free -= 1;
                break;
            }
            if slot.0 == *key {
                slot.1 += 1;
                break;
            }
            at += 1;
            steps += 1;
            if steps == STEPS {
                return false;
            }
        }
        if free == 0 {
            return false;
        }
    }
    for (key, count) in table.iter().filter(|slot| slot.1 > 0) {
        best.offer(*key, *count);
    }
    true
}

/// Counts part by part, a part being the keys whose hashes begin alike.
fn count_parts(keys: &mut [u64], tables: &mut Tables, best: &mut Best) {
    let parts = (keys.len() / PART).next_power_of_two();
    if keys.len() <= FEW || parts == 1 {
        return sort(keys, best);
    }
    let shift = 64 - parts.ilog2();
    let mut ends = vec![0; parts];
    let Tables { parts: sorted, slots, .. } = tables;
    simd::dispatch!({
        for key in keys.iter() {
            ends[(hash(*key, 0) >> shift) as usize] += 1;
        }
        let mut end = 0;
        for part in &mut ends {
            end += *part;
            *part = end - *part;
        }
        sorted.resize(keys.len().max(sorted.len()), 0);
        for key in keys.iter() {
            let end = &mut ends[(hash(*key, 0) >> shift) as usize];
            sorted[*end] = *key;
            *end += 1;
        }
    });
    let mut begin = 0;
    for end in ends {
        let part = &mut sorted[begin..end];
        let slots_needed = (2 * part.len() + 2).next_power_of_two();
        if slots_needed > SLOTS || !simd::dispatch!(count(part, slots_needed, slots, best)) {
            sort(part, best);
        }
        begin = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: Vec<u64>) {
        let mut expected = Best { key: u64::MAX, count: 0 };
        sort(&mut keys.clone(), &mut expected);
        let found = most_frequent(&mut keys.clone(), &mut Tables::default());
        assert_eq!(found.map(|best| best.key), (!keys.is_empty()).then_some(expected.key));
    }

    #[test]
    fn whatever_the_keys() {
        let mut rng = crate::random::Mt19937::new(0);
        for n in [0, 1, 2, 100, FEW, FEW + 1, 3_000, 40_000, 150_000] {
            for levels in [1.0, 2.0, 100.0, 3_000.0, 30_000.0, 1e6, 1e15] {
                let mut draw = || (rng.next_f64() * levels).floor();
                let values: Vec<f64> = (0..n).map(|_| draw()).collect();
                check(values.iter().map(|v| *v as u64).collect());
                check(values.iter().map(|v| v.to_bits()).collect());
                check(values.iter().map(|v| (*v as u64) << 48).collect());
                // Half of them one value, and as many different ones.
                check(values.iter().map(|v| if *v < levels / 2.0 { 7 } else { *v as u64 }).collect());
            }
            check((0..n as u64).collect());
            check((0..n as u64).map(|k| k % (n as u64 / 2 + 1)).collect());
            check((0..n as u64).map(|k| k << 40).collect());
        }
    }

    #[test]
    fn keys_that_all_fall_together() {
        // Multiples of the hash factor's inverse hash to small numbers: one slot, one part.
        let mut inverse = 1_u64;
        for _ in 0..6 {
            let factor = 0x9E37_79B9_7F4A_7C15_u64;
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(inverse)));
        }
        let unmix = |h: u64| {
            let y = h.wrapping_mul(inverse);
            let y = y ^ (y >> 29);
            y ^ (y >> 58)
        };
        assert_eq!(hash(unmix(5), 0), 5);
        check((0..20_000).map(|k| unmix(k % 15_000)).collect());
    }
}
