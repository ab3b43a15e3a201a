//! Sketches of column quantiles, as arrays: what an estimator keeps, pickles and merges.

use ferroflow_core::quantile::{Sketch, merge_all, update_all, update_columns};
use ferroflow_core::{Error, Float};
use ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::float_array::{AnyView, FloatTable, TableView};

/// (count and turn of each column, its range, the length of each of its levels, the values of all levels).
type Parts<'py> = (
    PyReadonlyArray2<'py, i64>,
    PyReadonlyArray2<'py, f64>,
    PyReadonlyArray2<'py, i64>,
    PyReadonlyArray1<'py, f64>,
);
type Kept<'py> = (
    Bound<'py, PyArray2<i64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray2<i64>>,
    Bound<'py, PyArray1<f64>>,
);

fn from_python(parts: &Parts<'_>) -> PyResult<Vec<Sketch>> {
    let (heads, ranges, lengths) = (parts.0.as_array(), parts.1.as_array(), parts.2.as_array());
    let mut values = parts.3.as_slice()?;
    let wrong = || to_py(Error::Invalid("the parts of the sketch do not fit each other".into()));
    let columns = heads.nrows();
    if heads.ncols() != 2
        || ranges.dim() != (columns, 2)
        || lengths.nrows() != columns
        || lengths.ncols() > 64
    {
        return Err(wrong());
    }
    let mut sketches = Vec::with_capacity(columns);
    for j in 0..columns {
        let mut levels = Vec::with_capacity(lengths.ncols());
        for length in lengths.row(j) {
            let length = usize::try_from(*length).ok().filter(|n| *n <= values.len()).ok_or_else(wrong)?;
            let (level, rest) = values.split_at(length);
            levels.push(level.to_vec());
            values = rest;
        }
        let kept = levels.iter().enumerate().try_fold(0u64, |sum, (i, level)| {
            (level.len() as u64).checked_mul(1 << i).and_then(|weight| sum.checked_add(weight))
        });
        let (count, turn) = (heads[(j, 0)] as u64, heads[(j, 1)] as u64);
        if kept != Some(count) {
            return Err(wrong());
        }
        sketches.push(Sketch { count, turn, range: (ranges[(j, 0)], ranges[(j, 1)]), levels });
    }
    if values.is_empty() { Ok(sketches) } else { Err(wrong()) }
}

fn other_width() -> PyErr {
    to_py(Error::Invalid("the sketch is of another number of columns".into()))
}

fn to_python(py: Python<'_>, sketches: Vec<Sketch>) -> Kept<'_> {
    let columns = sketches.len();
    let depth = sketches.iter().map(|s| s.levels.len()).max().unwrap_or(0);
    let mut heads = Array2::zeros((columns, 2));
    let mut ranges = Array2::zeros((columns, 2));
    let mut lengths = Array2::zeros((columns, depth));
    let mut values = Vec::new();
    for (j, sketch) in sketches.into_iter().enumerate() {
        (heads[(j, 0)], heads[(j, 1)]) = (sketch.count as i64, sketch.turn as i64);
        (ranges[(j, 0)], ranges[(j, 1)]) = sketch.range;
        for (i, level) in sketch.levels.into_iter().enumerate() {
            lengths[(j, i)] = level.len() as i64;
            values.extend(level);
        }
    }
    (heads.into_pyarray(py), ranges.into_pyarray(py), lengths.into_pyarray(py), values.into_pyarray(py))
}

/// The sketches `before`, or new ones of so many columns.
fn sketches(before: Option<&Parts<'_>>, columns: usize) -> PyResult<Vec<Sketch>> {
    let sketches = match before {
        Some(parts) => from_python(parts)?,
        None => vec![Sketch::default(); columns],
    };
    if sketches.len() == columns { Ok(sketches) } else { Err(other_width()) }
}

fn update<T: Float + Element>(
    py: Python<'_>,
    x: &TableView<'_, T>,
    before: Option<&Parts<'_>>,
) -> PyResult<(Vec<Sketch>, bool)> {
    let mut sketches = sketches(before, x.dim().1)?;
    enter(py, |exec| {
        let infinite = match x {
            TableView::Whole(x) => update_all(&mut sketches, x, exec)?,
            TableView::Columns(columns) => update_columns(&mut sketches, columns, exec)?,
        };
        Ok((sketches, infinite))
    })
}

/// (the sketch `before` with the rows of `x`, was there an infinity); NaN is passed over.
#[pyfunction]
#[pyo3(signature = (x, before=None))]
fn sketch_quantiles<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    before: Option<Parts<'py>>,
) -> PyResult<(Kept<'py>, bool)> {
    let (sketches, infinite) = match x.view()? {
        AnyView::F64(x) => update(py, &x, before.as_ref())?,
        AnyView::F32(x) => update(py, &x, before.as_ref())?,
        AnyView::Other(x) => {
            let mut sketches = sketches(before.as_ref(), x.columns())?;
            enter(py, |exec| update_all(&mut sketches, &x, exec).map(|infinite| (sketches, infinite)))?
        }
        AnyView::Columns(columns) => {
            let mut sketches = sketches(before.as_ref(), columns.len())?;
            enter(py, |exec| {
                update_columns(&mut sketches, &columns, exec).map(|infinite| (sketches, infinite))
            })?
        }
    };
    Ok((to_python(py, sketches), infinite))
}

/// The sketch of the rows of both.
#[pyfunction]
fn merge_quantile_sketches<'py>(py: Python<'py>, a: Parts<'py>, b: Parts<'py>) -> PyResult<Kept<'py>> {
    let (mut a, b) = (from_python(&a)?, from_python(&b)?);
    if a.len() != b.len() {
        return Err(other_width());
    }
    merge_all(&mut a, &b);
    Ok(to_python(py, a))
}

/// The quantiles of shares in [0, 1]: one row a share, one column a column.
#[pyfunction]
fn quantiles_of_sketch<'py>(
    py: Python<'py>,
    sketch: Parts<'py>,
    q: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (sketches, q) = (from_python(&sketch)?, q.as_slice()?);
    let mut out = Array2::zeros((q.len(), sketches.len()));
    for (mut column, sketch) in out.columns_mut().into_iter().zip(&sketches) {
        column.assign(&ndarray::Array1::from(sketch.quantiles(q)));
    }
    Ok(out.into_pyarray(py))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(merge_quantile_sketches, m)?)?;
    m.add_function(wrap_pyfunction!(quantiles_of_sketch, m)?)?;
    m.add_function(wrap_pyfunction!(sketch_quantiles, m)?)
}
