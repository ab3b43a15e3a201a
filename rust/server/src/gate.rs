//! What every request passes on its way in and out: its id, its key, its rate, its line in the log.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::keys::{self, Key, Keys, Role};
use crate::log::Line;
use crate::problem::{Code, Problem};
use crate::rate::Limiter;
use crate::routes::{Answered, App, internal, predict, shaped};
use crate::served::Ids;
use crate::server::Config;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of an id that a client gives.
const MAX_ID: usize = 128;

/// Stands before the routes.
pub struct Gate {
    app: Arc<App>,
    keys: Option<Arc<Keys>>,
    open_metrics: bool,
    limiter: Option<Limiter>,
    ids: Ids,
}

impl Gate {
    pub fn new(app: Arc<App>, config: &Config) -> Self {
        Self {
            app,
            keys: config.keys.clone(),
            open_metrics: config.open_metrics,
            limiter: config.rate.map(Limiter::new),
            ids: Ids::new(),
        }
    }

    /// Lets `router` answer, or refuses.
    pub async fn answer(
        &self,
        router: &TowerToHyperService<Router>,
        client: IpAddr,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let time = self.app.watchers.any().then(|| (Instant::now(), SystemTime::now()));
        let id = self.id(&request);
        let log = self.app.watchers.log.is_some();
        let seen = log.then(|| (request.method().clone(), request.uri().path().to_owned()));
        let key = self.keys.as_ref().and_then(|keys| keys.find(request.headers()));
        let mut response = match self.admit(request.uri().path(), &request, key.as_ref(), client) {
            Ok(()) => {
                if let Some(key) = &key {
                    request.extensions_mut().insert(key.role);
                }
                guarded(self.route(router, request)).await
            }
            Err(refusal) => self.refuse(request.uri(), refusal),
        };
        if let Some(id) = &id {
            response.headers_mut().insert(REQUEST_ID, id.clone());
        }
        let answered = response.extensions_mut().remove::<Answered>();
        let id = id.as_ref().and_then(|id| id.to_str().ok());
        if let (Some(answered), Some((_, time))) = (&answered, time) {
            self.app.watchers.answered(time, id, self.app.ids.prefix(), answered);
        }
        if let (Some((method, path)), Some((start, time))) = (seen, time) {
            self.app.watchers.line(|| Line {
                time,
                id: id.unwrap_or_default().to_owned(),
                client,
                key,
                method,
                path,
                status: response.status().as_u16(),
                code: response.extensions().get::<Code>().map(|code| code.0),
                took: start.elapsed(),
                served: answered.map(|a| (a.served, a.done.predictions.rows)),
            });
        }
        Ok(response)
    }

    async fn route(
        &self,
        router: &TowerToHyperService<Router>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        // What is asked for most goes past the router: a tenth of a request's time.
        if request.uri().path() == "/predict" && request.method() == Method::POST {
            return predict(State(self.app.clone()), request.map(Body::new)).await;
        }
        router.call(request).await.unwrap_or_else(|never| match never {})
    }

    /// The client's id if it is one that a log can hold; a new one where a log needs one.
    fn id(&self, request: &Request<Incoming>) -> Option<HeaderValue> {
        let given = request.headers().get(REQUEST_ID);
        let plain = |id: &&HeaderValue| id.len() <= MAX_ID && id.as_bytes().iter().all(u8::is_ascii_graphic);
        match given.filter(plain) {
            Some(id) if !id.is_empty() => Some(id.clone()),
            _ if self.app.watchers.log.is_some() => {
                HeaderValue::try_from(format!("{}-{}", self.ids.prefix(), self.ids.take(1))).ok()
            }
            _ => None,
        }
    }

    fn admit(
        &self,
        path: &str,
        request: &Request<Incoming>,
        key: Option<&Arc<Key>>,
        client: IpAddr,
    ) -> Result<(), Refusal> {
        let is_health = path.starts_with("/health") || path.starts_with("/v2/health/");
        if is_health {
            return Ok(());
        }
        if let Some(limiter) = &self.limiter {
            limiter.check(key, client).map_err(Refusal::Rate)?;
        }
        // The page to try it holds nothing of the models.
        let is_open = matches!(path, "/" | "/docs") || (self.open_metrics && path == "/metrics");
        if self.keys.is_none() || is_open {
            return Ok(());
        }
        let is_management = path.starts_with("/admin/") || path.starts_with("/v2/repository/");
        match key {
            None if keys::shown(request.headers()).is_some() => Err(Refusal::WrongKey),
            None => Err(Refusal::NoKey),
            Some(key) if is_management && key.role < Role::Admin => Err(Refusal::Role),
            Some(_) => Ok(()),
        }
    }

    fn refuse(&self, uri: &Uri, refusal: Refusal) -> Response<Body> {
        let unauthorized = |text| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", text);
        let (problem, wait) = match refusal {
            Refusal::NoKey => {
                (unauthorized("a key is needed: authorization: Bearer KEY, or x-api-key: KEY"), None)
            }
            Refusal::WrongKey => (unauthorized("the key is not one of this server's"), None),
            Refusal::Role => {
                let text = "this key is for predictions; management needs a key with the role admin";
                (Problem::new(StatusCode::FORBIDDEN, "forbidden", text), None)
            }
            Refusal::Rate(wait) => {
                let seconds = wait.as_secs() + 1;
                let text = format!("too many requests; try again in {seconds} s");
                let status = StatusCode::TOO_MANY_REQUESTS;
                (Problem::new(status, "too_many_requests", text), Some(seconds))
            }
        };
        self.app.refused(&problem);
        let mut response = shaped(uri, problem);
        if let Some(seconds) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A panic, which is a defect of ours, is answered and harms nobody else.
async fn guarded(answer: impl Future<Output = Response<Body>>) -> Response<Body> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| internal().into_response())
}

/// Why a request does not reach the routes.
enum Refusal {
    NoKey,
    WrongKey,
    Role,
    Rate(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered() {
        let response = guarded(async { panic!("on purpose") }).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(std::str::from_utf8(&body).unwrap().contains("\"code\":\"internal\""));
    }
}
