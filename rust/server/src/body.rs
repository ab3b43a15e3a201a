//! A request's body into memory and an answer out of it, within bounds of size, time and of what all requests hold
//! together.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use axum::http::{Request, StatusCode};
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

/// Larger bodies are counted, and answered off the connection's thread: about a millisecond of work.
pub const LARGE: usize = 64 << 10;
/// How long a large body waits for the others.
const LARGE_WAIT: Duration = Duration::from_secs(10);
/// Larger answers are counted too.
pub const LARGE_ANSWER: usize = 1 << 20;

/// The right to hold something large.
pub type Permit = OwnedSemaphorePermit;

/// What a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Json,
    /// JSON also where nothing says so: clients of the Open Inference Protocol say nothing.
    Untold,
    Bytes,
}

/// What bodies may cost.
pub struct Bodies {
    max: usize,
    patience: Duration,
    large: Arc<Semaphore>,
}

impl Bodies {
    /// `at_once` large bodies and answers are held at once; others wait.
    pub fn new(max: usize, patience: Duration, at_once: usize) -> Self {
        Self { max, patience, large: Arc::new(Semaphore::new(at_once)) }
    }

    /// Reads a body whole. A large one comes with its permit.
    pub async fn read(&self, request: Request<Body>, kind: Kind) -> Result<(Bytes, Option<Permit>), Problem> {
        check_type(request.headers(), kind)?;
        let mut body = pin!(self.collect(request.into_body()));
        // A small body has come with its head: no timer for it.
        if let Some(read) = body.as_mut().now_or_never() {
            return read;
        }
        match timeout(self.patience, body).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                format!("the body did not arrive within {} s", self.patience.as_secs()),
            )),
        }
    }

    async fn collect(&self, mut body: Body) -> Result<(Bytes, Option<Permit>), Problem> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > self.max {
            return Err(self.too_large());
        }
        let mut permit = None;
        if announced > LARGE {
            permit = Some(self.permit().await?);
        }
        let mut whole = Vec::new();
        loop {
            let data = match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                None => return Ok((whole.into(), permit)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue, // trailers
                },
                Some(Err(_)) => {
                    return Err(Problem::new(
                        StatusCode::BAD_REQUEST,
                        "body_cut_short",
                        "the body ended before its announced end",
                    ));
                }
            };
            if whole.is_empty() && body.is_end_stream() && data.len() <= self.max {
                return Ok((data, permit));
            }
            let len = whole.len().saturating_add(data.len());
            if len > self.max {
                return Err(self.too_large());
            }
            if len > LARGE && permit.is_none() {
                permit = Some(self.permit().await?);
            }
            if whole.is_empty() {
                whole.reserve_exact(announced);
            }
            whole.extend_from_slice(&data);
        }
    }

    /// Waits for the right to hold something large.
    pub async fn permit(&self) -> Result<Permit, Problem> {
        match timeout(LARGE_WAIT, self.large.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "too many large requests at once; try again, or send fewer rows",
            )),
        }
    }

    fn too_large(&self) -> Problem {
        let message = format!("the body is larger than {} bytes, the most that is taken", self.max);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }
}

fn check_type(headers: &HeaderMap, needed: Kind) -> Result<(), Problem> {
    let unsupported = |code, text: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, text));
    if let Some(encoding) =
        headers.get(CONTENT_ENCODING).filter(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let text = format!("a body with content-encoding {encoding:?} is not taken; send it plain");
        return unsupported("unsupported_encoding", text);
    }
    let needed_type = match needed {
        Kind::Json | Kind::Untold => "application/json",
        Kind::Bytes => "application/octet-stream",
    };
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        if needed == Kind::Untold {
            return Ok(());
        }
        return unsupported(
            "unsupported_media_type",
            format!("the header content-type: {needed_type} is needed"),
        );
    };
    let name = kind.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    if name.eq_ignore_ascii_case(needed_type) {
        return Ok(());
    }
    let name = name.to_ascii_lowercase();
    if needed != Kind::Bytes && name.starts_with("application/") && name.ends_with("+json") {
        return Ok(());
    }
    let text = format!("the content-type is {kind:?}; {needed_type} is needed");
    unsupported("unsupported_media_type", text)
}

/// `data` with its permit, which is given back when the last of it is sent or thrown away.
pub fn held(data: Vec<u8>, permit: Permit) -> Bytes {
    struct Held(Vec<u8>, #[expect(dead_code, reason = "it counts by being there")] Permit);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Bytes::from_owner(Held(data, permit))
}
