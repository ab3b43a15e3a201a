//! `(x - mean) / scale`, or `x * factor`.

use ferroflow_core::scale::{self, Standard};
use ferroflow_core::{Float, simd};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Scale {
    single: bool,
    by: By,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    mean: f64,
    scale: f64,
}

#[derive(Debug, Clone, Copy)]
struct By {
    center: bool,
    divide: bool,
    multiply: bool,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let n = r.input.len();
    let lists = [r.maybe_numbers("mean", n)?, r.maybe_numbers("scale", n)?, r.maybe_numbers("factor", n)?];
    let by = By { center: lists[0].is_some(), divide: lists[1].is_some(), multiply: lists[2].is_some() };
    if by.multiply && (by.divide || by.center) {
        return invalid(format!("{} has a factor beside mean or scale", r.place()));
    }
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for (j, line) in r.input.iter().enumerate() {
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        let get = |k: usize| lists[k].as_ref().map(|v| v[j]);
        let (mean, scale) = (get(0).unwrap_or(0.0), get(1).or(get(2)).unwrap_or(1.0));
        columns.push(Column { from, to, mean, scale });
        lines.push(Line { slot, ..*line });
    }
    Ok((Box::new(Scale { single, by, columns }), lines))
}

impl Op for Scale {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let x = s.numbers[c.from];
            s.numbers[c.to] =
                if self.single { cell::<f32>(x, c, self.by) } else { cell::<f64>(x, c, self.by) };
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        simd::run(
            #[inline(always)]
            || {
                for c in &self.columns {
                    if self.single {
                        column::<f32>(b, c, self.by);
                    } else {
                        column::<f64>(b, c, self.by);
                    }
                }
            },
        );
        true
    }
}

/// One cell by the core's kernel, in the type `T`.
#[inline(always)]
fn cell<T: Float>(x: f64, c: &Column, by: By) -> f64 {
    let x = T::from_f64(x);
    let (mean, scale) = ([T::from_f64(c.mean)], [T::from_f64(c.scale)]);
    if by.multiply {
        return (x * scale[0]).to_f64();
    }
    let standard = Standard { mean: by.center.then_some(&mean[..]), scale: by.divide.then_some(&scale[..]) };
    let mut out = [T::ZERO];
    scale::apply_row(&[x], standard, &mut out);
    out[0].to_f64()
}

/// One column by the arithmetic of the core's `scale::apply_row`.
#[inline(always)]
fn column<T: Float>(b: &mut Block<'_>, c: &Column, by: By) {
    let (m, s) = (T::from_f64(c.mean), T::from_f64(c.scale));
    let (from, to) = (c.from, c.to);
    match (by.center, by.divide, by.multiply) {
        (_, _, true) => b.map(from, to, |x| (T::from_f64(x) * s).to_f64()),
        (true, true, _) => b.map(from, to, |x| ((T::from_f64(x) - m) / s).to_f64()),
        (true, false, _) => b.map(from, to, |x| (T::from_f64(x) - m).to_f64()),
        (false, true, _) => b.map(from, to, |x| (T::from_f64(x) / s).to_f64()),
        (false, false, _) => b.map(from, to, |x| T::from_f64(x).to_f64()),
    }
}
