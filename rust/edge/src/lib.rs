//! The frozen model for C and for WebAssembly: `include/ferroflow.h` is the contract.
//!
//! Handles are pointers that the caller gives back; texts are UTF-8 by pointer and length. A call that fails says
//! so by what it returns, and [`error::ferroflow_error`] says why. No call unwinds into the caller.

mod error;
mod memory;
mod model;
mod rows;
