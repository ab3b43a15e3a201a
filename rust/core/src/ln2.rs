//! ln 2 as a sum of two: what `exp`, `exp(x) - 1` and `ln` by vectors share.

/// Its upper bits: the product with a binary exponent is exact.
pub(crate) const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// The rest of it.
pub(crate) const LN2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// 1 / ln 2
pub(crate) const INV_LN2: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
/// Values of a block, which stays in registers and the first-level cache.
pub(crate) const BLOCK: usize = 64;

/// Each value in place: by `plain`, which has no branch, in blocks of values that all `suit` it, else by `any`.
#[inline(always)]
pub(crate) fn each<T: Copy>(
    values: &mut [T],
    suits: impl Fn(T) -> bool,
    plain: impl Fn(T) -> T,
    any: impl Fn(T) -> T,
) {
    for block in values.chunks_mut(BLOCK) {
        if block.iter().fold(true, |all, x| all & suits(*x)) {
            for x in block {
                *x = plain(*x);
            }
        } else {
            for x in block {
                *x = any(*x);
            }
        }
    }
}
