//! The ops: each is read and checked once (`read`), then runs on one row's slots (`row`) or on a block of rows (`block`),
//! with the same bits.

mod block;
mod read;
mod row;

use hashbrown::HashMap;

use crate::graph::Slot;

pub use read::OpReader;

type Map<K> = HashMap<K, usize, foldhash::fast::RandomState>;

/// What counts as missing.
#[derive(Debug)]
enum Marker {
    /// A missing cell.
    Missing,
    /// This number.
    Number(f64),
    /// This text.
    Text(String),
}

/// The categories of one column, by value.
#[derive(Debug)]
enum Lookup {
    Numbers(Map<u64>),
    Texts(Map<Box<str>>),
}

#[derive(Debug)]
struct OneHotColumn {
    from: Slot,
    source: usize,
    lookup: Lookup,
    /// Per category the place of its 1, or `ZEROS`, or `REFUSE`; then of a missing cell, then of an unknown one.
    codes: Vec<i64>,
    to: usize,
    width: usize,
}

#[derive(Debug)]
struct OrdinalColumn {
    from: Slot,
    source: usize,
    lookup: Lookup,
    /// Per category its number; then of a missing cell, then of an unknown one.
    values: Vec<f64>,
    refuse_missing: bool,
    refuse_unknown: bool,
    to: usize,
}

const ZEROS: i64 = -1;
const REFUSE: i64 = -2;

#[derive(Debug)]
struct ScaleColumn {
    from: usize,
    to: usize,
    mean: f64,
    scale: f64,
}

#[derive(Debug, Clone, Copy)]
struct ScaleBy {
    center: bool,
    divide: bool,
    multiply: bool,
}

/// An op with everything it needs.
#[derive(Debug)]
pub enum Op {
    Impute { columns: Vec<(usize, usize, f64)>, marker: Option<f64> },
    ImputeText { columns: Vec<(usize, usize, String)>, marker: Option<String> },
    Indicator(Box<IndicatorOp>),
    Scale(Box<ScaleOp>),
    OneHot(Box<OneHotOp>),
    Ordinal(Box<OrdinalOp>),
    Linear(Box<LinearOp>),
}

#[derive(Debug)]
pub struct IndicatorOp {
    columns: Vec<(Slot, usize)>,
    marker: Marker,
}
#[derive(Debug)]
pub struct ScaleOp {
    single: bool,
    by: ScaleBy,
    columns: Vec<ScaleColumn>,
}
#[derive(Debug)]
pub struct OneHotOp {
    columns: Vec<OneHotColumn>,
}
#[derive(Debug)]
pub struct OrdinalOp {
    columns: Vec<OrdinalColumn>,
}
#[derive(Debug)]
pub struct LinearOp {
    inputs: Vec<(usize, usize)>,
    weights: Weights,
    to: usize,
}
#[derive(Debug)]
enum Weights {
    Double(Vec<f64>, Vec<f64>),
    Single(Vec<f32>, Vec<f32>),
}
