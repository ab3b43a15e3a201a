//! Rows of several labels counted, dense or as lists. What is not plain is answered with `None`, for the caller to deal with.

use std::ops::Range;

use ferroflow_core::metric::{self, Dense, Lists};
use ndarray::Array2;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::labels::{Labels, both};

type Weights<'py> = Option<PyReadonlyArray1<'py, f64>>;
type Counted<'py> = PyResult<Option<Bound<'py, PyAny>>>;

/// Reads labels as bytes 0 and 1.
fn reader<'a>(labels: Labels<'a>) -> Option<Box<metric::Read<'a>>> {
    macro_rules! read {
        ($x:ident) => {
            Box::new(move |range: Range<usize>, out: &mut [u8]| metric::bits(&$x[range], out))
        };
    }
    Some(match labels {
        Labels::I8(x) => read!(x),
        Labels::I16(x) => read!(x),
        Labels::I32(x) => read!(x),
        Labels::I64(x) => read!(x),
        Labels::U8(x) => read!(x),
        Labels::U16(x) => read!(x),
        Labels::U32(x) => read!(x),
        Labels::U64(x) => read!(x),
        Labels::F32(x) => read!(x),
        Labels::F64(x) => read!(x),
        Labels::Objects(_) | Labels::Texts(_) => return None,
    })
}

/// What [`count`] counts.
#[derive(Clone, Copy)]
enum Of<'a> {
    Labels,
    WeightedLabels(&'a [f64]),
    Rows,
}

/// Ones of both, of the prediction, of the truth: three rows with a column for each label, weighted or not; or for each
/// of the rows if `by_row`. Both arrays are flat, `columns` values a row.
#[pyfunction]
#[pyo3(signature = (t, p, columns, by_row=false, weights=None))]
fn count_indicators<'py>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    columns: usize,
    by_row: bool,
    weights: Weights<'py>,
) -> Counted<'py> {
    let py = t.py();
    let Some((true_labels, predicted)) = both(t, p) else { return Ok(None) };
    let n = t.len()?;
    let (Some(t), Some(p)) = (reader(true_labels), reader(predicted)) else { return Ok(None) };
    if columns == 0 || n % columns != 0 {
        return Ok(None);
    }
    let rows = n / columns;
    let dense = Dense { t: &*t, p: &*p, rows, columns };
    match wanted(by_row, weights.as_ref(), rows)? {
        Of::Labels => given(py, enter(py, |exec| dense.of_labels(exec))?, (3, columns)),
        Of::WeightedLabels(w) => given(py, enter(py, |exec| dense.weights_of_labels(w, exec))?, (3, columns)),
        Of::Rows => given(py, enter(py, |exec| dense.of_rows(exec))?, (rows, 3)),
    }
}

/// As `count_indicators`, of the parts of two CSR matrices whose stored values are all 1.
#[pyfunction]
#[pyo3(signature = (t, p, columns, by_row=false, weights=None))]
fn count_sparse_indicators<'py>(
    py: Python<'py>,
    t: (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i32>),
    p: (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i32>),
    columns: usize,
    by_row: bool,
    weights: Weights<'py>,
) -> Counted<'py> {
    let (t, p) = ((t.0.as_slice()?, t.1.as_slice()?), (p.0.as_slice()?, p.1.as_slice()?));
    let both = || Ok((Lists::new(t.0, t.1, columns)?, Lists::new(p.0, p.1, columns)?));
    let rows = t.0.len().max(1) - 1;
    if t.0.len() != p.0.len() {
        return Ok(None);
    }
    let labels = (3, columns);
    match wanted(by_row, weights.as_ref(), rows)? {
        Of::Labels => {
            let sums = enter(py, |exec| metric::lists_of_labels::<i64>(both()?, columns, None, exec))?;
            given(py, Some(sums), labels)
        }
        Of::WeightedLabels(w) => {
            let sums = enter(py, |exec| metric::lists_of_labels(both()?, columns, Some(w), exec))?;
            given(py, Some(sums), labels)
        }
        Of::Rows => {
            let sums = enter(py, |exec| metric::lists_of_rows(both()?, columns, exec))?;
            given(py, Some(sums), (rows, 3))
        }
    }
}

fn wanted<'a>(by_row: bool, weights: Option<&'a PyReadonlyArray1<'_, f64>>, rows: usize) -> PyResult<Of<'a>> {
    let Some(weights) = weights else { return Ok(if by_row { Of::Rows } else { Of::Labels }) };
    let weights = weights.as_slice()?;
    if by_row || weights.len() != rows {
        return Err(PyValueError::new_err("there must be a weight for each row, and they go to the labels"));
    }
    Ok(Of::WeightedLabels(weights))
}

fn given<W: Element>(py: Python<'_>, cells: Option<Vec<W>>, shape: (usize, usize)) -> Counted<'_> {
    let Some(cells) = cells else { return Ok(None) };
    let cells = Array2::from_shape_vec(shape, cells).map_err(|e| PyValueError::new_err(e.to_string()))?;
    Ok(Some(cells.into_pyarray(py).into_any()))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(count_indicators, m)?)?;
    m.add_function(wrap_pyfunction!(count_sparse_indicators, m)?)
}
