//! HTTP server over frozen models: predictions, the pages that explain them, and the models' management.
//!
//! One runtime of one thread per core, all accepting from one listener; a request never leaves its thread unless it
//! is large. Everything that a request may cost is bounded by [`Config`].
#![forbid(unsafe_code)]

mod admin;
mod aside;
mod body;
mod connection;
mod decode;
mod describe;
mod encode;
mod folder;
mod gate;
mod health;
mod history;
mod infer;
mod keys;
mod log;
mod metrics;
mod models;
mod openapi;
mod prediction_log;
mod problem;
mod rate;
mod routes;
mod served;
mod server;
mod shadow;
mod tensor;
mod tls;
mod watchers;

pub use admin::Admin;
pub use folder::{Line, Refused, Report};
pub use keys::{Keys, Role, new_key};
pub use log::Format;
pub use models::Store;
pub use rate::Rate;
pub use routes::App;
pub use server::{Config, Running, ServeError, Server};
pub use tls::Tls;
