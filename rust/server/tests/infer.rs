//! The Open Inference Protocol: what its clients send, and what they are told.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::net::{SocketAddr, TcpStream};

use common::{Answer, GOOD, ask, config, connect, get, post, post_to, request, start};
use serde_json::{Value, json};

fn infer(stream: &mut TcpStream, body: &Value) -> Answer {
    ask(stream, &post_to("/v2/models/small/infer", &body.to_string()))
}

fn tensor(name: &str, datatype: &str, shape: &[usize], data: &Value) -> Value {
    json!({"name": name, "datatype": datatype, "shape": shape, "data": data})
}

/// The rows of [`GOOD`] as tensors.
fn good() -> Value {
    json!({"inputs": [
        tensor("age", "FP64", &[2], &json!([31, null])),
        tensor("sex", "BYTES", &[2, 1], &json!(["male", "female"])),
    ]})
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = good();
    change(&mut body);
    body
}

fn status(address: SocketAddr, path: &str) -> (u16, Value) {
    let answer = ask(&mut connect(address), &get(path));
    (answer.status, answer.json())
}

#[test]
fn the_answer_is_that_of_predict() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let ours = ask(&mut stream, &post(GOOD)).json();
    let answer = infer(&mut stream, &with(|b| b["id"] = json!("an \"id\"")));
    assert_eq!(answer.status, 200, "{answer:?}");
    let rows = ours["probabilities"].as_array().unwrap();
    let flat: Vec<&Value> = rows.iter().flat_map(|row| row.as_array().unwrap()).collect();
    assert_eq!(
        answer.json(),
        json!({
            "model_name": "small", "model_version": "7", "id": "an \"id\"",
            "outputs": [
                {"name": "predict", "datatype": "BYTES", "shape": [2], "data": ours["predictions"]},
                {"name": "probabilities", "datatype": "FP64", "shape": [2, 2], "data": flat},
            ],
        })
    );
    let answer = infer(&mut stream, &with(|b| b["outputs"] = json!([{"name": "probabilities"}]))).json();
    assert_eq!(answer["outputs"].as_array().unwrap().len(), 1);
    assert_eq!((&answer["outputs"][0]["name"], answer.get("id")), (&json!("probabilities"), None));
    let versioned = ask(&mut stream, &post_to("/v2/models/small/versions/7/infer", &good().to_string()));
    assert_eq!(versioned.json()["outputs"][0]["data"], ours["predictions"]);
}

#[test]
fn data_come_in_any_form_of_their_type() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let expected = infer(&mut stream, &good()).json()["outputs"].clone();
    for age in [
        tensor("age", "FP64", &[2, 1], &json!([[31], [null]])),
        tensor("age", "FP64", &[2, 1], &json!([31.0, null])),
        tensor("age", "FP32", &[2], &json!([31, null])),
        tensor("age", "INT64", &[2], &json!([31, null])),
        tensor("age", "UINT8", &[2], &json!([31.0, null])),
        tensor("age", "INT8", &[2, 1], &json!([[31], null])),
    ] {
        let answer = infer(&mut stream, &with(|b| b["inputs"][0] = age.clone()));
        assert_eq!((answer.status, &answer.json()["outputs"]), (200, &expected), "{age}: {answer:?}");
    }
    // The order of keys and inputs is free, and unknown parameters are let pass.
    let body = r#"{"parameters": {"a": {"b": []}}, "inputs": [
        {"data": ["male", "female"], "shape": [2], "name": "sex", "datatype": "BYTES", "parameters": {"content_type": "str"}},
        {"shape": [2], "data": [31, null], "name": "age", "datatype": "FP64"}]}"#;
    assert_eq!(ask(&mut stream, &post_to("/v2/models/small/infer", body)).json()["outputs"], expected);
    // FP32 is rounded as its type says.
    let single = |age: Value, kind: &str| {
        let body = with(|b| b["inputs"][0] = tensor("age", kind, &[2], &json!([age, 1])));
        infer(&mut stream, &body).json()["outputs"][1]["data"][0].clone()
    };
    let mut single = single;
    assert_eq!(single(json!(-0.1), "FP32"), single(json!(f64::from(-0.1_f32)), "FP64"));
    assert_ne!(single(json!(-0.1), "FP32"), single(json!(-0.1), "FP64"));
}

#[test]
fn what_is_wrong_is_said() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let age = |datatype: &str, shape: &[usize], data: Value| {
        with(|b| b["inputs"][0] = tensor("age", datatype, shape, &data))
    };
    for (body, words) in [
        (json!([]), "not an inference request"),
        (json!({}), "inputs"),
        (json!({"inputs": []}), "not one row"),
        (json!({"inputs": [3]}), "not an inference request"),
        (with(|b| b["id"] = json!(3)), "not an inference request"),
        (with(|b| drop(b["inputs"].as_array_mut().unwrap().pop())), "'sex' is missing"),
        (with(|b| b["inputs"][1]["name"] = json!("age")), "'age' is given twice"),
        (with(|b| b["inputs"][1]["name"] = json!("deck")), "no input 'deck'"),
        (with(|b| b["outputs"] = json!([{"name": "x"}])), "no output 'x'"),
        (
            with(|b| b["outputs"] = json!([{"name": "predict", "parameters": {"binary_data": true}}])),
            "binary",
        ),
        (with(|b| b["parameters"] = json!({"binary_data_output": true})), "binary"),
        (with(|b| b["inputs"][0]["parameters"] = json!({"binary_data_size": 16})), "binary"),
        (with(|b| drop(b["inputs"][0].as_object_mut().unwrap().remove("data"))), "no data"),
        (age("FP64", &[], json!([1])), "shape [n] or [n, 1]"),
        (age("FP64", &[2, 2], json!([1, 2, 3, 4])), "shape [n] or [n, 1]"),
        (age("FP64", &[3], json!([1, 2, 3])), "another number"),
        (age("FP64", &[200_000], json!([])), "at most 100000 rows"),
        (age("FP64", &[usize::MAX], json!([])), "at most 100000 rows"),
        (age("FP64", &[2], json!([1])), "are 1 values, its shape says 2"),
        (age("FP64", &[2], json!([1, 2, 3])), "more values than its shape says, 2"),
        (age("FP64", &[2], json!([[1], [2]])), "deeper than its shape"),
        (age("FP64", &[2, 1], json!([[1, 2]])), "2 entries, its shape says 1"),
        (age("FP64", &[2, 1], json!([[], []])), "0 entries"),
        (age("FP64", &[2], json!(3)), "flat or in lists"),
        (age("FP64", &[2], json!([1, {}])), "flat or in lists"),
        (age("FP64", &[2], json!([1, "x"])), "found a text"),
        (age("FP64", &[2], json!([1, true])), "found true"),
        (age("INT8", &[2], json!([1, 128])), "128 does not fit"),
        (age("UINT8", &[2], json!([1, -1])), "-1 does not fit"),
        (age("INT64", &[2], json!([1, 1.5])), "1.5 does not fit"),
        (age("BOOL", &[2], json!([true, false])), "a number is needed"),
        (age("BOOL", &[2], json!([1, 0])), "true or false is needed"),
        (age("FP16", &[2], json!([1, 2])), "'FP16'"),
        (age("FP32", &[2], json!([1, 1e300])), "infinite"),
        (with(|b| b["inputs"][1]["data"] = json!(["male", 3])), "a text is needed"),
        (with(|b| b["inputs"][1]["data"] = json!(["male", "Mars"])), "'Mars'"),
        (with(|b| b["inputs"][1]["data"] = json!(["male", "x".repeat(65_537)])), "at most 65536"),
    ] {
        let answer = infer(&mut stream, &body);
        let error = answer.json()["error"].as_str().unwrap_or("?").to_owned();
        assert!(answer.status == 400 && error.contains(words), "{body}: {answer:?}");
    }
    for body in
        ["", "{", "{\"inputs\": [{\"name\": \"age\"", &"[".repeat(100_000), &"{\"inputs\":".repeat(1000)]
    {
        assert_eq!(ask(&mut stream, &post_to("/v2/models/small/infer", body)).status, 400);
    }
    let deep = format!(
        "{{\"inputs\": [{{\"name\": \"age\", \"shape\": [2], \"datatype\": \"FP64\", \"data\": {}",
        "[".repeat(100_000)
    );
    assert_eq!(ask(&mut stream, &post_to("/v2/models/small/infer", &deep)).status, 400);
    let binary = request(
        "POST",
        "/v2/models/small/infer",
        "content-type: application/json\r\ninference-header-content-length: 2\r\n",
        b"{}\0\0",
    );
    assert!(ask(&mut stream, &binary).body.contains("binary"));
    assert_eq!(infer(&mut stream, &good()).status, 200);
}

#[test]
fn every_error_has_the_protocols_shape() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    for (path, code) in [
        ("/v2/nothing", 404),
        ("/v2/models/x", 404),
        ("/v2/models/small/versions/8", 404),
        ("/v2/models/%FF", 400),
    ] {
        let (found, body) = status(address, path);
        assert!(found == code && body["error"].is_string(), "{path}: {body}");
    }
    let answer = ask(&mut stream, &get("/v2/models/small/infer"));
    assert!(answer.status == 405 && answer.json()["error"].is_string());
    let text = request("POST", "/v2/models/small/infer", "content-type: text/plain\r\n", b"{}");
    let answer = ask(&mut stream, &text);
    assert!(answer.status == 415 && answer.json()["error"].is_string());
    // Triton's own client says nothing of its content's type.
    let untold = request("POST", "/v2/models/small/infer", "", good().to_string().as_bytes());
    assert_eq!(ask(&mut stream, &untold).status, 200);
    let answer = ask(&mut stream, &post_to("/v2/models/x/infer", "{}"));
    assert!(answer.status == 404 && answer.json()["error"].is_string());
    let large = "POST /v2/models/small/infer HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n";
    let answer = ask(&mut stream, large.as_bytes());
    assert!(answer.status == 413 && answer.json()["error"].is_string());
}

#[test]
fn it_says_what_it_serves() {
    let (address, _running) = start(config());
    assert_eq!(status(address, "/v2").1["name"], "ferroflow");
    assert_eq!(status(address, "/v2/health/live"), (200, json!({"live": true})));
    assert_eq!(status(address, "/v2/health/ready"), (200, json!({"ready": true})));
    for path in ["/v2/models/small/ready", "/v2/models/small/versions/7/ready"] {
        assert_eq!(status(address, path), (200, json!({"name": "small", "version": "7", "ready": true})));
    }
    let expected = json!({
        "name": "small", "versions": ["7"], "platform": "ferroflow", "parameters": {"version": "7"},
        "inputs": [
            {"name": "age", "datatype": "FP64", "shape": [-1]},
            {"name": "sex", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "predict", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
        ],
    });
    for path in ["/v2/models/small", "/v2/models/small/versions/7"] {
        assert_eq!(status(address, path), (200, expected.clone()));
    }
}
