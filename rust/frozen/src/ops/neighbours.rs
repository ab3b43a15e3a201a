//! Fills what is missing by the nearest of the rows that the file holds.

use ferroflow_core::impute::Missing;
use ferroflow_core::impute::neighbours::{Nearest, nearest, overflow};
use ferroflow_core::{Exec, Float};
use ndarray::{Array2, ArrayView2};

use super::marker::Marker;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
enum Rows {
    Double(Array2<f64>),
    Single(Array2<f32>),
}

#[derive(Debug)]
struct Neighbours {
    columns: Vec<(usize, usize)>,
    rows: Rows,
    /// Columns that the rows have no value of: they become zero.
    empty: Vec<usize>,
    /// What fills a column of a row that has no neighbour.
    mean: Vec<f64>,
    k: usize,
    by_distance: bool,
    marker: Option<f64>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let marker = match r.marker()? {
        Marker::Missing => None,
        Marker::Number(v) => Some(v),
        Marker::Text(_) => return invalid(format!("the marker of {} is a text", r.place())),
    };
    let (k, by_distance) = (r.fields.size("k")?, r.fields.bool("by_distance")?);
    let rows = r.tensors.numbers(&r.fields.text("rows")?, true)?;
    let mean = r.tensors.numbers(&r.fields.text("mean")?, false)?;
    let width = r.input.len();
    r.fits("mean", mean.len(), width)?;
    let Ok(rows) = Array2::from_shape_vec((rows.len() / width.max(1), width), rows) else {
        return invalid(format!("'rows' of {} are not of {width} columns", r.place()));
    };
    if k == 0 || k > rows.nrows() {
        return invalid(format!("'k' of {} is {k}, of {} rows", r.place(), rows.nrows()));
    }
    let (mut columns, mut lines) = (Vec::new(), Vec::new());
    for line in r.input {
        if marker.is_some() {
            r.compiler.refuse_missing(line);
        }
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push((from, to));
        lines.push(Line { slot, source: line.source, open: false });
    }
    #[allow(clippy::float_cmp, reason = "the marker is that very number")]
    let missing = |v: &f64| marker.map_or(v.is_nan(), |marker| *v == marker);
    let empty = (0..width).filter(|j| rows.column(*j).iter().all(missing)).collect();
    let rows = if single { Rows::Single(rows.mapv(f32::from_f64)) } else { Rows::Double(rows) };
    Ok((Box::new(Neighbours { columns, rows, empty, mean, k, by_distance, marker }), lines))
}

impl Neighbours {
    /// Fills a row's values; `false` if their squares overflow.
    fn fill<T: Float>(&self, rows: ArrayView2<'_, T>, values: &mut [T]) -> bool {
        let missing = self.marker.map_or(Missing::Nan, |marker| Missing::Value(T::from_f64(marker)));
        let what = Nearest { missing, k: self.k, by_distance: self.by_distance };
        let Ok(x) = Array2::from_shape_vec((1, values.len()), values.to_vec()) else { return false };
        if overflow(&[x.view(), rows], missing) {
            return false;
        }
        let Ok(cells) = nearest(x.view(), rows, what, &Exec::serial()) else { return false };
        for cell in cells {
            values[cell.column] = T::from_f64(cell.mean.unwrap_or(self.mean[cell.column]));
        }
        for j in &self.empty {
            values[*j] = T::ZERO;
        }
        true
    }
}

impl Op for Neighbours {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        let done = match &self.rows {
            Rows::Double(rows) => {
                x64.clear();
                x64.extend(self.columns.iter().map(|c| numbers[c.0]));
                self.fill(rows.view(), x64)
            }
            Rows::Single(rows) => {
                x32.clear();
                x32.extend(self.columns.iter().map(|c| f32::from_f64(numbers[c.0])));
                self.fill(rows.view(), x32)
            }
        };
        if !done {
            let column = schema.columns().first().map_or("?", |c| c.name.as_str());
            let why = "a value is so large that its distance to other rows is not finite";
            return Err(InputError::cell(InputCode::NotFinite, row, column, why));
        }
        for (k, (_, to)) in self.columns.iter().enumerate() {
            numbers[*to] = match &self.rows {
                Rows::Double(_) => x64[k],
                Rows::Single(_) => f64::from(x32[k]),
            };
        }
        Ok(())
    }

    fn block<'a>(&'a self, _: &mut Block<'a>) -> bool {
        false // each row looks for its own neighbours
    }
}
