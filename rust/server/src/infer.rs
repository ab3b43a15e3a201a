//! The Open Inference Protocol, version 2, over REST: what Triton, KServe and MLServer speak. JSON alone.
//!
//! A model takes its columns as tensors of one value a row, `[n]` or `[n, 1]`, or, where all its columns are numbers,
//! one tensor `[n, columns]`. It gives `predict`, and `probabilities` where it has them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use ferroflow_frozen::{Batch, Info, Kind, Label, Predictions, Schema, Task};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Kind as Content;
use crate::decode::{Bounds, shorten};
use crate::encode;
use crate::health::{state, why_not_ready};
use crate::models::{Entry, Which};
use crate::problem::Problem;
use crate::routes::{App, Names, answer, use_post};
use crate::served::{Done, Ids, Served};
use crate::tensor::{Object, Parameters, Place, Tensor, read};

/// The outputs.
const PREDICT: &str = "predict";
const PROBABILITIES: &str = "probabilities";

/// An error in the protocol's own shape, `{"error": "..."}`.
pub struct OpenProblem(pub Problem);

impl From<Problem> for OpenProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for OpenProblem {
    fn into_response(self) -> Response<Body> {
        let body = json!({"error": self.0.message}).to_string();
        let mut response = status_of_protocol(self.0).into_response();
        *response.body_mut() = body.into();
        response
    }
}

/// The protocol knows of no 422.
fn status_of_protocol(mut problem: Problem) -> Problem {
    if problem.status == StatusCode::UNPROCESSABLE_ENTITY {
        problem.status = StatusCode::BAD_REQUEST;
    }
    problem
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v2", get(server))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{model}", get(metadata))
        .route("/v2/models/{model}/ready", get(model_ready))
        .route("/v2/models/{model}/infer", post(infer).fallback(use_post))
        .route("/v2/models/{model}/versions/{version}", get(metadata_of_version))
        .route("/v2/models/{model}/versions/{version}/ready", get(version_ready))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer_version).fallback(use_post))
}

async fn server() -> Response<Body> {
    let value = json!({"name": "ferroflow", "version": env!("CARGO_PKG_VERSION"), "extensions": ["model_repository"]});
    state(StatusCode::OK, &value)
}

async fn live() -> Response<Body> {
    state(StatusCode::OK, &json!({"live": true}))
}

async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    let ready = why_not_ready(&app).is_none();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    state(status, &json!({"ready": ready}))
}

type Answer = Result<Response<Body>, OpenProblem>;

fn described(app: &App, model: &str, which: Which<'_>) -> Answer {
    let table = app.models.table();
    let entry = table.entry(model)?;
    Ok(state(StatusCode::OK, &describe(entry, table.find(model, which)?)))
}

async fn metadata(names: Result<Names<String>, Problem>, State(app): State<Arc<App>>) -> Answer {
    let Names(model) = names?;
    described(&app, &model, Which::Champion)
}

async fn metadata_of_version(
    names: Result<Names<(String, String)>, Problem>,
    State(app): State<Arc<App>>,
) -> Answer {
    let Names((model, version)) = names?;
    described(&app, &model, Which::Version(&version))
}

fn is_ready(app: &App, model: &str, which: Which<'_>) -> Answer {
    let table = app.models.table();
    let info = table.find(model, which)?.info();
    let ready = !app.stopping();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(state(status, &json!({"name": info.name, "version": info.version, "ready": ready})))
}

async fn model_ready(names: Result<Names<String>, Problem>, State(app): State<Arc<App>>) -> Answer {
    let Names(model) = names?;
    is_ready(&app, &model, Which::Champion)
}

async fn version_ready(
    names: Result<Names<(String, String)>, Problem>,
    State(app): State<Arc<App>>,
) -> Answer {
    let Names((model, version)) = names?;
    is_ready(&app, &model, Which::Version(&version))
}

async fn infer(
    names: Result<Names<String>, Problem>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Answer {
    let Names(model) = names?;
    let served = app.models.table().find(&model, Which::Champion).cloned();
    Ok(answer(&app, served, plain(request)?, Content::Untold, respond).await?)
}

async fn infer_version(
    names: Result<Names<(String, String)>, Problem>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Answer {
    let Names((model, version)) = names?;
    let served = app.models.table().find(&model, Which::Version(&version)).cloned();
    Ok(answer(&app, served, plain(request)?, Content::Untold, respond).await?)
}

/// The binary extension puts tensors behind the JSON and says so in a header.
fn plain(request: Request<Body>) -> Result<Request<Body>, Problem> {
    if request.headers().contains_key("inference-header-content-length") {
        return Err(binary());
    }
    Ok(request)
}

fn binary() -> Problem {
    bad(
        "the binary tensor extension is not spoken here: send data and ask for outputs as JSON (binary_data=False)",
    )
}

fn bad(message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_tensor", message)
}

/// `GET /v2/models/{model}`.
fn describe(entry: &Entry, served: &Served) -> Value {
    let info = served.info();
    let inputs = served.model.schema().columns().iter().map(|column| {
        let datatype = match column.kind {
            Kind::Number => "FP64",
            Kind::Integer => "INT64",
            Kind::Boolean => "BOOL",
            Kind::Text => "BYTES",
        };
        json!({"name": column.name, "datatype": datatype, "shape": [-1]})
    });
    let mut outputs =
        vec![json!({"name": PREDICT, "datatype": label_type(info), "shape": shape(info, None)})];
    if info.has_probabilities {
        outputs.push(json!({"name": PROBABILITIES, "datatype": "FP64", "shape": [-1, info.classes.len()]}));
    }
    json!({
        "name": info.name,
        "versions": entry.versions.iter().map(|s| &s.info().version).collect::<Vec<_>>(),
        "platform": "ferroflow",
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs,
        "parameters": {"version": info.version},
    })
}

/// The data type of `predict`.
fn label_type(info: &Info) -> &'static str {
    match (info.task, info.classes.first()) {
        (Task::Classifier, Some(Label::Int(_))) => "INT64",
        (Task::Classifier, Some(Label::Bool(_))) => "BOOL",
        (Task::Classifier, Some(Label::Text(_))) => "BYTES",
        _ => "FP64",
    }
}

/// The shape of `predict`; without a number of rows, it is open.
fn shape(info: &Info, rows: Option<usize>) -> Value {
    let rows = rows.map_or(json!(-1), |rows| json!(rows));
    if info.task == Task::Classifier || info.flat { json!([rows]) } else { json!([rows, info.outputs.len()]) }
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parameters: Option<Object<Parameters<'a>>>,
    #[serde(borrow)]
    inputs: Vec<Object<Tensor<'a>>>,
    #[serde(borrow, default)]
    outputs: Option<Vec<Object<Wanted<'a>>>>,
}

#[derive(Deserialize)]
struct Wanted<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    parameters: Option<Object<Parameters<'a>>>,
}

/// From a body to an answer.
fn respond(served: &Served, json: &[u8], ids: &Ids) -> Result<(Vec<u8>, Done), Problem> {
    try_respond(served, json, ids).map_err(status_of_protocol)
}

fn try_respond(served: &Served, json: &[u8], ids: &Ids) -> Result<(Vec<u8>, Done), Problem> {
    let start = Instant::now();
    let Object(asked): Object<Asked<'_>> = serde_json::from_slice(json).map_err(|error| {
        let code = if error.is_data() { "wrong_shape" } else { "malformed_json" };
        Problem::new(StatusCode::BAD_REQUEST, code, format!("not an inference request: {error}"))
    })?;
    let is_binary =
        |parameters: &Option<Object<Parameters<'_>>>| parameters.as_ref().is_some_and(|p| p.0.are_binary());
    if is_binary(&asked.parameters) || asked.inputs.iter().any(|input| is_binary(&input.0.parameters)) {
        return Err(binary());
    }
    let info = served.info();
    let (mut predict, mut probabilities) = (true, info.has_probabilities);
    if let Some(wanted) = asked.outputs.filter(|wanted| !wanted.is_empty()) {
        (predict, probabilities) = (false, false);
        for Object(output) in wanted {
            if is_binary(&output.parameters) {
                return Err(binary());
            }
            match &*output.name {
                PREDICT => predict = true,
                PROBABILITIES if info.has_probabilities => probabilities = true,
                other => {
                    return Err(bad(format!("the model has no output '{}'", shorten(other))));
                }
            }
        }
    }
    let batch = batch(served.model.schema(), &asked.inputs, served.bounds)?;
    let (predictions, first) = served.predict(&batch, ids)?;
    let answer = write(served, &predictions, asked.id.as_deref(), predict, probabilities)?;
    served.counters.predicted(predictions.rows, start.elapsed());
    Ok((answer, Done { first, columns: batch.into_columns(), predictions }))
}

/// The rows in the tensors.
fn batch<'s>(
    schema: &'s Schema,
    inputs: &[Object<Tensor<'_>>],
    bounds: Bounds,
) -> Result<Batch<'s>, Problem> {
    let columns = schema.columns();
    let mut given: Vec<bool> = vec![false; columns.len()];
    let mut batch = Batch::new(schema, 1);
    let mut rows = None;
    for Object(input) in inputs {
        let at = schema.index_of(&input.name);
        let matrix = at.is_none() && inputs.len() == 1 && input.shape.len() == 2;
        let name = shorten(&input.name);
        let width = match (at, input.shape.as_slice()) {
            (Some(_), [_] | [_, 1]) => 1,
            (Some(_), _) => {
                return Err(bad(format!("the input '{name}' has to have the shape [n] or [n, 1]")));
            }
            (None, &[_, width]) if matrix && columns.iter().all(|c| c.kind != Kind::Text) => {
                if width != columns.len() {
                    let needed = columns.len();
                    return Err(bad(format!(
                        "the input '{name}' has {width} columns, the model needs {needed}"
                    )));
                }
                width
            }
            (None, _) => {
                return Err(Problem {
                    column: Some(name.clone()),
                    ..Problem::new(
                        StatusCode::BAD_REQUEST,
                        "unknown_column",
                        format!("the model has no input '{name}'; GET its metadata lists them"),
                    )
                });
            }
        };
        let n = input.shape.first().copied().unwrap_or(0);
        if n > bounds.rows {
            let most = bounds.rows;
            return Err(Problem::data("too_many_rows", format!("at most {most} rows are taken at once")));
        }
        if *rows.get_or_insert(n) != n {
            return Err(bad(format!("the input '{name}' has {n} rows, others have another number")));
        }
        let first = at.unwrap_or(0);
        for (column, given) in (first..).zip(given.iter_mut().skip(first).take(width)) {
            if std::mem::replace(given, true) {
                return Err(bad(format!("the input '{}' is given twice", shorten(&columns[column].name))));
            }
        }
        read(input, Place { first, width, rows: n, text: bounds.text }, &mut batch)?;
    }
    if rows.unwrap_or(0) == 0 {
        return Err(Problem::data("no_rows", "there is not one row to predict"));
    }
    if let Some(missing) = given.iter().position(|given| !given) {
        let name = &columns[missing].name;
        let error = Problem::data("missing_column", format!("the input '{name}' is missing"));
        return Err(Problem { column: Some(name.clone()), ..error });
    }
    Ok(batch)
}

fn write(
    served: &Served,
    predictions: &Predictions,
    id: Option<&str>,
    predict: bool,
    probabilities: bool,
) -> Result<Vec<u8>, Problem> {
    let info = served.info();
    let mut out = Vec::with_capacity(256);
    let text = |text: &str| Value::from(text).to_string();
    out.extend_from_slice(b"{\"model_name\":");
    out.extend_from_slice(text(&info.name).as_bytes());
    out.extend_from_slice(b",\"model_version\":");
    out.extend_from_slice(text(&info.version).as_bytes());
    if let Some(id) = id {
        out.extend_from_slice(b",\"id\":");
        out.extend_from_slice(text(id).as_bytes());
    }
    out.extend_from_slice(b",\"outputs\":[");
    let mut tensor = |name: &str, datatype: &str, shape: &Value, data: Vec<u8>| {
        let comma = if out.last() == Some(&b'[') { "" } else { "," };
        let head =
            format!("{comma}{{\"name\":\"{name}\",\"datatype\":\"{datatype}\",\"shape\":{shape},\"data\":[");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&data);
        out.extend_from_slice(b"]}");
    };
    if predict {
        let mut data = Vec::new();
        served.encoder.flat(&mut data, &predictions.output)?;
        tensor(PREDICT, label_type(info), &shape(info, Some(predictions.rows)), data);
    }
    if let Some(values) = predictions.probabilities.as_ref().filter(|_| probabilities) {
        let mut data = Vec::new();
        encode::numbers(&mut data, values)?;
        tensor(PROBABILITIES, "FP64", &json!([predictions.rows, info.classes.len()]), data);
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}
