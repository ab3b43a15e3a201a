//! Why a request was refused: one shape for every error.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use ferroflow_frozen::InputError;
use serde::Serialize;

/// An error that is answered as `{"error": {"code", "message", "row", "column"}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// For machines.
    pub code: &'static str,
    /// For people; names row and column too.
    pub message: String,
    /// Counted from 0.
    pub row: Option<usize>,
    pub column: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), row: None, column: None }
    }

    /// The request's data do not fit the model.
    pub fn data(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        Self { row: error.row, column: error.column, ..Self::data(error.code.as_str(), error.message) }
    }
}

/// The code of a problem, beside its answer.
#[derive(Debug, Clone, Copy)]
pub struct Code(pub &'static str);

#[derive(Serialize)]
struct Outer<'p> {
    error: Inner<'p>,
}

#[derive(Serialize)]
struct Inner<'p> {
    code: &'p str,
    message: &'p str,
    row: Option<usize>,
    column: Option<&'p str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let error = Outer {
            error: Inner {
                code: self.code,
                message: &self.message,
                row: self.row,
                column: self.column.as_deref(),
            },
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&error).unwrap_or_default()));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Code(self.code));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The rest of such a request is not read: nothing more can follow on its connection.
        if matches!(
            self.status,
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
