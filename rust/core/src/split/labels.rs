//! Classes of labels, coded in the order in which they first appear.
//!
//! Integers in a narrow range are looked up in a table, everything else in a hash table.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::encode::{Table, TextTable};

/// The class of every row.
pub struct Classes {
    /// Class of each row: 0 is the class of the first row, 1 the next one that appears, and so on.
    pub codes: Vec<u32>,
    /// Rows of each class.
    pub counts: Vec<u32>,
    /// The classes in ascending order of their labels.
    pub ascending: Vec<u32>,
    /// Are all labels whole numbers, or no numbers at all?
    pub whole: bool,
}

/// A label that is a number.
pub trait Label: Copy {
    /// A number that is equal where labels are equal, and in the same order; `None` for NaN and infinities.
    fn key(self) -> Option<u64>;
    /// The same for labels that are whole numbers within 64 bits: close labels have close keys.
    fn whole_key(self) -> Option<u64> {
        self.key()
    }
}

macro_rules! integer_label {
    ($($t:ty, $key:expr;)*) => {$(
        impl Label for $t {
            #[inline(always)]
            fn key(self) -> Option<u64> {
                let key: fn($t) -> u64 = $key;
                Some(key(self))
            }
        }
    )*};
}

const SIGN: u64 = 1 << 63;

integer_label! {
    bool, u64::from;
    u8, u64::from;
    u16, u64::from;
    u32, u64::from;
    u64, |x| x;
    i8, |x| (i64::from(x) as u64) ^ SIGN;
    i16, |x| (i64::from(x) as u64) ^ SIGN;
    i32, |x| (i64::from(x) as u64) ^ SIGN;
    i64, |x| (x as u64) ^ SIGN;
}

impl Label for f64 {
    #[inline(always)]
    fn key(self) -> Option<u64> {
        let bits = (self + 0.0).to_bits(); // -0.0 becomes 0.0
        self.is_finite().then_some(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }
    #[inline(always)]
    fn whole_key(self) -> Option<u64> {
        let whole = self as i64;
        // The upper end of i64 is no f64, so that what saturates is not equal.
        (whole as f64 == self && self < 9_223_372_036_854_775_808.0).then_some((whole as u64) ^ SIGN)
    }
}

impl Label for f32 {
    #[inline(always)]
    fn key(self) -> Option<u64> {
        f64::from(self).key()
    }
    #[inline(always)]
    fn whole_key(self) -> Option<u64> {
        f64::from(self).whole_key()
    }
}

const NO_CODE: u32 = u32::MAX;

impl Classes {
    /// The classes of numbers; `None` if one of them is NaN or infinite.
    #[must_use]
    pub fn of_numbers<L: Label>(labels: &[L]) -> Option<Self> {
        let (mut low, mut high, mut whole) = (u64::MAX, 0, true);
        for label in labels {
            match label.whole_key() {
                Some(key) => {
                    low = low.min(key);
                    high = high.max(key);
                }
                None => {
                    whole = false;
                    break;
                }
            }
        }
        if !whole {
            return hashed(labels, L::key).map(|classes| Self { whole: false, ..classes });
        }
        // A table of at most some 8 bytes a row costs less than hashing.
        if high.saturating_sub(low) > 2 * labels.len() as u64 + 64 {
            return hashed(labels, L::whole_key);
        }
        let mut table = vec![NO_CODE; high.saturating_sub(low) as usize + 1];
        let mut keys = Vec::new();
        let codes = labels
            .iter()
            .map(|label| {
                let at = label.whole_key().unwrap_or(low).wrapping_sub(low) as usize;
                let code = &mut table[at];
                if *code == NO_CODE {
                    *code = keys.len() as u32;
                    keys.push(at as u64);
                }
                *code
            })
            .collect();
        Some(Self::new(codes, sorted(&keys)))
    }

    /// The classes of rows whose texts were numbered by `texts`, one after another.
    #[must_use]
    pub fn of_texts(codes: Vec<u32>, texts: &TextTable) -> Self {
        let ascending = texts.sorted(0..texts.len() as u32).0;
        Self::new(codes, ascending)
    }

    /// The place of each row's class among the ascending ones.
    pub fn ranks(&self) -> impl Iterator<Item = u32> + '_ {
        let mut places = vec![0; self.ascending.len()];
        for (place, &code) in (0..).zip(&self.ascending) {
            places[code as usize] = place;
        }
        self.codes.iter().map(move |&code| places[code as usize])
    }

    /// The first row of each class, in ascending order of the labels.
    #[must_use]
    pub fn firsts(&self) -> Vec<usize> {
        let mut rows = Vec::with_capacity(self.ascending.len());
        for (row, &code) in self.codes.iter().enumerate() {
            if rows.len() == self.ascending.len() {
                break;
            }
            if code as usize == rows.len() {
                rows.push(row);
            }
        }
        self.ascending.iter().map(|&code| rows[code as usize]).collect()
    }

    fn new(codes: Vec<u32>, ascending: Vec<u32>) -> Self {
        let counts = count(&codes, ascending.len());
        Self { codes, counts, ascending, whole: true }
    }
}

/// The classes in ascending order of their keys.
fn sorted<K: Ord>(keys: &[K]) -> Vec<u32> {
    let mut ascending: Vec<u32> = (0..keys.len() as u32).collect();
    ascending.sort_unstable_by_key(|&code| &keys[code as usize]);
    ascending
}

fn hashed<L: Label>(labels: &[L], key: impl Fn(L) -> Option<u64>) -> Option<Classes> {
    let hasher = FixedState::default();
    let mut table: HashTable<u32> = HashTable::new();
    let mut keys: Vec<u64> = Vec::new();
    let mut codes = Vec::with_capacity(labels.len());
    for &label in labels {
        let key = key(label)?;
        let entry = table.entry(
            hasher.hash_one(key),
            |&code| keys[code as usize] == key,
            |&code| hasher.hash_one(keys[code as usize]),
        );
        codes.push(*entry.or_insert(keys.len() as u32).get());
        if codes.last() == Some(&(keys.len() as u32)) {
            keys.push(key);
        }
    }
    Some(Classes::new(codes, sorted(&keys)))
}

/// How often each code appears. Four counters a class, so that equal neighbours do not wait on each other.
fn count(codes: &[u32], classes: usize) -> Vec<u32> {
    let mut tables = vec![0_u32; 4 * classes];
    let (groups, rest) = codes.as_chunks::<4>();
    for group in groups {
        for (lane, &code) in group.iter().enumerate() {
            tables[code as usize * 4 + lane] += 1;
        }
    }
    for &code in rest {
        tables[code as usize * 4] += 1;
    }
    tables.chunks_exact(4).map(|lanes| lanes.iter().sum()).collect()
}

/// Texts in rows of equally many code points, padded with zeros: NumPy's fixed-width strings.
pub struct TextRows<'a> {
    /// All code points.
    pub points: &'a [u32],
    /// Code points of a row.
    pub width: usize,
}

impl TextRows<'_> {
    /// The classes of the rows.
    #[must_use]
    pub fn classes(&self) -> Classes {
        let hasher = FixedState::default();
        let mut table: HashTable<u32> = HashTable::new();
        let mut firsts: Vec<&[u32]> = Vec::new();
        let codes = self
            .points
            .chunks_exact(self.width.max(1))
            .map(|text| {
                let entry = table.entry(
                    hasher.hash_one(text),
                    |&code| firsts[code as usize] == text,
                    |&code| hasher.hash_one(firsts[code as usize]),
                );
                let code = *entry.or_insert(firsts.len() as u32).get();
                if code as usize == firsts.len() {
                    firsts.push(text);
                }
                code
            })
            .collect();
        Classes::new(codes, sorted(&firsts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_coded_as_they_appear_and_ranked_by_label() {
        let check = |classes: Classes| {
            assert_eq!(classes.codes, [0, 1, 0, 2, 2, 2]);
            assert_eq!(classes.counts, [2, 1, 3]);
            assert_eq!(classes.ascending, [1, 0, 2]);
            assert_eq!(classes.ranks().collect::<Vec<_>>(), [1, 0, 1, 2, 2, 2]);
            assert_eq!(classes.firsts(), [1, 0, 3]);
        };
        check(Classes::of_numbers(&[3_i8, -4, 3, 100, 100, 100]).unwrap());
        check(Classes::of_numbers(&[3_i64, i64::MIN, 3, i64::MAX, i64::MAX, i64::MAX]).unwrap());
        check(Classes::of_numbers(&[3_u64, 0, 3, u64::MAX, u64::MAX, u64::MAX]).unwrap());
        check(Classes::of_numbers(&[-0.0, -4.5, 0.0, 1e300, 1e300, 1e300]).unwrap());
        check(Classes::of_numbers(&[3.0_f32, -4.0, 3.0, 9.0, 9.0, 9.0]).unwrap());
        let points = ["b\0", "ab", "b\0", "é\0", "é\0", "é\0"]
            .iter()
            .flat_map(|t| t.chars().map(u32::from))
            .collect::<Vec<_>>();
        check(TextRows { points: &points, width: 2 }.classes());
        let mut texts = TextTable::new();
        let codes = ["b", "ab", "b", "é", "é", "é"].iter().map(|t| texts.insert(t.as_bytes())).collect();
        check(Classes::of_texts(codes, &texts));
        assert!(Classes::of_numbers(&[1.0, f64::NAN]).is_none());
        assert!(!Classes::of_numbers(&[1.5]).unwrap().whole);
        assert!(!Classes::of_numbers(&[9_223_372_036_854_775_808.0]).unwrap().whole);
        assert!(Classes::of_numbers(&[-9_223_372_036_854_775_808.0]).unwrap().whole);
    }
}
