//! Quantiles: exactly from columns that are there, and within a stated rank error from rows that stream by.

mod exact;
mod many;
mod map;
mod sketch;

pub use exact::{
    Quantiles, interpolate, middle, of_csc, quantiles, quantiles_of_columns, quantiles_of_rows, rank,
};
pub use many::{Many, Method, many};
pub use map::{Curve, Output, apply, invert};
pub use sketch::{SIZE, Sketch, merge_all, update_all, update_columns};

/// NumPy's linear interpolation between two neighbours, to the bit.
#[inline]
#[must_use]
pub fn lerp(a: f64, b: f64, t: f64) -> f64 {
    between(a, b, b - a, t)
}

/// The same with the neighbours' difference, which was rounded to the type of the data.
#[inline]
fn between(a: f64, b: f64, difference: f64, t: f64) -> f64 {
    if t >= 0.5 { b - difference * (1.0 - t) } else { a + difference * t }
}
