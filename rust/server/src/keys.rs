//! API keys: who may ask for what.
//!
//! A key is 256 random bits, so its plain SHA-256 is enough to keep. A file has one key a line, `ROLE NAME SHA256`;
//! what follows a `#` is left out.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Predictions and the pages that describe them.
    Predict,
    /// Everything, also the management of models.
    Admin,
}

impl Role {
    /// By its name in a file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "predict" => Some(Self::Predict),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Predict => "predict",
            Self::Admin => "admin",
        })
    }
}

/// One key: not the key itself, which nobody keeps.
#[derive(Debug)]
pub struct Key {
    /// What it is for.
    pub role: Role,
    /// Whose it is, for logs.
    pub name: String,
    digest: [u8; 32],
}

/// The keys of a server.
#[derive(Debug)]
pub struct Keys {
    list: ArcSwap<Vec<Arc<Key>>>,
    file: Option<PathBuf>,
}

impl Keys {
    /// The keys of a file.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in which line.
    pub fn open(file: &Path) -> Result<Self, String> {
        let list = ArcSwap::from_pointee(read(file)?);
        Ok(Self { list, file: Some(file.to_owned()) })
    }

    /// The keys of a text, as a file has them; a `;` ends a line too.
    ///
    /// # Errors
    /// What is wrong in which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { list: ArcSwap::from_pointee(parse(text)?), file: None })
    }

    /// Reads the file again; the keys stay as they are if it is wrong.
    ///
    /// # Errors
    /// As for [`Keys::open`].
    pub fn reload(&self) -> Result<(), String> {
        if let Some(file) = &self.file {
            self.list.store(Arc::new(read(file)?));
        }
        Ok(())
    }

    /// The key that a request shows, if it is one of these. Takes as long whichever it is.
    pub fn find(&self, headers: &HeaderMap) -> Option<Arc<Key>> {
        let digest: [u8; 32] = Sha256::digest(shown(headers)?).into();
        let list = self.list.load();
        let mut found = u32::MAX;
        for (i, key) in (0..).zip(list.iter()) {
            found.conditional_assign(&i, key.digest.ct_eq(&digest));
        }
        list.get(usize::try_from(found).ok()?).cloned()
    }
}

/// The key in `x-api-key`, or in `authorization: Bearer`.
pub fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = headers.get("x-api-key") {
        return Some(key.as_bytes());
    }
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().as_bytes())
}

fn read(file: &Path) -> Result<Vec<Arc<Key>>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    parse(&text).map_err(|e| format!("{}: {e}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Arc<Key>>, String> {
    let mut keys = Vec::new();
    for (i, line) in text.split(['\n', ';']).enumerate() {
        let line = line.split('#').next().unwrap_or("");
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = match words[..] {
            [] => continue,
            [role, name, digest] => key(role, name, digest),
            _ => None,
        };
        let Some(key) = key else {
            return Err(format!(
                "line {} is not 'predict NAME SHA256' or 'admin NAME SHA256', as `ferroflow keys new` writes it",
                i + 1
            ));
        };
        keys.push(Arc::new(key));
    }
    if keys.is_empty() {
        return Err("there is no key in it; make one with `ferroflow keys new`".into());
    }
    Ok(keys)
}

fn key(role: &str, name: &str, digest: &str) -> Option<Key> {
    let mut bytes = [0; 32];
    if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digest.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(Key { role: Role::named(role)?, name: name.to_owned(), digest: bytes })
}

/// A new key, and its line for a file.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_key(role: Role, name: &str) -> Result<(String, String), String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| format!("the system gives no random numbers: {e}"))?;
    let key = format!("ff_{}", hex(&bytes));
    let line = format!("{role} {name} {}", hex(&Sha256::digest(&key)));
    Ok((key, line))
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_new_key_is_found_by_either_header() {
        let (key, line) = new_key(Role::Predict, "app").unwrap();
        let (other, second) = new_key(Role::Admin, "me").unwrap();
        assert!(!line.contains(&key) && key != other);
        let keys = Keys::parse(&format!("# mine\n{line}; {second} # and this\n")).unwrap();
        let with = |name: &'static str, value: &str| {
            keys.find(&HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())]))
        };
        let found = with("x-api-key", &key).unwrap();
        assert_eq!((found.role, found.name.as_str()), (Role::Predict, "app"));
        assert_eq!(with("authorization", &format!("bearer  {other} ")).unwrap().role, Role::Admin);
        for wrong in [&key[1..], "", "ff_", line.rsplit(' ').next().unwrap()] {
            assert!(with("x-api-key", wrong).is_none(), "{wrong}");
        }
        assert!(with("authorization", &format!("Basic {key}")).is_none());
        assert!(keys.find(&HeaderMap::new()).is_none());
    }

    #[test]
    fn wrong_lines_are_named() {
        let (_, good) = new_key(Role::Admin, "x").unwrap();
        for bad in ["root x 00", "predict x", &good[..good.len() - 1], &format!("{good} more"), "predict x é"]
        {
            let error = Keys::parse(&format!("{good}\n{bad}")).unwrap_err();
            assert!(error.contains("line 2"), "{bad}: {error}");
        }
        assert!(Keys::parse("# none\n").unwrap_err().contains("no key"));
    }
}
