//! The ops: each is read and checked once, then runs on one row's slots or on a block of rows, with the same bits.
//! One file each: its fields, `read`, and both ways to run.

mod activation;
mod bin;
mod binarize;
mod category;
mod decide;
mod expression;
mod forest;
mod function;
mod group;
mod hash;
mod impute;
mod indicator;
mod kernel;
mod linear;
mod link;
mod lookup;
mod marker;
mod mean;
mod nearest;
mod neighbours;
mod normalize;
mod onehot;
mod ordinal;
mod pairs;
mod piecewise;
mod polynomial;
mod power;
mod quantile;
mod reader;
mod refuse;
mod regressions;
mod rescale;
mod scale;
mod spline;
mod whole;

use std::fmt::Debug;

use crate::block::Block;
use crate::error::{InputError, LoadError};
use crate::graph::{Line, Scratch};
use crate::schema::Schema;

pub use reader::OpReader;

/// An op with everything it needs.
pub trait Op: Debug + Send + Sync {
    /// Runs on the slots of one row; `row` and `schema` are for messages.
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError>;

    /// Runs on the slots of a block's rows, column by column: the arithmetic of `row`, in the same order for each row.
    /// `false` if a row would be refused, or if this way does not know it: then the block goes row by row.
    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool;
}

/// An op, and the columns of its value.
type Made = Result<(Box<dyn Op>, Vec<Line>), LoadError>;

/// What a file may use.
pub struct Known {
    pub name: &'static str,
    /// The newest version that this reader runs. A released version never changes its numbers.
    pub version: i64,
    pub read: fn(&mut OpReader<'_, '_, '_>) -> Made,
}

const fn known(name: &'static str, version: i64, read: fn(&mut OpReader<'_, '_, '_>) -> Made) -> Known {
    Known { name, version, read }
}

pub const OPS: &[Known] = &[
    known("activation", 1, activation::read),
    known("bin", 1, bin::read),
    known("forest", 1, forest::read),
    known("expression", 1, expression::read),
    known("function", 1, function::read),
    known("binarize", 1, binarize::read),
    known("decide", 1, decide::read),
    known("group", 1, group::read),
    known("hash", 1, hash::read),
    known("impute", 1, impute::read),
    known("indicator", 1, indicator::read),
    known("kernel", 1, kernel::read),
    known("linear", 1, linear::read),
    known("link", 1, link::read),
    known("lookup", 1, lookup::read),
    known("mean", 1, mean::read),
    known("nearest", 1, nearest::read),
    known("neighbours", 1, neighbours::read),
    known("normalize", 1, normalize::read),
    known("onehot", 1, onehot::read),
    known("ordinal", 1, ordinal::read),
    known("pairs", 1, pairs::read),
    known("piecewise", 1, piecewise::read),
    known("polynomial", 1, polynomial::read),
    known("power", 1, power::read),
    known("quantile", 1, quantile::read),
    known("refuse", 1, refuse::read),
    known("regressions", 1, regressions::read),
    known("rescale", 1, rescale::read),
    known("scale", 1, scale::read),
    known("spline", 1, spline::read),
];
