//! Counters for Prometheus: plain atomics, one set per version of a model, summed up by whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::models::Table;
use crate::prediction_log::PredictionLog;
use crate::problem::Problem;
use crate::routes::App;
use crate::served::Served;
use crate::shadow::Shadow;
use crate::watchers::Watchers;

/// Upper edges in nanoseconds: a row takes microseconds, the largest request about a second.
const EDGES: [u64; 10] =
    [2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// Requests by what came of them.
#[derive(Default)]
pub struct Requests {
    ok: AtomicU64,
    refused: Mutex<BTreeMap<(u16, &'static str), u64>>,
}

impl Requests {
    pub fn answered(&self) {
        self.ok.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self, problem: &Problem) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry((problem.status.as_u16(), problem.code)).or_insert(0) += 1;
    }

    fn errors(&self) -> BTreeMap<(u16, &'static str), u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn by_status(&self) -> BTreeMap<u16, u64> {
        let mut out = BTreeMap::new();
        for ((status, _), n) in self.errors() {
            *out.entry(status).or_insert(0) += n;
        }
        let ok = self.ok.load(Ordering::Relaxed);
        if ok > 0 {
            out.insert(StatusCode::OK.as_u16(), ok);
        }
        out
    }
}

/// What one version of a model did.
pub struct Counters {
    pub requests: Requests,
    rows: AtomicU64,
    nanoseconds: AtomicU64,
    /// Predictions that took no longer than each edge and longer than the one before; the last took longer than all.
    took: [AtomicU64; EDGES.len() + 1],
    /// Missing and unseen values of each column.
    columns: Vec<[AtomicU64; 2]>,
}

impl Counters {
    pub fn new(columns: usize) -> Self {
        Self {
            requests: Requests::default(),
            rows: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            took: Default::default(),
            columns: (0..columns).map(|_| Default::default()).collect(),
        }
    }

    pub fn predicted(&self, rows: usize, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
        let at = EDGES.iter().position(|&edge| time <= edge).unwrap_or(EDGES.len());
        if let Some(count) = self.took.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn column(&self, column: usize, missing: usize, unseen: usize) {
        if let Some([a, b]) = self.columns.get(column) {
            a.fetch_add(missing as u64, Ordering::Relaxed);
            b.fetch_add(unseen as u64, Ordering::Relaxed);
        }
    }
}

/// All of it in OpenMetrics' text format.
pub fn text(app: Arc<App>) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("ferroflow");
    registry.register_collector(Box::new(All { table: app.models.table().clone(), app }));
    let mut out = String::new();
    encode(&mut out, &registry)?;
    Ok(out)
}

struct All {
    table: Arc<Table>,
    app: Arc<App>,
}

impl std::fmt::Debug for All {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("All")
    }
}

impl All {
    fn each(&self) -> impl Iterator<Item = ([(&'static str, &str); 2], &Served)> {
        self.table.served().map(|s| ([("model", s.info().name.as_str()), ("version", &s.info().version)], s))
    }

    /// Every model's requests, and those of none.
    fn requests(&self) -> impl Iterator<Item = ([(&'static str, &str); 2], &Requests)> {
        let none = ([("model", ""), ("version", "")], &self.app.unrouted);
        self.each().map(|(labels, s)| (labels, &s.counters.requests)).chain([none])
    }
}

impl Collector for All {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let load = |v: &AtomicU64| v.load(Ordering::Relaxed);

        let mut out = to.encode_descriptor(
            "requests",
            "Requests for predictions by model, version and status",
            None,
            MetricType::Counter,
        )?;
        for (labels, requests) in self.requests() {
            for (status, n) in requests.by_status() {
                let [model, version] = labels;
                let labels = [model, version, ("status", &status.to_string())];
                ConstCounter::new(n).encode(out.encode_family(&labels)?)?;
            }
        }

        let mut out = to.encode_descriptor(
            "errors",
            "Requests that were refused, by model, version and the code of the error",
            None,
            MetricType::Counter,
        )?;
        for (labels, requests) in self.requests() {
            for ((_, code), n) in requests.errors() {
                let [model, version] = labels;
                ConstCounter::new(n).encode(out.encode_family(&[model, version, ("code", code)])?)?;
            }
        }

        let mut out = to.encode_descriptor("rows", "Rows predicted", None, MetricType::Counter)?;
        for (labels, served) in self.each() {
            ConstCounter::new(load(&served.counters.rows)).encode(out.encode_family(&labels)?)?;
        }

        let both = [
            ("missing_values", "Missing values in the rows that came, by column"),
            ("unseen_categories", "Texts in the rows that came which training has not seen, by column"),
        ];
        for (at, (name, help)) in both.into_iter().enumerate() {
            let mut out = to.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, served) in self.each() {
                for (column, counts) in served.model.schema().columns().iter().zip(&served.counters.columns) {
                    let n = load(&counts[at]);
                    if n > 0 {
                        let [model, version] = labels;
                        let labels = [model, version, ("column", &column.name)];
                        ConstCounter::new(n).encode(out.encode_family(&labels)?)?;
                    }
                }
            }
        }

        let mut out = to.encode_descriptor(
            "predict_seconds",
            "Time to decode, predict and encode one request",
            None,
            MetricType::Histogram,
        )?;
        for (labels, served) in self.each() {
            let counters = &served.counters;
            let edges = EDGES.iter().map(|&edge| edge as f64 / 1e9).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = edges.zip(counters.took.iter().map(load)).collect();
            let count = buckets.iter().map(|(_, n)| n).sum();
            let sum = load(&counters.nanoseconds) as f64 / 1e9;
            out.encode_family(&labels)?.encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)?;
        }

        let mut out = to.encode_descriptor(
            "model",
            "A version that is loaded: 1 for the one that answers in the model's name, 0 for the others",
            None,
            MetricType::Gauge,
        )?;
        for (labels, served) in self.each() {
            let champion = self.table.is_champion(served);
            ConstGauge::new(i64::from(champion)).encode(out.encode_family(&labels)?)?;
        }
        self.watchers(&mut to)
    }
}

impl All {
    /// What was written and what was lost beside the answers.
    fn watchers(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let load = |v: &AtomicU64| v.load(Ordering::Relaxed);
        let Watchers { log, predictions, shadow } = &self.app.watchers;
        let mut counts = Vec::new();
        if let Some(log) = log {
            counts.push(("log_dropped", "Lines of the log that found its queue full", log.dropped()));
        }
        if let Some(PredictionLog { aside, counts: c }) = predictions {
            let lost = aside.dropped() + load(&c.failed);
            counts.push(("prediction_log_rows", "Rows in the prediction log", load(&c.written)));
            counts.push(("prediction_log_dropped", "Rows that the prediction log lost", lost));
        }
        if let Some(Shadow { aside, counts: c, .. }) = shadow {
            counts.push(("shadow_rows", "Rows that the shadow predicted", load(&c.rows)));
            counts.push((
                "shadow_different",
                "Rows that the shadow predicted differently",
                load(&c.different),
            ));
            counts.push(("shadow_failed", "Rows that the shadow could not predict", load(&c.failed)));
            counts.push(("shadow_dropped", "Rows that found the shadow's queue full", aside.dropped()));
        }
        for (name, help, n) in counts {
            let out = to.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(n).encode(out)?;
        }
        Ok(())
    }
}
