//! Float matrices from NumPy, taken as they are: f32 or f64, C, Fortran or strided.

use ferroflow_core::apart::Nullable;
use ndarray::{ArrayView1, ArrayView2};
use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrow_floats::ArrowFloats;

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
    /// float64, a frame through Arrow's interface
    Arrow(Bound<'py, ArrowFloats>),
    /// float64, column by column
    Columns64(Vec<PyReadonlyArray1<'py, f64>>),
    /// float32, column by column
    Columns32(Vec<PyReadonlyArray1<'py, f32>>),
}

/// A table of one type.
pub enum TableView<'a, T> {
    /// A matrix of any layout.
    Whole(ArrayView2<'a, T>),
    /// Columns of one length that lie apart.
    Columns(Vec<ArrayView1<'a, T>>),
}

impl<'a, T: Element> TableView<'a, T> {
    /// The columns, found to be of one length.
    fn of_columns(columns: &'a [PyReadonlyArray1<'_, T>]) -> PyResult<Self> {
        let columns: Vec<_> = columns.iter().map(PyReadonlyArray1::as_array).collect();
        if columns.iter().any(|column| column.len() != columns[0].len()) {
            return Err(PyValueError::new_err("the columns differ in length"));
        }
        Ok(Self::Columns(columns))
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
}

impl FloatTable<'_> {
    /// The columns of a frame through Arrow's interface, where missing values are marked by bits.
    pub fn nullable(&self) -> Option<Vec<Nullable<'_>>> {
        match self {
            Self::Arrow(x) => Some(x.get().nullable()),
            _ => None,
        }
    }

    /// The view that kernels take; a frame's missing values are NaN there, in a copy of the columns that have some.
    pub fn view(&self) -> PyResult<AnyView<'_>> {
        Ok(match self {
            Self::F64(x) => AnyView::F64(TableView::Whole(x.as_array())),
            Self::F32(x) => AnyView::F32(TableView::Whole(x.as_array())),
            Self::Arrow(x) => AnyView::F64(TableView::Columns(x.get().views())),
            Self::Columns64(x) => AnyView::F64(TableView::of_columns(x)?),
            Self::Columns32(x) => AnyView::F32(TableView::of_columns(x)?),
        })
    }
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
