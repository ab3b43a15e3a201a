//! Is it up, and can it answer?

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::routes::{App, typed};

/// Which model answers `/predict`, and since when. Kept for those who ask it; `/health/ready` is the one for machines.
pub async fn health(State(app): State<Arc<App>>) -> Response<Body> {
    let mut health = json!({"status": "ok", "uptime_seconds": app.uptime().as_secs_f64()});
    if let Ok(served) = app.models.table().first() {
        let info = served.info();
        health["model"] = json!(info.name);
        health["version"] = json!(info.version);
        health["sha256"] = json!(info.sha256);
    }
    state(StatusCode::OK, &health)
}

/// The server answers: otherwise it is to be started again.
pub async fn live() -> Response<Body> {
    state(StatusCode::OK, &json!({"status": "live"}))
}

/// The server can predict: otherwise requests are to go elsewhere.
pub async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    match why_not_ready(&app) {
        None => state(StatusCode::OK, &json!({"status": "ready"})),
        Some(why) => state(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": why})),
    }
}

/// `None` if it is ready.
pub fn why_not_ready(app: &App) -> Option<&'static str> {
    if app.stopping() {
        return Some("stopping");
    }
    app.models.table().models.is_empty().then_some("no_model")
}

/// An answer that nobody may keep.
pub fn state(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = typed("application/json", value.to_string());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
