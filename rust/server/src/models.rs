//! The models that are served, by name and version, and the aliases that point at versions.
//!
//! What requests read is a [`Table`] that never changes: whoever changes something publishes another. So a prediction
//! takes no lock, and one that is under way ends on the version that it began with.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::{ArcSwap, Guard};
use axum::body::Bytes;
use axum::http::StatusCode;
use ferroflow_frozen::{Limits, Model};

use crate::decode::shorten;
use crate::history::{Action, Change, History};
use crate::problem::Problem;
use crate::served::Served;
use crate::server::Config;

/// The alias of the version that answers in the model's name.
pub const CHAMPION: &str = "champion";

/// Bytes of the name of a model, a version or an alias.
const MAX_NAME: usize = 200;

/// Which version of a model?
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    Champion,
    Version(&'a str),
    Alias(&'a str),
}

/// One model.
#[derive(Clone, Default)]
pub struct Entry {
    /// In natural order: the last is the newest.
    pub versions: Vec<Arc<Served>>,
    /// The versions of the aliases that someone has set.
    pub aliases: BTreeMap<String, String>,
    pub history: History,
    champion: Option<Arc<Served>>,
}

impl Entry {
    pub fn champion(&self) -> Option<&Arc<Served>> {
        self.champion.as_ref()
    }

    pub fn version(&self, version: &str) -> Option<&Arc<Served>> {
        self.versions.iter().find(|s| s.info().version == version)
    }

    pub fn alias(&self, alias: &str) -> Option<&Arc<Served>> {
        match self.aliases.get(alias) {
            Some(version) => self.version(version),
            None if alias == CHAMPION => self.champion(),
            None => None,
        }
    }

    /// The aliases that someone has set to `version`.
    pub fn holders<'a>(&'a self, version: &'a str) -> impl Iterator<Item = &'a str> {
        self.aliases.iter().filter(move |(_, v)| *v == version).map(|(alias, _)| alias.as_str())
    }

    /// Finds the champion anew: what the alias says, or the newest version.
    fn settle(&mut self, name: &str) {
        let (action, champion) = match self.aliases.get(CHAMPION) {
            Some(version) => (Action::Replaced, self.version(version)),
            None => (Action::Newest, self.versions.last()),
        };
        self.champion = champion.cloned();
        if let Some(served) = &self.champion {
            self.history.moved(name, action, served);
        }
    }
}

/// All models at one moment.
#[derive(Default)]
pub struct Table {
    pub models: BTreeMap<String, Entry>,
    /// The model that answers where none is named.
    pub default: Option<String>,
    first: Option<Arc<Served>>,
    pub openapi: OnceLock<Bytes>,
}

impl Table {
    /// Every version of every model.
    pub fn served(&self) -> impl Iterator<Item = &Served> {
        self.models.values().flat_map(|entry| entry.versions.iter().map(|s| &**s))
    }

    pub fn is_champion(&self, served: &Served) -> bool {
        let entry = self.models.get(&served.info().name);
        entry.and_then(Entry::champion).is_some_and(|c| std::ptr::eq(&**c, served))
    }

    pub fn entry(&self, model: &str) -> Result<&Entry, Problem> {
        self.models.get(model).ok_or_else(|| {
            not_found(
                "unknown_model",
                format!("there is no model '{}'; GET /models lists them", shorten(model)),
            )
        })
    }

    pub fn find(&self, model: &str, which: Which<'_>) -> Result<&Arc<Served>, Problem> {
        let entry = self.entry(model)?;
        match which {
            Which::Champion => entry.champion().ok_or_else(no_model),
            Which::Version(version) => entry.version(version).ok_or_else(|| {
                let have: Vec<&str> =
                    entry.versions.iter().map(|s| s.info().version.as_str()).take(20).collect();
                let text = format!(
                    "the model '{}' has no version '{}' loaded, but {}",
                    shorten(model),
                    shorten(version),
                    have.join(", ")
                );
                not_found("unknown_version", text)
            }),
            Which::Alias(alias) => entry.alias(alias).ok_or_else(|| {
                let text = format!("the model '{}' has no alias '{}'", shorten(model), shorten(alias));
                not_found("unknown_alias", text)
            }),
        }
    }

    /// The version that answers where no model is named.
    pub fn first(&self) -> Result<&Arc<Served>, Problem> {
        match &self.first {
            Some(served) => Ok(served),
            None if self.models.is_empty() => Err(no_model()),
            None => Err(not_found(
                "no_default_model",
                "several models are served: name one, as in /models/NAME/predict; GET /models lists them"
                    .into(),
            )),
        }
    }
}

fn not_found(code: &'static str, message: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, code, message)
}

fn no_model() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_model", "no model is loaded")
}

pub fn conflict(code: &'static str, message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, message)
}

/// How a version came into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    New,
    /// Other bytes of a version that was there.
    Replaced,
    /// The same bytes were there.
    Unchanged,
}

/// The models of a server.
pub struct Store {
    table: ArcSwap<Table>,
    /// One change at a time.
    writing: Mutex<()>,
    /// One reload at a time: it may take long, and a change of an alias does not wait for it.
    pub(crate) reloading: Mutex<()>,
    /// Where models come from, as named at the start.
    pub(crate) sources: Vec<PathBuf>,
    preferred: Mutex<Option<String>>,
    pub(crate) config: Config,
}

impl Store {
    pub(crate) fn new(sources: Vec<PathBuf>, config: &Config) -> Self {
        Self {
            table: ArcSwap::default(),
            writing: Mutex::new(()),
            reloading: Mutex::new(()),
            sources,
            preferred: Mutex::new(config.default_model.clone()),
            config: config.clone(),
        }
    }

    /// A store of one model.
    #[must_use]
    pub fn of(model: Model, config: &Config) -> Self {
        let store = Self::new(Vec::new(), config);
        let mut entry = Entry::default();
        let name = model.info().name.clone();
        entry.versions.push(Arc::new(Served::new(model, None, config)));
        store.publish(&mut BTreeMap::from([(name, entry)]));
        store
    }

    /// The models as they are now.
    pub(crate) fn table(&self) -> Guard<Arc<Table>> {
        self.table.load()
    }

    /// What is served, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let table = self.table();
        let versions: Vec<String> =
            table.served().map(|s| format!("{}, version {}", s.info().name, s.info().version)).collect();
        match versions.as_slice() {
            [] => "no model".into(),
            [only] => only.clone(),
            many => format!("{} versions of {} models", many.len(), table.models.len()),
        }
    }

    /// The model that answers where none is named, unless one was named at the start.
    pub(crate) fn prefer(&self, model: &str) {
        self.preferred.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| model.to_owned());
        let _: Result<(), Problem> = self.change(|_| Ok(()));
    }

    fn publish(&self, models: &mut BTreeMap<String, Entry>) {
        models.retain(|_, entry| !entry.versions.is_empty());
        for (name, entry) in &mut *models {
            entry.settle(name);
        }
        let preferred = self.preferred.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let default = match preferred {
            Some(name) => Some(name).filter(|name| models.contains_key(name)),
            None if models.len() == 1 => models.keys().next().cloned(),
            None => None,
        };
        let first = default.as_ref().and_then(|name| models.get(name)?.champion().cloned());
        let models = std::mem::take(models);
        self.table.store(Arc::new(Table { models, default, first, openapi: OnceLock::new() }));
    }

    /// Runs `change` on a copy of the models, and publishes it unless it fails.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Entry>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _one_at_a_time: MutexGuard<'_, ()> = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models = self.table.load().models.clone();
        let out = change(&mut models)?;
        self.publish(&mut models);
        Ok(out)
    }

    /// Reads and checks a model.
    pub(crate) fn read(&self, bytes: &[u8], file: Option<PathBuf>) -> Result<Served, String> {
        let limits = Limits { max_bytes: self.config.max_model_bytes, ..Limits::default() };
        let model = Model::from_bytes(bytes, &limits).map_err(|e| e.to_string())?;
        for (what, text) in [("name", &model.info().name), ("version", &model.info().version)] {
            if text.is_empty() || text.len() > MAX_NAME {
                return Err(format!("its {what} has {} bytes, 1 to {MAX_NAME} can be served", text.len()));
            }
        }
        Ok(Served::new(model, file, &self.config))
    }

    /// Puts a version among `models`.
    pub(crate) fn add(
        &self,
        models: &mut BTreeMap<String, Entry>,
        served: Arc<Served>,
    ) -> Result<Came, Problem> {
        let count: usize = models.values().map(|entry| entry.versions.len()).sum();
        let info = served.info();
        let entry = models.entry(info.name.clone()).or_default();
        if let Some(old) = entry.versions.iter_mut().find(|s| s.info().version == info.version) {
            let same = old.info().sha256 == info.sha256;
            if !same || old.file != served.file {
                *old = served;
            }
            return Ok(if same { Came::Unchanged } else { Came::Replaced });
        }
        if count >= self.config.max_models {
            let text = format!("{count} versions are loaded, and no more may be: unload one first");
            return Err(conflict("too_many_models", text));
        }
        let at = entry.versions.partition_point(|s| natural(&s.info().version, &info.version).is_lt());
        entry.versions.insert(at, served);
        Ok(Came::New)
    }

    /// Takes a version out of memory, or all of a model's.
    pub(crate) fn unload(&self, model: &str, version: Option<&str>) -> Result<Vec<String>, Problem> {
        self.change(|models| {
            let Some(entry) = models.get_mut(model) else {
                return Err(Table::default().entry(model).err().unwrap_or_else(no_model));
            };
            let gone: Vec<String> = match version {
                None => entry.versions.iter().map(|s| s.info().version.clone()).collect(),
                Some(version) => match entry.version(version) {
                    Some(served) => vec![served.info().version.clone()],
                    None => {
                        let text = format!("version '{}' is not loaded", shorten(version));
                        return Err(not_found("unknown_version", text));
                    }
                },
            };
            for version in &gone {
                let holders: Vec<&str> = entry.holders(version).collect();
                if !holders.is_empty() {
                    let text = format!(
                        "version '{version}' of '{model}' is held by its alias {}: move or remove that first",
                        holders.join(", ")
                    );
                    return Err(conflict("held_by_alias", text));
                }
            }
            entry.versions.retain(|s| !gone.contains(&s.info().version));
            Ok(gone)
        })
    }

    /// Points an alias at a version, by its name.
    pub(crate) fn set_alias(&self, model: &str, alias: &str, version: &str) -> Result<Change, Problem> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if alias.is_empty() || alias.len() > MAX_NAME || !alias.chars().all(plain) {
            let text = "an alias has 1 to 200 of the letters a-z, A-Z, 0-9, '.', '_' and '-'";
            return Err(Problem::data("bad_alias", text));
        }
        self.move_alias(model, |entry| {
            if entry.aliases.len() >= self.config.max_models && !entry.aliases.contains_key(alias) {
                return Err(conflict("too_many_aliases", "the model has too many aliases: remove one first"));
            }
            Ok((alias.to_owned(), Action::Set, Some(version.to_owned())))
        })
    }

    /// Points an alias back at the version that it had before.
    pub(crate) fn roll_back(&self, model: &str, alias: &str) -> Result<Change, Problem> {
        self.move_alias(model, |entry| {
            if entry.alias(alias).is_none() {
                let text = format!("the model '{}' has no alias '{}'", shorten(model), shorten(alias));
                return Err(not_found("unknown_alias", text));
            }
            match entry.history.before(alias) {
                Some(version) => Ok((alias.to_owned(), Action::RolledBack, Some(version))),
                None => {
                    let text = format!("the alias '{}' has had no other version before", shorten(alias));
                    Err(conflict("nothing_before", text))
                }
            }
        })
    }

    /// Takes an alias away. Without `champion` the newest version answers.
    pub(crate) fn remove_alias(&self, model: &str, alias: &str) -> Result<Change, Problem> {
        self.move_alias(model, |entry| {
            if entry.aliases.contains_key(alias) {
                return Ok((alias.to_owned(), Action::Removed, None));
            }
            let text = format!("nobody has set the alias '{}' of '{}'", shorten(alias), shorten(model));
            Err(not_found("unknown_alias", text))
        })
    }

    fn move_alias(
        &self,
        model: &str,
        what: impl FnOnce(&Entry) -> Result<(String, Action, Option<String>), Problem>,
    ) -> Result<Change, Problem> {
        self.change(|models| {
            let Some(entry) = models.get_mut(model) else {
                return Err(Table::default().entry(model).err().unwrap_or_else(no_model));
            };
            let (alias, action, version) = what(entry)?;
            let sha256 = match &version {
                None => None,
                Some(version) => match entry.version(version) {
                    Some(served) => Some(served.info().sha256.clone()),
                    None => {
                        let text = format!(
                            "version '{}' of '{model}' is not loaded: load it first",
                            shorten(version)
                        );
                        return Err(not_found("unknown_version", text));
                    }
                },
            };
            match &version {
                Some(version) => drop(entry.aliases.insert(alias.clone(), version.clone())),
                None => drop(entry.aliases.remove(&alias)),
            }
            let change = Change::now(model, &alias, action, version, sha256);
            entry.history.push(change.clone());
            Ok(change)
        })
    }
}

/// Runs of digits count as numbers: 1.10 comes after 1.9.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let number = |text: &mut &[u8]| {
                let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
                let (digits, rest) = text.split_at(end);
                *text = rest;
                digits.iter().position(|&c| c != b'0').map_or(Vec::new(), |at| digits[at..].to_vec())
            };
            let (x, y) = (number(&mut a), number(&mut b));
            match x.len().cmp(&y.len()).then_with(|| x.cmp(&y)) {
                Ordering::Equal => {}
                other => return other,
            }
        } else {
            match x.cmp(y) {
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_people_count() {
        let sorted = ["", "0", "0.9", "1", "1.9", "1.10", "1.10-rc1", "02", "3", "10", "a", "a9", "a10", "b"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(natural(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
