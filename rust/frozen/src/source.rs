//! Where rows come from: a batch whose cells are checked, or a matrix that is checked on its way.

use std::borrow::Cow;

use ferroflow_core::{Float, simd};
use ndarray::{ArrayView2, Axis, Slice};

use crate::batch::{self, Batch, Cell, Checked, Column};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Graph, Scratch, Slot};
use crate::schema::{InputColumn, Kind, Schema};

/// Rows that a graph can run.
pub trait Source: Sync {
    /// Fills the inputs of a block with its rows, from row `begin` on; `false` if it has to go row by row.
    fn fill<'a>(&'a self, graph: &Graph, schema: &Schema, begin: usize, block: &mut Block<'a>) -> bool;

    /// Fills the inputs of row `i`.
    fn row<'a>(
        &'a self,
        graph: &Graph,
        schema: &Schema,
        i: usize,
        s: &mut Scratch<'a>,
    ) -> Result<(), InputError>;
}

impl Source for Batch<'_> {
    fn fill<'a>(&'a self, graph: &Graph, _: &Schema, begin: usize, block: &mut Block<'a>) -> bool {
        let rows = begin..begin + block.rows();
        for (slot, column) in graph.inputs().iter().zip(self.columns()) {
            match (*slot, column) {
                (Slot::Number(at), Column::Numbers(v)) => {
                    block.numbers_mut(at).copy_from_slice(&v[rows.clone()]);
                }
                (Slot::Text(at), Column::Texts(v)) => {
                    for (text, i) in block.texts_mut(at).iter_mut().zip(rows.clone()) {
                        *text = v.get(i).map(Cow::Borrowed);
                    }
                }
                _ => return false,
            }
        }
        true
    }

    fn row<'a>(&'a self, graph: &Graph, _: &Schema, i: usize, s: &mut Scratch<'a>) -> Result<(), InputError> {
        for (j, column) in self.columns().iter().enumerate() {
            let cell = match column {
                Column::Numbers(v) => Checked::Number(v[i]),
                Column::Texts(v) => Checked::Text(v.get(i)),
            };
            graph.put(j, &cell, s);
        }
        Ok(())
    }
}

/// Rows of a matrix.
pub struct Matrix<'m, T>(pub ArrayView2<'m, T>);

impl<T: Float> Source for Matrix<'_, T> {
    fn fill<'a>(&'a self, graph: &Graph, schema: &Schema, begin: usize, block: &mut Block<'a>) -> bool {
        let part = self.0.slice_axis(Axis(0), Slice::from(begin..begin + block.rows()));
        if graph.inputs().iter().any(|slot| matches!(slot, Slot::Text(_))) {
            return false;
        }
        // Without texts, the inputs are the first numbers.
        let rows = block.rows();
        let (_, numbers) = block.split(0);
        match part.as_slice() {
            Some(values) => simd::run(
                #[inline(always)]
                || turn(values, part.ncols(), rows, numbers),
            ),
            None => {
                for (column, out) in part.columns().into_iter().zip(numbers.chunks_exact_mut(rows)) {
                    for (out, x) in out.iter_mut().zip(column) {
                        *out = x.to_f64();
                    }
                }
            }
        }
        schema.columns().iter().zip(numbers.chunks_exact_mut(rows)).all(|(spec, column)| fits(spec, column))
    }

    fn row<'a>(
        &'a self,
        graph: &Graph,
        schema: &Schema,
        i: usize,
        s: &mut Scratch<'a>,
    ) -> Result<(), InputError> {
        for (j, (spec, x)) in schema.columns().iter().zip(self.0.row(i)).enumerate() {
            let checked = batch::check(spec, Cell::Number(x.to_f64()), i)?;
            graph.put(j, &checked, s);
        }
        Ok(())
    }
}

/// Rows turned together: a cache line of each column.
const TILE: usize = 8;

/// Columns from rows. The rows are read in their order, as the memory likes it.
#[inline(always)]
fn turn<T: Float>(values: &[T], width: usize, rows: usize, columns: &mut [f64]) {
    let mut tiles = values.chunks_exact(TILE * width);
    let mut row = 0;
    for tile in &mut tiles {
        // Slices of one known length, so that no index inside is checked.
        let lines: [&[T]; TILE] = std::array::from_fn(|k| &tile[k * width..][..width]);
        for j in 0..width {
            let out = &mut columns[j * rows + row..][..TILE];
            for k in 0..TILE {
                out[k] = lines[k][j].to_f64();
            }
        }
        row += TILE;
    }
    for values in tiles.remainder().chunks_exact(width) {
        for (j, x) in values.iter().enumerate() {
            columns[j * rows + row] = x.to_f64();
        }
        row += 1;
    }
}

/// [`batch::check`] of a column of numbers at once: rounds them where the column is rounded; `false` if one would be
/// refused.
pub fn fits(spec: &InputColumn, numbers: &mut [f64]) -> bool {
    simd::run(
        #[inline(always)]
        || {
            if spec.single {
                for x in &mut *numbers {
                    *x = f64::from(f32::from_f64(*x));
                }
            }
            let nullable = spec.nullable;
            match spec.kind {
                Kind::Text => false,
                Kind::Boolean => all(numbers, |x| (x == 0.0) | (x == 1.0) | (x.is_nan() & nullable)),
                Kind::Number | Kind::Integer => all(numbers, |x| x.is_finite() | (x.is_nan() & nullable)),
            }
        },
    )
}

#[inline(always)]
fn all(numbers: &[f64], ok: impl Fn(f64) -> bool) -> bool {
    numbers.iter().fold(true, |all, x| all & ok(*x))
}
