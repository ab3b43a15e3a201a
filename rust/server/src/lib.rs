//! HTTP server over a frozen model.
#![forbid(unsafe_code)]
