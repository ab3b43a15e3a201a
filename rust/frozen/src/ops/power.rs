//! Yeo and Johnson's or Box and Cox's power of each column.

use ferroflow_core::Float;
use ferroflow_core::columns::BLOCK;
use ferroflow_core::power::{Family, apply_block};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError};
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Power {
    single: bool,
    family: Family,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    source: usize,
    exponent: f64,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let family = match r.fields.text("family")?.as_str() {
        "yeo-johnson" => Family::YeoJohnson,
        "box-cox" => Family::BoxCox,
        other => return invalid(format!("{} has the family '{other}'", r.place())),
    };
    let exponents = r.tensors.numbers(&r.fields.text("exponents")?, false)?;
    r.fits("exponents", exponents.len(), r.input.len())?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for (line, exponent) in r.input.iter().zip(exponents) {
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push(Column { from, to, source: line.source, exponent });
        lines.push(Line { slot, ..*line });
    }
    Ok((Box::new(Power { single, family, columns }), lines))
}

impl Power {
    /// Box and Cox take positive numbers, and what is missing.
    fn refuses(&self, x: f64) -> bool {
        self.family == Family::BoxCox && x <= 0.0
    }
}

impl Op for Power {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            let x = s.numbers[c.from];
            if self.refuses(x) {
                let column = schema.columns().get(c.source).map_or("?", |c| c.name.as_str());
                let what = format!("the Box-Cox transformation needs a number above 0, found {x}");
                return Err(InputError::cell(InputCode::WrongType, row, column, &what));
            }
            s.numbers[c.to] = if self.single {
                one::<f32>(x, self.family, c.exponent)
            } else {
                one::<f64>(x, self.family, c.exponent)
            };
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            if b.numbers(c.from).iter().any(|x| self.refuses(*x)) {
                return false;
            }
            b.map(c.from, c.to, |x| x);
            if self.single {
                many::<f32>(b.numbers_mut(c.to), self.family, c.exponent);
            } else {
                many::<f64>(b.numbers_mut(c.to), self.family, c.exponent);
            }
        }
        true
    }
}

fn one<T: Float>(x: f64, family: Family, exponent: f64) -> f64 {
    let mut cell = [T::from_f64(x)];
    apply_block(&mut cell, family, T::from_f64(exponent));
    cell[0].to_f64()
}

fn many<T: Float>(values: &mut [f64], family: Family, exponent: f64) {
    let mut buffer = [T::ZERO; BLOCK];
    for values in values.chunks_mut(BLOCK) {
        let buffer = &mut buffer[..values.len()];
        for (to, from) in buffer.iter_mut().zip(&*values) {
            *to = T::from_f64(*from);
        }
        apply_block(buffer, family, T::from_f64(exponent));
        for (to, from) in values.iter_mut().zip(&*buffer) {
            *to = from.to_f64();
        }
    }
}
