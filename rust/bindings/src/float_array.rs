//! Float matrices from NumPy, taken as they are: f32 or f64, C, Fortran or strided.

use ferroflow_core::Float;
use ferroflow_core::apart::{Apart, Marked, Marks, Pieces};
use ferroflow_core::numbers::Numbers;
use ndarray::{ArrayView1, ArrayView2};
use numpy::{
    Element, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::arrow_numbers::ArrowNumbers;
use crate::number_array::NumberArray;

/// A 2-d float array of either type.
#[derive(FromPyObject)]
pub enum FloatMatrix<'py> {
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
}

/// A float table of either type: a 2-d array, a frame, or its columns as a list.
#[derive(FromPyObject)]
pub enum FloatTable<'py> {
    /// float64
    F64(PyReadonlyArray2<'py, f64>),
    /// float32
    F32(PyReadonlyArray2<'py, f32>),
    /// A frame of numbers through Arrow's interface
    Arrow(Bound<'py, ArrowNumbers>),
    /// Numbers of another type, read as float64
    Other(OtherNumbers<'py>),
    /// float64, column by column
    Columns64(Vec<PyReadonlyArray1<'py, f64>>),
    /// float32, column by column
    Columns32(Vec<PyReadonlyArray1<'py, f32>>),
    /// Numbers of any types, column by column
    Mixed(Vec<MixedColumn<'py>>),
}

/// A 2-d array of whole numbers.
pub struct OtherNumbers<'py>(NumberArray<'py>);

impl<'a, 'py> FromPyObject<'a, 'py> for OtherNumbers<'py> {
    type Error = PyErr;

    fn extract(x: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let is_matrix = x.cast::<PyUntypedArray>().is_ok_and(|x| x.ndim() == 2);
        is_matrix.then(|| NumberArray::of(&x)).flatten().map(Self).ok_or_else(wrong)
    }
}

/// A column of numbers, and which of them are missing.
pub struct MixedColumn<'py> {
    numbers: NumberArray<'py>,
    missing: Option<PyReadonlyArray1<'py, u8>>,
}

impl<'a, 'py> FromPyObject<'a, 'py> for MixedColumn<'py> {
    type Error = PyErr;

    /// A tuple of an array, and of bytes that mark what is missing or None.
    fn extract(column: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let (numbers, missing): (Bound<'py, PyAny>, _) = column.extract()?;
        let numbers = NumberArray::of(&numbers).ok_or_else(wrong)?;
        Ok(Self { numbers, missing })
    }
}

fn wrong() -> PyErr {
    PyTypeError::new_err("not numbers")
}

impl MixedColumn<'_> {
    fn marked(&self) -> PyResult<Marked<'_>> {
        let numbers = self.numbers.numbers().filter(|x| x.columns() == 1).ok_or_else(wrong)?;
        let missing = self.missing.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
        if missing.is_some_and(|missing| missing.len() != numbers.rows()) {
            return Err(wrong());
        }
        Ok(Marked { numbers, marks: missing.map_or(Marks::None, Marks::Bytes) })
    }
}

/// A table of one type.
pub enum TableView<'a, T> {
    /// A matrix of any layout.
    Whole(ArrayView2<'a, T>),
    /// Columns of one length that lie apart.
    Columns(Vec<ArrayView1<'a, T>>),
}

impl<'a, T: Element + Float> TableView<'a, T> {
    fn of_columns(columns: &'a [PyReadonlyArray1<'_, T>]) -> PyResult<Self> {
        of_one_length(columns.iter().map(PyReadonlyArray1::as_array).collect()).map(Self::Columns)
    }

    /// (rows, columns)
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Whole(x) => x.dim(),
            Self::Columns(columns) => (columns.first().map_or(0, ArrayView1::len), columns.len()),
        }
    }
}

/// A [`FloatTable`] as kernels see it.
pub enum AnyView<'a> {
    /// float64
    F64(TableView<'a, f64>),
    /// float32
    F32(TableView<'a, f32>),
    /// A matrix of numbers of another type
    Other(Numbers<'a>),
    /// Columns of any types, whose missing values may have marks of their own
    Columns(Vec<Pieces<'a>>),
}

impl FloatTable<'_> {
    /// The view that kernels take.
    pub fn view(&self) -> PyResult<AnyView<'_>> {
        Ok(match self {
            Self::F64(x) => AnyView::F64(TableView::Whole(x.as_array())),
            Self::F32(x) => AnyView::F32(TableView::Whole(x.as_array())),
            Self::Arrow(x) => AnyView::Columns(x.get().columns()),
            Self::Other(OtherNumbers(x)) => {
                let numbers = x.numbers().ok_or_else(wrong)?;
                let column = |numbers| Marked { numbers, marks: Marks::None }.into();
                match numbers.by_column() {
                    Some(columns) => AnyView::Columns(columns.into_iter().map(column).collect()),
                    None => AnyView::Other(numbers),
                }
            }
            Self::Columns64(x) => AnyView::F64(TableView::of_columns(x)?),
            Self::Columns32(x) => AnyView::F32(TableView::of_columns(x)?),
            Self::Mixed(x) => {
                let columns = x.iter().map(MixedColumn::marked).collect::<PyResult<Vec<_>>>()?;
                AnyView::Columns(of_one_length(columns)?.into_iter().map(Pieces::from).collect())
            }
        })
    }
}

/// The columns, found to be of one length.
fn of_one_length<T, C: Apart<T>>(columns: Vec<C>) -> PyResult<Vec<C>> {
    if columns.iter().any(|column| column.len() != columns[0].len()) {
        return Err(PyValueError::new_err("the columns differ in length"));
    }
    Ok(columns)
}

/// A 2-d float array of either type, to be changed in place.
#[derive(FromPyObject)]
pub enum FloatMatrixMut<'py> {
    /// float64
    F64(PyReadwriteArray2<'py, f64>),
    /// float32
    F32(PyReadwriteArray2<'py, f32>),
}

/// A 1-d float array of either type.
#[derive(FromPyObject)]
pub enum FloatVector<'py> {
    /// float64
    F64(PyReadonlyArray1<'py, f64>),
    /// float32
    F32(PyReadonlyArray1<'py, f32>),
}
