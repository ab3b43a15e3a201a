//! One line per request, and per difference of a shadow. There are neither values nor keys in it.

use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::Method;

use crate::aside::{Aside, End, Inbox};
use crate::keys::Key;
use crate::served::Served;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// There are none.
    #[default]
    Off,
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

impl Format {
    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What is told of a request.
pub struct Line {
    pub time: SystemTime,
    pub id: String,
    pub client: IpAddr,
    pub key: Option<Arc<Key>>,
    pub method: Method,
    /// Without what follows a `?`.
    pub path: String,
    pub status: u16,
    /// Of a refusal.
    pub code: Option<&'static str>,
    pub took: Duration,
    /// The version that answered, and how many rows.
    pub served: Option<(Arc<Served>, usize)>,
}

/// What is told of rows that a shadow predicts differently.
pub struct Difference {
    pub time: SystemTime,
    pub model: String,
    pub version: String,
    pub shadow: String,
    pub shadow_version: String,
    /// The number of the first row's id.
    pub first: u64,
    pub rows: usize,
    pub different: usize,
    /// Of a probability, or of a value.
    pub largest: Option<f64>,
}

/// One line.
pub enum Entry {
    Request(Box<Line>),
    Difference(Box<Difference>),
}

/// Where lines go.
pub struct Log(Aside<Entry>);

impl Log {
    /// A log that writes to `out`.
    pub fn new(format: Format, out: impl Write + Send + 'static) -> io::Result<(Self, End)> {
        let work = move |inbox| {
            // Whoever read it has gone: there is nobody to tell.
            let _ = write(format, &inbox, BufWriter::new(out));
        };
        let (aside, end) = Aside::start("ferroflow-log", work)?;
        Ok((Self(aside), end))
    }

    pub fn tell(&self, entry: Entry) {
        self.0.tell(entry, 0, 1);
    }

    /// Lines that found the queue full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

fn write(format: Format, inbox: &Inbox<Entry>, mut out: impl Write) -> io::Result<()> {
    while let Some(mut entry) = inbox.next() {
        loop {
            match &entry {
                Entry::Request(line) => put(format, line, &mut out)?,
                Entry::Difference(difference) => put_difference(format, difference, &mut out)?,
            }
            match inbox.waiting() {
                Some(next) => entry = next,
                None => break,
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn put_difference(format: Format, d: &Difference, out: &mut impl Write) -> io::Result<()> {
    let time = rfc3339(d.time);
    if format == Format::Json {
        let value = serde_json::json!({
            "time": time,
            "event": "shadow_differs",
            "model": d.model,
            "version": d.version,
            "shadow": d.shadow,
            "shadow_version": d.shadow_version,
            "first": d.first,
            "rows": d.rows,
            "different": d.different,
            "largest": d.largest,
        });
        return writeln!(out, "{value}");
    }
    write!(
        out,
        "{time} shadow differs in {} of {} rows: model={:?} version={:?} shadow={:?} shadow_version={:?}",
        d.different, d.rows, d.model, d.version, d.shadow, d.shadow_version
    )?;
    match d.largest {
        Some(largest) => writeln!(out, " largest={largest:.3e}"),
        None => writeln!(out),
    }
}

fn put(format: Format, line: &Line, out: &mut impl Write) -> io::Result<()> {
    let time = rfc3339(line.time);
    let seconds = line.took.as_secs_f64();
    let info = line.served.as_ref().map(|(served, rows)| (served.info(), *rows));
    if format == Format::Json {
        let value = serde_json::json!({
            "time": time,
            "event": "request",
            "id": line.id,
            "client": line.client,
            "key": line.key.as_ref().map(|key| &key.name),
            "method": line.method.as_str(),
            "path": line.path,
            "status": line.status,
            "code": line.code,
            "seconds": seconds,
            "rows": info.map(|(_, rows)| rows),
            "model": info.map(|(info, _)| &info.name),
            "version": info.map(|(info, _)| &info.version),
        });
        return writeln!(out, "{value}");
    }
    let Line { status, method, path, client, id, .. } = line;
    write!(out, "{time} {status} {method} {path:?} {:.3} ms", 1e3 * seconds)?;
    if let Some((info, rows)) = info {
        write!(out, " rows={rows} model={:?} version={:?}", info.name, info.version)?;
    }
    if let Some(code) = line.code {
        write!(out, " code={code}")?;
    }
    if let Some(key) = &line.key {
        write!(out, " key={:?}", key.name)?;
    }
    writeln!(out, " client={client} id={id}")
}

/// A moment in UTC, to the microsecond.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Years that begin in March, in eras of 400 years: the day after February's last is the first of a year.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        since.subsec_micros()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn moments_are_written_as_everyone_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    fn line(path: &str) -> Line {
        Line {
            time: UNIX_EPOCH,
            id: "a-1".into(),
            client: "127.0.0.1".parse().unwrap(),
            key: None,
            method: Method::POST,
            path: path.into(),
            status: 404,
            code: Some("unknown_path"),
            took: Duration::from_micros(1500),
            served: None,
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_whole_and_in_order() {
        for format in [Format::Json, Format::Text] {
            let out = Shared::default();
            let (log, writer) = Log::new(format, out.clone()).unwrap();
            log.tell(Entry::Request(Box::new(line("/a\n\"b"))));
            log.tell(Entry::Request(Box::new(line("/c"))));
            writer.wait();
            let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 2, "{text}");
            if format == Format::Json {
                let first: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
                assert_eq!(
                    (first["path"].as_str(), first["seconds"].as_f64()),
                    (Some("/a\n\"b"), Some(0.0015))
                );
                assert_eq!((first["status"].as_u64(), first["rows"].as_u64()), (Some(404), None));
            } else {
                assert!(lines[0].contains("404 POST \"/a\\n\\\"b\" 1.500 ms code=unknown_path"), "{text}");
            }
        }
    }
}
