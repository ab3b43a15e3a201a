//! The parts of SciPy's compressed sparse matrices, taken as they are.

use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;

/// The stored values.
#[derive(FromPyObject)]
pub enum Stored<'py> {
    /// float64
    F64(PyReadonlyArray1<'py, f64>),
    /// float32
    F32(PyReadonlyArray1<'py, f32>),
}

/// The stored values, to be changed in place.
#[derive(FromPyObject)]
pub enum StoredMut<'py> {
    /// float64
    F64(PyReadwriteArray1<'py, f64>),
    /// float32
    F32(PyReadwriteArray1<'py, f32>),
}

/// Indices or pointers; a matrix has one type for both.
#[derive(FromPyObject)]
pub enum Indices<'py> {
    /// int32
    I32(PyReadonlyArray1<'py, i32>),
    /// int64
    I64(PyReadonlyArray1<'py, i64>),
}
