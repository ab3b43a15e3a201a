//! Rows of several labels, and rows of hashed features.

use ferroflow_core::Float;
use ferroflow_core::encode::hashed::HashedRows;
use ferroflow_core::encode::rows_of_sets;
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::Borrowed;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyString, PyTuple};

use crate::door::enter;

type Ints<'py> = Bound<'py, PyArray1<i32>>;

/// The CSR parts (indices, indptr) of rows whose labels' numbers follow each other in `numbers`, `lens[i]` in row i.
#[pyfunction]
fn label_sets<'py>(
    py: Python<'py>,
    numbers: PyReadonlyArray1<'py, u32>,
    lens: PyReadonlyArray1<'py, i64>,
) -> PyResult<(Ints<'py>, Ints<'py>)> {
    let (numbers, lens) = (numbers.as_slice()?, lens.as_slice()?);
    if numbers.len() > i32::MAX as usize {
        return Err(PyValueError::new_err("more labels than an int32 can number"));
    }
    let lens = lens.iter().map(|&len| usize::try_from(len).unwrap_or(0));
    let (indices, indptr) = enter(py, |_| Ok(rows_of_sets(numbers, lens)))?;
    Ok((indices.into_pyarray(py), indptr.into_pyarray(py)))
}

/// Calls `f` with each element of a list or a tuple; `None` if it is neither, or where `f` gives it.
fn each<'py>(row: &Bound<'py, PyAny>, mut f: impl FnMut(Bound<'py, PyAny>) -> Option<()>) -> Option<()> {
    if let Ok(row) = row.cast_exact::<PyList>() {
        row.iter().try_for_each(f)
    } else {
        row.cast_exact::<PyTuple>().ok()?.iter().try_for_each(&mut f)
    }
}

/// The two elements of a tuple.
fn pair<'a, 'py>(
    pair: &'a Bound<'py, PyAny>,
) -> Option<(Borrowed<'a, 'py, PyAny>, Borrowed<'a, 'py, PyAny>)> {
    let pair = pair.cast_exact::<PyTuple>().ok()?;
    if pair.len() != 2 {
        return None;
    }
    Some((pair.get_borrowed_item(0).ok()?, pair.get_borrowed_item(1).ok()?))
}

/// Adds a feature; `None` if only scikit-learn can read it, or has to word an error.
fn push<T: Float>(
    rows: &mut HashedRows<T>,
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    text: &mut Vec<u8>,
) -> Option<()> {
    if let Ok(value) = value.cast_exact::<PyString>() {
        text.clear();
        text.extend_from_slice(name.cast_exact::<PyString>().ok()?.to_str().ok()?.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.to_str().ok()?.as_bytes());
        rows.push(text, 1.0);
        return Some(());
    }
    if value.is_instance_of::<PyString>() {
        return None;
    }
    let value = match value.cast_exact::<PyFloat>() {
        Ok(value) => value.value(),
        Err(_) => value.extract().ok()?,
    };
    push_named(rows, name, value)
}

fn push_named<T: Float>(rows: &mut HashedRows<T>, name: &Bound<'_, PyAny>, value: f64) -> Option<()> {
    if let Ok(name) = name.cast_exact::<PyString>() {
        rows.push(name.to_str().ok()?.as_bytes(), value);
    } else {
        rows.push(name.cast_exact::<PyBytes>().ok()?.as_bytes(), value);
    }
    Some(())
}

fn hashed<T: Float>(
    samples: &Bound<'_, PyList>,
    input: &str,
    mut rows: HashedRows<T>,
) -> PyResult<Option<HashedRows<T>>> {
    let mut text = Vec::new();
    let mut read = |rows: &mut HashedRows<T>, sample: &Bound<'_, PyAny>| -> Option<()> {
        if input == "dict" {
            for (name, value) in sample.cast_exact::<PyDict>().ok()? {
                push(rows, &name, &value, &mut text)?;
            }
        } else if input == "pair" {
            each(sample, |both| {
                let (name, value) = pair(&both)?;
                push(rows, &name, &value, &mut text)
            })?;
        } else {
            each(sample, |name| push_named(rows, &name, 1.0))?;
        }
        Some(())
    };
    for (i, sample) in samples.iter().enumerate() {
        if read(&mut rows, &sample).is_none() {
            return Ok(None);
        }
        rows.close();
        if i.is_multiple_of(1 << 12) {
            samples.py().check_signals()?;
        }
    }
    Ok(Some(rows))
}

type Hashed<'py> = (Bound<'py, PyAny>, Ints<'py>, Bound<'py, PyArray1<i64>>);

/// The CSR parts (values, indices, indptr) of samples of an input type ("dict", "pair" or "string"), sorted and added up;
/// `None` if a sample is not of plain containers, texts and numbers.
#[pyfunction]
fn hash_features<'py>(
    samples: &Bound<'py, PyList>,
    input: &str,
    columns: u32,
    alternate: bool,
    single: bool,
) -> PyResult<Option<Hashed<'py>>> {
    fn parts<'py, T: Float + Element>(py: Python<'py>, rows: HashedRows<T>) -> Hashed<'py> {
        (rows.values.into_pyarray(py).into_any(), rows.indices.into_pyarray(py), rows.ends.into_pyarray(py))
    }
    let py = samples.py();
    Ok(if single {
        hashed(samples, input, HashedRows::<f32>::new(columns, alternate))?.map(|rows| parts(py, rows))
    } else {
        hashed(samples, input, HashedRows::<f64>::new(columns, alternate))?.map(|rows| parts(py, rows))
    })
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(hash_features, m)?)?;
    m.add_function(wrap_pyfunction!(label_sets, m)?)
}
