//! NumPy's legacy random stream: MT19937 as `numpy.random.RandomState` uses it.
//!
//! Matsumoto, Nishimura: Mersenne Twister (1998). Bounded integers by masked rejection, shuffles as
//! `RandomState.shuffle` and `permutation` do them: from the back, `j = interval(i)`.

const N: usize = 624;
const M: usize = 397;

/// The generator's state: 624 words and the place of the next one.
#[derive(Clone)]
pub struct Mt19937 {
    key: [u32; N],
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
        Self { key, pos: N }
    }

    /// The stream that `RandomState.get_state()` describes.
    #[must_use]
    pub fn from_state(key: [u32; N], pos: usize) -> Self {
        Self { key, pos: pos.min(N) }
    }

    /// The 624 words and the position, as `RandomState.set_state` takes them.
    #[must_use]
    pub fn state(&self) -> (&[u32; N], usize) {
        (&self.key, self.pos)
    }

    fn refill(&mut self) {
        let twist = |u: u32, v: u32| {
            let y = (u & 0x8000_0000) | (v & 0x7fff_ffff);
            (y >> 1) ^ (0x9908_b0df & 0u32.wrapping_sub(v & 1))
        };
        for i in 0..N - M {
            self.key[i] = self.key[i + M] ^ twist(self.key[i], self.key[i + 1]);
        }
        for i in N - M..N - 1 {
            self.key[i] = self.key[i + M - N] ^ twist(self.key[i], self.key[i + 1]);
        }
        self.key[N - 1] = self.key[M - 1] ^ twist(self.key[N - 1], self.key[0]);
        self.pos = 0;
    }

    /// 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.pos == N {
            self.refill();
        }
        let mut y = self.key[self.pos];
        self.pos += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
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

    /// `RandomState.shuffle`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.interval(i as u32) as usize;
            items.swap(i, j);
        }
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
}
