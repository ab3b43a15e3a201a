//! Categories encoded by the target's mean.

use ferroflow_core::encode::target::{self, Cells, Moment, Smooth, Target};
use ferroflow_core::{Error, Exec};
use ndarray::ArrayView2;
use numpy::{
    IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::{enter, to_py};
use crate::fresh::fresh;

/// The target as Python hands it over: the class of each row with their number, or numbers.
#[derive(FromPyObject)]
enum Given<'py> {
    Classes(PyReadonlyArray1<'py, u32>, usize),
    Values(PyReadonlyArray1<'py, f64>),
}

impl Given<'_> {
    fn target(&self) -> PyResult<Target<'_>> {
        Ok(match self {
            Self::Classes(classes, n) => {
                let classes = classes.as_slice()?;
                if classes.iter().any(|&class| class as usize >= *n) {
                    return Err(invalid("a class is not below their number"));
                }
                Target::Classes(classes, *n)
            }
            Self::Values(values) => Target::Values(values.as_slice()?),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Classes(classes, _) => classes.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// What was learned of one category a row: rows of each class, or (number, sum, squares about the mean).
#[derive(FromPyObject)]
enum Known<'py> {
    Counts(PyReadonlyArray2<'py, u64>),
    Moments(PyReadonlyArray2<'py, f64>),
}

impl Known<'_> {
    fn cells(&self) -> PyResult<Cells> {
        Ok(match self {
            Self::Counts(x) => Cells::Counts { counts: x.as_slice()?.to_vec(), classes: x.shape()[1].max(1) },
            Self::Moments(x) => {
                let (moments, rest) = x.as_slice()?.as_chunks::<3>();
                if x.shape()[1] != 3 || !rest.is_empty() {
                    return Err(invalid("a moment is three numbers"));
                }
                let moment = |&[count, sum, squares]: &[f64; 3]| Moment { count, sum, squares };
                Cells::Moments(moments.iter().map(moment).collect())
            }
        })
    }

    fn array<'py>(py: Python<'py>, cells: &Cells) -> PyResult<Bound<'py, PyAny>> {
        let (values, width) = match cells {
            Cells::Counts { counts, classes } => (counts.clone().into_pyarray(py).into_any(), *classes),
            Cells::Moments(moments) => {
                let values: Vec<f64> = moments.iter().flat_map(|m| [m.count, m.sum, m.squares]).collect();
                (values.into_pyarray(py).into_any(), 3)
            }
        };
        values.call_method1("reshape", (-1, width))
    }
}

fn invalid(text: &str) -> PyErr {
    PyValueError::new_err(text.to_owned())
}

fn smooth(rows: Option<f64>) -> Smooth {
    rows.map_or(Smooth::Auto, Smooth::Rows)
}

/// One array an output.
fn by_output<'py>(py: Python<'py>, encodings: &[f64], outputs: usize) -> Vec<Bound<'py, PyAny>> {
    let of = |output: usize| encodings.iter().skip(output).step_by(outputs).copied().collect::<Vec<_>>();
    (0..outputs).map(|output| of(output).into_pyarray(py).into_any()).collect()
}

struct Column {
    whole: Cells,
    encodings: Vec<f64>,
    /// By fold, for the rows that it tests.
    tables: Vec<f64>,
}

/// What a fit has to know of the rows.
struct Rows<'a> {
    codes: ArrayView2<'a, u32>,
    categories: &'a [usize],
    target: Target<'a>,
    tests: Option<&'a [u32]>,
    folds: usize,
}

impl Rows<'_> {
    /// All rows' state; each column; the means of what each fold leaves out.
    fn learn(&self, smooth: Smooth, exec: &Exec<'_>) -> Result<(Cells, Vec<Column>, Vec<f64>), Error> {
        let Self { codes, categories, target, tests, folds } = *self;
        let columns = categories
            .iter()
            .enumerate()
            .map(|(j, &n)| target::cells(codes.column(j), n, target, tests, folds, exec))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(first) = columns.first() else {
            return Err(Error::Invalid("there has to be a column".to_owned()));
        };
        let by_fold = first.by_fold(folds);
        let (total, left_out) = (by_fold.whole(folds), by_fold.left_out(folds).means(folds));
        let means = total.means(1);
        let learn = |(cells, &n): (Cells, &usize)| {
            let whole = cells.whole(folds);
            let encodings = whole.encodings(n, &means, smooth, exec)?;
            let tables = match tests {
                Some(_) => cells.left_out(folds).encodings(n * folds, &left_out, smooth, exec)?,
                None => Vec::new(),
            };
            Ok(Column { whole, encodings, tables })
        };
        let columns = columns.into_iter().zip(categories).map(learn).collect::<Result<Vec<_>, Error>>()?;
        Ok((total, columns, left_out.into_iter().map(|(mean, _)| mean).collect()))
    }
}

type Learned<'py> =
    (Bound<'py, PyAny>, Vec<Bound<'py, PyAny>>, Vec<Bound<'py, PyAny>>, Option<Bound<'py, PyArray2<f64>>>);

/// (state of all rows, state of each column's categories, encodings column by column and output by output, the rows'
/// encodings by what the folds that do not test them say). Without `tests` there are no folds and no such rows.
#[pyfunction]
#[pyo3(signature = (codes, categories, target, rows_of_mean, tests=None, folds=1))]
fn learn_targets<'py>(
    py: Python<'py>,
    codes: PyReadonlyArray2<'py, u32>,
    categories: Vec<usize>,
    target: Given<'py>,
    rows_of_mean: Option<f64>,
    tests: Option<PyReadonlyArray1<'py, u32>>,
    folds: usize,
) -> PyResult<Learned<'py>> {
    let tests = tests.as_ref().map(|tests| tests.as_slice()).transpose()?;
    let n = codes.shape()[0];
    if target.len() != n || categories.len() != codes.shape()[1] || folds == 0 || categories.contains(&0) {
        return Err(invalid("codes, categories and target have to agree"));
    }
    if tests.is_some_and(|tests| tests.len() != n || tests.iter().any(|&fold| fold as usize >= folds)) {
        return Err(invalid("each row needs a fold"));
    }
    let rows = Rows {
        codes: codes.as_array(),
        categories: &categories,
        target: target.target()?,
        tests,
        folds: if tests.is_some() { folds } else { 1 },
    };
    let smooth = smooth(rows_of_mean);
    let (total, columns, left_out) = enter(py, |exec| rows.learn(smooth, exec))?;
    let outputs = total.outputs();
    let out = match tests {
        Some(_) => {
            // What is not known is written after the last fold, with that one's mean.
            let unknown = &left_out[left_out.len() - outputs..];
            let tables: Vec<&[f64]> = columns.iter().map(|column| &*column.tables).collect();
            Some(written(py, &codes, tests, folds, &tables, unknown)?)
        }
        None => None,
    };
    let states = columns.iter().map(|column| Known::array(py, &column.whole)).collect::<PyResult<_>>()?;
    let encodings = columns.iter().flat_map(|column| by_output(py, &column.encodings, outputs)).collect();
    Ok((Known::array(py, &total)?, states, encodings, out))
}

fn written<'py>(
    py: Python<'py>,
    codes: &PyReadonlyArray2<'py, u32>,
    tests: Option<&[u32]>,
    folds: usize,
    tables: &[&[f64]],
    unknown: &[f64],
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let shape = [codes.shape()[0], tables.len() * unknown.len()];
    // SAFETY: NumPy hands out memory that nobody else sees; every element is written before it is returned, and it is
    // dropped unseen on an error.
    let out = unsafe { fresh::<f64, _>(py, shape, false) };
    // SAFETY: the array was just made, is C-contiguous, and this is its only reference.
    let values = unsafe { out.as_slice_mut()? };
    let codes = codes.as_array();
    enter(py, |exec| target::write(codes, tests, folds, tables, unknown, values, exec))?;
    Ok(out)
}

/// (mean of each output, encodings as of `learn_targets`) of the states of all rows and of the columns' categories.
#[pyfunction]
fn target_encodings<'py>(
    py: Python<'py>,
    total: Known<'py>,
    columns: Vec<Known<'py>>,
    rows_of_mean: Option<f64>,
) -> PyResult<(Vec<f64>, Vec<Bound<'py, PyAny>>)> {
    let total = total.cells()?;
    let means = total.means(1);
    let mut encodings = Vec::new();
    for column in &columns {
        let cells = column.cells()?;
        if cells.outputs() != total.outputs() {
            return Err(invalid("columns and all rows have to be of one target"));
        }
        let n = match column {
            Known::Counts(x) => x.shape()[0],
            Known::Moments(x) => x.shape()[0],
        };
        let values = cells.encodings(n, &means, smooth(rows_of_mean), &Exec::serial()).map_err(to_py)?;
        encodings.extend(by_output(py, &values, total.outputs()));
    }
    Ok((means.into_iter().map(|(mean, _)| mean).collect(), encodings))
}

/// The rows of `codes` by tables with `unknown.len()` outputs a category; codes that are no category get `unknown`.
#[pyfunction]
fn write_targets<'py>(
    py: Python<'py>,
    codes: PyReadonlyArray2<'py, u32>,
    tables: Vec<PyReadonlyArray2<'py, f64>>,
    unknown: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let unknown = unknown.as_slice()?;
    if tables.len() != codes.shape()[1] || tables.iter().any(|table| table.shape()[1] != unknown.len()) {
        return Err(invalid("codes, tables and unknown have to agree"));
    }
    let tables = tables.iter().map(|table| table.as_slice()).collect::<Result<Vec<_>, _>>()?;
    written(py, &codes, None, 1, &tables, unknown)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(learn_targets, m)?)?;
    m.add_function(wrap_pyfunction!(target_encodings, m)?)?;
    m.add_function(wrap_pyfunction!(write_targets, m)?)
}
