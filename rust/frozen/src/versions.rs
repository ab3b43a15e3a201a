//! The versions of the ops that a file uses.

use crate::error::LoadError;
use crate::json::{Fields, Json, invalid};
use crate::ops::OPS;

/// The op versions that a file states, against those this reader runs and those that nodes use.
pub struct Versions {
    stated: Vec<(String, i64, bool)>,
}

/// The newest version of an op that this reader runs. Choosing and joining columns is the graph's own.
fn newest(name: &str) -> Option<i64> {
    match name {
        "select" | "concat" => Some(1),
        _ => OPS.iter().find(|op| op.name == name).map(|op| op.version),
    }
}

impl Versions {
    pub fn read(json: Json) -> Result<Self, LoadError> {
        let mut stated = Vec::new();
        for (name, version) in Fields::new(json, "'ops'")?.into_map() {
            let Json::Int(version) = version else {
                return invalid(format!("the version of op '{name}' is no number"));
            };
            match newest(&name) {
                None => return Err(LoadError::TooNew(format!("it uses the op '{name}', unknown here"))),
                Some(newest) if version > newest => {
                    return Err(LoadError::TooNew(format!("it uses version {version} of the op '{name}'")));
                }
                Some(_) if version < 1 => return invalid(format!("the op '{name}' has version {version}")),
                Some(_) => stated.push((name, version, false)),
            }
        }
        Ok(Self { stated })
    }
    pub fn used(&mut self, name: &str) -> Result<(), LoadError> {
        match self.stated.iter_mut().find(|op| op.0 == name) {
            Some(op) => {
                op.2 = true;
                Ok(())
            }
            None => invalid(format!("the version of the op '{name}' is not stated")),
        }
    }
    pub fn end(&self) -> Result<(), LoadError> {
        match self.stated.iter().find(|op| !op.2) {
            Some(op) => invalid(format!("the op '{}' is stated and not used", op.0)),
            None => Ok(()),
        }
    }
}
