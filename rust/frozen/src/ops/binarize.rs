//! 1 above a threshold, else 0.

use ferroflow_core::binarize::binary;
use ferroflow_core::{Float, simd};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch, Slot};
use crate::schema::Schema;

#[derive(Debug)]
struct Binarize {
    single: bool,
    threshold: f64,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    source: usize,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let threshold = r.tensors.numbers(&r.fields.text("threshold")?, false)?;
    r.fits("threshold", threshold.len(), 1)?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for line in r.input {
        let from = r.number_of(line)?;
        r.compiler.refuse_missing(line);
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push(Column { from, to, source: line.source });
        lines.push(Line { slot, open: false, ..*line });
    }
    Ok((Box::new(Binarize { single, threshold: threshold[0], columns }), lines))
}

impl Binarize {
    #[inline(always)]
    fn cell<T: Float>(&self, x: f64) -> f64 {
        binary(T::from_f64(x), T::from_f64(self.threshold)).to_f64()
    }
}

impl Op for Binarize {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let x = s.numbers[c.from];
            if !x.is_finite() {
                let column = schema.columns().get(c.source).map_or("?", |c| c.name.as_str());
                return Err(InputError::cell(
                    InputCode::NotFinite,
                    row,
                    column,
                    "the value is not finite when it is compared with a threshold",
                ));
            }
            s.numbers[c.to] = if self.single { self.cell::<f32>(x) } else { self.cell::<f64>(x) };
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        simd::run(
            #[inline(always)]
            || {
                self.columns.iter().all(|c| {
                    if self.single {
                        b.map(c.from, c.to, |x| self.cell::<f32>(x));
                    } else {
                        b.map(c.from, c.to, |x| self.cell::<f64>(x));
                    }
                    b.numbers(c.from).iter().fold(true, |all, x| all & x.is_finite())
                })
            },
        )
    }
}
