//! What a neural network's layer does to its sums.

use ferroflow_core::Float;
use ferroflow_core::activation::Activation as Function;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
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
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    for line in r.input {
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push((from, to));
        lines.push(Line { slot, ..*line });
    }
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
