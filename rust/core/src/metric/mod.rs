//! Metrics of predicted labels: how many agree, and which label was taken for which.
//!
//! [`matches()`] compares and counts. [`joint()`] counts pairs of integers that lie close together in one pass; other
//! labels are numbered first ([`encode`], [`Interner`]), and the numbers counted or their rows' weights added up.
//! Rows of several labels at once are [`Dense`] or [`Lists`].

pub mod bootstrap;
pub mod calibration;
mod codes;
mod counts;
mod indicator;
mod joint;
mod label;
mod matches;
mod median;
mod numbers;
mod order;
pub mod per_row;
pub mod probability;
pub mod ranking;
pub mod regression;
mod targets;
mod weighted;

pub use codes::{Codes, Interner, encode};
pub use counts::{Cells, Weight, What, add_up, count_integers, count_numbered};
pub use indicator::{Dense, Lists, Read, bits, lists_of_labels, lists_of_rows};
pub use joint::{Joint, Pairs, joint};
pub use label::Label;
pub use matches::{Texts, matches, matching_texts};
pub use median::medians;
pub use numbers::Numbers;
pub use targets::{Targets, class_weights, of_codes, of_integers};
pub use weighted::weighted_quantile;
