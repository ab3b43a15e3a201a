//! Statistics of what is there, and filling in what is missing.

use ferroflow_core::apart::{Apart, Pieces};
use ferroflow_core::impute::{
    Fill, Key, Means, Medians, Missing, fill, fill_in_place, fill_matrix, fill_nullable, mark,
    means_of_nullable, medians, medians_of_rows, modes,
};
use ferroflow_core::matrix::{Matrix, Single};
use ferroflow_core::numbers::Numbers;
use ferroflow_core::{Error, Exec, Float};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;
use crate::float_array::{AnyView, FloatMatrix, FloatMatrixMut, FloatTable, TableView};
use crate::fresh::fresh;

type Learned<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, bool);

/// What marks a missing value, as Python gave it.
pub fn missing<T: Float>(marker: Option<f64>) -> Missing<T> {
    marker.map_or(Missing::Nan, |marker| Missing::Value(T::from_f64(marker)))
}

type Found = (Vec<f64>, Vec<f64>, bool);

/// What is learned of a table.
#[derive(Clone, Copy)]
enum Strategy {
    Sum,
    Median,
    MostFrequent,
}

impl Strategy {
    fn of(name: &str) -> PyResult<Self> {
        match name {
            "sum" => Ok(Self::Sum),
            "median" => Ok(Self::Median),
            "most_frequent" => Ok(Self::MostFrequent),
            _ => Err(PyValueError::new_err(format!("no such statistic: {name}"))),
        }
    }

    fn of_matrix<T: Float + Key>(
        self,
        x: ArrayView2<'_, T>,
        missing: Missing<T>,
        exec: &Exec<'_>,
    ) -> Result<Found, Error> {
        match self {
            Self::Sum => {
                let mut means = Means::new(x.ncols());
                means.update(x, missing, exec).map(|()| sums(means))
            }
            Self::Median => medians(x, missing, exec).map(middles),
            Self::MostFrequent => self.of_rows(&x, missing, exec),
        }
    }

    fn of_rows<T: Float + Key>(
        self,
        x: &dyn Matrix<T>,
        missing: Missing<T>,
        exec: &Exec<'_>,
    ) -> Result<Found, Error> {
        match self {
            Self::Sum => {
                let mut means = Means::new(x.dim().1);
                means.update_rows(x, missing, exec).map(|()| sums(means))
            }
            Self::Median => medians_of_rows(x, missing, exec).map(middles),
            Self::MostFrequent => {
                modes(x, missing, exec).map(|found| (found.mode, found.missing, found.refused))
            }
        }
    }
}

fn sums(means: Means) -> Found {
    (means.sum, means.missing, means.refused)
}

fn middles<T: Float>(found: Medians<T>) -> Found {
    (found.median.into_iter().map(T::to_f64).collect(), found.missing, found.refused)
}

fn statistics<T: Float + Key>(
    py: Python<'_>,
    x: &TableView<'_, T>,
    strategy: Strategy,
    marker: Option<f64>,
) -> PyResult<Found> {
    match x {
        TableView::Whole(x) => enter(py, |exec| strategy.of_matrix(*x, missing(marker), exec)),
        TableView::Columns(columns) => statistics_of_columns(py, columns, strategy, marker),
    }
}

/// One column after the other, whose rows are shared among threads.
fn statistics_of_columns<T: Float + Key>(
    py: Python<'_>,
    columns: &[impl Apart<T>],
    strategy: Strategy,
    marker: Option<f64>,
) -> PyResult<Found> {
    let mut all = Found::default();
    for column in columns {
        let one = enter(py, |exec| strategy.of_rows(&Single(column), missing(marker), exec))?;
        all.0.extend(one.0);
        all.1.extend(one.1);
        all.2 |= one.2;
    }
    Ok(all)
}

fn to_python(py: Python<'_>, found: Found) -> Learned<'_> {
    (found.0.into_pyarray(py), found.1.into_pyarray(py), found.2)
}

/// (the sum, median or mode of each column without its missing values, how many are missing, was there a value that may not
/// occur).
#[pyfunction]
fn column_statistics<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    strategy: &str,
    marker: Option<f64>,
) -> PyResult<Learned<'py>> {
    let strategy = Strategy::of(strategy)?;
    let found = match x.view()? {
        AnyView::F64(x) => statistics(py, &x, strategy, marker)?,
        AnyView::F32(x) => statistics(py, &x, strategy, marker)?,
        AnyView::Other(x) => enter(py, |exec| strategy.of_rows(&x, missing(marker), exec))?,
        AnyView::Columns(columns) if matches!(strategy, Strategy::Sum) => {
            sums(enter(py, |exec| means_of_nullable(&columns, missing(marker), exec))?)
        }
        AnyView::Columns(columns) => statistics_of_columns(py, &columns, strategy, marker)?,
    };
    Ok(to_python(py, found))
}

type Modes<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// (the most frequent value of each column of whole numbers, how many are missing).
#[pyfunction]
fn integer_modes<'py>(
    py: Python<'py>,
    x: PyReadonlyArray2<'py, i64>,
    marker: Option<i64>,
) -> PyResult<Modes<'py>> {
    let x = x.as_array();
    let found = enter(py, |exec| modes(&x, marker.map_or(Missing::Nan, Missing::Value), exec))?;
    Ok((found.mode.into_pyarray(py), found.missing.into_pyarray(py)))
}

/// Is there a finite value for each column, and are the marked ones among them?
fn fits<T: Float>(values: &[T], indicators: &[usize], columns: usize) -> bool {
    let finite = values.iter().all(|v| v.is_finite());
    finite && values.len() == columns && indicators.iter().all(|j| *j < columns)
}

fn filled<'py, T: Float + Element>(
    py: Python<'py>,
    x: &TableView<'_, T>,
    marker: Option<f64>,
    values: ArrayView1<'_, f64>,
    indicators: &[usize],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (rows, columns) = x.dim();
    let values: Vec<T> = values.iter().map(|v| T::from_f64(*v)).collect();
    if !fits(&values, indicators, columns) {
        return Ok(None);
    }
    let by_column = match x {
        TableView::Whole(x) => indicators.is_empty() && x.by_column(),
        TableView::Columns(_) if indicators.is_empty() => true,
        TableView::Columns(_) => return Ok(None),
    };
    let shape = (rows, columns + indicators.len());
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `fill` writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<T, _>(py, shape, by_column) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let to = unsafe { out.as_slice_mut()? };
    let missing = missing(marker);
    let refused = enter(py, |exec| match x {
        TableView::Whole(x) => fill(*x, Fill { missing, values: &values, indicators }, by_column, to, exec),
        TableView::Columns(columns) => {
            let mut refused = false;
            let columns = columns.iter().zip(values.chunks(1)).zip(to.chunks_mut(rows.max(1)));
            for ((column, values), to) in columns {
                let what = Fill { missing, values, indicators };
                refused |= fill(column.insert_axis(Axis(1)), what, false, to, exec)?;
            }
            Ok(refused)
        }
    })?;
    Ok((!refused).then(|| out.into_any()))
}

/// Numbers of another type with their missing values filled in, as f64; `None` as for [`filled`].
fn filled_numbers<'py>(
    py: Python<'py>,
    x: &Numbers<'_>,
    marker: Option<f64>,
    values: &[f64],
    indicators: &[usize],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !fits(values, indicators, x.columns()) {
        return Ok(None);
    }
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; `fill_matrix` writes every element before it is
    // returned, and on an error the array is dropped unseen.
    let out = unsafe { fresh::<f64, _>(py, [x.rows(), x.columns() + indicators.len()], false) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let to = unsafe { out.as_slice_mut()? };
    let what = Fill { missing: missing(marker), values, indicators };
    let refused = enter(py, |exec| fill_matrix(x, what, to, exec))?;
    Ok((!refused).then(|| out.into_any()))
}

/// A table of columns with their missing values filled in; `None` if a value or a filling is not finite.
pub fn filled_columns<'py>(
    py: Python<'py>,
    columns: &[Pieces<'_>],
    marker: Option<f64>,
    values: &[f64],
) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
    if !fits(values, &[], columns.len()) {
        return Ok(None);
    }
    let shape = [columns.first().map_or(0, Apart::len), columns.len()];
    // SAFETY: NumPy hands out uninitialised memory that nobody else sees; every element is written before it is returned, and
    // on an error the array is dropped unseen.
    let out = unsafe { fresh::<f64, _>(py, shape, true) };
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let to = unsafe { out.as_slice_mut()? };
    let refused = enter(py, |exec| fill_nullable(columns, missing(marker), values, to, exec))?;
    Ok((!refused).then_some(out))
}

/// x with each column's missing values filled in, then the marks of the `indicators` columns (of an array); None if a
/// value or a filling is not finite.
#[pyfunction]
#[pyo3(signature = (x, marker, values, indicators=None))]
fn fill_missing<'py>(
    py: Python<'py>,
    x: FloatTable<'py>,
    marker: Option<f64>,
    values: PyReadonlyArray1<'py, f64>,
    indicators: Option<Vec<usize>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let indicators = indicators.unwrap_or_default();
    match x.view()? {
        AnyView::F64(x) => filled(py, &x, marker, values.as_array(), &indicators),
        AnyView::F32(x) => filled(py, &x, marker, values.as_array(), &indicators),
        AnyView::Other(x) => filled_numbers(py, &x, marker, values.as_slice()?, &indicators),
        AnyView::Columns(columns) if indicators.is_empty() => {
            let out = filled_columns(py, &columns, marker, values.as_slice()?)?;
            Ok(out.map(Bound::into_any))
        }
        AnyView::Columns(_) => Ok(None),
    }
}

fn filled_there<T: Float>(
    py: Python<'_>,
    x: ArrayViewMut2<'_, T>,
    marker: Option<f64>,
    values: ArrayView1<'_, f64>,
) -> PyResult<bool> {
    let values: Vec<T> = values.iter().map(|v| T::from_f64(*v)).collect();
    if values.len() != x.ncols() {
        return Err(PyValueError::new_err("the data has another number of columns than there are values"));
    }
    enter(py, |exec| fill_in_place(x, missing(marker), &values, exec))
}

/// Fills in each column's missing values in their place by a finite one; is there a value that may not occur?
#[pyfunction]
fn fill_missing_in_place(
    py: Python<'_>,
    x: FloatMatrixMut<'_>,
    marker: Option<f64>,
    values: PyReadonlyArray1<'_, f64>,
) -> PyResult<bool> {
    match x {
        FloatMatrixMut::F64(mut x) => filled_there(py, x.as_array_mut(), marker, values.as_array()),
        FloatMatrixMut::F32(mut x) => filled_there(py, x.as_array_mut(), marker, values.as_array()),
    }
}

fn marked<'py, T: Float>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    marker: Option<f64>,
    chosen: Option<&[usize]>,
) -> PyResult<Marks<'py>> {
    let chosen = chosen.unwrap_or_default();
    if chosen.iter().any(|j| *j >= x.ncols()) {
        return Err(PyValueError::new_err("columns that the table does not have"));
    }
    let out = PyArray2::<bool>::zeros(py, (x.nrows(), chosen.len()), false);
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let to = unsafe { out.as_slice_mut()? };
    let found = enter(py, |exec| mark(x, missing(marker), chosen, to, exec))?;
    Ok((out, PyArray1::from_vec(py, found.found), found.refused))
}

type Marks<'py> = (Bound<'py, PyArray2<bool>>, Bound<'py, PyArray1<bool>>, bool);

/// (the missing values of the chosen columns, the columns that have one, was there a value that may not occur).
#[pyfunction]
fn missing_marks<'py>(
    py: Python<'py>,
    x: FloatMatrix<'py>,
    marker: Option<f64>,
    chosen: Option<Vec<usize>>,
) -> PyResult<Marks<'py>> {
    match &x {
        FloatMatrix::F64(x) => marked(py, x.as_array(), marker, chosen.as_deref()),
        FloatMatrix::F32(x) => marked(py, x.as_array(), marker, chosen.as_deref()),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(column_statistics, m)?)?;
    m.add_function(wrap_pyfunction!(fill_missing, m)?)?;
    m.add_function(wrap_pyfunction!(fill_missing_in_place, m)?)?;
    m.add_function(wrap_pyfunction!(missing_marks, m)?)?;
    m.add_function(wrap_pyfunction!(integer_modes, m)?)
}
