//! The frozen model file: schema, ops, strict validator, evaluator.
#![forbid(unsafe_code)]
