//! HTTP server over a frozen model: `POST /predict` and the pages that explain it.
//!
//! One runtime of one thread per core, all accepting from one listener; a request never leaves its thread unless it
//! is large. Everything that a request may cost is bounded by [`Config`].
#![forbid(unsafe_code)]

mod body;
mod connection;
mod decode;
mod describe;
mod encode;
mod metrics;
mod problem;
mod routes;
mod server;

pub use routes::App;
pub use server::{Config, Running, ServeError, Server};
