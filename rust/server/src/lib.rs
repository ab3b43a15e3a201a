//! HTTP server over frozen models: predictions, the pages that explain them, and the models' management.
//!
//! One runtime of one thread per core, all accepting from one listener; a request never leaves its thread unless it
//! is large. Everything that a request may cost is bounded by [`Config`].
#![forbid(unsafe_code)]

mod admin;
mod body;
mod connection;
mod decode;
mod describe;
mod encode;
mod folder;
mod health;
mod history;
mod infer;
mod metrics;
mod models;
mod openapi;
mod problem;
mod routes;
mod served;
mod server;
mod tensor;

pub use admin::Admin;
pub use folder::{Line, Refused, Report};
pub use models::Store;
pub use routes::App;
pub use server::{Config, Running, ServeError, Server};
