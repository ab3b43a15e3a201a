//! Scaling of columns, to a new array or in place.

use ferroflow_core::apart::Apart;
use ferroflow_core::scale::{
    Direction, Mode, Standard, apply, apply_columns, apply_in_place, apply_rows, lies_by_column,
};
use ferroflow_core::{Error, Exec, Float};
use ndarray::ArrayViewMut2;
use numpy::{Element, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{AnyView, FloatMatrixMut, FloatTable, FloatVector, TableView};
use crate::fresh::fresh;

/// How `scale_columns` goes: whether back, whether its parameters are rounded to the type of the data first, and within
/// which limits the results are kept.
type How = (bool, bool, Option<(f64, f64)>);

impl FloatVector<'_> {
    /// The values, in whatever type.
    fn to_vec<P: Float>(&self) -> Vec<P> {
        match self {
            Self::F64(v) => v.as_array().iter().map(|x| P::from_f64(*x)).collect(),
            Self::F32(v) => v.as_array().iter().map(|x| P::from_f64(f64::from(*x))).collect(),
        }
    }

    fn is_double(&self) -> bool {
        matches!(self, Self::F64(_))
    }
}

/// Shift and divisor of each column, as they came from Python.
struct Given<'py> {
    shift: Option<FloatVector<'py>>,
    scale: Option<FloatVector<'py>>,
    how: How,
}

impl Given<'_> {
    /// Must `f32` data be computed on in `f64`?
    fn is_wide(&self) -> bool {
        let double = |v: &Option<FloatVector<'_>>| v.as_ref().is_some_and(FloatVector::is_double);
        !self.how.1 && (double(&self.shift) || double(&self.scale))
    }

    fn mode<T: Float>(&self) -> Mode<T> {
        let clip = self.how.2.map(|(low, high)| (T::from_f64(low), T::from_f64(high)));
        Mode { direction: if self.how.0 { Direction::Inverse } else { Direction::Forward }, clip }
    }

    /// Hands the parameters, in the type `P`, to `f`.
    fn with<P: Float, R>(
        &self,
        columns: usize,
        f: impl FnOnce(Standard<'_, P>) -> PyResult<R>,
    ) -> PyResult<R> {
        let of = |v: &Option<FloatVector<'_>>| v.as_ref().map(FloatVector::to_vec::<P>);
        let (mean, scale) = (of(&self.shift), of(&self.scale));
        if [&mean, &scale].into_iter().flatten().any(|v| v.len() != columns) {
            return Err(PyValueError::new_err("the data has another number of columns than the scaler"));
        }
        f(Standard { mean: mean.as_deref(), scale: scale.as_deref() })
    }
}

fn scaled<'py, T: Float + Element, P: Float>(
    py: Python<'py>,
    x: &TableView<'_, T>,
    given: &Given<'_>,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let by_column = match x {
        TableView::Whole(x) => lies_by_column(*x),
        TableView::Columns(_) => true,
    };
    written::<T, P>(py, x.dim(), by_column, given, |standard, mode, out, exec| match x {
        TableView::Whole(x) => apply(*x, standard, mode, out, exec),
        TableView::Columns(columns) => apply_columns(columns, standard, mode, out, exec),
    })
}

/// A new array of this shape that `write` fills.
fn written<'py, T: Float + Element, P: Float>(
    py: Python<'py>,
    (rows, columns): (usize, usize),
    by_column: bool,
    given: &Given<'_>,
    write: impl FnOnce(Standard<'_, P>, Mode<T>, &mut [T], &Exec<'_>) -> Result<bool, Error> + Send,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    given.with::<P, _>(columns, |standard| {
        // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `write` writes every element before it is
        // returned, and on an error the array is dropped unseen.
        let out = unsafe { fresh::<T, _>(py, [rows, columns], by_column) };
        // SAFETY: the array was just made, is contiguous, and this is its only reference.
        let values = unsafe { out.as_slice_mut()? };
        let mode = given.mode();
        let infinite = enter(py, |exec| write(standard, mode, values, exec))?;
        Ok((out.into_any(), infinite))
    })
}

/// (x scaled or brought back, was there an infinity).
#[pyfunction]
fn scale_columns<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    shift: Option<FloatVector<'py>>,
    scale: Option<FloatVector<'py>>,
    how: How,
) -> PyResult<(Bound<'py, PyAny>, bool)> {
    let given = Given { shift, scale, how };
    match x.view()? {
        AnyView::F64(x) => scaled::<f64, f64>(py, &x, &given),
        AnyView::F32(x) if given.is_wide() => scaled::<f32, f64>(py, &x, &given),
        AnyView::F32(x) => scaled::<f32, f32>(py, &x, &given),
        AnyView::Other(x) => {
            let shape = (x.rows(), x.columns());
            written::<f64, f64>(py, shape, false, &given, |standard, mode, out, exec| {
                apply_rows(&x, standard, mode, out, exec)
            })
        }
        AnyView::Columns(x) => {
            let shape = (x.first().map_or(0, Apart::len), x.len());
            written::<f64, f64>(py, shape, true, &given, |standard, mode, out, exec| {
                apply_columns(&x, standard, mode, out, exec)
            })
        }
    }
}

fn scale_there<T: Float, P: Float>(
    py: Python<'_>,
    x: ArrayViewMut2<'_, T>,
    given: &Given<'_>,
) -> PyResult<bool> {
    let mode = given.mode();
    given.with::<P, _>(x.ncols(), |standard| enter(py, |exec| apply_in_place(x, standard, mode, exec)))
}

/// As `scale_columns`, in place; was there an infinity?
#[pyfunction]
fn scale_columns_in_place(
    py: Python<'_>,
    x: FloatMatrixMut<'_>,
    shift: Option<FloatVector<'_>>,
    scale: Option<FloatVector<'_>>,
    how: How,
) -> PyResult<bool> {
    let given = Given { shift, scale, how };
    match x {
        FloatMatrixMut::F64(mut x) => scale_there::<f64, f64>(py, x.as_array_mut(), &given),
        FloatMatrixMut::F32(mut x) if given.is_wide() => {
            scale_there::<f32, f64>(py, x.as_array_mut(), &given)
        }
        FloatMatrixMut::F32(mut x) => scale_there::<f32, f32>(py, x.as_array_mut(), &given),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(scale_columns, m)?)?;
    m.add_function(wrap_pyfunction!(scale_columns_in_place, m)?)
}
