//! Frames of numbers in, and of f64 out, through the Arrow C interface, without a copy.

use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchIterator};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use ferroflow_core::apart::{Marked, Marks, Pieces};
use ferroflow_core::impute::{fill_means, means_of_nullable};
use ferroflow_core::numbers::Numbers;
use ndarray::{ArrayView1, Axis};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow_stream::chunks;
use crate::door::enter;
use crate::fresh::fresh;
use crate::impute::{filled_columns, missing};

/// The columns of a frame of numbers, which kernels read as f64.
#[pyclass(frozen, module = "ferroflow._core")]
pub struct ArrowNumbers {
    /// The pieces of each column.
    columns: Vec<Vec<ArrayRef>>,
    rows: usize,
    /// The table with these values in place of what `marker` marks, filled in while they were found.
    ahead: Mutex<Option<Ahead>>,
}

struct Ahead {
    marker: Option<f64>,
    values: Vec<f64>,
    table: Py<PyArray2<f64>>,
}

#[pymethods]
impl ArrowNumbers {
    /// `frame` has `__arrow_c_stream__`; raises `TypeError` if not all of it are numbers.
    #[new]
    fn new(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (chunks, kind) = chunks(frame)?;
        let DataType::Struct(fields) = &kind else {
            return Err(PyTypeError::new_err("not a table"));
        };
        let (mut columns, mut rows) = (vec![Vec::with_capacity(chunks.len()); fields.len()], 0);
        for chunk in &chunks {
            let table = chunk.as_struct();
            if table.null_count() > 0 || table.columns().iter().any(|column| marked(column).is_none()) {
                return Err(PyTypeError::new_err("not a table of numbers"));
            }
            for (pieces, column) in columns.iter_mut().zip(table.columns()) {
                pieces.push(column.clone());
            }
            rows += table.len();
        }
        Ok(Self { columns, rows, ahead: Mutex::new(None) })
    }

    fn __len__(&self) -> usize {
        self.rows
    }

    /// Are all of them f64?
    #[getter]
    fn doubles(&self) -> bool {
        self.columns.iter().flatten().all(|piece| *piece.data_type() == DataType::Float64)
    }

    /// (the sum of each column without its missing values, how many are missing, was there a value that may not occur).
    ///
    /// `then_fill`: columns are also filled with their means, for a call of `fill` that asks for these.
    fn sums<'py>(&self, py: Python<'py>, marker: Option<f64>, then_fill: bool) -> PyResult<Sums<'py>> {
        let columns = self.columns();
        let means = if then_fill {
            // SAFETY: NumPy hands out uninitialised memory that nobody else sees; every element is written before Python sees
            // it, or it is dropped unseen.
            let table = unsafe { fresh::<f64, _>(py, [self.rows, columns.len()], true) };
            // SAFETY: the array was just made, is contiguous, and this is its only reference.
            let to = unsafe { table.as_slice_mut()? };
            let (means, odd) = enter(py, |exec| fill_means(&columns, missing(marker), to, exec))?;
            if let (false, Ok(mut ahead)) = (odd, self.ahead.lock()) {
                *ahead = Some(Ahead { marker, values: means.finalize(), table: table.unbind() });
            }
            means
        } else {
            enter(py, |exec| means_of_nullable(&columns, missing(marker), exec))?
        };
        Ok((means.sum.into_pyarray(py), means.missing.into_pyarray(py), means.refused))
    }

    /// The table with each column's missing values filled in; None if a value or a filling is not finite.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        marker: Option<f64>,
        values: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        let values = values.as_slice()?;
        let ahead = self.ahead.lock().ok().and_then(|mut ahead| ahead.take());
        match ahead.filter(|ahead| ahead.marker == marker && ahead.values == values) {
            Some(ahead) => Ok(Some(ahead.table.into_bound(py))),
            None => filled_columns(py, &self.columns(), marker, values),
        }
    }
}

type Sums<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, bool);

impl ArrowNumbers {
    /// The columns as kernels take them.
    pub fn columns(&self) -> Vec<Pieces<'_>> {
        self.columns.iter().filter_map(|pieces| column(pieces)).collect()
    }
}

/// A column of pieces; `None` if there are none.
fn column(pieces: &[ArrayRef]) -> Option<Pieces<'_>> {
    let mut pieces = pieces.iter().filter_map(marked);
    pieces.next().map(|first| Pieces::new(first, pieces))
}

/// A piece of numbers; `None` for others.
fn marked(column: &ArrayRef) -> Option<Marked<'_>> {
    macro_rules! numbers {
        ($($kind:ident $numbers:ident),*) => {
            match column.data_type() {
                $(DataType::$numbers => {
                    let values: &[_] = column.as_primitive_opt::<$kind>()?.values();
                    Numbers::from(ArrayView1::from(values).insert_axis(Axis(1)))
                })*
                _ => return None,
            }
        };
    }
    let numbers = numbers!(
        Float64Type Float64, Float32Type Float32, Int64Type Int64, Int32Type Int32, Int16Type Int16,
        Int8Type Int8, UInt64Type UInt64, UInt32Type UInt32, UInt16Type UInt16, UInt8Type UInt8
    );
    let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
    let marks = nulls.map_or(Marks::None, |nulls| Marks::Bits(nulls.validity(), nulls.offset()));
    Some(Marked { numbers, marks })
}

/// A matrix that lies column by column, as a frame that other libraries read through the Arrow C stream interface.
#[pyclass(frozen, module = "ferroflow._core")]
pub struct ArrowFrame {
    table: RecordBatch,
}

/// What keeps an array's memory.
struct Owner(#[allow(dead_code, reason = "held, not read")] AssertUnwindSafe<Py<PyArray2<f64>>>);

#[pymethods]
impl ArrowFrame {
    /// `x` is not to be written to any more.
    #[new]
    fn new(x: &Bound<'_, PyArray2<f64>>, names: Vec<String>) -> PyResult<Self> {
        let (rows, width) = (x.shape()[0], x.shape()[1]);
        if !x.is_fortran_contiguous() || names.len() != width {
            return Err(PyValueError::new_err("the matrix lies otherwise, or has another number of columns"));
        }
        let memory = NonNull::new(x.data().cast::<u8>())
            .ok_or_else(|| PyValueError::new_err("the matrix has no memory"))?;
        let bytes = rows * width * size_of::<f64>();
        // SAFETY: NumPy's memory of so many bytes, aligned for f64, lives as long as its array, which the buffer owns.
        let all = unsafe {
            Buffer::from_custom_allocation(
                memory,
                bytes,
                Arc::new(Owner(AssertUnwindSafe(x.clone().unbind()))),
            )
        };
        let column = |j: usize| {
            let part = all.slice_with_length(j * rows * size_of::<f64>(), rows * size_of::<f64>());
            Arc::new(Float64Array::new(ScalarBuffer::from(part), None)) as ArrayRef
        };
        let fields: Vec<_> =
            names.into_iter().map(|name| Field::new(name, DataType::Float64, true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), (0..width).map(column).collect())
            .map(|table| Self { table })
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema; // which a stream may ignore
        let table = self.table.clone();
        let schema = table.schema();
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(table)], schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<ArrowNumbers>()?;
    m.add_class::<ArrowFrame>()
}
