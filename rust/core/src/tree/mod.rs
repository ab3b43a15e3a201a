//! Forests of decision trees, packed for quick walks.

mod node;
mod packed;
mod walk;

pub use packed::{Cells, Forest, Preorder, Test};
