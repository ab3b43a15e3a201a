//! Matrices that linear models take: dense of either type, or CSR as its parts.

use ferroflow_core::Float;
use ferroflow_core::descent::Csr;
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::door::to_py;

/// Values, column numbers, row ends with a leading 0, and the number of columns.
pub type CsrParts<'py, T> =
    (PyReadonlyArray1<'py, T>, PyReadonlyArray1<'py, i32>, PyReadonlyArray1<'py, i64>, usize);

/// A matrix of either type, dense or CSR.
#[derive(FromPyObject)]
pub enum Matrix<'py> {
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
    /// float64, CSR
    Csr64(CsrParts<'py, f64>),
    /// float32, CSR
    Csr32(CsrParts<'py, f32>),
}

/// The core's view of a CSR matrix, its structure checked.
pub fn csr<'a, T: Float + Element>(parts: &'a CsrParts<'_, T>) -> PyResult<Csr<'a, T>> {
    let (values, indices, indptr, columns) = parts;
    Csr::new(values.as_slice()?, indices.as_slice()?, indptr.as_slice()?, *columns).map_err(to_py)
}
