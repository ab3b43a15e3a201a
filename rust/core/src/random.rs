//! NumPy's legacy random stream: MT19937 as `numpy.random.RandomState` uses it.
//!
//! Matsumoto, Nishimura: Mersenne Twister (1998). Bounded integers by masked rejection, shuffles as
//! `RandomState.shuffle` and `permutation` do them: from the back, `j = interval(i)`.

use crate::simd;

const N: usize = 624;
const M: usize = 397;

/// The generator's state: 624 words and the place of the next one.
#[derive(Clone)]
pub struct Mt19937 {
    key: [u32; N],
    /// The words of `key`, tempered: what the stream hands out.
    words: [u32; N],
    pos: usize,
}

impl Mt19937 {
    /// `RandomState(seed)` for a seed below 2^32.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut key = [0; N];
        key[0] = seed;
        for i in 1..N {
            let prev = key[i - 1];
            key[i] = 1_812_433_253_u32.wrapping_mul(prev ^ (prev >> 30)).wrapping_add(i as u32);
        }
        Self { key, words: [0; N], pos: N }
    }

    /// The stream that `RandomState.get_state()` describes.
    #[must_use]
    pub fn from_state(key: [u32; N], pos: usize) -> Self {
        let mut words = [0; N];
        temper(&key, &mut words);
        Self { key, words, pos: pos.min(N) }
    }

    /// The 624 words and the position, as `RandomState.set_state` takes them.
    #[must_use]
    pub fn state(&self) -> (&[u32; N], usize) {
        (&self.key, self.pos)
    }

    /// The next 624 words at once, by vectors.
    fn refill(&mut self) {
        simd::dispatch!({
            // Each word needs the next one and the one 397 on, round about: three runs, each reading only words that
            // are still old ahead of it, or new behind it.
            let (head, tail) = self.key.split_at_mut(N - M);
            let last = tail[M - 1];
            for i in 0..N - M - 1 {
                head[i] = tail[i + 2 * M - N] ^ twist(head[i], head[i + 1]);
            }
            let end = N - M - 1;
            head[end] = tail[M - 1] ^ twist(head[end], tail[0]);
            for i in 0..N - M {
                tail[i] = head[i] ^ twist(tail[i], tail[i + 1]);
            }
            let (behind, ahead) = tail.split_at_mut(N - M);
            for i in 0..2 * M - N - 1 {
                ahead[i] = behind[i] ^ twist(ahead[i], ahead[i + 1]);
            }
            ahead[2 * M - N - 1] = behind[2 * M - N - 1] ^ twist(last, head[0]);
            temper(&self.key, &mut self.words);
        });
        self.pos = 0;
    }

    /// 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.pos == N {
            self.refill();
        }
        self.pos += 1;
        self.words[self.pos - 1]
    }

    /// A uniform integer in `0..=max`, by masked rejection (`random_interval` in NumPy), for `max < 2^32`.
    #[inline]
    pub fn interval(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let value = self.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// A uniform double in `[0, 1)` of 53 bits (`random_sample`).
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// `out[i - first] = interval(i)`, drawn for the last `i` first, as a shuffle does. `first` is at least 1.
    ///
    /// Rejections cost no branch: a rejected word is overwritten by the next one.
    pub fn intervals_down(&mut self, first: u32, out: &mut [u32]) {
        let mut left = out.len();
        while left > 0 {
            let i = first + (left - 1) as u32;
            let mask = u32::MAX >> i.leading_zeros();
            // The numbers that share this mask end above mask / 2.
            let until = ((mask >> 1) + 1).saturating_sub(first) as usize;
            while left > until {
                if self.pos == N {
                    self.refill();
                }
                // So many words cannot accept beyond `until`.
                let take = (left - until).min(N - self.pos);
                let mut i = first + (left - 1) as u32;
                for word in &self.words[self.pos..self.pos + take] {
                    let value = word & mask;
                    out[(i - first) as usize] = value;
                    i -= u32::from(value <= i);
                }
                left = (i + 1 - first) as usize;
                self.pos += take;
            }
        }
    }

    /// `RandomState.shuffle`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let mut picks = [0; 2048];
        let mut end = items.len();
        while end > 1 {
            let begin = end.saturating_sub(picks.len()).max(1);
            let picks = &mut picks[..end - begin];
            self.intervals_down(begin as u32, picks);
            for (i, &j) in picks.iter().enumerate().rev() {
                items.swap(begin + i, j as usize);
            }
            end = begin;
        }
    }
}

#[inline(always)]
fn twist(u: u32, v: u32) -> u32 {
    let y = (u & 0x8000_0000) | (v & 0x7fff_ffff);
    (y >> 1) ^ (0x9908_b0df & 0u32.wrapping_sub(v & 1))
}

#[inline(always)]
fn temper(key: &[u32; N], words: &mut [u32; N]) {
    for (word, &y) in words.iter_mut().zip(key) {
        let y = y ^ (y >> 11);
        let y = y ^ ((y << 7) & 0x9d2c_5680);
        let y = y ^ ((y << 15) & 0xefc6_0000);
        *word = y ^ (y >> 18);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_numpys() {
        // numpy.random.RandomState(42).randint(0, 2**32, 4, dtype="u4"), RandomState(0).permutation(8), .random_sample()
        let mut rng = Mt19937::new(42);
        assert_eq!([(); 4].map(|()| rng.next_u32()), [1608637542, 3421126067, 4083286876, 787846414]);
        let mut items: Vec<u32> = (0..8).collect();
        Mt19937::new(0).shuffle(&mut items);
        assert_eq!(items, [6, 2, 1, 7, 3, 0, 5, 4]);
        assert_eq!(Mt19937::new(7).next_f64(), 0.07630828937395717);
    }
    #[test]
    fn drawing_many_at_once_leaves_the_stream_where_drawing_singly_does() {
        for n in [1_u32, 2, 3, 7, 8, 9, 100, 623, 624, 625, 5000, 70_000] {
            let (mut a, mut b) = (Mt19937::new(n), Mt19937::new(n));
            for skip in 0..3 {
                let mut many = vec![0; n as usize];
                a.intervals_down(1 + skip, &mut many);
                let mut single: Vec<u32> = (0..n).rev().map(|i| b.interval(i + 1 + skip)).collect();
                single.reverse();
                assert_eq!(many, single);
                assert_eq!(a.state(), b.state());
            }
            let (key, pos) = a.state();
            let mut c = Mt19937::from_state(*key, pos);
            assert_eq!(c.next_u32(), b.next_u32());
        }
    }
}
