//! What a neural network's layer does to its sums.

use ferroflow_core::Float;
use ferroflow_core::activation::Activation as Function;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::Scratch;
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Activation {
    single: bool,
    function: Function,
    columns: Vec<(usize, usize)>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let name = r.fields.text("name")?;
    let Some(function) = Function::named(&name) else {
        return invalid(format!("{} has the activation '{name}'", r.place()));
    };
    let (columns, lines) = r.column_by_column()?;
    Ok((Box::new(Activation { single, function, columns }), lines))
}

impl Activation {
    #[inline(always)]
    fn cell(&self, z: f64) -> f64 {
        if self.single { self.function.of(f32::from_f64(z)).to_f64() } else { self.function.of(z) }
    }
}

impl Op for Activation {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for &(from, to) in &self.columns {
            s.numbers[to] = self.cell(s.numbers[from]);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for &(from, to) in &self.columns {
            b.map(from, to, |z| self.cell(z));
        }
        true
    }
}
