//! Filling in what is missing: the statistics that are filled in, and the filling.
//!
//! Agrees with scikit-learn's `SimpleImputer` on dense float input. One pass over memory each; input that may not be
//! there (an infinity, or a NaN where a number marks what is missing) is found on the way.

mod fill;
mod fill_in_place;
mod frequent;
mod kinds;
mod marks;
mod mean;
mod median;
mod mode;
pub mod neighbours;
mod nullable;
mod prints;
mod repeats;
mod scan;
mod sparse;
mod tile;

pub use fill::{Fill, fill, fill_matrix};
pub use fill_in_place::fill_in_place;
pub use marks::{Marked, mark, sparse_marks};
pub use mean::Means;
pub use median::{Medians, medians, medians_of_rows};
pub use mode::{Key, Modes, modes};
pub use nullable::{fill_means, fill_nullable, means_of_nullable};
pub use sparse::{Statistic, fill_columns, of_columns};

use crate::float::Float;

/// What marks a missing value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing<T> {
    /// Every NaN.
    Nan,
    /// Every value equal to this finite one; NaN may then not occur.
    Value(T),
}

impl<T: Float> Missing<T> {
    /// Is `x` missing?
    #[inline(always)]
    pub fn is(self, x: T) -> bool {
        match self {
            Self::Nan => x.is_nan(),
            Self::Value(marker) => x == marker,
        }
    }

    /// May `x` not occur at all?
    #[inline(always)]
    pub fn refuses(self, x: T) -> bool {
        !x.is_finite() && !self.is(x)
    }
}

/// Values below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 100_000;
/// Values of a chunk, the unit that a thread takes: about 1 ms of work.
const CHUNK: usize = 1 << 18;
/// Narrow rows are taken together until they have this many lanes.
const LANES: usize = 32;
