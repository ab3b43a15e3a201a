//! Numbers for labels: each distinct label gets the next number where it is first seen, and the order of the labels
//! is told at the end.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::Label;

/// Widest window of integers that is numbered through an array instead of a hash table: 4 MB.
const WIDEST_ARRAY: usize = 1 << 20;
/// Rows between two looks at whether the caller wants to stop.
const PIECE: usize = 1 << 16;
/// "No number yet."
const UNSEEN: u32 = u32::MAX;

/// Rows as numbers of labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes<L> {
    /// The distinct labels, as first seen.
    pub labels: Vec<L>,
    /// Numbers of the true labels.
    pub t: Vec<u32>,
    /// Numbers of the predicted labels.
    pub p: Vec<u32>,
}

impl<L: Ord> Codes<L> {
    /// The labels' numbers in the order of the labels.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_unstable_by(|&a, &b| self.labels[a].cmp(&self.labels[b]));
        order
    }
}

/// Gives out numbers for keys.
pub struct Interner<K> {
    keys: Vec<K>,
    table: HashTable<u32>,
    hasher: FixedState,
}

impl<K> Default for Interner<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), table: HashTable::new(), hasher: FixedState::default() }
    }
}

impl<K: Hash + Eq> Interner<K> {
    /// The number of `key`, new if it was not seen before.
    pub fn number(&mut self, key: K) -> u32 {
        let hasher = &self.hasher;
        let hash = hasher.hash_one(&key);
        if let Some(&number) = self.table.find(hash, |&i| self.keys[i as usize] == key) {
            return number;
        }
        let number = self.keys.len() as u32;
        self.keys.push(key);
        let keys = &self.keys;
        self.table.insert_unique(hash, number, |&i| hasher.hash_one(&keys[i as usize]));
        number
    }

    /// The keys in the order of their numbers.
    #[must_use]
    pub fn into_keys(self) -> Vec<K> {
        self.keys
    }
}

/// Numbers integers of any size; `None` if a label is not an integer.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn encode<T: Label>(t: &[T], p: &[T], exec: &Exec<'_>) -> Result<Option<Codes<i64>>> {
    let (mut lo, mut hi) = (i64::MAX, i64::MIN);
    for &x in t.iter().chain(p) {
        if !x.is_integer() {
            return Ok(None);
        }
        lo = lo.min(x.to_i64());
        hi = hi.max(x.to_i64());
    }
    let width =
        hi.checked_sub(lo).and_then(|w| usize::try_from(w).ok()).map_or(usize::MAX, |w| w.saturating_add(1));
    if width <= WIDEST_ARRAY {
        let mut numbers = vec![UNSEEN; width];
        let mut labels = Vec::new();
        let mut number = |x: T| {
            let slot = &mut numbers[(x.to_i64() - lo) as usize];
            if *slot == UNSEEN {
                *slot = labels.len() as u32;
                labels.push(x.to_i64());
            }
            *slot
        };
        let t = numbered(t, &mut number, exec)?;
        let p = numbered(p, &mut number, exec)?;
        return Ok(Some(Codes { labels, t, p }));
    }
    let mut interner = Interner::default();
    let t = numbered(t, |x| interner.number(x.to_i64()), exec)?;
    let p = numbered(p, |x| interner.number(x.to_i64()), exec)?;
    Ok(Some(Codes { labels: interner.into_keys(), t, p }))
}

fn numbered<T: Label>(x: &[T], mut number: impl FnMut(T) -> u32, exec: &Exec<'_>) -> Result<Vec<u32>> {
    let mut out = Vec::with_capacity(x.len());
    for part in x.chunks(PIECE) {
        exec.check()?;
        out.extend(part.iter().map(|&x| number(x)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_the_labels() {
        for step in [1_i64, 1 << 40] {
            let t: Vec<i64> = (0..5000).map(|i| (i * i % 97 - 40) * step).collect();
            let p: Vec<i64> = (0..5000).map(|i| (i % 89) * step).collect();
            let codes = encode(&t, &p, &Exec::serial()).unwrap().unwrap();
            let back = |codes_: &[u32]| codes_.iter().map(|&c| codes.labels[c as usize]).collect::<Vec<_>>();
            assert_eq!((back(&codes.t), back(&codes.p)), (t.clone(), p.clone()));
            let sorted: Vec<i64> = codes.order().iter().map(|&i| codes.labels[i]).collect();
            let mut expected: Vec<i64> = t.iter().chain(&p).copied().collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(sorted, expected);
        }
        assert_eq!(encode(&[0.5], &[1.0], &Exec::serial()), Ok(None));
    }
}
