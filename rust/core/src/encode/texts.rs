//! Distinct texts, numbered in the order in which they come.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::Table;
use crate::radix;

/// What tells a text: all of a short one, so that two are compared without a look at their bytes; the hash of a long one.
#[derive(Clone, Copy, Default)]
struct Words {
    first: u64,
    /// Of a long text that is kept, where it begins.
    last: u64,
    len: u32,
}

/// The longest text that its words hold.
const SHORT: usize = 16;

impl Words {
    #[inline(always)]
    fn of(text: &[u8]) -> Self {
        let wide = |bytes: [u8; 4]| u64::from(u32::from_le_bytes(bytes));
        let (first, last) = if text.len() > SHORT {
            (long_hash(text), 0)
        } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            (wide(*first), wide(*last))
        } else {
            (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
        };
        Self { first, last, len: text.len() as u32 }
    }

    /// Both halves of a product of 128 bits, as foldhash and wyhash mix.
    #[inline(always)]
    fn hash(self) -> u64 {
        if self.len as usize > SHORT {
            return self.first;
        }
        // Digits of pi: words of texts are seldom like them.
        let a = self.first ^ 0x243f_6a88_85a3_08d3;
        let b = self.last ^ 0x1319_8a2e_0370_7344 ^ u64::from(self.len) << 56;
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
}

#[inline]
fn hash(text: &[u8]) -> u64 {
    Words::of(text).hash()
}

#[inline]
fn long_hash(text: &[u8]) -> u64 {
    FixedState::default().hash_one(Bytes(text))
}

/// Hashed as bytes alone: `[u8]`'s own `Hash` adds the length in a round of its own.
struct Bytes<'a>(&'a [u8]);

impl std::hash::Hash for Bytes<'_> {
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

#[derive(Clone, Copy)]
struct Entry {
    begin: usize,
    len: u32,
    id: u32,
}

/// A hash table over the bytes of UTF-8 texts, which it owns end to end in one buffer.
#[derive(Clone, Default)]
pub struct TextTable {
    entries: HashTable<Entry>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// Texts and their ids plus one, each where the last bits of its hash say, as long as there are few texts: it answers in
    /// two thirds of the time.
    few: Vec<(Words, u32)>,
}

/// Places there, a power of two: 8 KB.
const PLACES: usize = 256;
/// So many texts seldom share a place.
const FEW: usize = 64;

impl TextTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the next id to `text` without a look whether it was seen, nor will it be found: for texts that most likely are
    /// distinct, which [`TextTable::sorted`] tells.
    pub fn list(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.skip()
    }

    /// Gives the next id to nothing: a place that no text will have.
    pub fn skip(&mut self) -> u32 {
        let id = self.ends.len() as u32;
        self.ends.push(self.bytes.len());
        id
    }

    /// The id of `text`, a new one if it was not seen before.
    // Within its caller: words that go through memory take as long as all the rest.
    #[inline(always)]
    pub fn insert(&mut self, text: &[u8]) -> u32 {
        let words = Words::of(text);
        match self.find_few(words, text) {
            Some(id) => id,
            None => self.insert_hashed(words.hash(), text),
        }
    }

    /// The same, of a text whose hash is known.
    #[inline]
    pub fn insert_hashed(&mut self, hash: u64, text: &[u8]) -> u32 {
        match self.find_hashed(hash, text) {
            Some(id) => id,
            None => self.push(hash, text),
        }
    }

    fn push(&mut self, hash: u64, text: &[u8]) -> u32 {
        let Self { entries, ends, bytes, few } = self;
        let begin = bytes.len();
        bytes.extend_from_slice(text);
        let id = ends.len() as u32;
        ends.push(bytes.len());
        let entry = Entry { begin, len: text.len() as u32, id };
        entries.insert_unique(hash, entry, |e| self::hash(&bytes[e.begin..e.begin + e.len as usize]));
        if entries.len() <= FEW {
            let mut words = Words::of(text);
            if text.len() > SHORT {
                words.last = begin as u64;
            }
            few.resize(PLACES, (Words::default(), 0));
            few[hash as usize % PLACES] = (words, id + 1);
        } else {
            *few = Vec::new();
        }
        id
    }

    #[inline(always)]
    fn find_few(&self, words: Words, text: &[u8]) -> Option<u32> {
        let (known, next) = self.few.get(words.hash() as usize % PLACES)?;
        let same = *next > 0
            && known.first == words.first
            && known.len == words.len
            && if text.len() > SHORT {
                self.bytes[known.last as usize..][..text.len()] == *text
            } else {
                known.last == words.last
            };
        same.then(|| next - 1)
    }

    /// Are there so few texts that nothing is gained by hashing ahead?
    #[must_use]
    pub fn has_few(&self) -> bool {
        self.entries.len() <= FEW
    }

    /// The id of `text`, if it was seen.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        let words = Words::of(text);
        self.find_few(words, text).or_else(|| self.find_hashed(words.hash(), text))
    }

    /// The same, of a text whose hash is known.
    #[inline]
    #[must_use]
    pub fn find_hashed(&self, hash: u64, text: &[u8]) -> Option<u32> {
        let same = |e: &Entry| {
            e.len as usize == text.len() && self.bytes[e.begin..e.begin + e.len as usize] == *text
        };
        self.entries.find(hash, same).map(|e| e.id)
    }

    /// The text of an id; empty for one that was skipped.
    #[must_use]
    pub fn text(&self, id: u32) -> &[u8] {
        let i = id as usize;
        let begin = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[begin..self.ends[i]]
    }

    /// The ids of `chosen` in the order of their texts: by code point, which UTF-8 keeps. Are all distinct?
    #[must_use]
    pub fn sorted(&self, chosen: std::ops::Range<u32>) -> (Vec<u32>, bool) {
        // Eight bytes after those that all have in common decide nearly always, so comparing seldom leaves this array.
        let first = chosen.clone().next().map_or(&[][..], |id| self.text(id));
        let common = chosen.clone().fold(first.len(), |n, id| {
            self.text(id).iter().zip(&first[..n]).take_while(|(a, b)| a == b).count()
        });
        let mut keys: Vec<(u64, u32)> =
            chosen.map(|id| (prefix(self.text(id).get(common..).unwrap_or_default()), id)).collect();
        pack(&mut keys);
        let mut keys = radix::sorted(&[&keys]);
        let mut distinct = true;
        for same in keys.chunk_by_mut(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            same.sort_unstable_by(|a, b| self.text(a.1).cmp(self.text(b.1)));
            distinct &= same.windows(2).all(|pair| self.text(pair[0].1) != self.text(pair[1].1));
        }
        (keys.into_iter().map(|(_, id)| id).collect(), distinct)
    }

    /// The hash of `text`, for [`TextTable::insert_hashed`] and [`TextTable::find_hashed`]: where many texts are asked
    /// for, hashing some ahead lets their loads from memory overlap.
    #[inline]
    #[must_use]
    pub fn hash(text: &[u8]) -> u64 {
        hash(text)
    }
}

/// Leaves out bits that say nothing of the order, those of each byte from the highest on that is the same in all keys: few
/// are left of digits or of small letters, so that fewer passes sort them.
fn pack(keys: &mut [(u64, u32)]) {
    let first = keys.first().map_or(0, |key| key.0);
    let differs = keys.iter().fold(0, |bits, key| bits | (key.0 ^ first));
    let bytes: Vec<(u32, u32)> = (0..8)
        .rev()
        .map(|byte| (8 * byte, u8::BITS - ((differs >> (8 * byte)) as u8).leading_zeros()))
        .filter(|(_, bits)| *bits > 0)
        .collect();
    for (key, _) in keys {
        *key =
            bytes.iter().fold(0, |packed, (shift, bits)| packed << bits | *key >> shift & ((1 << bits) - 1));
    }
}

fn prefix(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let n = text.len().min(8);
    bytes[..n].copy_from_slice(&text[..n]);
    u64::from_be_bytes(bytes)
}

impl Table for TextTable {
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Ids that were skipped there have to be skipped here at the same places.
    fn merge(&mut self, other: &Self) -> Vec<u32> {
        let mut map: Vec<u32> = (0..other.ends.len() as u32).collect();
        let mut entries: Vec<&Entry> = other.entries.iter().collect();
        entries.sort_unstable_by_key(|e| e.id);
        for e in entries {
            map[e.id as usize] = self.insert(other.text(e.id));
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_are_those_of_first_appearance_and_merge(
            // Short and long ones, few and many.
            texts in prop::collection::vec(prop_oneof!["[a-c\u{e9}\u{10000}]{0,10}", "[ab]{14,19}"], 0..200),
            cut in 0..200usize,
        ) {
            let cut = cut.min(texts.len());
            let mut whole = TextTable::new();
            let ids: Vec<u32> = texts.iter().map(|t| whole.insert(t.as_bytes())).collect();
            let mut hashed = TextTable::new();
            let ahead = |t: &String| hashed.insert_hashed(TextTable::hash(t.as_bytes()), t.as_bytes());
            prop_assert_eq!(&texts.iter().map(ahead).collect::<Vec<_>>(), &ids);
            let (mut a, mut b) = (TextTable::new(), TextTable::new());
            let mut parts: Vec<u32> = texts[..cut].iter().map(|t| a.insert(t.as_bytes())).collect();
            let there: Vec<u32> = texts[cut..].iter().map(|t| b.insert(t.as_bytes())).collect();
            let map = a.merge(&b);
            parts.extend(there.iter().map(|&id| map[id as usize]));
            prop_assert_eq!(&parts, &ids);
            let sorted: Vec<&[u8]> = whole.sorted(0..whole.len() as u32).0.iter().map(|&id| whole.text(id)).collect();
            let mut expected: Vec<&str> = texts.iter().map(String::as_str).collect();
            expected.sort_by(|a, b| a.chars().cmp(b.chars()));
            expected.dedup();
            prop_assert_eq!(sorted, expected.iter().map(|t| t.as_bytes()).collect::<Vec<_>>());
            for (t, id) in texts.iter().zip(&ids) {
                prop_assert_eq!(whole.find(t.as_bytes()), Some(*id));
            }
            prop_assert_eq!(whole.find(b"never"), None);
        }
    }

    #[test]
    fn many_texts_are_sorted_and_repeated_ones_told() {
        let text = |i: u32| format!("common {}{}\u{e9}", i * 7919 % 5000, "tail".repeat(i as usize % 4));
        let mut texts: Vec<String> = (0..5000).map(text).collect();
        let list = |texts: &[String]| {
            let mut table = TextTable::new();
            texts.iter().for_each(|text| _ = table.list(text.as_bytes()));
            let (order, distinct) = table.sorted(0..texts.len() as u32);
            (order.into_iter().map(|id| texts[id as usize].clone()).collect::<Vec<_>>(), distinct)
        };
        let mut expected = texts.clone();
        expected.sort();
        assert_eq!(list(&texts), (expected, true));
        texts[4000] = texts[17].clone();
        assert!(!list(&texts).1);
    }
}
