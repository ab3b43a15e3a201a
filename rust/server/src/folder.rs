//! Models from files: those named at the start and all `.ff` files of the folders named, read again when asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::history::{self, Action, Change};
use crate::models::{CHAMPION, Came, Entry, Store, conflict};
use crate::problem::Problem;
use crate::served::Served;
use crate::server::Config;

/// The ending of model files.
const ENDING: &str = "ff";
/// The history of aliases, beside the models.
const ALIASES: &str = "aliases.jsonl";

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// New versions.
    pub loaded: Vec<Line>,
    /// Versions with other bytes than before.
    pub replaced: Vec<Line>,
    /// Versions whose file is gone.
    pub unloaded: Vec<Line>,
    /// Versions that were there before.
    pub unchanged: usize,
    /// Files that are not served, with their reason, and versions that could not be taken out.
    pub refused: Vec<Refused>,
}

/// A version in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The model's name.
    pub model: String,
    /// The version's.
    pub version: String,
}

/// What is not as the folder says, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file.
    pub file: String,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut line = |f: &mut fmt::Formatter<'_>, text: String| {
            write!(f, "{}{text}", if std::mem::take(&mut first) { "" } else { "\n" })
        };
        for (word, lines) in
            [("Loaded", &self.loaded), ("Replaced", &self.replaced), ("Unloaded", &self.unloaded)]
        {
            for Line { model, version } in lines {
                line(f, format!("{word} {model}, version {version}"))?;
            }
        }
        for Refused { file, reason } in &self.refused {
            line(f, format!("Refused {file}: {reason}"))?;
        }
        if self.loaded.is_empty() && self.replaced.is_empty() && self.unloaded.is_empty() {
            line(f, format!("Nothing new; {} versions as before", self.unchanged))?;
        }
        Ok(())
    }
}

impl Store {
    /// The models of `paths`, each a file or a folder.
    ///
    /// # Errors
    /// A path that cannot be read, or a file that was named and is no model. A bad file of a folder is refused in the
    /// report, and the others are served.
    pub fn open(paths: &[PathBuf], config: &Config) -> Result<(Self, Report), String> {
        let store = Self::new(paths.to_vec(), config);
        for path in paths {
            // What is named must be there; what lies in a folder may be bad.
            std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        let report = store.reload(None);
        let named: BTreeSet<String> =
            paths.iter().filter(|p| !p.is_dir()).map(|p| p.display().to_string()).collect();
        if let Some(bad) = report.refused.iter().find(|r| named.contains(&r.file)) {
            return Err(format!("{}: {}", bad.file, bad.reason));
        }
        if let Some(path) = paths.iter().find(|p| !p.is_dir()) {
            let first =
                store.table().served().find(|s| s.file.as_ref() == Some(path)).map(|s| s.info().name.clone());
            if let Some(name) = first {
                store.prefer(&name);
            }
        }
        let mut report = report;
        report.refused.extend(store.recall());
        if let Some(name) = &config.default_model
            && !store.table().models.contains_key(name)
        {
            let names: Vec<String> = store.table().models.keys().take(20).cloned().collect();
            return Err(format!("there is no model '{name}' to be the default, but: {}", names.join(", ")));
        }
        Ok((store, report))
    }

    /// The folder where uploads and the history of aliases go, if one was named.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.sources.iter().map(PathBuf::as_path).find(|p| p.is_dir())
    }

    /// Reads the sources again, all or only those of `model`. What is bad is refused and what it was before goes on.
    pub fn reload(&self, model: Option<&str>) -> Report {
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = Report::default();
        let mut found: BTreeMap<(String, String), (PathBuf, Arc<Served>)> = BTreeMap::new();
        // Files and folders that cannot be read: what came from them goes on.
        let mut bad = BTreeSet::new();
        for path in files(&self.sources, &mut bad, &mut report) {
            let refuse = |reason: String| Refused { file: path.display().to_string(), reason };
            let candidate = match self.candidate(&path) {
                Ok(candidate) => candidate,
                Err(reason) => {
                    report.refused.push(refuse(reason));
                    bad.insert(path);
                    continue;
                }
            };
            let info = candidate.info();
            let key = (info.name.clone(), info.version.clone());
            if model.is_some_and(|model| model != key.0) {
                continue;
            }
            if let Some((other, had)) = found.get(&key) {
                if had.info().sha256 != info.sha256 {
                    let (name, version) = key;
                    let text = format!("{} is another model '{name}', version '{version}'", other.display());
                    report.refused.push(refuse(text));
                }
                continue;
            }
            found.insert(key, (path, candidate));
        }
        let done: Result<(), Problem> = self.change(|models| {
            for ((name, version), (path, candidate)) in &found {
                let line = Line { model: name.clone(), version: version.clone() };
                match self.add(models, candidate.clone()) {
                    Ok(Came::New) => report.loaded.push(line),
                    Ok(Came::Replaced) => report.replaced.push(line),
                    Ok(Came::Unchanged) => report.unchanged += 1,
                    Err(problem) => {
                        let file = path.display().to_string();
                        report.refused.push(Refused { file, reason: problem.message });
                    }
                }
            }
            for (name, entry) in models.iter_mut().filter(|(name, _)| model.is_none_or(|m| m == *name)) {
                drop_gone(name, entry, |s| found.contains_key(&key(s)), &bad, &mut report);
            }
            Ok(())
        });
        if let Err(problem) = done {
            report.refused.push(Refused { file: String::new(), reason: problem.message });
        }
        report
    }

    /// What a file holds: the version that is served already, if it holds the same bytes as before.
    fn candidate(&self, path: &Path) -> Result<Arc<Served>, String> {
        let most = self.config.max_model_bytes;
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if bytes.len() > most {
            return Err(format!("it has more than {most} bytes"));
        }
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        let table = self.table();
        for entry in table.models.values() {
            for served in &entry.versions {
                if served.info().sha256 == sha256 && served.file.as_deref() == Some(path) {
                    return Ok(served.clone());
                }
            }
        }
        self.read(&bytes, Some(path.to_owned())).map(Arc::new)
    }

    /// Takes a model that came as bytes, and keeps it in the folder if there is one. Tells whether it was kept.
    pub(crate) fn upload(&self, bytes: &[u8]) -> Result<(Arc<Served>, Came, bool), Problem> {
        let mut served = self.read(bytes, None).map_err(|reason| Problem::data("bad_model", reason))?;
        self.change(|models| {
            let info = served.info();
            if let Some(had) = models.get(&info.name).and_then(|entry| entry.version(&info.version)) {
                if had.info().sha256 == info.sha256 {
                    return Ok((had.clone(), Came::Unchanged, had.file.is_some()));
                }
                let text = format!(
                    "version '{}' of '{}' is loaded with other content: give the new one another version",
                    info.version, info.name
                );
                return Err(conflict("version_exists", text));
            }
            let path = self.folder().map(|folder| folder.join(file_name(&served)));
            served.file = path.filter(|path| write(path, bytes).is_ok());
            let served = Arc::new(served);
            let came = self.add(models, served.clone()).inspect_err(|_| {
                // Not taken: not kept either.
                let _ = served.file.as_ref().map(std::fs::remove_file);
            })?;
            let kept = served.file.is_some();
            Ok((served, came, kept))
        })
    }

    /// Notes a change in the folder's history. Tells whether it was noted.
    pub(crate) fn note(&self, change: &Change) -> bool {
        self.folder().is_some_and(|folder| history::append(&folder.join(ALIASES), change).is_ok())
    }

    /// Sets the aliases as the folder's history says.
    fn recall(&self) -> Vec<Refused> {
        let Some(path) = self.folder().map(|folder| folder.join(ALIASES)).filter(|path| path.exists()) else {
            return Vec::new();
        };
        let file = path.display().to_string();
        let refused = |reason: String| Refused { file: file.clone(), reason };
        let (changes, bad) = match history::read(&path) {
            Ok(read) => read,
            Err(error) => return vec![refused(error.to_string())],
        };
        let mut out = Vec::new();
        if bad > 0 {
            out.push(refused(format!("{bad} lines cannot be read")));
        }
        let done: Result<(), Problem> = self.change(|models| {
            for change in changes {
                let Some(entry) = models.get_mut(&change.model) else { continue };
                match &change.version {
                    Some(version) => drop(entry.aliases.insert(change.alias.clone(), version.clone())),
                    None => drop(entry.aliases.remove(&change.alias)),
                }
                entry.history.push(change);
            }
            for (name, entry) in models.iter_mut() {
                let lost: Vec<String> = entry
                    .aliases
                    .iter()
                    .filter(|(_, version)| entry.version(version).is_none())
                    .map(|(alias, _)| alias.clone())
                    .collect();
                for alias in lost {
                    let version = entry.aliases.remove(&alias).unwrap_or_default();
                    let instead = if alias == CHAMPION { "; the newest version answers" } else { "" };
                    out.push(refused(format!(
                        "the alias '{alias}' of '{name}' is left out, version '{version}' is not there{instead}"
                    )));
                    entry.history.push(Change::now(name, &alias, Action::Removed, None, None));
                }
            }
            Ok(())
        });
        if let Err(problem) = done {
            out.push(refused(problem.message));
        }
        out
    }
}

fn key(served: &Served) -> (String, String) {
    (served.info().name.clone(), served.info().version.clone())
}

/// Takes out the versions whose file is gone, unless an alias holds them or the file is there and bad.
fn drop_gone(
    name: &str,
    entry: &mut Entry,
    found: impl Fn(&Served) -> bool,
    bad: &BTreeSet<PathBuf>,
    report: &mut Report,
) {
    let mut gone = Vec::new();
    for served in &entry.versions {
        let version = &served.info().version;
        let Some(file) = &served.file else { continue };
        if found(served) || bad.iter().any(|bad| file.starts_with(bad)) {
            continue;
        }
        let holders: Vec<&str> = entry.holders(version).collect();
        if holders.is_empty() {
            gone.push(version.clone());
        } else {
            let reason = format!(
                "the file of '{name}', version '{version}', is gone; its alias {} holds it in memory",
                holders.join(", ")
            );
            report.refused.push(Refused { file: file.display().to_string(), reason });
        }
    }
    entry.versions.retain(|s| !gone.contains(&s.info().version));
    report.unloaded.extend(gone.into_iter().map(|version| Line { model: name.to_owned(), version }));
}

/// The files of `sources`, those of a folder by name.
fn files(sources: &[PathBuf], bad: &mut BTreeSet<PathBuf>, report: &mut Report) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for source in sources {
        let listed = match std::fs::read_dir(source) {
            Ok(listed) => listed,
            // A file, or nothing: reading it tells.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                out.push(source.clone());
                continue;
            }
            Err(error) => {
                report
                    .refused
                    .push(Refused { file: source.display().to_string(), reason: error.to_string() });
                bad.insert(source.clone());
                continue;
            }
        };
        let mut of_folder: Vec<PathBuf> = listed
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ENDING)) && path.is_file())
            .collect();
        of_folder.sort();
        out.extend(of_folder);
    }
    out
}

/// A name for the file of an uploaded model: readable, and no path.
fn file_name(served: &Served) -> String {
    let info = served.info();
    let plain = |text: &str| -> String {
        text.chars().take(40).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
    };
    let digest = info.sha256.get(..12).unwrap_or_default();
    format!("{}-{}-{digest}.{ENDING}", plain(&info.name), plain(&info.version))
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
