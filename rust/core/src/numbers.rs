//! Numbers of any type and layout, handed to kernels block by block as `f64`.

use ndarray::{ArrayView2, s};

use crate::scale::lies_by_column;
use crate::simd;

/// A matrix of numbers; a column is a matrix of one.
#[allow(missing_docs, reason = "named for their types")]
pub enum Numbers<'a> {
    F64(ArrayView2<'a, f64>),
    F32(ArrayView2<'a, f32>),
    I64(ArrayView2<'a, i64>),
    I32(ArrayView2<'a, i32>),
    I16(ArrayView2<'a, i16>),
    I8(ArrayView2<'a, i8>),
    U64(ArrayView2<'a, u64>),
    U32(ArrayView2<'a, u32>),
    U16(ArrayView2<'a, u16>),
    U8(ArrayView2<'a, u8>),
}

macro_rules! each {
    ($numbers:expr, $x:ident => $body:expr) => {
        match $numbers {
            Numbers::F64($x) => $body,
            Numbers::F32($x) => $body,
            Numbers::I64($x) => $body,
            Numbers::I32($x) => $body,
            Numbers::I16($x) => $body,
            Numbers::I8($x) => $body,
            Numbers::U64($x) => $body,
            Numbers::U32($x) => $body,
            Numbers::U16($x) => $body,
            Numbers::U8($x) => $body,
        }
    };
}

/// A number that widens to `f64` as NumPy's `astype` does.
trait Widen: Copy {
    fn widen(self) -> f64;
}

macro_rules! widen {
    ($($t:ty, $kind:ident;)*) => {$(
        impl<'a> From<ArrayView2<'a, $t>> for Numbers<'a> {
            fn from(x: ArrayView2<'a, $t>) -> Self {
                Numbers::$kind(x)
            }
        }

        impl Widen for $t {
            #[inline(always)]
            #[allow(clippy::allow_attributes, clippy::cast_lossless, clippy::cast_precision_loss, clippy::unnecessary_cast, reason = "as NumPy")]
            fn widen(self) -> f64 {
                self as f64
            }
        }
    )*};
}
widen!(f64, F64; f32, F32; i64, I64; i32, I32; i16, I16; i8, I8; u64, U64; u32, U32; u16, U16; u8, U8;);

#[inline(always)]
fn widen_each<T: Widen>(x: &[T], out: &mut [f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = x.widen();
    }
}

fn columns_of<'a, T>(x: &ArrayView2<'a, T>) -> Option<Vec<Numbers<'a>>>
where
    Numbers<'a>: From<ArrayView2<'a, T>>,
{
    lies_by_column(*x).then(|| (0..x.ncols()).map(|j| x.slice_move(s![.., j..=j]).into()).collect())
}

fn bytes_of<T>(x: &ArrayView2<'_, T>) -> usize {
    x.len() * size_of::<T>()
}

impl<'a> Numbers<'a> {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        each!(self, x => x.nrows())
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        each!(self, x => x.ncols())
    }

    /// Bytes of the values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        each!(self, x => bytes_of(x))
    }

    /// Are the values `f32`, whose functions scikit-learn computes in `f32`?
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(self, Numbers::F32(_))
    }

    /// Its columns one by one, if the values of each lie closer together than those of a row.
    #[must_use]
    pub fn by_column(&self) -> Option<Vec<Numbers<'a>>> {
        each!(self, x => columns_of(x))
    }

    /// A column's rows from `begin` on, as many as `scratch` holds.
    pub(crate) fn column<'s>(&'s self, column: usize, begin: usize, scratch: &'s mut [f64]) -> &'s [f64] {
        let rows = begin..begin + scratch.len();
        if let Numbers::F64(x) = self
            && let Some(values) = x.slice(s![rows.clone(), column]).to_slice()
        {
            return values;
        }
        each!(self, x => {
            let x = x.slice(s![rows, column]);
            match x.to_slice() {
                Some(x) => simd::dispatch!(widen_each(x, scratch)),
                None => scratch.iter_mut().zip(x).for_each(|(out, x)| *out = x.widen()),
            }
        });
        scratch
    }

    /// Rows from `begin` on, one after another, as many as `scratch` holds.
    pub(crate) fn whole_rows<'s>(&'s self, begin: usize, scratch: &'s mut [f64]) -> &'s [f64] {
        let rows = begin..begin + scratch.len() / self.columns().max(1);
        if let Numbers::F64(x) = self
            && let Some(values) = x.slice(s![rows.clone(), ..]).to_slice()
        {
            return values;
        }
        each!(self, x => {
            let x = x.slice(s![rows, ..]);
            match x.to_slice() {
                Some(x) => simd::dispatch!(widen_each(x, scratch)),
                None => scratch.iter_mut().zip(x.iter()).for_each(|(out, x)| *out = x.widen()),
            }
        });
        scratch
    }
}
