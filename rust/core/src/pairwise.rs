//! Sums in the order of NumPy's, so that they have its bits.

use crate::float::Float;

/// NumPy's sum of contiguous values: eight at a time, halves of more than 128 by themselves.
pub fn pairwise<T: Float>(values: &[T]) -> T {
    const BLOCK: usize = 128;
    const LANES: usize = 8;
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (a, b) = values.split_at(half - half % LANES);
        return pairwise(a) + pairwise(b);
    }
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut sum = T::ZERO;
    if let Some((first, groups)) = groups.split_first() {
        let mut r = *first;
        for group in groups {
            for k in 0..LANES {
                r[k] += group[k];
            }
        }
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for &x in rest {
        sum += x;
    }
    sum
}
