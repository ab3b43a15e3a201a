//! Management: load, unload, move aliases. Off unless the one who starts the server says otherwise.
//!
//! Nothing is ever read from a path that a request names: models come from the files and folders named at the start,
//! or as the bytes of the request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{HOST, HeaderMap, ORIGIN};
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{delete, post, put};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::body::Kind;
use crate::health::state;
use crate::history::Change;
use crate::infer::OpenProblem;
use crate::keys::{Role, shown};
use crate::models::{Came, Store};
use crate::problem::Problem;
use crate::routes::{App, Names, internal, use_delete, use_post, use_put_or_delete};
use crate::tensor::Object;

/// Who may manage.
#[derive(Clone, Default)]
pub enum Admin {
    /// Nobody.
    #[default]
    Off,
    /// Whoever is on this machine: the server listens on it alone.
    Open,
    /// Who shows the key with this SHA-256.
    Key([u8; 32]),
}

impl Admin {
    /// Who shows this key.
    #[must_use]
    pub fn key(key: &str) -> Self {
        Self::Key(Sha256::digest(key).into())
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            Self::Off => {
                let text = "management is off: start the server with --keys FILE or --admin-key-file FILE, or on this machine alone with --admin-open";
                Err(Problem::new(StatusCode::FORBIDDEN, "admin_off", text))
            }
            Self::Open if here(headers) => Ok(()),
            Self::Open => {
                let text =
                    "management without a key is for this machine alone, and not for other sites' pages";
                Err(Problem::new(StatusCode::FORBIDDEN, "foreign_page", text))
            }
            Self::Key(digest) => {
                let shown = shown(headers).map(|key| <[u8; 32]>::from(Sha256::digest(key)));
                // All bytes are compared, whatever they are.
                let same = |a: &[u8; 32]| a.iter().zip(digest).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0;
                if shown.is_some_and(|shown| same(&shown)) {
                    return Ok(());
                }
                let text =
                    "management needs the header authorization: Bearer KEY, with the key of --admin-key-file";
                Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", text))
            }
        }
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::Open => "Open",
            Self::Key(_) => "Key",
        })
    }
}

/// Is it asked for by this machine's name, and by no page of another site? A browser may be led to ask a server of its
/// own machine, but not to lie about either.
fn here(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let local =
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("?"));
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, from)| from == host);
    local && origin.is_none_or(own)
}

/// The right to manage.
pub struct Allowed;

impl FromRequestParts<Arc<App>> for Allowed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        // With keys, whoever comes so far has one with the right role.
        if parts.extensions.get() == Some(&Role::Admin) {
            return Ok(Self);
        }
        app.models.config.admin.check(&parts.headers).map(|()| Self)
    }
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/reload", post(reload).fallback(use_post))
        .route("/admin/models", post(upload).fallback(use_post))
        .route("/admin/models/{model}", delete(unload).fallback(use_delete))
        .route("/admin/models/{model}/versions/{version}", delete(unload_version).fallback(use_delete))
        .route(
            "/admin/models/{model}/aliases/{alias}",
            put(set_alias).delete(remove_alias).fallback(use_put_or_delete),
        )
        .route("/admin/models/{model}/aliases/{alias}/rollback", post(roll_back).fallback(use_post))
        .route("/v2/repository/index", post(index).fallback(use_post))
        .route("/v2/repository/models/{model}/load", post(open_load).fallback(use_post))
        .route("/v2/repository/models/{model}/unload", post(open_unload).fallback(use_post))
}

/// Runs what reads files or takes long on a thread of its own: requests go on meanwhile.
async fn apart<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&Store) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (done, result) = oneshot::channel();
    let models = app.models.clone();
    let run = move || drop(done.send(work(&models)));
    if std::thread::Builder::new().name("ferroflow-admin".into()).spawn(run).is_err() {
        return Err(internal());
    }
    result.await.unwrap_or_else(|_| Err(internal()))
}

fn answer(value: &Value) -> Response<Body> {
    state(StatusCode::OK, value)
}

async fn reload(_: Allowed, State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    let report = apart(&app, |models| Ok(models.reload(None))).await?;
    Ok(answer(&json!(report)))
}

async fn upload(
    _: Allowed,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (bytes, permit) = app.uploads.read(request, Kind::Bytes).await?;
    let (served, came, kept) = apart(&app, move |models| models.upload(&bytes)).await?;
    drop(permit);
    let info = served.info();
    let status = if came == Came::Unchanged { StatusCode::OK } else { StatusCode::CREATED };
    let value =
        json!({"model": info.name, "version": info.version, "sha256": info.sha256, "in_folder": kept});
    Ok(state(status, &value))
}

async fn unload(
    _: Allowed,
    Names(model): Names<String>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    unloaded(&app, model, None).await
}

async fn unload_version(
    _: Allowed,
    Names((model, version)): Names<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    unloaded(&app, model, Some(version)).await
}

async fn unloaded(app: &Arc<App>, model: String, version: Option<String>) -> Result<Response<Body>, Problem> {
    let gone = apart(app, move |models| models.unload(&model, version.as_deref())).await?;
    Ok(answer(&json!({"unloaded": gone})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAlias {
    version: String,
}

async fn set_alias(
    _: Allowed,
    Names((model, alias)): Names<(String, String)>,
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (json, _permit) = app.bodies.read(request, Kind::Json).await?;
    let Object(NewAlias { version }) = parse(&json, "{\"version\": \"...\"}")?;
    changed(&app, move |models| models.set_alias(&model, &alias, &version)).await
}

async fn remove_alias(
    _: Allowed,
    Names((model, alias)): Names<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    changed(&app, move |models| models.remove_alias(&model, &alias)).await
}

async fn roll_back(
    _: Allowed,
    Names((model, alias)): Names<(String, String)>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, Problem> {
    changed(&app, move |models| models.roll_back(&model, &alias)).await
}

/// Makes a change and notes it in the folder's history.
async fn changed(
    app: &Arc<App>,
    change: impl FnOnce(&Store) -> Result<Change, Problem> + Send + 'static,
) -> Result<Response<Body>, Problem> {
    let (change, noted) = apart(app, |models| {
        let change = change(models)?;
        let noted = models.note(&change);
        Ok((change, noted))
    })
    .await?;
    let mut value = json!(change);
    value["in_folder"] = json!(noted);
    Ok(answer(&value))
}

/// A small JSON body.
fn parse<'a, T: Deserialize<'a>>(json: &'a Bytes, shape: &str) -> Result<T, Problem> {
    serde_json::from_slice(json).map_err(|error| {
        let code = if error.is_data() { "wrong_shape" } else { "malformed_json" };
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Problem::new(status, code, format!("the body has to be {shape}: {error}"))
    })
}

async fn index(
    allowed: Result<Allowed, Problem>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, OpenProblem> {
    allowed?;
    let table = app.models.table();
    let lines = table.served().map(|served| {
        json!({"name": served.info().name, "version": served.info().version, "state": "READY", "reason": ""})
    });
    Ok(answer(&lines.collect()))
}

async fn open_load(
    allowed: Result<Allowed, Problem>,
    names: Result<Names<String>, Problem>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, OpenProblem> {
    allowed?;
    let Names(model) = names?;
    let loaded = apart(&app, move |models| {
        let report = models.reload(Some(&model));
        models.table().entry(&model)?;
        Ok(report)
    })
    .await?;
    Ok(answer(&json!(loaded)))
}

async fn open_unload(
    allowed: Result<Allowed, Problem>,
    names: Result<Names<String>, Problem>,
    State(app): State<Arc<App>>,
) -> Result<Response<Body>, OpenProblem> {
    allowed?;
    let Names(model) = names?;
    let gone = apart(&app, move |models| models.unload(&model, None)).await?;
    Ok(answer(&json!({"unloaded": gone})))
}
