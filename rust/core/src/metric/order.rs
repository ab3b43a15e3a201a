//! Keys whose ascending order is that of falling scores.

/// The key of a score.
#[inline(always)]
pub(super) fn key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    // The bits of a negative number rise as it falls; those of others are turned about, and come first.
    if bits >> 63 == 1 { bits } else { !bits & (u64::MAX >> 1) }
}

/// The score of a key.
#[inline(always)]
pub(super) fn score(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key } else { !key & (u64::MAX >> 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_as_scores_rise_and_lead_back() {
        let scores = [f64::MIN, -2.0, -f64::MIN_POSITIVE, -5e-324, 0.0, 5e-324, 1.0, 1.5, f64::MAX];
        for (a, b) in scores.iter().zip(&scores[1..]) {
            assert!(key(*a) > key(*b));
            assert_eq!((score(key(*a)), score(key(*b))), (*a, *b));
        }
        assert_eq!(key(-0.0), key(0.0));
    }
}
