//! B-spline bases of columns.

use ferroflow_core::spline::{Basis, Beyond, apply};
use ferroflow_core::{Error, Float};
use ndarray::ArrayView2;
use numpy::{Element, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::float_array::FloatMatrix;
use crate::fresh::fresh;

/// Knots of a column, and its splines' values and slopes at either end: (low, low slopes, high, high slopes).
type Column<'py> = (PyReadonlyArray1<'py, f64>, [PyReadonlyArray1<'py, f64>; 4]);

fn bases(columns: &[Column<'_>], degree: usize, beyond: &str) -> PyResult<Vec<Basis>> {
    let basis = |(knots, ends): &Column<'_>| {
        let [low, low_slopes, high, high_slopes] = ends.each_ref().map(|v| v.as_array().to_vec());
        let beyond = match beyond {
            "error" => Beyond::Error,
            "continue" => Beyond::Continue,
            "periodic" => Beyond::Periodic,
            _ => Beyond::Ends { low, low_slopes, high, high_slopes },
        };
        Basis::new(knots.as_array().to_vec(), degree, beyond).map_err(to_py)
    };
    columns.iter().map(basis).collect()
}

fn expanded<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    bases: &[Basis],
    all: bool,
    gaps: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let width: usize = bases.iter().map(|basis| basis.splines() - usize::from(!all)).sum();
    if x.nrows().checked_mul(width).is_none_or(|n| n > isize::MAX as usize / size_of::<T>()) {
        return Err(to_py(Error::Memory(format!("unable to allocate {} x {width} splines", x.nrows()))));
    }
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `apply` writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, (x.nrows(), width), false) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let fine = enter(py, |exec| apply(x, bases, all, gaps, values, exec))?;
    Ok(fine.then(|| out.into_any()))
}

/// The splines of each column side by side, without each one's last unless `all`; None if a value is refused.
#[pyfunction]
fn spline_bases<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    columns: Vec<Column<'py>>,
    degree: usize,
    beyond: &str,
    all: bool,
    gaps: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let bases = bases(&columns, degree, beyond)?;
    match &x {
        FloatMatrix::F64(x) => expanded(py, x.as_array(), &bases, all, gaps),
        FloatMatrix::F32(x) => expanded(py, x.as_array(), &bases, all, gaps),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(spline_bases, m)?)
}
