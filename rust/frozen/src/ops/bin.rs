//! The number of a cell's bin, or a column for each bin, 1 where the cell is in it.

use ferroflow_core::Float;
use ferroflow_core::bin::Edges;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Bin {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    /// Bins, if each has a column.
    width: Option<usize>,
    edges: Inner,
}

#[derive(Debug)]
enum Inner {
    Double(Edges<f64>),
    Single(Edges<f32>),
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let one_hot = r.fields.bool("one_hot")?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let inner = r.tensors.numbers(&fields.text("edges")?, false)?;
        fields.end()?;
        let bins = inner.len() + 1;
        let inner = [inner];
        let edges = if single {
            Edges::new(&inner).map(Inner::Single)
        } else {
            Edges::new(&inner).map(Inner::Double)
        };
        let Ok(edges) = edges else {
            return invalid(format!("the edges of {} are not in order", r.place()));
        };
        let from = r.number_of(line)?;
        // The bin of a missing cell would be the last one.
        r.compiler.refuse_missing(line);
        let width = one_hot.then_some(bins);
        r.compiler.check_width(lines.len().saturating_add(width.unwrap_or(1)))?;
        let to = r.compiler.n_numbers;
        for _ in 0..width.unwrap_or(1) {
            let slot = r.compiler.number();
            lines.push(Line { slot, source: line.source, open: false });
        }
        columns.push(Column { from, to, width, edges });
    }
    Ok((Box::new(Bin { columns }), lines))
}

impl Column {
    fn bin(&self, x: f64) -> usize {
        match &self.edges {
            Inner::Double(edges) => edges.bin(0, x),
            Inner::Single(edges) => edges.bin(0, f32::from_f64(x)),
        }
    }
}

impl Op for Bin {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let bin = c.bin(s.numbers[c.from]);
            match c.width {
                None => s.numbers[c.to] = bin as f64,
                Some(width) => {
                    s.numbers[c.to..c.to + width].fill(0.0);
                    s.numbers[c.to + bin] = 1.0;
                }
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            let Some(width) = c.width else {
                b.map(c.from, c.to, |x| c.bin(x) as f64);
                continue;
            };
            b.note_numbers(c.from, |x| c.bin(x));
            let (found, out) = b.found(c.to, width);
            out.fill(0.0);
            let rows = found.len();
            for (i, bin) in found.iter().enumerate() {
                out[bin * rows + i] = 1.0;
            }
        }
        true
    }
}
