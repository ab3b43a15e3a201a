//! Frozen models: writing a file, reading one, and predictions from dicts and columns.

use std::collections::BTreeMap;

use ferroflow_core::{Error, Exec, Float};
use ferroflow_frozen::{
    Batch, Cell, Column, InputError, Label, Limits, Model, Output, Predictions, Tensor, Type, Values, Wanted,
};
use ndarray::{Array, ArrayView2, IntoDimension, ShapeError};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyNotImplemented, PyString};

use crate::door::{enter, to_py};

/// Batches of up to this many rows keep the interpreter: giving it back and taking it again costs more.
const FEW_ROWS: usize = 64;

/// What is asked for of the predictions.
#[derive(Clone, Copy)]
enum What {
    Output,
    Probabilities,
    Scores,
    /// Output, and probabilities or None.
    Both,
}

impl What {
    fn wanted(self) -> Wanted {
        Wanted {
            output: matches!(self, Self::Output | Self::Both),
            probabilities: matches!(self, Self::Probabilities | Self::Both),
            scores: matches!(self, Self::Scores),
        }
    }
}

impl FromPyObject<'_, '_> for What {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match obj.cast::<PyString>()?.to_str()? {
            "output" => Ok(Self::Output),
            "probabilities" => Ok(Self::Probabilities),
            "scores" => Ok(Self::Scores),
            "both" => Ok(Self::Both),
            other => Err(PyValueError::new_err(format!("'{other}' cannot be asked for"))),
        }
    }
}

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

    /// What was asked for, as an array of rows, or a pair of them.
    fn hand_over<'py>(&self, py: Python<'py>, p: Predictions, what: What) -> PyResult<Bound<'py, PyAny>> {
        let (rows, classes) = (p.rows, self.labels.len());
        match what {
            What::Output => self.output(py, p.output, rows),
            What::Probabilities => self.numbers(py, p.probabilities.unwrap_or_default(), [rows, classes]),
            What::Scores if classes == 2 && p.scores.len() == rows => self.numbers(py, p.scores, [rows]),
            What::Scores => {
                let width = p.scores.len().checked_div(rows).unwrap_or(classes);
                self.numbers(py, p.scores, [rows, width])
            }
            What::Both => {
                let probabilities =
                    p.probabilities.map(|p| self.numbers(py, p, [rows, classes])).transpose()?;
                Ok((self.output(py, p.output, rows)?, probabilities).into_pyobject(py)?.into_any())
            }
        }
    }

    fn output<'py>(&self, py: Python<'py>, output: Output, rows: usize) -> PyResult<Bound<'py, PyAny>> {
        match output {
            Output::Labels(labels) => {
                Ok(labels.into_iter().map(i64::from).collect::<Vec<_>>().into_pyarray(py).into_any())
            }
            Output::Values { data, .. } if self.model.info().flat => self.numbers(py, data, [rows]),
            Output::Values { data, width } => self.numbers(py, data, [rows, width]),
        }
    }

    /// An array in the model's own type.
    fn numbers<'py, D: IntoDimension>(
        &self,
        py: Python<'py>,
        data: Vec<f64>,
        shape: D,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wrong = |e: ShapeError| PyValueError::new_err(e.to_string());
        if self.model.info().single {
            let data = data.into_iter().map(f32::from_f64).collect();
            return Ok(Array::from_shape_vec(shape, data).map_err(wrong)?.into_pyarray(py).into_any());
        }
        Ok(Array::from_shape_vec(shape, data).map_err(wrong)?.into_pyarray(py).into_any())
    }

    /// Runs on the caller's thread, keeping the interpreter, or on all threads without it.
    fn run<'py>(
        &self,
        py: Python<'py>,
        rows: usize,
        what: What,
        predict: impl FnOnce(&Exec<'_>) -> Result<Result<Predictions, InputError>, Error> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let predictions =
            if rows <= FEW_ROWS { predict(&Exec::serial()).map_err(to_py)? } else { enter(py, predict)? };
        self.hand_over(py, predictions.map_err(input_error)?, what)
    }

    fn run_batch<'py>(&self, py: Python<'py>, batch: &Batch<'_>, what: What) -> PyResult<Bound<'py, PyAny>> {
        let rows = batch.columns().first().map_or(0, Column::len);
        self.run(py, rows, what, |exec| self.model.predict_on(batch, what.wanted(), exec))
    }

    fn run_view<'py, T: Float>(
        &self,
        py: Python<'py>,
        matrix: ArrayView2<'_, T>,
        what: What,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.run(py, matrix.nrows(), what, |exec| self.model.predict_matrix(matrix, what.wanted(), exec))
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
        out.set_item("has_scores", info.has_scores)?;
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
        match p.output {
            Output::Labels(labels) => {
                let at = labels.first().map_or(0, |&v| v as usize);
                self.labels
                    .get(at)
                    .map(|l| l.bind(py).clone())
                    .ok_or_else(|| PyValueError::new_err("no label"))
            }
            Output::Values { data, .. } => match data.as_slice() {
                &[value] if self.model.info().flat => Ok(PyFloat::new(py, value).into_any()),
                _ => {
                    let width = data.len();
                    self.numbers(py, data, [width])
                }
            },
        }
    }

    /// Probabilities of one row; None for a model without.
    fn proba_row<'py>(
        &self,
        py: Python<'py>,
        row: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let probabilities = self.run_one(py, row)?.probabilities;
        probabilities.map(|p| self.numbers(py, p, [self.labels.len()])).transpose()
    }

    /// What is asked for of rows given as dicts.
    fn run_dicts<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyList>,
        what: What,
    ) -> PyResult<Bound<'py, PyAny>> {
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
        self.run_batch(py, &batch, what)
    }

    /// What is asked for of the rows of an aligned float64 or float32 matrix; `NotImplemented` for any other object.
    fn run_matrix<'py>(
        &self,
        py: Python<'py>,
        matrix: &Bound<'py, PyAny>,
        what: What,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(matrix) = matrix.cast::<PyArray2<f64>>()
            && matrix.is_aligned()
        {
            return self.run_view(py, matrix.try_readonly()?.as_array(), what);
        }
        if let Ok(matrix) = matrix.cast::<PyArray2<f32>>()
            && matrix.is_aligned()
        {
            return self.run_view(py, matrix.try_readonly()?.as_array(), what);
        }
        Ok(PyNotImplemented::get(py).to_owned().into_any())
    }

    /// What is asked for of rows given as columns: float64 arrays, or lists of objects.
    fn run_columns<'py>(
        &self,
        py: Python<'py>,
        columns: &Bound<'py, PyList>,
        what: What,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut batch = Batch::new(self.model.schema(), 0);
        for (j, column) in columns.iter().enumerate() {
            if let Ok(numbers) = column.cast::<PyArray1<f64>>() {
                batch.push_numbers(j, numbers.try_readonly()?.as_array()).map_err(input_error)?;
            } else {
                for (i, value) in column.try_iter()?.enumerate() {
                    let value = value?;
                    batch.push(j, cell(&value, i, self.name(j))?).map_err(input_error)?;
                }
            }
        }
        self.run_batch(py, &batch, what)
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
