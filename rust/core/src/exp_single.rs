//! `exp` of many values in single precision at once, with the bits of `libm::expf`.
//!
//! FreeBSD's e_expf.c, as the `libm` crate has it, without its branches (see [`crate::exp`]). Values of 87.33 and more,
//! infinities and NaN are left to the crate's own function.

use crate::ln2;

/// Below this size the result is a normal number, and 2^k too.
const PLAIN_BELOW: f32 = 87.33;

const LN2_HI: f32 = f32::from_bits(0x3f31_7200);
const LN2_LO: f32 = f32::from_bits(0x35bf_be8e);
const INV_LN2: f32 = f32::from_bits(0x3fb8_aa3b);
const P1: f32 = f32::from_bits(0x3e2a_aa8f);
const P2: f32 = f32::from_bits(0xbb35_5215);
/// The exponent's offset.
const BIAS: i32 = 127;

/// `exp` of a value smaller in size than [`PLAIN_BELOW`]; without a branch.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "k + bias lies between 1 and 253")]
fn plain(x: f32) -> f32 {
    let size = x.to_bits() & 0x7fff_ffff;
    // x = k ln 2 + r, |r| <= 0.5 ln 2; k = trunc(x / ln 2 +- 0.5), or +-1 below 1.5 ln 2, or 0 below 0.5 ln 2.
    let steps = (INV_LN2 * x + 0.5_f32.copysign(x)) as i32;
    let one = if x < 0.0 { -1 } else { 1 };
    let k = if size > 0x3f85_1592 { steps } else { one };
    let k = if size > 0x3eb1_7218 { k } else { 0 };
    let (hi, lo) = (x - k as f32 * LN2_HI, k as f32 * LN2_LO);
    let r = hi - lo;
    let rr = r * r;
    let c = r - rr * (P1 + rr * P2);
    let y = 1.0 + (r * c / (2.0 - c) - lo + hi);
    let power = f32::from_bits(((k + BIAS) as u32) << 23);
    if size > 0x3900_0000 { y * power } else { 1.0 + x }
}

/// `exp` of each value, in place.
#[inline(always)]
pub(crate) fn each(values: &mut [f32]) {
    ln2::each(
        values,
        #[inline(always)]
        |x| x.abs() < PLAIN_BELOW,
        plain,
        libm::expf,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_same(bits: impl Iterator<Item = u32>) {
        let values: Vec<f32> = bits.map(f32::from_bits).filter(|x| !x.is_nan()).collect();
        // Large ones among small ones would have all go one way.
        for part in [true, false] {
            let values: Vec<f32> =
                values.iter().copied().filter(|x| (x.abs() < PLAIN_BELOW) == part).collect();
            let mut found = values.clone();
            crate::simd::dispatch!(each(&mut found));
            for (x, y) in values.iter().zip(found) {
                assert_eq!(y.to_bits(), libm::expf(*x).to_bits(), "exp({x:e})");
            }
        }
    }

    #[test]
    fn values_all_over_have_the_bits_of_libm() {
        // A step that is odd, so that low bits differ; by a step of 1 all of them were seen to agree.
        assert_same((0..=u32::MAX).step_by(4_099));
    }

    #[test]
    fn where_the_ways_part_the_bits_are_those_of_libm() {
        for size in [0_u32, 0x3900_0000, 0x3eb1_7218, 0x3f85_1592, 0x42ae_ac50, 0x42b1_7218, 0x42cf_f1b5] {
            let about = size.saturating_sub(3)..=size + 3;
            assert_same(about.clone());
            assert_same(about.map(|bits| bits | 0x8000_0000));
        }
    }
}
