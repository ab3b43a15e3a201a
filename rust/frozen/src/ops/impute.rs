//! Fills what is missing.

use std::borrow::Cow;

use ferroflow_core::simd;

use super::marker::Marker;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::container::Type;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot, Text};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Numbers {
    /// Each column's slot, where it goes, and what fills it.
    columns: Vec<(usize, usize, f64)>,
    marker: Option<f64>,
}

#[derive(Debug)]
struct Texts {
    columns: Vec<(usize, usize, String)>,
    marker: Option<String>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let marker = r.marker()?;
    let name = r.fields.text("fill")?;
    let mut lines = Vec::new();
    for line in r.input {
        r.close(&marker, line)?;
    }
    if r.tensors.has(&name, Type::F64) {
        let fill = r.tensors.numbers(&name, true)?;
        r.fits("fill", fill.len(), r.input.len())?;
        let mut columns = Vec::new();
        for (line, &fill) in r.input.iter().zip(&fill) {
            let from = r.number_of(line)?;
            let slot = r.compiler.number();
            let Slot::Number(to) = slot else { continue };
            columns.push((from, to, fill));
            lines.push(Line { slot, source: line.source, open: line.open && fill.is_nan() });
        }
        let marker = if let Marker::Number(v) = marker { Some(v) } else { None };
        return Ok((Box::new(Numbers { columns, marker }), lines));
    }
    let fill = r.tensors.texts(&name)?;
    r.fits("fill", fill.len(), r.input.len())?;
    let mut columns = Vec::new();
    for (line, fill) in r.input.iter().zip(fill) {
        let (Slot::Text(from), slot) = (line.slot, r.compiler.text()) else {
            return invalid(format!("{} needs texts and gets a number", r.place()));
        };
        let Slot::Text(to) = slot else { continue };
        columns.push((from, to, fill));
        lines.push(Line { slot, source: line.source, open: false });
    }
    let marker = if let Marker::Text(v) = marker { Some(v) } else { None };
    Ok((Box::new(Texts { columns, marker }), lines))
}

#[inline(always)]
#[allow(clippy::float_cmp, reason = "the marker is that very number")]
fn filled(x: f64, fill: f64, marker: Option<f64>) -> f64 {
    let missing = marker.map_or(x.is_nan(), |marker| x == marker);
    if missing { fill } else { x }
}

impl Op for Numbers {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for &(from, to, fill) in &self.columns {
            s.numbers[to] = filled(s.numbers[from], fill, self.marker);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        simd::run(
            #[inline(always)]
            || {
                for &(from, to, fill) in &self.columns {
                    b.map(from, to, |x| filled(x, fill, self.marker));
                }
            },
        );
        true
    }
}

#[inline(always)]
fn filled_text<'a>(x: &Text<'a>, fill: &'a str, marker: Option<&str>) -> Text<'a> {
    if x.as_deref() == marker { Some(Cow::Borrowed(fill)) } else { x.clone() }
}

impl Op for Texts {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for (from, to, fill) in &self.columns {
            s.texts[*to] = filled_text(&s.texts[*from], fill, self.marker.as_deref());
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for (from, to, fill) in &self.columns {
            b.fill_texts(*from, *to, |x| filled_text(x, fill, self.marker.as_deref()));
        }
        true
    }
}
