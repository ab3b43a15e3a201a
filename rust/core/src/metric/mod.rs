//! Metrics of predicted labels: how many agree, and which label was taken for which.
//!
//! [`matches()`] compares and counts. [`joint()`] counts pairs of integers that lie close together in one pass; other
//! labels are numbered first ([`encode`], [`Interner`]), and the numbers counted or their rows' weights added up.
//! Rows of several labels at once are [`Dense`] or [`Lists`].

mod codes;
mod counts;
mod indicator;
mod joint;
mod label;
mod matches;

pub use codes::{Codes, Interner, encode};
pub use counts::{Cells, Weight, What, add_up, count_integers, count_numbered};
pub use indicator::{Dense, Lists, Read, bits, lists_of_labels, lists_of_rows};
pub use joint::{Joint, Pairs, joint};
pub use label::Label;
pub use matches::{Texts, matches, matching_texts};
