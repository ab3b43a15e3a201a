//! Frozen models: writing a file, reading one, and predictions from dicts and columns.

use std::collections::BTreeMap;
use std::ops::Range;

use ferroflow_frozen::{
    Batch, Cell, InputError, Label, Limits, Model, Output, Predictions, Tensor, Type, Values,
};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::door::enter;

/// Batches of up to this many rows keep the interpreter: giving it back and taking it again costs more.
const FEW_ROWS: usize = 64;
/// Rows of a matrix that one thread takes at a time; below, waking another thread costs as much as it saves.
const CHUNK: usize = 2_048;

/// A loaded model file.
#[pyclass(frozen, module = "ferroflow._core", name = "FrozenModel")]
struct PyFrozen {
    model: Model,
    names: Vec<Py<PyString>>,
    labels: Vec<Py<PyAny>>,
}

fn input_error(error: InputError) -> PyErr {
    PyValueError::new_err(error.message)
}

fn label<'py>(py: Python<'py>, label: &Label) -> PyResult<Bound<'py, PyAny>> {
    Ok(match label {
        Label::Int(v) => v.into_pyobject(py)?.into_any(),
        Label::Float(v) => v.into_pyobject(py)?.into_any(),
        Label::Bool(v) => v.into_pyobject(py)?.to_owned().into_any(),
        Label::Text(v) => v.into_pyobject(py)?.into_any(),
    })
}

/// Reads a Python object as a cell: str, bool, number, None, NaN, pandas' NA, NumPy scalars.
#[inline]
fn cell<'a>(value: &'a Bound<'_, PyAny>, row: usize, column: &str) -> PyResult<Cell<'a>> {
    if value.is_exact_instance_of::<PyFloat>() {
        return Ok(Cell::Number(value.extract()?));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().map(Cell::Text).map_err(|_| {
            no_cell(row, column, "the text is not valid Unicode (it holds half a surrogate pair)")
        });
    }
    if value.is_none() {
        return Ok(Cell::Missing);
    }
    if value.is_instance_of::<PyBool>() {
        return Ok(Cell::Boolean(value.extract()?));
    }
    let number = value.extract::<f64>();
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return number
            .map(Cell::Number)
            .map_err(|_| no_cell(row, column, "the number is infinite or too large"));
    }
    let kind = value.get_type().name()?.to_string();
    match kind.as_str() {
        "NAType" | "NaTType" => Ok(Cell::Missing),
        "bool" | "bool_" => Ok(Cell::Boolean(value.is_truthy()?)),
        _ => number.map(Cell::Number).map_err(|_| {
            no_cell(row, column, &format!("a value of the type {kind} is neither number nor text"))
        }),
    }
}

#[cold]
fn no_cell(row: usize, column: &str, what: &str) -> PyErr {
    PyValueError::new_err(format!("row {row}, column '{column}': {what}"))
}

/// An error on the way of one row: of the model, or of Python.
enum RowError {
    Input(InputError),
    Python(PyErr),
}

impl From<InputError> for RowError {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<RowError> for PyErr {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Input(error) => input_error(error),
            RowError::Python(error) => error,
        }
    }
}

impl PyFrozen {
    fn name(&self, column: usize) -> &str {
        self.model.schema().columns().get(column).map_or("?", |c| c.name.as_str())
    }

    /// The values of a dict in the order of the schema.
    fn values<'py>(
        &self,
        py: Python<'py>,
        row: usize,
        dict: &Bound<'py, PyDict>,
        values: &mut Vec<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        values.clear();
        for name in &self.names {
            match dict.get_item(name.bind(py))? {
                Some(value) => values.push(value),
                None => {
                    let text =
                        format!("row {row}: the column '{name}' is missing; give None for an unknown value");
                    return Err(PyValueError::new_err(text));
                }
            }
        }
        if dict.len() != self.names.len() {
            for key in dict.keys() {
                let known = key.extract::<String>().is_ok_and(|k| self.model.schema().index_of(&k).is_some());
                if !known {
                    let text = format!("row {row}: the model has no column '{key}'; leave it out");
                    return Err(PyValueError::new_err(text));
                }
            }
        }
        Ok(())
    }

    fn hand_over<'py>(&self, py: Python<'py>, p: Predictions) -> PyResult<Bound<'py, PyTuple>> {
        let rows = p.rows;
        let matrix = |data: Vec<f64>, width: usize| -> PyResult<Bound<'py, PyAny>> {
            Ok(data.into_pyarray(py).reshape([rows, width])?.into_any())
        };
        let output = match p.output {
            Output::Labels(labels) => {
                labels.into_iter().map(i64::from).collect::<Vec<_>>().into_pyarray(py).into_any()
            }
            Output::Values { data, width } => matrix(data, width)?,
        };
        let probabilities = p.probabilities.map(|data| matrix(data, self.labels.len())).transpose()?;
        let n_scores = if self.labels.len() == 2 { p.scores.len() / rows.max(1) } else { self.labels.len() };
        let scores = matrix(p.scores, n_scores.max(usize::from(rows == 0 && !self.labels.is_empty())))?;
        (output, probabilities, scores).into_pyobject(py)
    }

    fn predict(&self, py: Python<'_>, batch: &Batch<'_>) -> PyResult<Predictions> {
        let few = batch.columns().first().is_none_or(|c| c.len() <= FEW_ROWS);
        let p = if few { self.model.predict(batch) } else { py.detach(|| self.model.predict(batch)) };
        p.map_err(input_error)
    }

    fn run_one<'py>(&self, py: Python<'py>, row: &Bound<'py, PyDict>) -> PyResult<Predictions> {
        let mut values = Vec::with_capacity(self.names.len());
        self.values(py, 0, row, &mut values)?;
        let result = self.model.predict_row(|j| match values.get(j) {
            Some(value) => cell(value, 0, self.name(j)).map_err(RowError::Python),
            None => Ok(Cell::Missing),
        });
        Ok(result?)
    }
}

#[pymethods]
impl PyFrozen {
    #[new]
    fn new(py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<Self> {
        let bytes = data.as_bytes();
        let model = py
            .detach(|| Model::from_bytes(bytes, &Limits::default()))
            .map_err(|e| PyValueError::new_err(e.to_string()))?;
        let names = model.schema().columns().iter().map(|c| PyString::intern(py, &c.name).unbind()).collect();
        let labels =
            model.info().classes.iter().map(|l| Ok(label(py, l)?.unbind())).collect::<PyResult<_>>()?;
        Ok(Self { model, names, labels })
    }

    /// What the model says of itself, as plain objects.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = self.model.info();
        let out = PyDict::new(py);
        out.set_item("name", &info.name)?;
        out.set_item("version", &info.version)?;
        out.set_item("sha256", &info.sha256)?;
        out.set_item("task", info.task.as_str())?;
        out.set_item("classes", PyList::new(py, self.labels.iter().map(|l| l.bind(py)))?)?;
        out.set_item("outputs", &info.outputs)?;
        out.set_item("has_probabilities", info.has_probabilities)?;
        out.set_item("single", info.single)?;
        out.set_item("flat", info.flat)?;
        out.set_item("provenance", self.model.provenance())?;
        let (schema, statistics) = (PyList::empty(py), PyList::empty(py));
        for (c, s) in self.model.schema().columns().iter().zip(self.model.statistics()) {
            let column = PyDict::new(py);
            column.set_item("name", &c.name)?;
            column.set_item("kind", c.kind.as_str())?;
            column.set_item("nullable", c.nullable)?;
            column.set_item("single", c.single)?;
            column.set_item("categories", &c.categories)?;
            schema.append(column)?;
            let item = PyDict::new(py);
            item.set_item("name", &c.name)?;
            item.set_item("count", s.count)?;
            item.set_item("missing", s.missing)?;
            match &s.values {
                Values::Numbers { mean, std, edges, counts } => {
                    item.set_item("mean", mean)?;
                    item.set_item("std", std)?;
                    item.set_item("edges", edges)?;
                    item.set_item("counts", counts)?;
                }
                Values::Texts { categories, counts } => {
                    item.set_item("categories", categories)?;
                    item.set_item("counts", counts)?;
                }
            }
            statistics.append(item)?;
        }
        out.set_item("schema", schema)?;
        out.set_item("statistics", statistics)?;
        Ok(out)
    }

    /// Label or values of one row.
    fn predict_row<'py>(&self, py: Python<'py>, row: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let p = self.run_one(py, row)?;
        match &p.output {
            Output::Labels(labels) => {
                let at = labels.first().map_or(0, |&v| v as usize);
                self.labels
                    .get(at)
                    .map(|l| l.bind(py).clone())
                    .ok_or_else(|| PyValueError::new_err("no label"))
            }
            Output::Values { data, .. } => match data.as_slice() {
                &[value] if self.model.info().flat => Ok(PyFloat::new(py, value).into_any()),
                _ => Ok(PyArray1::from_slice(py, data).into_any()),
            },
        }
    }

    /// Probabilities of one row; None for a model without.
    fn proba_row<'py>(
        &self,
        py: Python<'py>,
        row: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        Ok(self.run_one(py, row)?.probabilities.map(|p| p.into_pyarray(py)))
    }

    /// Output, probabilities and scores of rows given as dicts.
    fn run_dicts<'py>(&self, py: Python<'py>, rows: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyTuple>> {
        let mut batch = Batch::new(self.model.schema(), rows.len());
        let mut values = Vec::with_capacity(self.names.len());
        for (i, row) in rows.iter().enumerate() {
            let Ok(row) = row.cast::<PyDict>() else {
                return Err(PyTypeError::new_err(format!("row {i} is no dict")));
            };
            self.values(py, i, row, &mut values)?;
            for (j, value) in values.iter().enumerate() {
                batch.push(j, cell(value, i, self.name(j))?).map_err(input_error)?;
            }
        }
        let p = self.predict(py, &batch)?;
        self.hand_over(py, p)
    }

    /// Output, probabilities and scores of the rows of a float64 matrix.
    fn run_matrix<'py>(
        &self,
        py: Python<'py>,
        matrix: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let matrix = matrix.as_array();
        if matrix.ncols() != self.names.len() {
            return Err(PyValueError::new_err(format!(
                "the array has {} columns, the model needs {}",
                matrix.ncols(),
                self.names.len()
            )));
        }
        let rows = matrix.nrows();
        let run = |part: Range<usize>| {
            let cells =
                |i, j| Ok::<_, InputError>(matrix.get((i, j)).map_or(Cell::Missing, |&x| Cell::Number(x)));
            self.model.predict_rows(part, cells)
        };
        if rows <= CHUNK {
            return self.hand_over(py, run(0..rows).map_err(input_error)?);
        }
        let parts = enter(py, |exec| {
            exec.map(rows.div_ceil(CHUNK), |k| run(k * CHUNK..((k + 1) * CHUNK).min(rows)))
        })?;
        let mut whole: Option<Predictions> = None;
        for part in parts {
            let part = part.map_err(input_error)?;
            match &mut whole {
                Some(whole) => whole.append(part),
                None => whole = Some(part),
            }
        }
        match whole {
            Some(whole) => self.hand_over(py, whole),
            None => Err(PyValueError::new_err("the array has no rows")),
        }
    }

    /// Output, probabilities and scores of rows given as columns: float64 arrays, or lists of objects.
    fn run_columns<'py>(
        &self,
        py: Python<'py>,
        columns: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut batch = Batch::new(self.model.schema(), 0);
        for (j, column) in columns.iter().enumerate() {
            if let Ok(numbers) = column.extract::<PyReadonlyArray1<'_, f64>>() {
                for &x in numbers.as_array() {
                    batch.push(j, Cell::Number(x)).map_err(input_error)?;
                }
            } else {
                for (i, value) in column.try_iter()?.enumerate() {
                    let value = value?;
                    batch.push(j, cell(&value, i, self.name(j))?).map_err(input_error)?;
                }
            }
        }
        let p = self.predict(py, &batch)?;
        self.hand_over(py, p)
    }
}

/// The bytes of a model file from its document and its tensors (name, type, shape, little-endian bytes).
#[pyfunction]
fn frozen_write<'py>(
    py: Python<'py>,
    document: &str,
    tensors: Vec<(String, String, Vec<usize>, Bound<'py, PyBytes>)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut map = BTreeMap::new();
    for (name, kind, shape, bytes) in tensors {
        let Some(kind) = Type::parse(&kind) else {
            return Err(PyValueError::new_err(format!("the tensor type {kind} is unknown")));
        };
        let tensor = Tensor { kind, shape, bytes: bytes.as_bytes().to_vec() };
        if map.insert(name.clone(), tensor).is_some() {
            return Err(PyValueError::new_err(format!("the tensor '{name}' stands twice")));
        }
    }
    let bytes = ferroflow_frozen::write(document, &map).map_err(PyValueError::new_err)?;
    Ok(PyBytes::new(py, &bytes))
}

/// Adds this family to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyFrozen>()?;
    m.add_function(wrap_pyfunction!(frozen_write, m)?)
}
