//! Functions of one number that IEEE 754 fixes to the last bit, and `exp` as the `libm` crate computes it.

use ferroflow_core::Float;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::Scratch;
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Function {
    single: bool,
    kind: Kind,
    columns: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Absolute,
    Ceil,
    Exp,
    Floor,
    Negative,
    Reciprocal,
    Rint,
    Sqrt,
    Square,
    Trunc,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let kind = match r.fields.text("name")?.as_str() {
        "absolute" => Kind::Absolute,
        "ceil" => Kind::Ceil,
        "exp" => Kind::Exp,
        "floor" => Kind::Floor,
        "negative" => Kind::Negative,
        "reciprocal" => Kind::Reciprocal,
        "rint" => Kind::Rint,
        "sqrt" => Kind::Sqrt,
        "square" => Kind::Square,
        "trunc" => Kind::Trunc,
        other => return invalid(format!("{} has the function '{other}'", r.place())),
    };
    let (columns, lines) = r.column_by_column()?;
    Ok((Box::new(Function { single, kind, columns }), lines))
}

impl Function {
    #[inline(always)]
    fn cell(&self, x: f64) -> f64 {
        if self.single { self.of(f32::from_f64(x)).to_f64() } else { self.of(x) }
    }

    #[inline(always)]
    fn of<T: Float>(&self, x: T) -> T {
        // Rounding to whole numbers is exact in either type.
        let whole = |f: fn(f64) -> f64| T::from_f64(f(x.to_f64()));
        match self.kind {
            Kind::Absolute => x.abs(),
            Kind::Ceil => whole(f64::ceil),
            Kind::Exp => x.exp(),
            Kind::Floor => whole(f64::floor),
            Kind::Negative => -x,
            Kind::Reciprocal => T::ONE / x,
            Kind::Rint => whole(f64::round_ties_even),
            Kind::Sqrt => x.sqrt(),
            Kind::Square => x * x,
            Kind::Trunc => whole(f64::trunc),
        }
    }
}

impl Op for Function {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for &(from, to) in &self.columns {
            s.numbers[to] = self.cell(s.numbers[from]);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for &(from, to) in &self.columns {
            b.map(from, to, |x| self.cell(x));
        }
        true
    }
}
