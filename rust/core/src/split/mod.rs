//! Splitting rows into parts to learn from and parts to judge by.
//!
//! Agrees with scikit-learn's splitters, draw for draw of NumPy's stream. Row numbers are `u32` inside, so that shuffles
//! stay in the caches.

mod folds;
pub mod groups;
mod halves;
mod labels;
mod rows;

pub use folds::Folds;
pub use halves::{Halves, Order};
pub use labels::{Classes, Label, TextRows};
pub use rows::gather;
