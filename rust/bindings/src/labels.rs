//! Arrays of labels from NumPy, taken as they are: contiguous, aligned, of the machine's byte order.

use ferroflow_core::metric::{Label, Texts};
use numpy::npyffi::_PyArray_GET_ITEM_DATA;
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;

use crate::strings::Objects;

/// How NumPy marks the byte order that is not the machine's.
const FOREIGN_BYTES: u8 = if cfg!(target_endian = "little") { b'>' } else { b'<' };
/// Integers up to which a float equals no other integer.
const EXACT_IN_FLOAT: u64 = 1 << 53;

/// Labels that a kernel reads in place.
pub enum Labels<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    /// Bools too, as their bytes.
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    /// Python objects.
    Objects(Objects<'a>),
    /// Strings of a fixed width.
    Texts(Texts<'a>),
}

/// The labels of two arrays of one length; `None` if one of them is no such array.
pub fn both<'a>(t: &'a Bound<'a, PyAny>, p: &'a Bound<'a, PyAny>) -> Option<(Labels<'a>, Labels<'a>)> {
    let ((t, n), (p, m)) = (labels(t)?, labels(p)?);
    (n == m).then_some((t, p))
}

/// The labels of one array, and how many.
pub fn labels<'a>(y: &'a Bound<'a, PyAny>) -> Option<(Labels<'a>, usize)> {
    // Subclasses (masked arrays, ...) may mean other things by their values.
    if !y.get_type().is(PyUntypedArray::type_object(y.py())) {
        return None;
    }
    let y = y.cast::<PyUntypedArray>().ok()?;
    let dtype = y.dtype();
    let (n, kind, size) = (y.len(), dtype.kind(), dtype.itemsize());
    if y.ndim() != 1 || n == 0 || size == 0 || !y.is_c_contiguous() || !y.is_aligned() {
        return None;
    }
    if dtype.byteorder() == FOREIGN_BYTES {
        return None;
    }
    // SAFETY: the array is contiguous and aligned, and holds `n` values of the type that is matched here; every bit
    // pattern is a value of these types (bools are read as bytes).
    let labels = unsafe {
        match (kind, size) {
            (b'i', 1) => Labels::I8(slice(y, n)),
            (b'i', 2) => Labels::I16(slice(y, n)),
            (b'i', 4) => Labels::I32(slice(y, n)),
            (b'i', 8) => Labels::I64(slice(y, n)),
            (b'u' | b'b', 1) => Labels::U8(slice(y, n)),
            (b'u', 2) => Labels::U16(slice(y, n)),
            (b'u', 4) => Labels::U32(slice(y, n)),
            (b'u', 8) => Labels::U64(slice(y, n)),
            (b'f', 4) => Labels::F32(slice(y, n)),
            (b'f', 8) => Labels::F64(slice(y, n)),
            (b'O', _) => Labels::Objects(Objects::new(y)?),
            (b'U', _) => Labels::Texts(Texts::new(slice(y, n * (size / 4)), size / 4)),
            _ => return None,
        }
    };
    // scikit-learn puts unsigned 64 bits together with `pos_label` or `labels`, which makes them float64.
    if let Labels::U64(x) = &labels
        && x.iter().fold(0, |most, &x| most.max(x)) > EXACT_IN_FLOAT
    {
        return None;
    }
    Some((labels, n))
}

/// The array's values, read as `len` of `T`.
///
/// # Safety
/// `y` must be contiguous and aligned, and hold `len` values that may be read as `T`.
unsafe fn slice<'a, T>(y: &'a Bound<'_, PyUntypedArray>, len: usize) -> &'a [T] {
    // SAFETY: the array's head is valid as long as `y` is.
    let data = unsafe { (*_PyArray_GET_ITEM_DATA(y.as_array_ptr())).data };
    // SAFETY: the caller vouches for the values; they live as long as `y`, which the slice borrows. Python code that
    // writes them meanwhile on another thread gets old or new labels counted, as with NumPy itself.
    unsafe { std::slice::from_raw_parts(data.cast::<T>(), len) }
}

/// Both as `i64`, if they are numbers that compare exactly, whatever their types.
pub fn widened(t: &Labels<'_>, p: &Labels<'_>) -> Option<(Vec<i64>, Vec<i64>)> {
    let (a, b) = (t.widened()?, p.widened()?);
    let is_float = |x: &Labels<'_>| matches!(x, Labels::F32(_) | Labels::F64(_));
    let is_signed =
        |x: &Labels<'_>| matches!(x, Labels::I8(_) | Labels::I16(_) | Labels::I32(_) | Labels::I64(_));
    let is_u64 = |x: &Labels<'_>| matches!(x, Labels::U64(_));
    // NumPy puts them together as float64, and unsigned 64 bits with signed ones too.
    let floats = is_float(t) || is_float(p) || (is_u64(t) && is_signed(p)) || (is_signed(t) && is_u64(p));
    let exact = !floats || a.iter().chain(&b).all(|x| x.unsigned_abs() <= EXACT_IN_FLOAT);
    exact.then_some((a, b))
}

impl Labels<'_> {
    fn widened(&self) -> Option<Vec<i64>> {
        fn widen<T: Label>(x: &[T]) -> Option<Vec<i64>> {
            x.iter().all(|x| x.is_integer()).then(|| x.iter().map(|x| x.to_i64()).collect())
        }
        match self {
            Labels::I8(x) => widen(x),
            Labels::I16(x) => widen(x),
            Labels::I32(x) => widen(x),
            Labels::I64(x) => widen(x),
            Labels::U8(x) => widen(x),
            Labels::U16(x) => widen(x),
            Labels::U32(x) => widen(x),
            Labels::U64(x) => widen(x),
            Labels::F32(x) => widen(x),
            Labels::F64(x) => widen(x),
            Labels::Objects(_) | Labels::Texts(_) => None,
        }
    }
}

/// Runs `$numbers` with the slices of two arrays of one number type, `$others` for any other two.
macro_rules! match_numbers {
    ($t:expr, $p:expr, |$a:ident, $b:ident| $numbers:expr, $others:expr) => {
        match ($t, $p) {
            (Labels::I8($a), Labels::I8($b)) => $numbers,
            (Labels::I16($a), Labels::I16($b)) => $numbers,
            (Labels::I32($a), Labels::I32($b)) => $numbers,
            (Labels::I64($a), Labels::I64($b)) => $numbers,
            (Labels::U8($a), Labels::U8($b)) => $numbers,
            (Labels::U16($a), Labels::U16($b)) => $numbers,
            (Labels::U32($a), Labels::U32($b)) => $numbers,
            (Labels::U64($a), Labels::U64($b)) => $numbers,
            (Labels::F32($a), Labels::F32($b)) => $numbers,
            (Labels::F64($a), Labels::F64($b)) => $numbers,
            _ => $others,
        }
    };
}
pub(crate) use match_numbers;
