//! The OpenAPI document: every path there is, with the models' real columns.

use std::fmt::Write as _;

use ferroflow_frozen::{InputColumn, Kind, Task};
use serde_json::{Map, Value, json};

use crate::admin::Admin;
use crate::describe::example;
use crate::encode::label;
use crate::models::Table;
use crate::routes::App;
use crate::served::Served;
use crate::server::Config;

const JSON: &str = "application/json";
/// Categories that are named as examples.
const MAX_EXAMPLES: usize = 20;

struct Document {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    max_body: usize,
}

/// `GET /openapi.json`.
pub fn openapi(app: &App, table: &Table) -> Value {
    let mut document = Document { paths: Map::new(), schemas: shared(), max_body: app.max_body };
    document.pages();
    let first = table.first().ok();
    if let Some(served) = first {
        let names = document.describe(served);
        let what = "Predict rows";
        document.predict("/predict", what, "predict", &names, served, None);
        document.get("/schema", "What the model takes and gives", "schema", "Schema", &[]);
    }
    for (name, entry) in &table.models {
        let base = format!("/models/{}", escaped(name));
        let open = format!("/v2{base}");
        document.get(&base, &format!("The versions of '{name}'"), &format!("model {name}"), "Model", &[404]);
        document.get(
            &format!("{base}/aliases"),
            &format!("The aliases of '{name}' and what became of them"),
            &format!("aliases {name}"),
            "Aliases",
            &[404],
        );
        let mut places: Vec<(String, String, &Served)> = Vec::new();
        if let Some(served) = entry.champion() {
            places.push((String::new(), String::new(), served));
        }
        for served in &entry.versions {
            let version = &served.info().version;
            places.push((
                format!("/versions/{}", escaped(version)),
                format!(", version '{version}'"),
                served,
            ));
        }
        for (alias, version) in &entry.aliases {
            if let Some(served) = entry.version(version) {
                places.push((format!("/aliases/{alias}"), format!(", alias '{alias}'"), served));
            }
        }
        for (at, words, served) in places {
            let names = document.describe(served);
            let what = format!("Predict rows with '{name}'{words}");
            let id = format!("{name}{words}");
            document.predict(
                &format!("{base}{at}/predict"),
                &what,
                &format!("predict {id}"),
                &names,
                served,
                Some(404),
            );
            document.get(
                &format!("{base}{at}/schema"),
                &format!("What '{name}'{words}, takes and gives"),
                &format!("schema {id}"),
                "Schema",
                &[404],
            );
            if !at.starts_with("/aliases") {
                document.open(&format!("{open}{at}"), &format!("'{name}'{words}"), &id, served);
            }
        }
    }
    let config = &app.models.config;
    if !matches!(config.admin, Admin::Off) || config.keys.is_some() {
        document.admin(table);
    }
    document.protect(config);
    let mut components = json!({"schemas": document.schemas});
    if config.keys.is_some() || matches!(config.admin, Admin::Key(_)) {
        components["securitySchemes"] = json!({
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        });
    }
    let ours = env!("CARGO_PKG_VERSION");
    let info = match first.map(|served| served.info()) {
        Some(info) => json!({
            "title": info.name,
            "version": info.version,
            "description": format!("Predictions of a {}, served by ferroflow {ours}.", info.task.as_str()),
        }),
        None => json!({
            "title": "ferroflow",
            "version": ours,
            "description": format!("Predictions of {} models, served by ferroflow {ours}.", table.models.len()),
        }),
    };
    json!({"openapi": "3.1.0", "info": info, "paths": document.paths, "components": components})
}

fn is_admin(path: &str) -> bool {
    path.starts_with("/admin/") || path.starts_with("/v2/repository/")
}

/// The shape of errors at `path`.
fn error_of(path: &str) -> &'static str {
    if path == "/v2" || path.starts_with("/v2/") { "OpenError" } else { "Error" }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn response(text: &str, schema: &str) -> Value {
    json!({"description": text, "content": {JSON: {"schema": reference(schema)}}})
}

impl Document {
    fn add(&mut self, path: &str, method: &str, operation: Value) {
        let at = self.paths.entry(path).or_insert_with(|| json!({}));
        at[method] = operation;
    }

    fn get(&mut self, path: &str, text: &str, id: &str, schema: &str, errors: &[u16]) {
        let mut responses = json!({"200": response(text, schema)});
        for error in errors {
            responses[error.to_string()] = response(words(*error), error_of(path));
        }
        self.add(path, "get", json!({"summary": text, "operationId": id, "responses": responses}));
    }

    /// Says which paths need a key, and which have a rate.
    fn protect(&mut self, config: &Config) {
        for (path, operations) in &mut self.paths {
            let is_health = path.starts_with("/health") || path.starts_with("/v2/health/");
            let is_open = is_health || path == "/docs" || (config.open_metrics && path == "/metrics");
            let needs_key = match config.keys {
                Some(_) => !is_open,
                None => is_admin(path) && matches!(config.admin, Admin::Key(_)),
            };
            for operation in operations.as_object_mut().into_iter().flat_map(Map::values_mut) {
                // Parameters of the path stand beside its operations.
                if !operation["responses"].is_object() {
                    continue;
                }
                if needs_key {
                    operation["security"] = json!([{"bearer": []}, {"key": []}]);
                    operation["responses"]["401"] = response("The key is missing or wrong", error_of(path));
                }
                if config.rate.is_some() && !is_health {
                    operation["responses"]["429"] = response("Too many requests", error_of(path));
                }
            }
        }
    }

    /// What is there whatever the models are.
    fn pages(&mut self) {
        let page = |text: &str, id: &str, kind: &str| {
            let content = json!({kind: {"schema": {"type": "string"}}});
            json!({"summary": text, "operationId": id, "responses": {"200": {"description": text, "content": content}}})
        };
        self.add("/docs", "get", page("A page to try the models", "docs", "text/html"));
        let kind = "application/openmetrics-text";
        self.add("/metrics", "get", page("Counters for Prometheus", "metrics", kind));
        self.get("/models", "All models and their versions", "models", "Models", &[]);
        self.get("/health", "Is the server up, and which model answers /predict?", "health", "Health", &[]);
        self.get("/health/live", "Is the server up?", "live", "Status", &[]);
        self.get("/health/ready", "Can the server predict?", "ready", "Status", &[]);
        self.get(
            "/v2",
            "The server, for clients of the Open Inference Protocol",
            "open server",
            "OpenServer",
            &[],
        );
        self.get("/v2/health/live", "Is the server up?", "open live", "OpenLive", &[]);
        self.get("/v2/health/ready", "Can the server predict?", "open ready", "OpenReady", &[]);
        for (path, schema) in [("/health/ready", "Status"), ("/v2/health/ready", "OpenReady")] {
            self.paths[path]["get"]["responses"]["503"] = response("It has no model, or is stopping", schema);
        }
    }

    /// Adds the schemas of a version once; gives the names of its request's and its answer's.
    fn describe(&mut self, served: &Served) -> [String; 2] {
        let info = served.info();
        let tag = json!(format!("{} {} {}", info.name, info.version, info.sha256));
        let long = format!("{}.{}.", plain(&info.name), plain(&info.version));
        // The default model's come first and have the short names; others may differ in odd characters alone.
        let prefixes = [String::new(), long.clone()].into_iter().chain((2..).map(|n| format!("{long}{n}.")));
        for prefix in prefixes {
            let [request, answer, row] = ["Request", "Answer", "Row"].map(|name| format!("{prefix}{name}"));
            match self.schemas.get(&request) {
                Some(there) if there["$comment"] == tag => return [request, answer],
                Some(_) => {}
                None => {
                    let of = schemas(served, &row);
                    self.schemas.extend([(row, of.0), (request.clone(), of.1), (answer.clone(), of.2)]);
                    self.schemas[&request]["$comment"] = tag;
                    return [request, answer];
                }
            }
        }
        [String::new(), String::new()]
    }

    fn predict(
        &mut self,
        path: &str,
        text: &str,
        id: &str,
        [request, answer]: &[String; 2],
        served: &Served,
        not_found: Option<u16>,
    ) {
        let example = example(&served.model);
        let columns: Map<String, Value> = example
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        let mut responses = json!({
            "200": response("The predictions, in the order of the rows", answer),
            "413": response(&format!("The body is larger than {} bytes", self.max_body), "Error"),
            "422": response("The rows do not fit the model: says which row and column, and why", "Error"),
        });
        for error in [400, 408, 415, 503].into_iter().chain(not_found) {
            responses[error.to_string()] = response(words(error), "Error");
        }
        self.add(
            path,
            "post",
            json!({
                "summary": text,
                "operationId": id,
                "requestBody": {"required": true, "content": {JSON: {
                    "schema": reference(request),
                    "examples": {
                        "rows": {"value": {"rows": [example]}},
                        "columns": {"value": {"columns": columns}},
                        "row": {"value": {"row": example}},
                    },
                }}},
                "responses": responses,
            }),
        );
    }

    /// The Open Inference Protocol for one version.
    fn open(&mut self, path: &str, what: &str, id: &str, served: &Served) {
        self.get(path, &format!("The tensors of {what}"), &format!("metadata {id}"), "OpenModel", &[404]);
        let ready = format!("{path}/ready");
        self.get(&ready, &format!("Can {what} predict?"), &format!("ready {id}"), "OpenModelReady", &[404]);
        self.paths[&ready]["get"]["responses"]["503"] = response("The server is stopping", "OpenModelReady");
        let example = example(&served.model);
        let inputs = served.model.schema().columns().iter().map(|column| {
            let datatype = match column.kind {
                Kind::Number | Kind::Integer => "FP64",
                Kind::Boolean => "BOOL",
                Kind::Text => "BYTES",
            };
            json!({"name": column.name, "shape": [1], "datatype": datatype, "data": [example[&column.name]]})
        });
        let mut responses = json!({"200": response("The outputs", "OpenAnswer")});
        for error in [400, 404, 408, 413, 415, 503] {
            responses[error.to_string()] = response(words(error), "OpenError");
        }
        self.add(
            &format!("{path}/infer"),
            "post",
            json!({
                "summary": format!("Predict tensors with {what}"),
                "operationId": format!("infer {id}"),
                "requestBody": {"required": true, "content": {JSON: {
                    "schema": reference("OpenRequest"),
                    "examples": {"row": {"value": {"inputs": inputs.collect::<Vec<_>>()}}},
                }}},
                "responses": responses,
            }),
        );
    }

    fn change(&mut self, path: &str, method: &str, text: &str, id: &str, schema: &str, errors: &[u16]) {
        let mut responses = json!({"200": response(text, schema)});
        for error in [403].iter().chain(errors) {
            responses[error.to_string()] = response(words(*error), error_of(path));
        }
        self.add(path, method, json!({"summary": text, "operationId": id, "responses": responses}));
    }

    fn admin(&mut self, table: &Table) {
        self.change("/admin/reload", "post", "Read the files and folders again", "reload", "Report", &[]);
        let path = "/admin/models";
        self.change(
            path,
            "post",
            "Load a model file",
            "upload",
            "Loaded",
            &[400, 408, 409, 413, 415, 422, 503],
        );
        let loaded = response("It is loaded", "Loaded");
        self.paths[path]["post"]["responses"]["201"] = loaded;
        self.paths[path]["post"]["requestBody"] =
            json!({"required": true, "content": {"application/octet-stream": {}}});
        self.change("/v2/repository/index", "post", "All versions", "open index", "OpenIndex", &[]);
        for (name, entry) in &table.models {
            let base = format!("/admin/models/{}", escaped(name));
            let (text, id) = (format!("Unload '{name}'"), format!("unload {name}"));
            self.change(&base, "delete", &text, &id, "Unloaded", &[404, 409]);
            for served in &entry.versions {
                let version = &served.info().version;
                let path = format!("{base}/versions/{}", escaped(version));
                let text = format!("Unload version '{version}' of '{name}'");
                self.change(&path, "delete", &text, &format!("{id} {version}"), "Unloaded", &[404, 409]);
            }
            let path = format!("{base}/aliases/{{alias}}");
            let errors = [400, 404, 408, 409, 413, 415, 422, 503];
            let text = format!("Point an alias of '{name}' at a version");
            self.change(&path, "put", &text, &format!("set alias {name}"), "Change", &errors);
            self.paths[&path]["put"]["requestBody"] =
                json!({"required": true, "content": {JSON: {"schema": reference("NewAlias")}}});
            let text = format!("Take an alias of '{name}' away");
            self.change(&path, "delete", &text, &format!("remove alias {name}"), "Change", &[400, 404, 409]);
            let back = format!("{path}/rollback");
            let text = format!("Point an alias of '{name}' back at the version it had before");
            self.change(&back, "post", &text, &format!("roll back {name}"), "Change", &[400, 404, 409]);
            for path in [path, back] {
                self.paths[&path]["parameters"] = json!([{
                    "name": "alias", "in": "path", "required": true, "schema": reference("Alias"),
                }]);
            }
            let open = format!("/v2/repository/models/{}", escaped(name));
            let (load, unload) = (format!("{open}/load"), format!("{open}/unload"));
            let text = format!("Read the files of '{name}' again");
            self.change(&load, "post", &text, &format!("open load {name}"), "Report", &[400, 404]);
            let text = format!("Unload '{name}'");
            self.change(&unload, "post", &text, &format!("open unload {name}"), "Unloaded", &[400, 404, 409]);
        }
    }
}

/// What a status means wherever it comes.
fn words(status: u16) -> &'static str {
    match status {
        400 => "The body is not JSON or was cut short, or the request is malformed",
        403 => "Management is not for this client",
        404 => "There is no such model, version or alias",
        408 => "The body took too long to arrive",
        409 => "An alias holds it, or there is no room, or nothing to go back to",
        413 => "The body is too large",
        415 => "The body is not of the type that is needed",
        422 => "The content cannot be taken",
        503 => "Too many large requests at once; try again",
        _ => "An error",
    }
}

/// The schemas of a version: of a row, a request and an answer.
fn schemas(served: &Served, row_name: &str) -> (Value, Value, Value) {
    let info = served.info();
    let (mut row, mut columns) = (Map::new(), Map::new());
    for column in served.model.schema().columns() {
        let cell = cell(column);
        columns.insert(
            column.name.clone(),
            json!({"type": "array", "items": cell, "minItems": 1, "maxItems": served.bounds.rows}),
        );
        row.insert(column.name.clone(), cell);
    }
    let names: Vec<&str> = served.model.schema().columns().iter().map(|c| c.name.as_str()).collect();
    let only = |key: &str, schema: Value| json!({"type": "object", "properties": {key: schema}, "required": [key], "additionalProperties": false});
    let request = json!({"oneOf": [
        only("rows", json!({
            "type": "array", "items": reference(row_name), "minItems": 1, "maxItems": served.bounds.rows,
        })),
        only("columns", json!({
            "type": "object",
            "description": "all of one length",
            "properties": columns,
            "required": names,
            "additionalProperties": false,
        })),
        only("row", reference(row_name)),
    ]});
    let mut answer = json!({
        "model": {"type": "string"},
        "version": {"type": "string"},
        "ids": {"type": "array", "items": {"type": "string"}, "description": "one per row, never given twice"},
        "predictions": {"type": "array", "items": prediction(served)},
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
    let row = json!({"type": "object", "properties": row, "required": names, "additionalProperties": false});
    (row, request, json!({"type": "object", "properties": answer, "required": answered}))
}

fn cell(column: &InputColumn) -> Value {
    let kind = match column.kind {
        // Whole numbers in training; others are taken too.
        Kind::Number | Kind::Integer => "number",
        Kind::Boolean => {
            let mut ways = vec![json!({"type": "boolean"}), json!({"enum": [0, 1]})];
            if column.nullable {
                ways.push(json!({"type": "null"}));
            }
            return json!({"anyOf": ways});
        }
        Kind::Text => "string",
    };
    let mut cell = if column.nullable { json!({"type": [kind, "null"]}) } else { json!({"type": kind}) };
    if column.single && column.kind != Kind::Text {
        // Half a step above the greatest: what is below is rounded to it, what is not is infinite.
        let limit = f64::from(f32::MAX) + 103_f64.exp2();
        cell["exclusiveMinimum"] = json!(-limit);
        cell["exclusiveMaximum"] = json!(limit);
    }
    if let Some(categories) = &column.categories {
        cell["examples"] = json!(categories.iter().take(MAX_EXAMPLES).collect::<Vec<_>>());
    }
    cell
}

fn prediction(served: &Served) -> Value {
    let info = served.info();
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

/// What is the same for all models.
fn shared() -> Map<String, Value> {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let list = |items: Value| json!({"type": "array", "items": items});
    let object = |properties: Value| {
        let required: Vec<String> =
            properties.as_object().map(|p| p.keys().cloned().collect()).unwrap_or_default();
        json!({"type": "object", "properties": properties, "required": required})
    };
    let lines = || list(object(json!({"model": text(), "version": text()})));
    let count = || json!({"type": "integer", "minimum": 0});
    let mut change = object(json!({
        "at": {"type": "integer", "description": "milliseconds since 1970"},
        "model": text(),
        "alias": text(),
        "action": {"enum": ["set", "rolled_back", "removed", "newest", "replaced"]},
        "version": maybe(),
        "sha256": maybe(),
    }));
    change["properties"]["in_folder"] =
        json!({"type": "boolean", "description": "is it noted in the models' folder?"});
    let version = object(json!({
        "version": text(), "sha256": text(), "task": text(), "loaded_ms": count(), "file": maybe(),
    }));
    let model = object(json!({
        "name": text(), "default": {"type": "boolean"}, "aliases": aliases_schema(), "versions": list(version),
    }));
    let tensor = |columns: Value| object(json!({"name": text(), "datatype": text(), "shape": columns}));
    let sizes = || list(json!({"type": "integer"}));
    let parameters = || json!({"type": ["object", "null"]});
    let datatypes = [
        "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP32", "FP64",
        "BYTES",
    ];
    let data = || list(json!({"type": ["number", "string", "boolean", "null", "array"]}));
    let mut input = object(json!({
        "name": text(),
        "shape": {"type": "array", "items": count(), "minItems": 1, "maxItems": 2},
        "datatype": {"enum": datatypes},
        "data": data(),
    }));
    input["properties"]["parameters"] = parameters();
    let mut request =
        object(json!({"inputs": {"type": "array", "items": reference("OpenInput"), "minItems": 1}}));
    let mut wanted = object(json!({"name": {"enum": ["predict", "probabilities"]}}));
    wanted["properties"]["parameters"] = parameters();
    request["properties"]["id"] = maybe();
    request["properties"]["parameters"] = parameters();
    request["properties"]["outputs"] = json!({"type": ["array", "null"], "items": wanted});
    let mut answer = object(json!({
        "model_name": text(),
        "model_version": text(),
        "outputs": list(object(json!({
            "name": text(), "datatype": text(), "shape": list(count()), "data": data(),
        }))),
    }));
    answer["properties"]["id"] = text();
    let schema = object(json!({
        "model": text(),
        "version": text(),
        "sha256": text(),
        "task": text(),
        "columns": list(object(json!({
            "name": text(),
            "kind": {"enum": ["number", "integer", "boolean", "text"]},
            "nullable": {"type": "boolean"},
            "single": {"type": "boolean"},
            "categories": {"type": ["array", "null"], "items": text()},
        }))),
        "classes": {"type": "array"},
        "outputs": list(text()),
        "probabilities": {"type": "boolean"},
        "limits": object(json!({"rows": count(), "body_bytes": count(), "text_bytes": count()})),
        "example": {"type": "object"},
    }));
    let mut health = object(json!({"status": {"const": "ok"}, "uptime_seconds": {"type": "number"}}));
    for name in ["model", "version", "sha256"] {
        health["properties"][name] = text();
    }
    let entries = [
        (
            "Error",
            object(json!({"error": object(json!({
                "code": text(),
                "message": text(),
                "row": {"type": ["integer", "null"], "description": "counted from 0"},
                "column": maybe(),
            }))})),
        ),
        ("Health", health),
        ("Status", object(json!({"status": text()}))),
        ("Schema", schema),
        ("Models", object(json!({"default": maybe(), "models": list(reference("Model"))}))),
        ("Model", model),
        ("Aliases", object(json!({"aliases": aliases_schema(), "history": list(reference("Change"))}))),
        ("Change", change),
        ("Alias", json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,200}$"})),
        ("NewAlias", {
            let mut new = object(json!({"version": text()}));
            new["additionalProperties"] = json!(false);
            new
        }),
        (
            "Loaded",
            object(json!({
                "model": text(), "version": text(), "sha256": text(), "in_folder": {"type": "boolean"},
            })),
        ),
        ("Unloaded", object(json!({"unloaded": list(text())}))),
        (
            "Report",
            object(json!({
                "loaded": lines(),
                "replaced": lines(),
                "unloaded": lines(),
                "unchanged": count(),
                "refused": list(object(json!({"file": text(), "reason": text()}))),
            })),
        ),
        ("OpenError", object(json!({"error": text()}))),
        ("OpenServer", object(json!({"name": text(), "version": text(), "extensions": list(text())}))),
        ("OpenLive", object(json!({"live": {"type": "boolean"}}))),
        ("OpenReady", object(json!({"ready": {"type": "boolean"}}))),
        ("OpenModelReady", object(json!({"name": text(), "version": text(), "ready": {"type": "boolean"}}))),
        (
            "OpenModel",
            object(json!({
                "name": text(),
                "versions": list(text()),
                "platform": text(),
                "inputs": list(tensor(sizes())),
                "outputs": list(tensor(sizes())),
            })),
        ),
        (
            "OpenIndex",
            list(object(json!({"name": text(), "version": text(), "state": text(), "reason": text()}))),
        ),
        ("OpenRequest", request),
        ("OpenInput", input),
        ("OpenAnswer", answer),
    ];
    entries.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn aliases_schema() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

/// A name as a part of a path.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A name as a part of a schema's name.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
