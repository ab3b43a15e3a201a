//! Kernels and fitted state of ferroflow: numbers in, numbers out.
//!
//! No Python, no I/O, no globals, no environment. A family is a file or a folder named for its
//! subject; each holds its fitted state (`new`, `update`, `merge`, `finalize`) and its `apply`.

pub mod activation;
pub mod apart;
pub mod bin;
pub mod binarize;
pub mod columns;
pub mod coordinate;
pub mod descent;
pub mod encode;
pub mod error;
pub mod exec;
mod exp;
mod exp_minus_one;
mod exp_single;
pub mod expression;
pub mod extrema;
pub mod float;
mod gate;
pub mod gram;
pub mod impute;
pub mod layer;
pub mod linear;
pub mod linear_bayes;
mod ln2;
pub mod logarithm;
pub mod matrix;
mod memory;
pub mod metric;
pub mod moments;
pub mod moments_sparse;
pub mod network;
pub mod normal;
pub mod normalize;
pub mod numbers;
mod pairwise;
pub mod polynomial;
pub mod power;
pub mod quantile;
mod radix;
pub mod random;

pub mod scale;
pub mod scores;
pub mod sgd;
pub mod simd;
pub mod spline;
pub mod split;
pub mod tree;

pub use error::{Error, Result};
pub use exec::Exec;
pub use float::Float;
