//! What is asked for, and who answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::de::DeserializeOwned;

use crate::body::{Bodies, Kind, LARGE, LARGE_ANSWER, held};
use crate::decode::shorten;
use crate::infer::OpenProblem;
use crate::metrics::{self, Requests};
use crate::models::{Store, Which};
use crate::problem::Problem;
use crate::served::{Done, Ids, Served};
use crate::server::Config;
use crate::watchers::Watchers;
use crate::{admin, describe, health, infer, openapi};

/// Large bodies and answers at once.
const LARGE_AT_ONCE: usize = 16;

const PAGE: &str = include_str!("docs.html");

/// The models and everything that answers for them.
pub struct App {
    pub(crate) models: Arc<Store>,
    pub(crate) bodies: Bodies,
    pub(crate) uploads: Bodies,
    pub(crate) max_body: usize,
    pub(crate) ids: Ids,
    /// Requests for predictions that no model answered.
    pub(crate) unrouted: Requests,
    pub(crate) watchers: Watchers,
    started: Instant,
    stopping: AtomicBool,
}

impl App {
    /// An answerer for `models` within the bounds of `config`.
    #[must_use]
    pub(crate) fn new(models: Arc<Store>, config: &Config, watchers: Watchers) -> Self {
        Self {
            bodies: Bodies::new(config.max_body, config.body_timeout, LARGE_AT_ONCE),
            uploads: Bodies::new(config.max_upload, config.body_timeout, 1),
            max_body: config.max_body,
            ids: Ids::new(),
            unrouted: Requests::default(),
            watchers,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
            models,
        }
    }

    /// Counts a request that reached no model.
    pub(crate) fn refused(&self, problem: &Problem) {
        self.unrouted.refused(problem);
    }

    /// From now on it is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The routes of `app`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(docs))
        .route("/docs", get(docs))
        .route("/health", get(health::health))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/predict", post(predict).fallback(use_post))
        .route("/schema", get(schema))
        .route("/models", get(models))
        .route("/models/{model}", get(model))
        .route("/models/{model}/aliases", get(aliases))
        .route("/models/{model}/predict", post(predict_champion).fallback(use_post))
        .route("/models/{model}/schema", get(schema_of_champion))
        .route("/models/{model}/versions/{version}/predict", post(predict_version).fallback(use_post))
        .route("/models/{model}/versions/{version}/schema", get(schema_of_version))
        .route("/models/{model}/aliases/{alias}/predict", post(predict_alias).fallback(use_post))
        .route("/models/{model}/aliases/{alias}/schema", get(schema_of_alias))
        .merge(admin::routes())
        .merge(infer::routes())
        .method_not_allowed_fallback(use_get)
        .fallback(unknown_path)
        .with_state(app)
}

pub fn internal() -> Problem {
    let message = "internal error in ferroflow, please report it; the server goes on";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

pub fn typed(kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The names in a path.
pub struct Names<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Names<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let found: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, app).await;
        match found {
            Ok(Path(names)) => Ok(Self(names)),
            Err(error) => {
                let text = format!("the path cannot be read: {}", error.body_text());
                Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_path", text))
            }
        }
    }
}

pub async fn predict(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let served = app.models.table().first().cloned();
    answer(&app, served, request, Kind::Json, Served::answer)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn predict_champion(
    Names(model): Names<String>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let served = app.models.table().find(&model, Which::Champion).cloned();
    answer(&app, served, request, Kind::Json, Served::answer).await
}

async fn predict_version(
    Names((model, version)): Names<(String, String)>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let served = app.models.table().find(&model, Which::Version(&version)).cloned();
    answer(&app, served, request, Kind::Json, Served::answer).await
}

async fn predict_alias(
    Names((model, alias)): Names<(String, String)>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let served = app.models.table().find(&model, Which::Alias(&alias)).cloned();
    answer(&app, served, request, Kind::Json, Served::answer).await
}

/// From a body to an answer.
pub type Answerer = fn(&Served, &[u8], &Ids) -> Result<(Vec<u8>, Done), Problem>;

/// Beside an answer, for whoever looks at it on its way out.
#[derive(Clone)]
pub struct Answered {
    pub served: Arc<Served>,
    pub done: Arc<Done>,
}

/// Lets `served` answer a request, and counts what came of it.
pub async fn answer(
    app: &Arc<App>,
    served: Result<Arc<Served>, Problem>,
    request: Request<Body>,
    kind: Kind,
    how: Answerer,
) -> Result<Response<Body>, Problem> {
    let served = served.inspect_err(|problem| app.unrouted.refused(problem))?;
    match try_answer(app, &served, request, kind, how).await {
        Ok((answer, done)) => {
            served.counters.requests.answered();
            let mut response = typed("application/json", answer);
            if app.watchers.any() {
                response.extensions_mut().insert(Answered { served, done: Arc::new(done) });
            }
            Ok(response)
        }
        Err(problem) => {
            served.counters.requests.refused(&problem);
            Err(problem)
        }
    }
}

async fn try_answer(
    app: &Arc<App>,
    served: &Arc<Served>,
    request: Request<Body>,
    kind: Kind,
    how: Answerer,
) -> Result<(Body, Done), Problem> {
    let (json, permit) = app.bodies.read(request, kind).await?;
    let (answer, done) = if json.len() <= LARGE {
        how(served, &json, &app.ids)?
    } else {
        // Other connections of this thread go on meanwhile.
        let (app, served) = (app.clone(), served.clone());
        tokio::task::spawn_blocking(move || how(&served, &json, &app.ids))
            .await
            .unwrap_or_else(|_| Err(internal()))?
    };
    if answer.len() <= LARGE_ANSWER {
        return Ok((answer.into(), done));
    }
    let permit = match permit {
        Some(permit) => permit,
        None => app.bodies.permit().await?,
    };
    Ok((held(answer, permit).into(), done))
}

async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    match metrics::text(app.clone()) {
        Ok(text) => typed("application/openmetrics-text; version=1.0.0; charset=utf-8", text),
        Err(_) => internal().into_response(),
    }
}

async fn schema(State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    Ok(typed("application/json", app.models.table().first()?.schema(app.max_body)))
}

fn schema_of(app: &App, model: &str, which: Which<'_>) -> Result<Response<Body>, Problem> {
    Ok(typed("application/json", app.models.table().find(model, which)?.schema(app.max_body)))
}

async fn schema_of_champion(
    Names(model): Names<String>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    schema_of(&app, &model, Which::Champion)
}

async fn schema_of_version(
    Names((model, version)): Names<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    schema_of(&app, &model, Which::Version(&version))
}

async fn schema_of_alias(
    Names((model, alias)): Names<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    schema_of(&app, &model, Which::Alias(&alias))
}

async fn models(State(app): State<Arc<App>>) -> Response<Body> {
    health::state(StatusCode::OK, &describe::models(&app.models.table()))
}

async fn model(Names(model): Names<String>, State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    let table = app.models.table();
    Ok(health::state(StatusCode::OK, &describe::model(&table, &model, table.entry(&model)?)))
}

async fn aliases(
    Names(model): Names<String>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    Ok(health::state(StatusCode::OK, &describe::aliases(app.models.table().entry(&model)?)))
}

async fn openapi(State(app): State<Arc<App>>) -> Response<Body> {
    let table = app.models.table();
    let json = table.openapi.get_or_init(|| openapi::openapi(&app, &table).to_string().into());
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

/// In the shape of the protocol that is spoken at `uri`.
pub fn shaped(uri: &Uri, problem: Problem) -> Response<Body> {
    if uri.path() == "/v2" || uri.path().starts_with("/v2/") {
        return OpenProblem(problem).into_response();
    }
    problem.into_response()
}

async fn unknown_path(uri: Uri) -> Response<Body> {
    let path = shorten(uri.path());
    let message = format!("there is nothing at {path}; POST /predict predicts, GET /docs shows how");
    shaped(&uri, Problem::new(StatusCode::NOT_FOUND, "unknown_path", message))
}

pub async fn use_post(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "POST")
}

pub async fn use_delete(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "DELETE")
}

pub async fn use_put_or_delete(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "PUT,DELETE")
}

async fn use_get(method: Method, uri: Uri) -> Response<Body> {
    wrong_method(&method, &uri, "GET,HEAD")
}

fn wrong_method(method: &Method, uri: &Uri, allowed: &'static str) -> Response<Body> {
    let (method, path) = (shorten(method.as_str()), shorten(uri.path()));
    let message = format!("{path} does not take {method}; it takes {}", allowed.replace(',', " and "));
    let mut response = shaped(uri, Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn it_is_not_ready_while_it_stops() {
        let config = Config::default();
        let models = Arc::new(Store::new(Vec::new(), &config));
        let app = Arc::new(App::new(models, &config, Watchers::default()));
        for (stopping, words) in [(false, "no_model"), (true, "stopping")] {
            if stopping {
                app.stop();
            }
            let request = Request::get("/health/ready").body(Body::empty()).unwrap();
            let response = router(app.clone()).oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
            assert_eq!(body, format!("{{\"status\":\"{words}\"}}"));
        }
    }
}
