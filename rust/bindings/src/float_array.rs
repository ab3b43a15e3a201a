//! Float matrices from NumPy, taken as they are: f32 or f64, C, Fortran or strided.

use numpy::PyReadonlyArray2;
use pyo3::prelude::*;

/// A 2-d float array of either type.
#[derive(FromPyObject)]
pub enum FloatMatrix<'py> {
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
}
