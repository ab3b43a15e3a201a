//! Says whether a cell is missing.

use super::marker::Marker;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::schema::Schema;

#[derive(Debug)]
struct Indicator {
    columns: Vec<(Slot, usize)>,
    marker: Marker,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let marker = r.marker()?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for line in r.input {
        r.close(&marker, line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push((line.slot, to));
        lines.push(Line { slot, source: line.source, open: false });
    }
    Ok((Box::new(Indicator { columns, marker }), lines))
}

impl Op for Indicator {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for &(from, to) in &self.columns {
            s.numbers[to] = truth(self.marker.hits(from, s));
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for &(from, to) in &self.columns {
            #[allow(clippy::float_cmp, reason = "the marker is that very number")]
            match (&self.marker, from) {
                (Marker::Missing, Slot::Number(at)) => b.map(at, to, |x| truth(x.is_nan())),
                (Marker::Number(v), Slot::Number(at)) => b.map(at, to, |x| truth(x == *v)),
                (Marker::Missing, Slot::Text(at)) => b.map_texts(at, to, |x| truth(x.is_none())),
                (Marker::Text(v), Slot::Text(at)) => b.map_texts(at, to, |x| truth(x == Some(v.as_str()))),
                _ => return false,
            }
        }
        true
    }
}

#[inline(always)]
fn truth(hit: bool) -> f64 {
    f64::from(u8::from(hit))
}
