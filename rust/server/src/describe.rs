//! What the model takes and gives: `/schema`, and the OpenAPI document made from it.

use std::collections::BTreeMap;

use ferroflow_frozen::{ColumnStatistics, InputColumn, Kind, Model, Task, Values};
use serde_json::{Map, Value, json};

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
fn example(model: &Model) -> Value {
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

/// `GET /openapi.json`.
pub fn openapi(d: &Served, max_body: usize) -> Value {
    let info = d.model.info();
    let example = example(&d.model);
    let mut row = Map::new();
    let mut columns = Map::new();
    let mut column_example = Map::new();
    for column in d.model.schema().columns() {
        let cell = cell(column);
        columns.insert(
            column.name.clone(),
            json!({"type": "array", "items": cell, "minItems": 1, "maxItems": d.bounds.rows}),
        );
        row.insert(column.name.clone(), cell);
        column_example.insert(column.name.clone(), json!([example[&column.name]]));
    }
    let names: Vec<&str> = d.model.schema().columns().iter().map(|c| c.name.as_str()).collect();
    let mut answer = json!({
        "model": {"type": "string"},
        "version": {"type": "string"},
        "ids": {"type": "array", "items": {"type": "string"}, "description": "one per row, never given twice"},
        "predictions": {"type": "array", "items": prediction(d)},
    });
    let mut answered = vec!["model", "version", "ids", "predictions"];
    if info.has_probabilities {
        answer["probabilities"] = json!({
            "type": "array",
            "description": "per row the probability of each class, in the order of \"classes\" in /schema",
            "items": {"type": "array", "items": {"type": "number"}},
        });
        answered.push("probabilities");
    }
    let error = |text: &str| json!({"description": text, "content": {"application/json": {"schema": reference("Error")}}});
    let get = |text: &str, kind: &str| json!({"get": {"summary": text, "responses": {"200": {"description": text, "content": {kind: {}}}}}});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": info.name,
            "version": info.version,
            "description": format!("Predictions of a {}, served by ferroflow {}.", info.task.as_str(), env!("CARGO_PKG_VERSION")),
        },
        "paths": {
            "/predict": {"post": {
                "summary": "Predict rows",
                "operationId": "predict",
                "requestBody": {"required": true, "content": {"application/json": {
                    "schema": reference("Request"),
                    "examples": {
                        "rows": {"value": {"rows": [example]}},
                        "columns": {"value": {"columns": column_example}},
                    },
                }}},
                "responses": {
                    "200": {
                        "description": "The predictions, in the order of the rows",
                        "content": {"application/json": {"schema": reference("Answer")}},
                    },
                    "400": error("The body is not JSON, or was cut short"),
                    "408": error("The body took too long to arrive"),
                    "413": error(&format!("The body is larger than {} bytes", max_body)),
                    "415": error("The body is not announced as application/json"),
                    "422": error("The rows do not fit the model: says which row and column, and why"),
                },
            }},
            "/health": get("Is the server up, and which model does it serve?", "application/json"),
            "/schema": get("What the model takes and gives", "application/json"),
            "/metrics": get("Counters for Prometheus", "application/openmetrics-text"),
            "/docs": get("A page to try the model", "text/html"),
        },
        "components": {"schemas": {
            "Row": {
                "type": "object",
                "properties": row,
                "required": names,
                "additionalProperties": false,
            },
            "Request": {"oneOf": [
                {
                    "type": "object",
                    "properties": {"rows": {
                        "type": "array", "items": reference("Row"), "minItems": 1, "maxItems": d.bounds.rows,
                    }},
                    "required": ["rows"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": {"columns": {
                        "type": "object",
                        "description": "all of one length",
                        "properties": columns,
                        "required": names,
                        "additionalProperties": false,
                    }},
                    "required": ["columns"],
                    "additionalProperties": false,
                },
            ]},
            "Answer": {"type": "object", "properties": answer, "required": answered},
            "Error": {
                "type": "object",
                "properties": {"error": {
                    "type": "object",
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "row": {"type": ["integer", "null"], "description": "counted from 0"},
                        "column": {"type": ["string", "null"]},
                    },
                    "required": ["code", "message", "row", "column"],
                }},
                "required": ["error"],
            },
        }},
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn cell(column: &InputColumn) -> Value {
    let kind = match column.kind {
        // Whole numbers in training; others are taken too.
        Kind::Number | Kind::Integer => "number",
        Kind::Boolean => "boolean",
        Kind::Text => "string",
    };
    let mut cell = if column.nullable { json!({"type": [kind, "null"]}) } else { json!({"type": kind}) };
    if let Some(categories) = &column.categories {
        cell["examples"] = json!(categories);
    }
    cell
}

fn prediction(d: &Served) -> Value {
    let info = d.model.info();
    match info.task {
        Task::Classifier => json!({"enum": info.classes.iter().map(label).collect::<Vec<_>>()}),
        Task::Regressor if info.flat => json!({"type": "number"}),
        Task::Regressor | Task::Transformer => {
            json!({
                "type": "array",
                "items": {"type": ["number", "null"]},
                "description": format!("one number each for {}", info.outputs.join(", ")),
            })
        }
    }
}
