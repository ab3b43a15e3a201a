//! The two floating-point types that kernels are generic over.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`. Input stays in its type; accumulators are `f64`.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Sum
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// The step from 1 to the next larger number.
    const EPSILON: Self;
    /// The smallest normal number.
    const TINY: Self;
    /// The largest number.
    const MAX: Self;
    /// Above every number.
    const INFINITY: Self;
    /// Widens to `f64`.
    fn to_f64(self) -> f64;
    /// Rounds an `f64` to this type.
    fn from_f64(x: f64) -> Self;
    /// The smallest value of this type that is not below `x`.
    fn from_f64_up(x: f64) -> Self;
    /// Is this NaN?
    fn is_nan(self) -> bool;
    /// Neither NaN nor infinite?
    fn is_finite(self) -> bool;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root, correctly rounded on every target.
    fn sqrt(self) -> Self;
    /// `exp` by the `libm` crate: the same bits on every target.
    fn exp(self) -> Self;
    /// [`Float::exp`] of each value, in place.
    fn exp_each(values: &mut [Self]);
    /// `ln` by the `libm` crate: the same bits on every target.
    fn ln(self) -> Self;
}

macro_rules! float {
    ($t:ty, $exp:path, $exp_each:expr, $ln:path) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = <$t>::NAN;
            const EPSILON: Self = <$t>::EPSILON;
            const TINY: Self = <$t>::MIN_POSITIVE;
            const MAX: Self = <$t>::MAX;
            const INFINITY: Self = <$t>::INFINITY;
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_f64_up(x: f64) -> Self {
                let near = <Self as Float>::from_f64(x);
                if f64::from(near) < x { near.next_up() } else { near }
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn exp_each(values: &mut [Self]) {
                $exp_each(values);
            }
            #[inline(always)]
            fn ln(self) -> Self {
                $ln(self)
            }
        }
    };
}

float!(f32, libm::expf, crate::exp_single::each, libm::logf);
float!(f64, libm::exp, crate::exp::each, libm::log);
