//! What happens beside the answers: the prediction log and the shadow.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{GOOD, ask, config, connect, model_bytes, model_with, post, start};
use ferroflow_server::{Config, Server};
use rusqlite::Connection;

fn place(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    path
}

/// The value of a counter without labels, once it reaches `least`.
fn counter(address: std::net::SocketAddr, name: &str, least: u64) -> u64 {
    let start = Instant::now();
    loop {
        let text = ask(&mut connect(address), b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").body;
        let line = format!("ferroflow_{name}_total ");
        let found = text.lines().find_map(|l| l.strip_prefix(&line)).unwrap().parse().unwrap();
        if found >= least || start.elapsed() > Duration::from_secs(10) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_row_is_in_the_prediction_log() {
    let file = place("predictions.db");
    let (address, running) = start(Config { prediction_log: Some(file.clone()), ..config() });
    let mut stream = connect(address);
    let mut ids = Vec::new();
    for _ in 0..50 {
        let answer = ask(&mut stream, &post(GOOD));
        ids.extend(serde_json::from_value::<Vec<String>>(answer.json()["ids"].clone()).unwrap());
    }
    let request = post(r#"{"columns": {"age": [31, null], "sex": ["male", "female"]}}"#);
    let answer = ask(&mut stream, &request);
    ids.extend(serde_json::from_value::<Vec<String>>(answer.json()["ids"].clone()).unwrap());
    assert_eq!(ask(&mut stream, &post("{")).status, 400);
    let open = br#"{"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [3.5]},
        {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["female"]}]}"#;
    let head = format!(
        "POST /v2/models/small/infer HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        open.len()
    );
    assert_eq!(ask(&mut stream, &[head.as_bytes(), open].concat()).status, 200);
    running.stop();

    let log = Connection::open(&file).unwrap();
    let row = |id: &str| -> (String, String, String, String) {
        log.query_row(
            "SELECT model || '/' || version, time, inputs, outputs FROM predictions WHERE id = ?1",
            [id],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .unwrap()
    };
    for id in &ids {
        let (model, time, ..) = row(id);
        assert!(model == "small/7" && time.starts_with("20") && time.ends_with('Z'), "{model} {time}");
    }
    let (_, _, inputs, outputs) = row(&ids[1]);
    assert_eq!(inputs, r#"{"age":null,"sex":"female"}"#);
    let outputs: serde_json::Value = serde_json::from_str(&outputs).unwrap();
    let answer = ask_again(GOOD);
    assert_eq!(outputs["prediction"], answer["predictions"][1]);
    assert_eq!(outputs["probabilities"], answer["probabilities"][1]);
    assert_eq!(row(&ids[101]).2, r#"{"age":null,"sex":"female"}"#);
    let (count, mine): (u64, String) = log
        .query_row("SELECT count(*), max(inputs) FILTER (WHERE request = 'mine') FROM predictions", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    assert_eq!((count, mine.as_str()), (103, r#"{"age":3.5,"sex":"female"}"#));
}

fn ask_again(body: &str) -> serde_json::Value {
    let (address, _running) = start(config());
    ask(&mut connect(address), &post(body)).json()
}

#[test]
fn a_locked_file_costs_rows_of_the_log_and_no_prediction() {
    let file = place("locked.db");
    let (address, running) = start(Config { prediction_log: Some(file.clone()), ..config() });
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut stream = connect(address);
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(ask(&mut stream, &post(GOOD)).status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(counter(address, "prediction_log_dropped", 1) > 0);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ask(&mut stream, &post(GOOD)).status, 200);
    assert!(counter(address, "prediction_log_rows", 2) >= 2);
    running.stop();
}

#[test]
fn a_file_that_is_no_log_is_named() {
    for (name, bytes) in [("text.db", &b"this is a text, and no database at all"[..]), ("no/such.db", b"")] {
        let file = place(name);
        if !bytes.is_empty() {
            std::fs::write(&file, bytes).unwrap();
        }
        let config = Config { prediction_log: Some(file), ..config() };
        let error = Server::bind(common::store(&config), config).err().unwrap().to_string();
        assert!(error.contains(name) && error.contains("prediction log"), "{error}");
    }
}

#[test]
fn a_shadow_sees_the_same_rows() {
    let (same, other) = (place("same.ff"), place("other.ff"));
    std::fs::write(&same, model_bytes()).unwrap();
    std::fs::write(&other, model_with("small", "8", 1.0)).unwrap();
    let body =
        r#"{"rows": [{"age": 0, "sex": "male"}, {"age": 0, "sex": "female"}, {"age": 50, "sex": "male"}]}"#;
    for (file, different) in [(same, 0), (other, 1)] {
        let (address, _running) = start(Config { shadow: Some(file), ..config() });
        let answer = ask(&mut connect(address), &post(body));
        assert_eq!(answer.json()["predictions"], ask_again(body)["predictions"]);
        assert_eq!(counter(address, "shadow_rows", 3), 3);
        assert_eq!(counter(address, "shadow_different", different), different);
        assert_eq!((counter(address, "shadow_failed", 0), counter(address, "shadow_dropped", 0)), (0, 0));
    }
    let config = Config { shadow: Some(place("none.ff")), ..config() };
    let error = Server::bind(common::store(&config), config).err().unwrap().to_string();
    assert!(error.contains("the shadow") && error.contains("none.ff"), "{error}");
}
