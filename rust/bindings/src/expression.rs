//! Expressions of columns.

use std::borrow::Cow;

use ferroflow_core::expression::{Item, Kind, Program, signatures};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::enter;

/// Bytes that the patterns of one transformer may take.
const MOST_PATTERNS: usize = 8 << 20;

/// A column as it comes in.
enum Column<'py> {
    Numbers(PyReadonlyArray1<'py, f64>),
    Texts(Vec<Option<String>>),
}

impl<'py> FromPyObject<'_, 'py> for Column<'py> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match obj.extract::<PyReadonlyArray1<'py, f64>>() {
            Ok(numbers) => Ok(Self::Numbers(numbers)),
            Err(_) => Ok(Self::Texts(obj.extract()?)),
        }
    }
}

/// A column as it goes out.
enum Made {
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

/// A checked program of an ExpressionTransformer.
#[pyclass(frozen, module = "ferroflow._core", name = "Expressions")]
struct PyExpressions {
    programs: Vec<Program>,
    kinds: Vec<Kind>,
}

#[pymethods]
impl PyExpressions {
    /// Checks the programs over columns, of which `texts_at` are texts.
    #[new]
    fn new(
        programs: Vec<Vec<String>>,
        numbers: Vec<f64>,
        texts: Vec<String>,
        are_texts: Vec<bool>,
    ) -> PyResult<Self> {
        let kind = |&is_text: &bool| if is_text { Kind::Text } else { Kind::Number };
        let kinds: Vec<Kind> = are_texts.iter().map(kind).collect();
        let mut memory = MOST_PATTERNS;
        let check = |words: &Vec<String>| Program::new(words, &numbers, &texts, &kinds, &mut memory);
        let programs =
            programs.iter().map(check).collect::<Result<Vec<_>, _>>().map_err(PyValueError::new_err)?;
        Ok(Self { programs, kinds })
    }

    /// What each program makes of the columns, which have `rows` cells each.
    fn run<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column<'py>>,
        rows: usize,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let views: Vec<_> = columns
            .iter()
            .map(|column| match column {
                Column::Numbers(numbers) => (Some(numbers.as_array()), &[][..]),
                Column::Texts(texts) => (None, texts.as_slice()),
            })
            .collect();
        let fit = views.len() == self.kinds.len()
            && views.iter().zip(&self.kinds).all(|((numbers, texts), kind)| match numbers {
                Some(numbers) => *kind == Kind::Number && numbers.len() == rows,
                None => *kind == Kind::Text && texts.len() == rows,
            });
        if !fit {
            return Err(PyValueError::new_err("the columns do not fit the expressions"));
        }
        let made = enter(py, |_| Ok(self.programs.iter().map(|p| run(p, &views, rows)).collect::<Vec<_>>()))?;
        made.into_iter()
            .map(|made| match made {
                Made::Numbers(numbers) => Ok(numbers.into_pyarray(py).into_any()),
                Made::Texts(texts) => texts.into_pyobject(py),
            })
            .collect()
    }
}

type View<'a> = (Option<ndarray::ArrayView1<'a, f64>>, &'a [Option<String>]);

fn run(program: &Program, columns: &[View<'_>], rows: usize) -> Made {
    let mut waiting = Vec::new();
    let mut cells = (0..rows).map(|i| {
        let cell = |at: usize| match &columns[at] {
            (Some(numbers), _) => Item::Number(numbers[i]),
            (None, texts) => Item::Text(texts[i].as_deref().map(Cow::Borrowed)),
        };
        program.run(cell, &mut waiting)
    });
    match program.kind() {
        Kind::Number => Made::Numbers(
            cells.by_ref().map(|cell| if let Item::Number(v) = cell { v } else { f64::NAN }).collect(),
        ),
        Kind::Text => Made::Texts(
            cells
                .map(|cell| if let Item::Text(text) = cell { text.map(Cow::into_owned) } else { None })
                .collect(),
        ),
    }
}

/// The functions: name, kinds of the arguments, kind of the result.
#[pyfunction]
fn expression_functions() -> Vec<(&'static str, &'static str, char)> {
    signatures().collect()
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyExpressions>()?;
    m.add_function(wrap_pyfunction!(expression_functions, m)?)
}
