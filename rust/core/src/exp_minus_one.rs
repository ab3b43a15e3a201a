//! `exp(x) - 1` of many values at once, to about one unit in the last place, with the same bits on every target.
//!
//! `x = k ln 2 + r`, `|r| <= ln 2 / 2`; the Taylor series of `exp(r) - 1` to the 14th power leaves out less than 1e-17
//! of it; `exp(x) - 1 = 2 (2^(k-1) p + 2^(k-1) - 1/2)` loses nothing where `k` is 0.

use crate::ln2::{INV_LN2, LN2_HI, LN2_LO};

/// 1.5 * 2^52: adding it and taking it away again rounds to a whole number, of either sign.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// 2^52, whose low bits take the exponent.
const PLACE: f64 = 4_503_599_627_370_496.0;
/// The exponent's offset.
const BIAS: f64 = 1_023.0;
/// Beyond, the result is infinite ...
const ABOVE: f64 = 709.782_712_893_384;
/// ... and below, it is -1.
const BELOW: f64 = -60.0;

/// 2^-60: the square is nothing beside it.
const SMALL: f64 = f64::from_bits((1_023 - 60) << 52);

/// 1/2!, 1/3!, ..., 1/14!
const TERMS: [f64; 13] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
    1.0 / 87_178_291_200.0,
];

/// `exp(x) - 1`
#[inline(always)]
pub(crate) fn one(x: f64) -> f64 {
    let inside = if x > BELOW { x } else { BELOW };
    let inside = if inside < ABOVE { inside } else { ABOVE };
    let k = (inside * INV_LN2 + WHOLE) - WHOLE;
    let r = (inside - k * LN2_HI) - k * LN2_LO;
    let mut sum = TERMS[12];
    for i in (0..12).rev() {
        sum = sum * r + TERMS[i];
    }
    let p = r + r * r * sum;
    let half = f64::from_bits((k + (BIAS - 1.0 + PLACE)).to_bits() << 52);
    let y = 2.0 * (p * half + (half - 0.5));
    let y = if x > ABOVE { f64::INFINITY } else { y };
    // A NaN stays, and so does what is too small to be halved, with a zero's sign.
    if x.is_nan() | (x.abs() < SMALL) { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(x: f64) {
        let (found, expected) = (one(x), libm::expm1(x));
        let near = (found - expected).abs() <= 2.0 * f64::EPSILON * expected.abs();
        assert!(
            near || found == expected || (found.is_nan() && expected.is_nan()),
            "{x:e}: {found:e} {expected:e}"
        );
    }

    #[test]
    fn special_and_extreme_values() {
        for x in [
            0.0, 5e-324, 1e-300, 1e-17, 1e-8, 0.34, 0.35, 0.36, 36.0, 60.0, 700.0, 709.7, 709.78, 709.79, 1e4,
        ] {
            check(x);
            check(-x);
        }
        [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN, ABOVE].into_iter().for_each(check);
        for half in -2_000..2_050 {
            check(f64::from(half) * 0.5 * core::f64::consts::LN_2);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn within_two_units_of_libm(x in prop_oneof![-800.0..800.0f64, -2.0..2.0f64, -1e-7..1e-7f64, any::<f64>()]) {
            check(x);
        }
    }
}
