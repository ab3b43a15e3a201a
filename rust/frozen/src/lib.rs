//! The frozen model file: schema, ops, strict validator, evaluator.
//!
//! [`Model::from_bytes`] checks a file whole before anything runs; [`Batch`] takes rows cell by cell and checks
//! them against the [`Schema`]; [`Model::predict`] gives the bits that the Python pipeline gave. The file is
//! described in `docs/format.md`.
#![forbid(unsafe_code)]

mod batch;
mod block;
mod container;
mod error;
mod evaluate;
mod graph;
mod json;
mod limits;
mod model;
mod ops;
mod predictions;
mod schema;
mod source;
mod statistics;
mod versions;

pub use batch::{Batch, Cell, Column, Texts};
pub use container::{Tensor, Type, write};
pub use error::{InputCode, InputError, LoadError};
pub use limits::Limits;
pub use model::Model;
pub use predictions::{Output, Predictions, Wanted};
pub use schema::{Info, InputColumn, Kind, Label, Schema, Task};
pub use statistics::{ColumnStatistics, Values};
