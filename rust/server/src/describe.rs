//! What the models take and give: `/schema`, `/models`.

use std::collections::BTreeMap;

use ferroflow_frozen::{ColumnStatistics, InputColumn, Kind, Model, Values};
use serde_json::{Value, json};

use crate::encode::label;
use crate::history::milliseconds;
use crate::models::{CHAMPION, Entry, Table};
use crate::served::Served;

/// What a version takes and gives: `/schema`.
pub fn schema(d: &Served, max_body: usize) -> Value {
    let info = d.info();
    let columns: Vec<Value> = d
        .model
        .schema()
        .columns()
        .iter()
        .map(|c| {
            json!({
                "name": c.name,
                "kind": c.kind.as_str(),
                "nullable": c.nullable,
                "single": c.single,
                "categories": c.categories,
            })
        })
        .collect();
    json!({
        "model": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "task": info.task.as_str(),
        "columns": columns,
        "classes": info.classes.iter().map(label).collect::<Vec<_>>(),
        "outputs": info.outputs,
        "probabilities": info.has_probabilities,
        "limits": {"rows": d.bounds.rows, "body_bytes": max_body, "text_bytes": d.bounds.text},
        "example": example(&d.model),
    })
}

/// `GET /models`.
pub fn models(table: &Table) -> Value {
    let models = table.models.iter().map(|(name, entry)| model(table, name, entry));
    json!({"default": table.default, "models": models.collect::<Vec<_>>()})
}

/// `GET /models/{model}`.
pub fn model(table: &Table, name: &str, entry: &Entry) -> Value {
    let versions = entry.versions.iter().map(|served| {
        let info = served.info();
        json!({
            "version": info.version,
            "sha256": info.sha256,
            "task": info.task.as_str(),
            "loaded_ms": milliseconds(served.loaded),
            "file": served.file.as_ref().and_then(|f| f.file_name()).map(|f| f.to_string_lossy()),
        })
    });
    json!({
        "name": name,
        "default": table.default.as_deref() == Some(name),
        "aliases": current(entry),
        "versions": versions.collect::<Vec<_>>(),
    })
}

/// `GET /models/{model}/aliases`.
pub fn aliases(entry: &Entry) -> Value {
    json!({"aliases": current(entry), "history": entry.history.changes()})
}

/// The versions of the aliases; `champion` is always among them.
fn current(entry: &Entry) -> BTreeMap<&str, &str> {
    let champion = entry.champion().map(|served| (CHAMPION, served.info().version.as_str()));
    champion.into_iter().chain(entry.aliases.iter().map(|(k, v)| (k.as_str(), v.as_str()))).collect()
}

/// A row in the middle of the training data.
pub fn example(model: &Model) -> Value {
    let columns = model.schema().columns().iter().zip(model.statistics());
    Value::Object(
        columns.map(|(column, statistics)| (column.name.clone(), typical(column, statistics))).collect(),
    )
}

fn typical(column: &InputColumn, statistics: &ColumnStatistics) -> Value {
    match &statistics.values {
        Values::Numbers { mean, edges, .. } => {
            let middle = edges.get(edges.len() / 2).copied().unwrap_or(*mean);
            let middle = if middle.is_finite() { readable(middle) } else { 0.0 };
            match column.kind {
                Kind::Boolean => json!(*mean >= 0.5),
                // Within i64 and without a fraction.
                Kind::Integer if middle.abs() < 9e15 => json!(middle.round() as i64),
                _ => json!(middle),
            }
        }
        Values::Texts { categories, counts } => {
            let top = categories.iter().zip(counts).max_by_key(|(_, count)| **count);
            top.map_or(if column.nullable { Value::Null } else { json!("") }, |(text, _)| json!(text))
        }
    }
}

/// `value` to four digits.
fn readable(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
