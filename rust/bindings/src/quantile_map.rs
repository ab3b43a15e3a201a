//! Many quantiles of columns, and mapping values to the shares below them.

use std::sync::Arc;

use ferroflow_core::quantile::{Curve, Method, Output, apply, invert, many};
use ferroflow_core::scale::lies_by_column;
use ferroflow_core::{Error, Float};
use ndarray::{Array2, ArrayView2};
use numpy::{Element, IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::float_array::FloatMatrix;
use crate::fresh::fresh;

type Found<'py> = (Bound<'py, PyArray2<f64>>, bool, bool);

fn found<'py, T: Float>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    q: &[f64],
    method: Method,
) -> PyResult<Found<'py>> {
    let found = enter(py, |exec| many(x, q, method, exec))?;
    // One row a quantile, lying column by column, as NumPy's percentiles are C-ordered rows.
    let by_column = Array2::from_shape_vec((x.ncols(), q.len()), found.values)
        .map_err(|e| to_py(Error::Invalid(e.to_string())))?;
    let values = by_column.t().as_standard_layout().into_owned();
    Ok((values.into_pyarray(py), found.nan, found.infinite))
}

/// (the quantiles of ascending shares in [0, 1] by one of NumPy's methods, one row a share; was there a NaN, which is left
/// out; was there an infinity).
#[pyfunction]
fn many_quantiles<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    q: PyReadonlyArray1<'py, f64>,
    method: &str,
) -> PyResult<Found<'py>> {
    let q = q.as_slice()?;
    let method = Method::of(method)
        .ok_or_else(|| to_py(Error::Invalid(format!("no such method of quantiles: {method}"))))?;
    match &x {
        FloatMatrix::F64(x) => found(py, x.as_array(), q, method),
        FloatMatrix::F32(x) => found(py, x.as_array(), q, method),
    }
}

fn mapped<'py, T: Float + Element>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    curves: &[Curve],
    output: Output,
    inverse: bool,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; either kernel writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, x.dim(), lies_by_column(x)) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let met = enter(py, |exec| {
        if inverse { invert(x, curves, output, values, exec) } else { apply(x, curves, output, values, exec) }
    })?;
    Ok((out.into_any(), met.infinite))
}

/// (x mapped by its columns' quantiles, one row a reference, or brought back; was there an infinity); None if the quantiles
/// are not finite and in order.
#[pyfunction]
fn map_quantiles<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    quantiles: PyReadonlyArray2<'py, f64>,
    references: PyReadonlyArray1<'py, f64>,
    normal: bool,
    inverse: bool,
) -> PyResult<Option<(Bound<'py, PyAny>, bool)>> {
    let references: Arc<[f64]> = references.as_slice()?.into();
    let curve = |q: ndarray::ArrayView1<'_, f64>| Curve::new(q.to_vec(), references.clone());
    let Ok(curves) = quantiles.as_array().columns().into_iter().map(curve).collect::<Result<Vec<_>, _>>()
    else {
        return Ok(None);
    };
    let output = if normal { Output::Normal } else { Output::Uniform };
    match &x {
        FloatMatrix::F64(x) => mapped(py, x.as_array(), &curves, output, inverse).map(Some),
        FloatMatrix::F32(x) => mapped(py, x.as_array(), &curves, output, inverse).map(Some),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(many_quantiles, m)?)?;
    m.add_function(wrap_pyfunction!(map_quantiles, m)?)
}
