//! Features numbered by the hash of their names: MurmurHash3, its 32-bit form with the seed 0, as scikit-learn has it.
//!
//! Agrees with scikit-learn's `FeatureHasher`. Rows come one after another, and are closed sorted by column, entries of
//! one column added up.

use crate::float::Float;

/// MurmurHash3_x86_32 with the seed 0.
#[must_use]
pub fn murmur3(bytes: &[u8]) -> i32 {
    let scrambled = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = 0_u32;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        hash ^= scrambled(u32::from_le_bytes(*word));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        // Not through memory: a load of what was just stored in other widths would wait.
        let last = tail.iter().rev().fold(0, |last, byte| last << 8 | u32::from(*byte));
        hash ^= scrambled(last);
    }
    hash ^= bytes.len() as u32;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)) as i32
}

/// The CSR parts of hashed rows.
pub struct HashedRows<T> {
    columns: u32,
    alternate: bool,
    row: Vec<(i32, T)>,
    /// Values, row after row.
    pub values: Vec<T>,
    /// Their columns, ascending within a row.
    pub indices: Vec<i32>,
    /// Where each row ends, after a leading 0.
    pub ends: Vec<i64>,
}

impl<T: Float> HashedRows<T> {
    /// For rows of so many `columns` (1 at least), where every other name counts negatively if `alternate`.
    #[must_use]
    pub fn new(columns: u32, alternate: bool) -> Self {
        Self {
            columns: columns.max(1),
            alternate,
            row: Vec::new(),
            values: Vec::new(),
            indices: Vec::new(),
            ends: vec![0],
        }
    }

    /// Adds a feature to the row at hand; nothing if its value is zero.
    pub fn push(&mut self, name: &[u8], value: f64) {
        if value == 0.0 {
            return;
        }
        let hash = murmur3(name);
        let value = if self.alternate && hash < 0 { -value } else { value };
        self.row.push(((hash.unsigned_abs() % self.columns) as i32, T::from_f64(value)));
    }

    /// Makes space for so many rows in all, if the others are like those until now; does without if there is none.
    pub fn expect(&mut self, rows: usize) {
        let (done, found) = (self.ends.len() - 1, self.indices.len());
        let left = rows.saturating_sub(done);
        let features = found.saturating_mul(left) / done.max(1);
        let features = features + features / 16;
        let _ = self.ends.try_reserve(left);
        let _ = self.indices.try_reserve(features);
        let _ = self.values.try_reserve(features);
    }

    /// Ends the row at hand.
    pub fn close(&mut self) {
        self.row.sort_by_key(|entry| entry.0);
        let begin = self.indices.len();
        for &(column, value) in &self.row {
            if let (Some(last), Some(sum)) = (self.indices[begin..].last(), self.values.last_mut())
                && *last == column
            {
                *sum += value;
            } else {
                self.indices.push(column);
                self.values.push(value);
            }
        }
        self.row.clear();
        self.ends.push(self.indices.len() as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        // From the reference implementation's users: the empty text, and texts of each remainder by four.
        assert_eq!(murmur3(b"") as u32, 0);
        assert_eq!(murmur3(b"test") as u32, 0xba6b_d213);
        assert_eq!(murmur3(b"Hello, world!") as u32, 0xc036_3e43);
        assert_eq!(murmur3(b"The quick brown fox jumps over the lazy dog") as u32, 0x2e4f_f723);
    }

    #[test]
    fn entries_of_a_column_are_added_up() {
        let mut rows = HashedRows::<f64>::new(1, false);
        rows.push(b"a", 2.0);
        rows.push(b"b", 0.0);
        rows.push(b"c", 0.5);
        rows.close();
        rows.close();
        assert_eq!((rows.values, rows.indices, rows.ends), (vec![2.5], vec![0], vec![0, 1, 1]));
    }
}
