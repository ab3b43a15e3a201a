//! Float matrices from NumPy, taken as they are: f32 or f64, C, Fortran or strided.

use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2};
use pyo3::prelude::*;

/// A 2-d float array of either type.
#[derive(FromPyObject)]
pub enum FloatMatrix<'py> {
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
}

/// A 2-d float array of either type, to be changed in place.
#[derive(FromPyObject)]
pub enum FloatMatrixMut<'py> {
    /// float64
    F64(PyReadwriteArray2<'py, f64>),
    /// float32
    F32(PyReadwriteArray2<'py, f32>),
}

/// A 1-d float array of either type.
#[derive(FromPyObject)]
pub enum FloatVector<'py> {
    /// float64
    F64(PyReadonlyArray1<'py, f64>),
    /// float32
    F32(PyReadonlyArray1<'py, f32>),
}
