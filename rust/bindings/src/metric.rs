//! Labels compared and counted. What is not a plain label is answered with `None`, for the caller to deal with.

use ferroflow_core::metric::{self, Codes, Interner, Texts, Weight, What};
use ferroflow_core::{Exec, Result};
use ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::door::enter;
use crate::labels::{Labels, both, match_numbers, widened};
use crate::names;

/// In how many places two arrays hold the same label.
#[pyfunction]
fn count_equal_labels(t: &Bound<'_, PyAny>, p: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    let py = t.py();
    let Some((t, p)) = both(t, p) else { return Ok(None) };
    match_numbers!(
        &t,
        &p,
        |a, b| enter(py, |exec| metric::matches(a, b, exec)),
        match (&t, &p) {
            (Labels::Objects(a), Labels::Objects(b)) => names::count_equal(py, a, b),
            (Labels::Texts(a), Labels::Texts(b)) => {
                enter(py, |exec| metric::matching_texts(*a, *b, exec).map(Some))
            }
            _ => match widened(&t, &p) {
                Some((a, b)) => enter(py, |exec| metric::matches(&a, &b, exec)),
                None => Ok(None),
            },
        }
    )
}

/// Labels in order, and a table or sums over them.
type Counted<'py, W> = Option<(Bound<'py, PyList>, Bound<'py, PyArray2<W>>)>;

/// Counts of labels: the square table if `table`, else hits, predictions and truths.
#[pyfunction]
fn count_labels<'py>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    table: bool,
) -> PyResult<Counted<'py, i64>> {
    let py = t.py();
    let what = if table { What::Table } else { What::Sums };
    let Some((t, p)) = both(t, p) else { return Ok(None) };
    let found = match_numbers!(
        &t,
        &p,
        |a, b| enter(py, |exec| metric::count_integers(a, b, what, exec))?,
        match widened(&t, &p) {
            Some((a, b)) => enter(py, |exec| metric::count_integers(&a, &b, what, exec))?,
            None => {
                let Some(numbered) = numbered(py, &t, &p)? else { return Ok(None) };
                return numbered
                    .counted(py, what, |t, p, k, exec| metric::count_numbered(t, p, k, what, exec));
            }
        }
    );
    found
        .map(|(labels, cells)| Ok((PyList::new(py, &labels)?, matrix(py, labels.len(), cells, what)?)))
        .transpose()
}

/// Weights of rows.
#[derive(FromPyObject)]
enum Weights<'py> {
    F64(PyReadonlyArray1<'py, f64>),
    I64(PyReadonlyArray1<'py, i64>),
}

/// [`count_labels`] with weights, in the weights' type.
#[pyfunction]
fn weigh_labels<'py>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    table: bool,
    weights: Weights<'py>,
) -> PyResult<Option<(Bound<'py, PyList>, Bound<'py, PyAny>)>> {
    match weights {
        Weights::F64(w) => weigh(t, p, table, &w),
        Weights::I64(w) => weigh(t, p, table, &w),
    }
}

fn weigh<'py, W: Weight + Element + Sync>(
    t: &Bound<'py, PyAny>,
    p: &Bound<'py, PyAny>,
    table: bool,
    weights: &PyReadonlyArray1<'py, W>,
) -> PyResult<Option<(Bound<'py, PyList>, Bound<'py, PyAny>)>> {
    let py = t.py();
    let what = if table { What::Table } else { What::Sums };
    let Some((t, p)) = both(t, p) else { return Ok(None) };
    let Some(numbered) = numbered(py, &t, &p)? else { return Ok(None) };
    let weights = weights.as_slice()?;
    if weights.len() != numbered.t.len() {
        return Err(PyValueError::new_err("there must be a weight for each row"));
    }
    let counted =
        numbered.counted(py, what, |t, p, k, exec| metric::add_up(t, p, k, Some(weights), what, exec))?;
    Ok(counted.map(|(labels, cells)| (labels, cells.into_any())))
}

/// Rows as numbers of labels, and the labels in order.
struct Numbered<'py> {
    labels: Bound<'py, PyList>,
    order: Vec<usize>,
    t: Vec<u32>,
    p: Vec<u32>,
}

impl<'py> Numbered<'py> {
    /// `name` makes the Python object of a label; `None` if it has none for one of them.
    fn new<L: Ord, N: IntoPyObject<'py>>(
        py: Python<'py>,
        codes: Codes<L>,
        name: impl Fn(&L) -> Option<N>,
    ) -> PyResult<Option<Self>> {
        let order = codes.order();
        let Some(names) = order.iter().map(|&i| name(&codes.labels[i])).collect::<Option<Vec<N>>>() else {
            return Ok(None);
        };
        Ok(Some(Self { labels: PyList::new(py, names)?, order, t: codes.t, p: codes.p }))
    }

    fn counted<W: Weight + Element>(
        self,
        py: Python<'py>,
        what: What,
        count: impl FnOnce(&[u32], &[u32], usize, &Exec<'_>) -> Result<metric::Cells<W>> + Send,
    ) -> PyResult<Counted<'py, W>> {
        let Self { labels, order, t, p } = self;
        let k = order.len();
        let cells = enter(py, |exec| Ok(count(&t, &p, k, exec)?.arranged(&order)))?;
        Ok(Some((labels, matrix(py, k, cells, what)?)))
    }
}

/// Numbers labels of any kind.
fn numbered<'py>(py: Python<'py>, t: &Labels<'_>, p: &Labels<'_>) -> PyResult<Option<Numbered<'py>>> {
    match (t, p) {
        (Labels::Objects(t), Labels::Objects(p)) => match names::number(py, t, p)? {
            Some(codes) => Numbered::new(py, codes, |name| Some(name.clone())),
            None => Ok(None),
        },
        (Labels::Texts(t), Labels::Texts(p)) => {
            let codes = enter(py, |_| Ok(number_texts(*t, *p)))?;
            let name =
                |text: &&[u32]| text.iter().map(|&point| char::from_u32(point)).collect::<Option<String>>();
            Numbered::new(py, codes, name)
        }
        _ => {
            let codes = match_numbers!(
                t,
                p,
                |a, b| enter(py, |exec| metric::encode(a, b, exec))?,
                match widened(t, p) {
                    Some((a, b)) => enter(py, |exec| metric::encode(&a, &b, exec))?,
                    None => None,
                }
            );
            codes.map_or(Ok(None), |codes| Numbered::new(py, codes, |&label| Some(label)))
        }
    }
}

fn number_texts<'a>(t: Texts<'a>, p: Texts<'a>) -> Codes<&'a [u32]> {
    let mut interner = Interner::default();
    let t = t.iter().map(|text| interner.number(text)).collect();
    let p = p.iter().map(|text| interner.number(text)).collect();
    Codes { labels: interner.into_keys(), t, p }
}

fn matrix<W: Element>(
    py: Python<'_>,
    labels: usize,
    cells: Vec<W>,
    what: What,
) -> PyResult<Bound<'_, PyArray2<W>>> {
    let rows = if what == What::Table { labels } else { 3 };
    let cells =
        Array2::from_shape_vec((rows, labels), cells).map_err(|e| PyValueError::new_err(e.to_string()))?;
    Ok(cells.into_pyarray(py))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(count_equal_labels, m)?)?;
    m.add_function(wrap_pyfunction!(count_labels, m)?)?;
    m.add_function(wrap_pyfunction!(weigh_labels, m)?)
}
