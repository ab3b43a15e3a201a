//! Counters for Prometheus.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper edges in seconds: a row takes microseconds, the largest request about a second.
const EDGES: [f64; 10] = [2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

/// What `/predict` did.
pub struct Metrics {
    registry: Registry,
    requests: Family<Status, Counter>,
    rows: Counter,
    seconds: Histogram,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ferroflow");
        let requests = Family::<Status, Counter>::default();
        let rows = Counter::default();
        let seconds = Histogram::new(EDGES);
        registry.register("requests", "Requests to /predict by status", requests.clone());
        registry.register("rows", "Rows predicted", rows.clone());
        registry.register(
            "predict_seconds",
            "Time to decode, predict and encode one request",
            seconds.clone(),
        );
        Self { registry, requests, rows, seconds }
    }

    pub fn request(&self, status: StatusCode) {
        self.requests.get_or_create(&Status { status: status.as_u16() }).inc();
    }

    pub fn predicted(&self, rows: usize, time: Duration) {
        self.rows.inc_by(rows as u64);
        self.seconds.observe(time.as_secs_f64());
    }

    /// In OpenMetrics' text format.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        encode(&mut out, &self.registry)?;
        Ok(out)
    }
}
