//! Rows of hashed features.

use std::ptr::null_mut;

use ferroflow_core::Float;
use ferroflow_core::encode::hashed::HashedRows;
use numpy::{Element, IntoPyArray, PyArray1};
use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::strings::fetch;

/// Samples between two looks for Ctrl-C.
const SIGNAL_SAMPLES: usize = 1 << 12;
/// Features that are gathered before they are hashed, so that the memory has their names by then.
const BATCH: usize = 64;

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
    push_named(rows, name, value.extract().ok()?)
}

fn push_named<T: Float>(rows: &mut HashedRows<T>, name: &Bound<'_, PyAny>, value: f64) -> Option<()> {
    if let Ok(name) = name.cast_exact::<PyString>() {
        rows.push(name.to_str().ok()?.as_bytes(), value);
    } else {
        rows.push(name.cast_exact::<PyBytes>().ok()?.as_bytes(), value);
    }
    Some(())
}

/// Adds a sample of any kind.
fn push_sample<T: Float>(
    rows: &mut HashedRows<T>,
    sample: &Bound<'_, PyAny>,
    input: &str,
    text: &mut Vec<u8>,
) -> Option<()> {
    if input == "dict" {
        for (name, value) in sample.cast_exact::<PyDict>().ok()? {
            push(rows, &name, &value, text)?;
        }
    } else if input == "pair" {
        each(sample, |both| {
            let (name, value) = pair(&both)?;
            push(rows, &name, &value, text)
        })?;
    } else {
        each(sample, |name| push_named(rows, &name, 1.0))?;
    }
    Some(())
}

/// A feature whose name, and value if that is a text, are asked for and not yet read.
#[derive(Clone, Copy)]
enum Feature {
    Number(*mut ffi::PyObject, f64),
    Text(*mut ffi::PyObject, *mut ffi::PyObject),
    /// The end of a sample.
    End,
}

/// Features of samples. Nothing that runs Python code may happen while there are some: the samples hold the names, and
/// could let go of them.
struct Batch(Vec<Feature>);

impl Batch {
    /// Adds a sample whose values are plain floats, ints and texts; false, and nothing added, if it is another.
    fn add(&mut self, sample: &Bound<'_, PyAny>, input: &str) -> bool {
        let (begin, sample) = (self.0.len(), sample.as_ptr());
        // SAFETY: the interpreter is held, the sample alive, and items are asked for that it has.
        let all = unsafe {
            if input == "dict" {
                ffi::PyDict_CheckExact(sample) != 0 && self.add_dict(sample)
            } else if ffi::PyList_CheckExact(sample) != 0 {
                (0..ffi::PyList_Size(sample)).all(|i| self.add_item(ffi::PyList_GetItem(sample, i), input))
            } else {
                ffi::PyTuple_CheckExact(sample) != 0
                    && (0..ffi::PyTuple_Size(sample))
                        .all(|i| self.add_item(ffi::PyTuple_GetItem(sample, i), input))
            }
        };
        if all {
            self.0.push(Feature::End);
        } else {
            self.0.truncate(begin);
        }
        all
    }

    /// # Safety
    /// It must be an exact dict that is alive, with the interpreter held.
    unsafe fn add_dict(&mut self, dict: *mut ffi::PyObject) -> bool {
        let (mut at, mut name, mut value) = (0, null_mut(), null_mut());
        // SAFETY: as the caller vouches; nothing changes the dict meanwhile, and it holds what it gives.
        unsafe {
            while ffi::PyDict_Next(dict, &raw mut at, &raw mut name, &raw mut value) != 0 {
                if !self.add_pair(name, value) {
                    return false;
                }
            }
        }
        true
    }

    /// # Safety
    /// The item must be alive, with the interpreter held.
    unsafe fn add_item(&mut self, item: *mut ffi::PyObject, input: &str) -> bool {
        if input == "string" {
            fetch(item);
            self.0.push(Feature::Number(item, 1.0));
            return true;
        }
        // SAFETY: as the caller vouches, and a tuple of two has both.
        unsafe {
            ffi::PyTuple_CheckExact(item) != 0
                && ffi::PyTuple_Size(item) == 2
                && self.add_pair(ffi::PyTuple_GetItem(item, 0), ffi::PyTuple_GetItem(item, 1))
        }
    }

    /// # Safety
    /// Both must be alive, with the interpreter held.
    unsafe fn add_pair(&mut self, name: *mut ffi::PyObject, value: *mut ffi::PyObject) -> bool {
        fetch(name);
        // SAFETY: as the caller vouches.
        self.0.push(unsafe {
            if ffi::PyFloat_CheckExact(value) != 0 {
                Feature::Number(name, ffi::PyFloat_AsDouble(value))
            } else if ffi::PyUnicode_CheckExact(value) != 0 {
                Feature::Text(name, value)
            } else if ffi::PyLong_CheckExact(value) != 0 {
                let mut beyond = 0;
                let number = ffi::PyLong_AsLongLongAndOverflow(value, &raw mut beyond);
                if beyond != 0 {
                    return false;
                }
                Feature::Number(name, number as f64)
            } else {
                return false;
            }
        });
        true
    }

    /// Hashes and takes out all; `None` if a name is no text.
    fn hash<T: Float>(&mut self, rows: &mut HashedRows<T>, py: Python<'_>, text: &mut Vec<u8>) -> Option<()> {
        // SAFETY: the sample holds it, and no Python code ran since.
        let held = |object| unsafe { Borrowed::from_ptr(py, object) };
        for feature in self.0.drain(..) {
            match feature {
                Feature::Number(name, value) => push_named(rows, &held(name), value)?,
                Feature::Text(name, value) => push(rows, &held(name), &held(value), text)?,
                Feature::End => rows.close(),
            }
        }
        Some(())
    }
}

fn hashed<T: Float>(
    samples: &Bound<'_, PyList>,
    input: &str,
    mut rows: HashedRows<T>,
) -> PyResult<Option<HashedRows<T>>> {
    let (py, mut text, mut batch) = (samples.py(), Vec::new(), Batch(Vec::new()));
    for (i, sample) in samples.iter().enumerate() {
        let added = batch.add(&sample, input);
        let signals = i > 0 && i.is_multiple_of(SIGNAL_SAMPLES);
        if (!added || signals || batch.0.len() >= BATCH) && batch.hash(&mut rows, py, &mut text).is_none() {
            return Ok(None);
        }
        if !added {
            if push_sample(&mut rows, &sample, input, &mut text).is_none() {
                return Ok(None);
            }
            rows.close();
        }
        if signals {
            py.check_signals()?;
            rows.expect(samples.len());
        }
    }
    Ok(batch.hash(&mut rows, py, &mut text).map(|()| rows))
}

type Hashed<'py> = (Bound<'py, PyAny>, Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i64>>);

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
    m.add_function(wrap_pyfunction!(hash_features, m)?)
}
