//! Inputs for the model file's reader, the evaluator and the server, and what must hold for each of them.
//!
//! A model file ends in refusal at its digest when a bit is flipped, so mutations work on what is inside and seal it
//! anew; some stay unsealed, as files that were cut or altered are.

mod check;
mod mutate;
mod parts;
mod request;

pub use check::{load, predict};
pub use mutate::{mutate, mutate_request};
pub use request::Requests;
