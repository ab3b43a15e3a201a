//! A tile of a column as keys, what is missing marked: what every way to count modes reads.

use ndarray::ArrayView1;

use super::Missing;
use super::mode::Key;

/// Rows of a tile, at most: what is read together with it then stays in the first-level cache.
pub const TILE: usize = 256;

/// Values that are compared side by side.
const LANES: usize = 16;

/// The keys of at most [`TILE`] values.
pub struct Tile {
    keys: [u64; TILE],
    /// 1 where a value is there, 0 where it is missing.
    there: [u8; TILE],
    rows: usize,
    /// How many are there?
    pub count: usize,
    /// Was there a value that may not occur?
    pub refused: bool,
}

impl Default for Tile {
    fn default() -> Self {
        Self { keys: [0; TILE], there: [0; TILE], rows: 0, count: 0, refused: false }
    }
}

impl Tile {
    /// Reads a column of at most [`TILE`] values.
    #[inline(always)]
    pub fn read<T: Key>(&mut self, column: ArrayView1<'_, T>, missing: Missing<T>) {
        self.rows = column.len().min(TILE);
        (self.count, self.refused) = (0, false);
        if self.rows == 0 {
            return;
        }
        // Gathered first: the rest then runs on whole vectors.
        let mut values = [column[0]; TILE];
        let values = &mut values[..self.rows];
        for (to, i) in values.iter_mut().zip(0..) {
            *to = column[i];
        }
        // A loop for each kind: to ask for it at each value would take a third of all the time.
        match missing {
            Missing::Nan => self.mark(values, Key::is_nan),
            Missing::Value(marker) => self.mark(values, |v| v == marker),
        }
    }

    #[inline(always)]
    fn mark<T: Key>(&mut self, values: &[T], missing: impl Fn(T) -> bool) {
        let (mut count, mut refused) = (0_u32, 0_u8);
        for ((v, key), there) in values.iter().zip(&mut self.keys).zip(&mut self.there) {
            let not = missing(*v);
            *key = v.key();
            *there = u8::from(!not);
            count += u32::from(!not);
            refused |= u8::from(!not & !v.is_finite());
        }
        (self.count, self.refused) = (count as usize, refused != 0);
    }

    /// The keys, and for each 1 if its value is there, 0 if it is missing.
    #[inline(always)]
    pub fn marked(&self) -> (&[u64], &[u8]) {
        (&self.keys[..self.rows], &self.there[..self.rows])
    }

    /// The smallest key of what is there.
    #[inline(always)]
    pub fn smallest(&self) -> u64 {
        let (keys, there) = self.marked();
        let of = |key: u64, there: u8| if there == 1 { key } else { u64::MAX };
        // Lane by lane, since one chain of minima is not made into vectors.
        let mut lanes = [u64::MAX; LANES];
        let (keys, last) = keys.as_chunks::<LANES>();
        let (there, last_there) = there.as_chunks::<LANES>();
        for (keys, there) in keys.iter().zip(there) {
            for k in 0..LANES {
                lanes[k] = lanes[k].min(of(keys[k], there[k]));
            }
        }
        let rest = last.iter().zip(last_there).map(|(key, there)| of(*key, *there));
        lanes.into_iter().chain(rest).fold(u64::MAX, u64::min)
    }

    /// Writes the keys of what is there to the front of `out`, which has room for all.
    #[inline(always)]
    pub fn write(&self, out: &mut [u64]) {
        let (keys, there) = self.marked();
        if self.count == self.rows {
            return out[..self.rows].copy_from_slice(keys);
        }
        let out = &mut out[..self.rows];
        let mut at = 0;
        for (key, there) in keys.iter().zip(there) {
            out[at] = *key;
            at += usize::from(*there);
        }
    }
}
