//! The number types that labels come in.

/// A label that stands for an integer: integers, bools as bytes, floats without a fraction.
pub trait Label: Copy + PartialEq + Send + Sync + 'static {
    /// An unsigned integer as wide as the label, so that counting equals fills whole vectors.
    type Lane: Copy + Default + std::ops::AddAssign + From<bool> + Into<u64>;
    /// Does it stand for an integer that an `i64` holds?
    fn is_integer(self) -> bool;
    /// That integer.
    fn to_i64(self) -> i64;
    /// 0 and 1 as such, 2 or more for anything else.
    fn bit(self) -> u8;
}

macro_rules! label {
    ($t:ty, $lane:ty, $x:ident => $is_integer:expr) => {
        impl Label for $t {
            type Lane = $lane;
            #[inline(always)]
            fn is_integer(self) -> bool {
                let $x = self;
                $is_integer
            }
            #[inline(always)]
            #[allow(
                clippy::allow_attributes,
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                clippy::cast_lossless,
                clippy::unnecessary_cast,
                reason = "guarded by is_integer"
            )]
            fn to_i64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            #[allow(
                clippy::allow_attributes,
                clippy::float_cmp,
                clippy::unnecessary_cast,
                reason = "equal or not, nothing between"
            )]
            fn bit(self) -> u8 {
                u8::from(self == 1 as $t) | (u8::from(self != 0 as $t && self != 1 as $t) << 1)
            }
        }
    };
}

label!(i8, u8, _x => true);
label!(u8, u8, _x => true);
label!(i16, u16, _x => true);
label!(u16, u16, _x => true);
label!(i32, u32, _x => true);
label!(u32, u32, _x => true);
label!(i64, u64, _x => true);
label!(u64, u64, x => x <= i64::MAX as u64);
// 2^63 itself does not fit. NaN fails both comparisons.
label!(f32, u32, x => x.trunc() == x && x.abs() < 9_223_372_036_854_775_808.0);
label!(f64, u64, x => x.trunc() == x && x.abs() < 9_223_372_036_854_775_808.0);
