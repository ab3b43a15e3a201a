//! `(x - shift) / scale` or, going back, `x * scale + shift`, each step rounded to the type of the data; then clipped.

use ferroflow_core::scale::{self, Standard};
use ferroflow_core::{Float, simd};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::schema::Schema;

#[derive(Debug)]
struct Rescale {
    single: bool,
    how: How,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Copy)]
struct How {
    back: bool,
    shift: bool,
    scale: bool,
    limits: Option<(f64, f64)>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    shift: f64,
    scale: f64,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let back = r.fields.bool("back")?;
    let n = r.input.len();
    let (shift, scale) = (r.maybe_numbers("shift", n)?, r.maybe_numbers("scale", n)?);
    let limits = r.maybe_numbers("limits", 2)?.map(|v| (v[0], v[1]));
    let how = How { back, shift: shift.is_some(), scale: scale.is_some(), limits };
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for (j, line) in r.input.iter().enumerate() {
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        let get = |list: &Option<Vec<f64>>| list.as_ref().map_or(0.0, |v| v[j]);
        columns.push(Column { from, to, shift: get(&shift), scale: get(&scale) });
        lines.push(Line { slot, ..*line });
    }
    Ok((Box::new(Rescale { single, how, columns }), lines))
}

impl Op for Rescale {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let x = s.numbers[c.from];
            s.numbers[c.to] =
                if self.single { cell::<f32>(x, c, self.how) } else { cell::<f64>(x, c, self.how) };
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        simd::run(
            #[inline(always)]
            || {
                for c in &self.columns {
                    if self.single {
                        b.map(c.from, c.to, |x| cell::<f32>(x, c, self.how));
                    } else {
                        b.map(c.from, c.to, |x| cell::<f64>(x, c, self.how));
                    }
                }
            },
        );
        true
    }
}

/// One cell by the core's kernel, in the type `T`.
#[inline(always)]
fn cell<T: Float>(x: f64, c: &Column, how: How) -> f64 {
    let (shift, scale) = ([c.shift], [c.scale]);
    let standard = Standard { mean: how.shift.then_some(&shift[..]), scale: how.scale.then_some(&scale[..]) };
    let mut out = [T::ZERO];
    if how.back {
        scale::invert_row(&[T::from_f64(x)], standard, &mut out);
    } else {
        scale::apply_row(&[T::from_f64(x)], standard, &mut out);
    }
    let [y] = out;
    how.limits.map_or(y, |(low, high)| scale::clip(y, (T::from_f64(low), T::from_f64(high)))).to_f64()
}
