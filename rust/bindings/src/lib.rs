//! PyO3 bindings: convert, call, convert. Nothing else.

mod arrow_numbers;
mod arrow_stream;
mod arrow_text;
mod bin;
mod bootstrap;
mod column_quantiles;
mod descent;
mod door;
mod encode;
mod expression;
mod extrema;
mod float_array;
mod fresh;
mod frozen;
mod gram;
mod hashed;
mod impute;
mod impute_sparse;
mod indicator;
mod label_sets;
mod labels;
mod linear_bayes;
mod logistic;
mod losses;
mod matrix;
mod metric;
mod moments;
mod names;
mod neighbours;
mod network;
mod normalize;
mod number_array;
mod object_array;
mod polynomial;
mod pool;
mod power;
mod quantile;
mod quantile_map;
mod ranking;
#[cfg(target_os = "linux")]
mod recycle;
mod row_scores;
mod scale;
mod scale_sparse;
mod scores;
mod sgd;
mod sparse_array;
mod spline;
mod split;
mod strings;
mod svm;
mod target;
mod target_classes;

use pyo3::prelude::*;

/// The native module `ferroflow._core`.
#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    arrow_numbers::register(m)?;
    bin::register(m)?;
    bootstrap::register(m)?;
    column_quantiles::register(m)?;
    descent::register(m)?;
    encode::register(m)?;
    expression::register(m)?;
    extrema::register(m)?;
    fresh::register(m)?;
    frozen::register(m)?;
    gram::register(m)?;
    hashed::register(m)?;
    impute::register(m)?;
    indicator::register(m)?;
    label_sets::register(m)?;
    impute_sparse::register(m)?;
    linear_bayes::register(m)?;
    logistic::register(m)?;
    losses::register(m)?;
    metric::register(m)?;
    target_classes::register(m)?;
    neighbours::register(m)?;
    moments::register(m)?;
    network::register(m)?;
    normalize::register(m)?;
    object_array::register(m)?;
    polynomial::register(m)?;
    pool::register(m)?;
    power::register(m)?;
    quantile::register(m)?;
    quantile_map::register(m)?;
    ranking::register(m)?;
    row_scores::register(m)?;
    scale::register(m)?;
    scale_sparse::register(m)?;
    scores::register(m)?;
    sgd::register(m)?;
    spline::register(m)?;
    svm::register(m)?;
    split::register(m)?;
    target::register(m)?;
    Ok(())
}
