//! `exp` of many values at once, with the bits of `libm::exp`.
//!
//! FreeBSD's e_exp.c, as the `libm` crate has it, without its branches: both sides are computed and one is chosen, so that
//! the compiler makes vectors of it. Values of 708.39 and more, infinities and NaN are left to the crate's own function.

use crate::ln2::{self, INV_LN2, LN2_HI, LN2_LO};

/// Below this size the result is a normal number, and 2^k too.
const PLAIN_BELOW: f64 = 708.39;

const P1: f64 = f64::from_bits(0x3fc5_5555_5555_553e);
const P2: f64 = f64::from_bits(0xbf66_c16c_16be_bd93);
const P3: f64 = f64::from_bits(0x3f11_566a_af25_de2c);
const P4: f64 = f64::from_bits(0xbebb_bd41_c5d2_6bf1);
const P5: f64 = f64::from_bits(0x3e66_3769_72be_a4d0);
/// 2^52: adding it and taking it away again rounds to a whole number.
const WHOLE: f64 = 4_503_599_627_370_496.0;
/// The exponent's offset.
const BIAS: f64 = 1_023.0;

/// `exp` of a value smaller in size than [`PLAIN_BELOW`]; without a branch.
#[inline(always)]
fn plain(x: f64) -> f64 {
    let high = (x.to_bits() >> 32) as u32 & 0x7fff_ffff;
    // x = k ln 2 + r, |r| <= 0.5 ln 2; k = trunc(x / ln 2 +- 0.5), or +-1 below 1.5 ln 2, or 0 below 0.5 ln 2.
    let steps = (INV_LN2 * x + 0.5_f64.copysign(x)).abs();
    let nearest = (steps + WHOLE) - WHOLE;
    let below = if nearest > steps { nearest - 1.0 } else { nearest };
    let size = if high >= 0x3ff0_a2b2 { below } else { 1.0 };
    let k = if high > 0x3fd6_2e42 { size.copysign(x) } else { 0.0 };
    let (hi, lo) = (x - k * LN2_HI, k * LN2_LO);
    let r = hi - lo;
    let rr = r * r;
    let c = r - rr * (P1 + rr * (P2 + rr * (P3 + rr * (P4 + rr * P5))));
    let y = 1.0 + (r * c / (2.0 - c) - lo + hi);
    // The low bits of k + bias + 2^52 are the exponent of 2^k.
    let power = f64::from_bits((k + (BIAS + WHOLE)).to_bits() << 52);
    if high > 0x3e30_0000 { y * power } else { 1.0 + x }
}

/// `exp` of each value, in place.
#[inline(always)]
pub(crate) fn each(values: &mut [f64]) {
    ln2::each(
        values,
        #[inline(always)]
        |x| x.abs() < PLAIN_BELOW,
        plain,
        libm::exp,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_same(values: &[f64]) {
        let mut found = values.to_vec();
        each(&mut found);
        for (x, y) in values.iter().zip(found) {
            assert_eq!(y.to_bits(), libm::exp(*x).to_bits(), "exp({x:e})");
        }
    }

    #[test]
    fn where_the_ways_part_the_bits_are_those_of_libm() {
        let mut values =
            vec![0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        for high in [0x3e30_0000_u64, 0x3fd6_2e42, 0x3ff0_a2b2, 0x4086_232b] {
            for bits in
                [(high << 32) - 1, high << 32, (high << 32) + 1, (high + 1) << 32, ((high + 1) << 32) - 1]
            {
                values.extend([f64::from_bits(bits), -f64::from_bits(bits)]);
            }
        }
        // About the half steps of ln 2, where k changes, and about the largest values.
        for half in 0..2_050 {
            let at = f64::from(half) * 0.5 * core::f64::consts::LN_2;
            for ulps in 0..5 {
                let x = f64::from_bits(at.to_bits().saturating_sub(2) + ulps);
                values.extend([x, -x]);
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
                -750.0..750.0f64, -2.0..2.0f64, -1e-7..1e-7f64, any::<f64>(), any::<u64>().prop_map(f64::from_bits)
            ], 0..200),
            narrow in prop::collection::vec(-708.0..708.0f64, 0..200),
        ) {
            assert_same(&narrow);
            let numbers: Vec<f64> = values.into_iter().filter(|x| !x.is_nan()).collect();
            assert_same(&numbers);
        }
    }
}
