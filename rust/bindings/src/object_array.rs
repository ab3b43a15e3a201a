//! Object arrays of texts: what is missing in them, and which text is the most frequent. Under the interpreter, since
//! every element is its object.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

/// What an element is to an imputer.
enum Element<'a> {
    Missing,
    Text(&'a str),
    /// A NaN that does not mark what is missing.
    Nan,
    /// None, a number or a truth value.
    Other,
    /// Something that only NumPy knows how to compare.
    Unknown,
}

/// What marks a missing value: NaN, None or a text.
enum Marker {
    Text(String),
    Nan,
    None,
}

impl FromPyObject<'_, '_> for Marker {
    type Error = PyErr;
    fn extract(marker: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(match marker.extract::<Option<String>>() {
            Ok(Some(text)) => Self::Text(text),
            Ok(None) => Self::None,
            Err(_) => {
                marker.extract::<f64>()?;
                Self::Nan
            }
        })
    }
}

impl Marker {
    fn classify<'a>(&self, py: Python<'a>, v: &'a Py<PyAny>) -> Element<'a> {
        let v = v.bind(py);
        if let Ok(text) = v.cast_exact::<PyString>() {
            return match (self, text.to_str()) {
                (_, Err(_)) => Element::Unknown,
                (Self::Text(marker), Ok(text)) if marker == text => Element::Missing,
                (_, Ok(text)) => Element::Text(text),
            };
        }
        if v.is_none() {
            return if matches!(self, Self::None) { Element::Missing } else { Element::Other };
        }
        if let Ok(number) = v.cast_exact::<PyFloat>() {
            return match (self, number.value().is_nan()) {
                (Self::Nan, true) => Element::Missing,
                (_, true) => Element::Nan,
                (_, false) => Element::Other,
            };
        }
        if v.is_exact_instance_of::<PyInt>() || v.is_exact_instance_of::<PyBool>() {
            Element::Other
        } else {
            Element::Unknown
        }
    }
}

type Objects<'py> = PyReadonlyArray2<'py, Py<PyAny>>;

/// (what is missing, was there a NaN that does not mark it); None if an element is not understood.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a Python tuple")]
fn object_missing<'py>(
    py: Python<'py>,
    x: Objects<'py>,
    marker: Marker,
) -> PyResult<Option<(Bound<'py, PyArray2<bool>>, bool)>> {
    let x = x.as_array();
    let mut nan = false;
    let mut mask = Vec::with_capacity(x.len());
    for v in x {
        mask.push(match marker.classify(py, v) {
            Element::Missing => true,
            Element::Unknown => return Ok(None),
            Element::Nan => {
                nan = true;
                false
            }
            Element::Text(_) | Element::Other => false,
        });
    }
    let Ok(mask) = ndarray::Array2::from_shape_vec(x.dim(), mask) else { return Ok(None) };
    Ok(Some((mask.into_pyarray(py), nan)))
}

/// Rows of a direct-mapped cache from an object's address to its text's number.
const CACHE: usize = 4096;

/// (the most frequent text of each column, the smallest of several, None if there is none; how many are missing); None
/// if an element is neither a text nor missing.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a Python tuple")]
fn object_modes<'py>(
    py: Python<'py>,
    x: Objects<'py>,
    marker: Marker,
) -> PyResult<Option<(Vec<Py<PyAny>>, Bound<'py, PyArray1<f64>>)>> {
    let mut modes = Vec::new();
    let mut missing = Vec::new();
    for column in x.as_array().columns() {
        let mut numbers: HashMap<&str, usize, FixedState> = HashMap::default();
        let mut texts: Vec<(&str, usize, &Py<PyAny>)> = Vec::new();
        let mut cache = vec![(std::ptr::null_mut(), 0); CACHE];
        let mut holes = 0.0;
        for v in column {
            // The objects live as long as the array, which nothing changes while the interpreter is held.
            let slot = (v.as_ptr() as usize).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
            let place = &mut cache[slot % CACHE];
            if place.0 == v.as_ptr() {
                texts[place.1].1 += 1;
                continue;
            }
            match marker.classify(py, v) {
                Element::Missing => holes += 1.0,
                Element::Text(text) => {
                    let number = *numbers.entry(text).or_insert_with(|| {
                        texts.push((text, 0, v));
                        texts.len() - 1
                    });
                    texts[number].1 += 1;
                    *place = (v.as_ptr(), number);
                }
                Element::Nan | Element::Other | Element::Unknown => return Ok(None),
            }
        }
        // The order of UTF-8 is that of the code points, Python's.
        let best = texts.iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        modes.push(best.map_or_else(|| py.None(), |best| best.2.clone_ref(py)));
        missing.push(holes);
        py.check_signals()?;
    }
    Ok(Some((modes, missing.into_pyarray(py))))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(object_missing, m)?)?;
    m.add_function(wrap_pyfunction!(object_modes, m)?)
}
