//! Counts of the few kinds of keys that a column has.

use super::frequent;

/// Kinds above which a column is counted otherwise.
const MOST: usize = 1 << 13;
/// Slots a kind, at least: so most keys are found in the first one.
const ROOM: usize = 4;

/// How often each kind of key occurs.
///
/// The kinds lie one after the other as first seen, so those that occur often lie together; slots of two bytes lead to
/// them. A free slot leads to the first kind, which needs no slot of its own.
#[derive(Clone, Default)]
pub struct Kinds {
    slots: Vec<u16>,
    kinds: Vec<(u64, u64)>,
    full: bool,
}

impl Kinds {
    /// The kinds and their counts; none if there are too many.
    pub fn counted(&self) -> Option<&[(u64, u64)]> {
        (!self.full).then_some(&self.kinds)
    }

    /// Counts a key so often.
    #[inline(always)]
    pub fn add(&mut self, key: u64, count: u64) {
        self.add_hashed(key, hash(key), count);
    }

    #[inline(always)]
    fn add_hashed(&mut self, key: u64, hash: u64, count: u64) {
        if self.slots.is_empty() {
            self.grow(key);
        }
        let shift = 64 - self.slots.len().ilog2();
        let mut at = (hash >> shift) as usize;
        loop {
            let id = self.slots[at & (self.slots.len() - 1)];
            let kind = &mut self.kinds[usize::from(id)];
            if kind.0 == key {
                kind.1 += count;
                return;
            }
            if id == 0 {
                return self.insert(key, at, count);
            }
            at += 1;
        }
    }

    /// Counts keys, each so often.
    #[inline(always)]
    pub fn add_all(&mut self, keys: &[u64], counts: &[u8]) {
        if let (true, Some(first)) = (self.slots.is_empty(), keys.first()) {
            self.grow(*first);
        }
        let mut rest = keys.iter().zip(counts);
        loop {
            // Nearly all are known and lie in their first slot.
            let (slots, kinds) = (&self.slots[..], &mut self.kinds[..]);
            let missed = rest.find(|(key, count)| {
                let at = (hash(**key) >> (64 - slots.len().ilog2())) as usize;
                let Some(kind) = slots.get(at).and_then(|id| kinds.get_mut(usize::from(*id))) else {
                    return true;
                };
                let known = kind.0 == **key;
                kind.1 += u64::from(**count) * u64::from(known);
                !known
            });
            match missed {
                Some((key, count)) => self.add(*key, u64::from(*count)),
                None => return,
            }
        }
    }

    #[cold]
    fn insert(&mut self, key: u64, at: usize, count: u64) {
        if self.kinds.len() == MOST {
            self.full = true;
            return;
        }
        let mask = self.slots.len() - 1;
        #[allow(clippy::cast_possible_truncation, reason = "kinds are fewer than MOST")]
        let id = self.kinds.len() as u16;
        self.slots[at & mask] = id;
        self.kinds.push((key, count));
        if self.kinds.len() * ROOM > self.slots.len() {
            self.grow(key);
        }
    }

    /// Makes room for more kinds; `first` is the first of all.
    #[cold]
    fn grow(&mut self, first: u64) {
        if self.kinds.is_empty() {
            self.kinds.push((first, 0));
        }
        let slots = (2 * ROOM * self.kinds.len()).next_power_of_two().max(256);
        self.slots.clear();
        self.slots.resize(slots, 0);
        let shift = 64 - slots.ilog2();
        for (id, (key, _)) in (0..).zip(&self.kinds).skip(1) {
            let mut at = (hash(*key) >> shift) as usize;
            while self.slots[at & (slots - 1)] != 0 {
                at += 1;
            }
            self.slots[at & (slots - 1)] = id;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.full |= other.full;
        for (key, count) in &other.kinds {
            if !self.full {
                self.add(*key, *count);
            }
        }
    }
}

#[inline(always)]
fn hash(key: u64) -> u64 {
    frequent::hash(key, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(kinds: &Kinds) -> Option<Vec<(u64, u64)>> {
        let mut counted = kinds.counted()?.to_vec();
        counted.sort_unstable();
        Some(counted)
    }

    #[test]
    fn any_kinds_are_counted_until_they_are_too_many() {
        for kinds in [1, 2, 300, MOST, MOST + 1] {
            let mut parts = [Kinds::default(), Kinds::default()];
            for i in 0..2 * kinds as u64 {
                let key = (i % kinds as u64) << 40;
                parts[(i / 3 % 2) as usize].add(key, 1);
            }
            let [mut all, other] = parts;
            all.merge(&other);
            let expected = (0..kinds as u64).map(|key| (key << 40, 2)).collect();
            assert_eq!(counted(&all), (kinds <= MOST).then_some(expected));
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut kinds = Kinds::default();
        for i in 0..100 {
            kinds.add_hashed(i % 10, 7, 1);
        }
        assert_eq!(counted(&kinds).unwrap(), (0..10).map(|key| (key, 10)).collect::<Vec<_>>());
    }
}
