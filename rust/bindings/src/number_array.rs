//! Arrays of numbers from NumPy, of any type and layout, taken as they are.

use ferroflow_core::metric::Numbers;
use ndarray::ArrayView2;
use numpy::{
    Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;

/// An array of one or two dimensions that has rows.
pub enum NumberArray<'py> {
    F64(PyReadonlyArrayDyn<'py, f64>),
    F32(PyReadonlyArrayDyn<'py, f32>),
    I64(PyReadonlyArrayDyn<'py, i64>),
    I32(PyReadonlyArrayDyn<'py, i32>),
    I16(PyReadonlyArrayDyn<'py, i16>),
    I8(PyReadonlyArrayDyn<'py, i8>),
    U64(PyReadonlyArrayDyn<'py, u64>),
    U32(PyReadonlyArrayDyn<'py, u32>),
    U16(PyReadonlyArrayDyn<'py, u16>),
    U8(PyReadonlyArrayDyn<'py, u8>),
}

impl<'py> NumberArray<'py> {
    /// `x` as an array of numbers; `None` if it is no plain, aligned one of them in the machine's byte order.
    pub fn of(x: &Bound<'py, PyAny>) -> Option<Self> {
        // Subclasses (masked arrays, ...) may mean other things by their values.
        if !x.get_type().is(PyUntypedArray::type_object(x.py())) {
            return None;
        }
        let array = x.cast::<PyUntypedArray>().ok()?;
        if !(1..=2).contains(&array.ndim()) || array.is_empty() || !array.is_aligned() {
            return None;
        }
        let dtype = array.dtype();
        Some(match (dtype.kind(), dtype.itemsize()) {
            (b'f', 8) => Self::F64(read(x)?),
            (b'f', 4) => Self::F32(read(x)?),
            (b'i', 8) => Self::I64(read(x)?),
            (b'i', 4) => Self::I32(read(x)?),
            (b'i', 2) => Self::I16(read(x)?),
            (b'i', 1) => Self::I8(read(x)?),
            (b'u', 8) => Self::U64(read(x)?),
            (b'u', 4) => Self::U32(read(x)?),
            (b'u', 2) => Self::U16(read(x)?),
            (b'u', 1) => Self::U8(read(x)?),
            _ => return None,
        })
    }

    /// The array as a matrix.
    pub fn numbers(&self) -> Option<Numbers<'_>> {
        Some(match self {
            Self::F64(x) => Numbers::F64(matrix(x)?),
            Self::F32(x) => Numbers::F32(matrix(x)?),
            Self::I64(x) => Numbers::I64(matrix(x)?),
            Self::I32(x) => Numbers::I32(matrix(x)?),
            Self::I16(x) => Numbers::I16(matrix(x)?),
            Self::I8(x) => Numbers::I8(matrix(x)?),
            Self::U64(x) => Numbers::U64(matrix(x)?),
            Self::U32(x) => Numbers::U32(matrix(x)?),
            Self::U16(x) => Numbers::U16(matrix(x)?),
            Self::U8(x) => Numbers::U8(matrix(x)?),
        })
    }
}

fn read<'py, T: Element>(x: &Bound<'py, PyAny>) -> Option<PyReadonlyArrayDyn<'py, T>> {
    x.cast::<PyArrayDyn<T>>().ok()?.try_readonly().ok()
}

fn matrix<'a, T: Element>(x: &'a PyReadonlyArrayDyn<'_, T>) -> Option<ArrayView2<'a, T>> {
    let view = x.as_array();
    match view.ndim() {
        1 => {
            let view = view.into_dimensionality::<ndarray::Ix1>().ok()?;
            Some(view.insert_axis(ndarray::Axis(1)))
        }
        _ => view.into_dimensionality().ok(),
    }
}
