//! `ln` and `ln(1 + x)` of many values at once, with the bits of `libm::log` and `libm::log1p`.
//!
//! FreeBSD's e_log.c and s_log1p.c, as the `libm` crate has them, without their branches: both sides are computed and one
//! is chosen, so that the compiler makes vectors of it. Blocks with a value that is special there are left to the crate.

use crate::ln2::{self, LN2_HI, LN2_LO};

const L1: f64 = f64::from_bits(0x3fe5_5555_5555_5593);
const L2: f64 = f64::from_bits(0x3fd9_9999_9997_fa04);
const L3: f64 = f64::from_bits(0x3fd2_4924_9422_9359);
const L4: f64 = f64::from_bits(0x3fcc_71c5_1d8e_78af);
const L5: f64 = f64::from_bits(0x3fc7_4664_96cb_03de);
const L6: f64 = f64::from_bits(0x3fc3_9a09_d078_c69f);
const L7: f64 = f64::from_bits(0x3fc2_f112_df3e_5244);
/// The high word of sqrt(2) / 2.
const HALF_ROOT: u64 = 0x3fe6_a09e;
/// The high word of 1.
const ONE: u64 = 0x3ff0_0000;
/// From here on 1 + x is taken apart.
const PLAIN_BELOW: f64 = f64::from_bits(0x3fda_827a_0000_0000);
/// 2^52 and its bits: whole numbers below it are the low bits of their sum with it.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// `(k, f)`: `u = 2^k (1 + f)`, `sqrt(2)/2 <= 1 + f < sqrt(2)`, of a normal positive `u`.
#[inline(always)]
fn take_apart(u: f64) -> (f64, f64) {
    let bits = u.to_bits();
    let high = (bits >> 32) + (ONE - HALF_ROOT);
    let k = f64::from_bits(WHOLE.to_bits() | (high >> 20)) - (WHOLE + 1_023.0);
    let f = f64::from_bits((((high & 0x000f_ffff) + HALF_ROOT) << 32) | (bits & 0xffff_ffff)) - 1.0;
    (k, f)
}

/// `ln(2^k (1 + f)) + c`, but for the last two terms, which the two functions add in their own order.
#[inline(always)]
fn series(f: f64) -> (f64, f64) {
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (L2 + w * (L4 + w * L6));
    let odd = z * (L1 + w * (L3 + w * (L5 + w * L7)));
    (s * (half + (odd + even)), half)
}

/// `ln` of a normal positive number.
#[inline(always)]
pub(crate) fn plain_ln(x: f64) -> f64 {
    let (k, f) = take_apart(x);
    let (sum, half) = series(f);
    sum + k * LN2_LO - half + f + k * LN2_HI
}

#[inline(always)]
fn plain_ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let (k, f) = take_apart(u);
    // What was lost in 1 + x; nothing of it is left from 2^54 on.
    let lost = if k >= 2.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let c = if k < 54.0 { lost / u } else { 0.0 };
    let small = x < PLAIN_BELOW;
    let (k, f, c) = (if small { 0.0 } else { k }, if small { x } else { f }, if small { 0.0 } else { c });
    let (sum, half) = series(f);
    sum + (k * LN2_LO + c) - half + f + k * LN2_HI
}

/// `ln` of each value, in place.
#[inline(always)]
pub fn ln_each(values: &mut [f64]) {
    ln2::each(
        values,
        #[inline(always)]
        |x| (f64::MIN_POSITIVE..f64::INFINITY).contains(&x),
        plain_ln,
        libm::log,
    );
}

/// `ln(1 + x)` of each value, in place; quick where none is negative.
#[inline(always)]
pub(crate) fn ln_1p_each(values: &mut [f64]) {
    ln2::each(
        values,
        #[inline(always)]
        |x| (0.0..f64::INFINITY).contains(&x),
        plain_ln_1p,
        libm::log1p,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_same(values: &[f64]) {
        let (mut a, mut b) = (values.to_vec(), values.to_vec());
        ln_each(&mut a);
        ln_1p_each(&mut b);
        for (i, x) in values.iter().enumerate() {
            assert!(a[i].to_bits() == libm::log(*x).to_bits() || a[i].is_nan(), "ln({x:e})");
            // A zero's sign aside.
            assert!(b[i] == libm::log1p(*x) || b[i].is_nan(), "ln(1 + {x:e})");
        }
    }

    #[test]
    fn where_the_ways_part_the_bits_are_those_of_libm() {
        let mut values = vec![0.0, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NAN, -1.0, 1.0, f64::MAX];
        for high in
            [0x3fda_827a_u64, 0x3fe6_a09e, 0x3ff0_0000, 0x3ff6_a09e, 0x3ca0_0000, 0x4340_0000, 0x4350_0000]
        {
            for bits in [(high << 32) - 1, high << 32, (high << 32) + 1, (high + 1) << 32] {
                values.push(f64::from_bits(bits));
            }
        }
        values.iter().for_each(|x| assert_same(&[*x]));
        assert_same(&values);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn every_value_has_the_bits_of_libm(
            values in prop::collection::vec(prop_oneof![
                0.0..10.0f64, 0.0..1e-7f64, 0.0..1e300f64, any::<f64>().prop_map(f64::abs)
            ], 0..200),
        ) {
            assert_same(&values);
        }
    }
}
