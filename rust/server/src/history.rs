//! What became of the aliases: a list that is only ever added to, and that roll-back goes by.

use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::models::CHAMPION;
use crate::served::Served;

/// Changes of one model that are held in memory; the file has all of them.
const KEPT: usize = 1000;

/// What was done to an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Someone set it.
    Set,
    /// Someone took its last move back.
    RolledBack,
    /// Someone took it away.
    Removed,
    /// Nobody has set `champion`, and the newest version is another now.
    Newest,
    /// The version that `champion` is set to has other bytes now.
    Replaced,
}

/// One change of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Milliseconds since 1970.
    pub at: u64,
    pub model: String,
    pub alias: String,
    pub action: Action,
    pub version: Option<String>,
    pub sha256: Option<String>,
}

impl Change {
    pub fn now(
        model: &str,
        alias: &str,
        action: Action,
        version: Option<String>,
        sha256: Option<String>,
    ) -> Self {
        Self {
            at: milliseconds(SystemTime::now()),
            model: model.into(),
            alias: alias.into(),
            action,
            version,
            sha256,
        }
    }
}

pub fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// The changes of one model's aliases.
#[derive(Clone, Default)]
pub struct History(Arc<Vec<Change>>);

impl History {
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    pub fn push(&mut self, change: Change) {
        let changes = Arc::make_mut(&mut self.0);
        if changes.len() >= KEPT {
            changes.drain(..KEPT / 2);
        }
        changes.push(change);
    }

    /// Notes that `champion` is `served` now, if that is news.
    pub fn moved(&mut self, model: &str, action: Action, served: &Served) {
        let info = served.info();
        let last = self.0.iter().rev().find(|c| c.alias == CHAMPION && c.version.is_some());
        let same =
            |c: &Change| c.version.as_ref() == Some(&info.version) && c.sha256.as_ref() == Some(&info.sha256);
        if !last.is_some_and(same) {
            let (version, sha256) = (Some(info.version.clone()), Some(info.sha256.clone()));
            self.push(Change::now(model, CHAMPION, action, version, sha256));
        }
    }

    /// The version that `alias` had before the one it has.
    pub fn before(&self, alias: &str) -> Option<String> {
        let mut had: Vec<&String> = Vec::new();
        for change in self.0.iter().filter(|c| c.alias == alias) {
            match (change.action, &change.version) {
                (Action::RolledBack, Some(version)) => {
                    had.pop();
                    if had.last() != Some(&version) {
                        had.push(version);
                    }
                }
                (_, Some(version)) if had.last() != Some(&version) => had.push(version),
                (Action::Removed, _) if alias != CHAMPION => had.clear(),
                _ => {}
            }
        }
        had.len().checked_sub(2).map(|at| had[at].clone())
    }
}

/// Adds a change to the file.
pub fn append(path: &Path, change: &Change) -> io::Result<()> {
    let mut line = serde_json::to_vec(change)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)?;
    file.sync_data()
}

/// The changes in the file; what cannot be read is left out, and counted.
pub fn read(path: &Path) -> io::Result<(Vec<Change>, usize)> {
    let mut changes = Vec::new();
    let mut bad = 0;
    for line in BufReader::new(std::fs::File::open(path)?).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(change) => changes.push(change),
            Err(_) => bad += 1,
        }
    }
    Ok((changes, bad))
}
