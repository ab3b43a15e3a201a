//! The Open Inference Protocol, version 2, over REST.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::json;

use crate::problem::Problem;

/// An error in the protocol's own shape, `{"error": "..."}`.
pub struct OpenProblem(pub Problem);

impl From<Problem> for OpenProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for OpenProblem {
    fn into_response(mut self) -> Response<Body> {
        if self.0.status == StatusCode::UNPROCESSABLE_ENTITY {
            self.0.status = StatusCode::BAD_REQUEST;
        }
        let body = json!({"error": self.0.message}).to_string();
        let mut response = self.0.into_response();
        *response.body_mut() = body.into();
        response
    }
}
