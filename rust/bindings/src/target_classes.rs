//! The classes of targets, numbered once for whatever metrics of scores and probabilities need them.

use ferroflow_core::metric::{self, Codes, Interner, Targets};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::door::enter;
use crate::labels::{Labels, labels};
use crate::names;

/// Labels in order.
enum Names {
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

/// Each row's class.
#[pyclass(frozen, module = "ferroflow._core")]
pub struct TargetClasses {
    names: Names,
    pub codes: Vec<u16>,
    pub counts: Vec<u64>,
}

#[pymethods]
impl TargetClasses {
    /// Number of rows.
    fn __len__(&self) -> usize {
        self.codes.len()
    }

    /// The labels that occur, in order.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match &self.names {
            Names::Integers(labels) => PyList::new(py, labels),
            Names::Texts(labels) => PyList::new(py, labels),
        }
    }

    /// How many rows each label has.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.counts)
    }

    /// Each row's place among the labels.
    fn codes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u16>> {
        PyArray1::from_slice(py, &self.codes)
    }
}

/// The classes of a 1-d array of integers, or of strings; `None` for other arrays.
#[pyfunction]
fn target_classes(y: &Bound<'_, PyAny>) -> PyResult<Option<TargetClasses>> {
    let py = y.py();
    let Some((labels, _)) = labels(y) else { return Ok(None) };
    macro_rules! integers {
        ($y:expr) => {
            enter(py, |exec| metric::of_integers($y, exec))?.map(|Targets { labels, codes, counts }| {
                TargetClasses { names: Names::Integers(labels), codes, counts }
            })
        };
    }
    let texts = |found: Codes<String>| {
        metric::of_codes(found).map(|Targets { labels, codes, counts }| TargetClasses {
            names: Names::Texts(labels),
            codes,
            counts,
        })
    };
    Ok(match labels {
        Labels::I8(y) => integers!(y),
        Labels::I16(y) => integers!(y),
        Labels::I32(y) => integers!(y),
        Labels::I64(y) => integers!(y),
        Labels::U8(y) => integers!(y),
        Labels::U16(y) => integers!(y),
        Labels::U32(y) => integers!(y),
        Labels::U64(y) => integers!(y),
        Labels::F32(y) => integers!(y),
        Labels::F64(y) => integers!(y),
        Labels::Objects(y) => names::number_one(py, &y)?.and_then(texts),
        Labels::Texts(y) => {
            let mut interner = Interner::default();
            let t = y.iter().map(|text| interner.number(text)).collect();
            let names: Option<Vec<String>> = interner
                .into_keys()
                .into_iter()
                .map(|text| text.iter().map(|&point| char::from_u32(point)).collect())
                .collect();
            names.and_then(|labels| texts(Codes { labels, t, p: Vec::new() }))
        }
    })
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<TargetClasses>()?;
    m.add_function(wrap_pyfunction!(target_classes, m)?)
}
