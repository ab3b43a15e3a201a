//! What is asked for, and who answers.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use ferroflow_frozen::Model;
use tower_http::catch_panic::CatchPanicLayer;

use crate::body::{Bodies, LARGE, LARGE_ANSWER, held};
use crate::decode::{Bounds, decode, shorten};
use crate::describe::{self, Described};
use crate::encode::Encoder;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::server::Config;

/// Numbers in an answer at most: 200 MB of text. A model with many outputs takes fewer rows.
const MAX_NUMBERS: usize = 10_000_000;

const PAGE: &str = include_str!("docs.html");

/// A model and everything that answers for it.
pub struct App {
    model: Model,
    bodies: Bodies,
    bounds: Bounds,
    max_body: usize,
    encoder: Encoder,
    next_id: AtomicU64,
    metrics: Metrics,
    started: Instant,
    schema: OnceLock<Bytes>,
    openapi: OnceLock<Bytes>,
}

impl App {
    /// An answerer for `model` within the bounds of `config`.
    #[must_use]
    pub fn new(model: Model, config: &Config) -> Self {
        let info = model.info();
        let outputs = info.classes.len().max(info.outputs.len()).max(1);
        // The standard library's hasher is seeded by the system's randomness.
        let prefix = RandomState::new().hash_one((SystemTime::now(), std::process::id()));
        Self {
            bodies: Bodies::new(config.max_body, config.body_timeout),
            bounds: Bounds {
                rows: config.max_rows.min((MAX_NUMBERS / outputs).max(1)),
                text: config.max_text,
            },
            max_body: config.max_body,
            encoder: Encoder::new(info, format!("{prefix:016x}")),
            next_id: AtomicU64::new(0),
            metrics: Metrics::new(),
            started: Instant::now(),
            schema: OnceLock::new(),
            openapi: OnceLock::new(),
            model,
        }
    }

    fn described(&self) -> Described<'_> {
        Described { model: &self.model, bounds: self.bounds, max_body: self.max_body }
    }

    /// From a body to an answer.
    fn answer(&self, json: &[u8]) -> Result<Vec<u8>, Problem> {
        let start = Instant::now();
        let batch = decode(self.model.schema(), json, self.bounds)?;
        let predictions = self.model.predict(&batch)?;
        let first = self.next_id.fetch_add(predictions.rows as u64, Ordering::Relaxed);
        let answer = self.encoder.encode(&predictions, first)?;
        self.metrics.predicted(predictions.rows, start.elapsed());
        Ok(answer)
    }
}

/// The routes of `app`.
pub fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/", get(docs))
        .route("/docs", get(docs))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/predict", post(predict).fallback(use_post))
        .route("/schema", get(schema))
        .method_not_allowed_fallback(use_get)
        .fallback(unknown_path)
        .with_state(app);
    guarded(router)
}

/// A panic, which is a defect of ours, is answered and harms nobody else.
fn guarded(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(|_| internal().into_response()))
}

fn internal() -> Problem {
    let message = "internal error in ferroflow, please report it; the server goes on";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

fn typed(kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

async fn predict(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let response = match try_predict(&app, request).await {
        Ok(answer) => typed("application/json", answer),
        Err(problem) => problem.into_response(),
    };
    app.metrics.request(response.status());
    response
}

async fn try_predict(app: &Arc<App>, request: Request<Body>) -> Result<Body, Problem> {
    let (json, permit) = app.bodies.read(request).await?;
    let answer = if json.len() <= LARGE {
        app.answer(&json)?
    } else {
        // Other connections of this thread go on meanwhile.
        let app = app.clone();
        tokio::task::spawn_blocking(move || app.answer(&json)).await.unwrap_or_else(|_| Err(internal()))?
    };
    if answer.len() <= LARGE_ANSWER {
        return Ok(answer.into());
    }
    let permit = match permit {
        Some(permit) => permit,
        None => app.bodies.permit().await?,
    };
    Ok(held(answer, permit).into())
}

async fn health(State(app): State<Arc<App>>) -> Response<Body> {
    let info = app.model.info();
    let health = serde_json::json!({
        "status": "ok",
        "model": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "uptime_seconds": app.started.elapsed().as_secs_f64(),
    });
    let mut response = typed("application/json", health.to_string());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    match app.metrics.text() {
        Ok(text) => typed("application/openmetrics-text; version=1.0.0; charset=utf-8", text),
        Err(_) => internal().into_response(),
    }
}

async fn schema(State(app): State<Arc<App>>) -> Response<Body> {
    let json = app.schema.get_or_init(|| describe::schema(&app.described()).to_string().into());
    typed("application/json", json.clone())
}

async fn openapi(State(app): State<Arc<App>>) -> Response<Body> {
    let json = app.openapi.get_or_init(|| describe::openapi(&app.described()).to_string().into());
    typed("application/json", json.clone())
}

async fn docs() -> Response<Body> {
    let mut response = typed("text/html; charset=utf-8", PAGE);
    let headers = response.headers_mut();
    // The page holds all it needs, and speaks with this server alone.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
             img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn unknown_path(uri: Uri) -> Problem {
    let path = shorten(uri.path());
    let message = format!("there is nothing at {path}; POST /predict predicts, GET /docs shows how");
    Problem::new(StatusCode::NOT_FOUND, "unknown_path", message)
}

async fn use_post(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "POST")
}

async fn use_get(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "GET,HEAD")
}

fn wrong_method(method: &Method, uri: &Uri, allowed: &'static str) -> Response<Body> {
    let (method, path) = (shorten(method.as_str()), shorten(uri.path()));
    let message = format!("{path} does not take {method}; it takes {}", allowed.replace(',', " and "));
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_panic_is_answered() {
        async fn broken() -> &'static str {
            panic!("on purpose")
        }
        let router = guarded(Router::new().route("/", get(broken)));
        for _ in 0..2 {
            let response = router.clone().oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            assert!(std::str::from_utf8(&body).unwrap().contains("\"code\":\"internal\""));
        }
    }
}
