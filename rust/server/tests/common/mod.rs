//! A small model, and a client that speaks plain sockets.
#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "each test file takes what it needs")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ferroflow_frozen::{Limits, Model, Tensor, Type, write};
use ferroflow_server::{Config, Running, Server, Store};

pub const GOOD: &str = r#"{"rows": [{"age": 31, "sex": "male"}, {"age": null, "sex": "female"}]}"#;

/// age: a number, may be missing; sex: a text of two categories. Its weight is so large that a large age overflows.
pub fn model_bytes() -> Vec<u8> {
    model_named("small", "7")
}

/// The same under another name; the version, where it is a number, is its bias, so that answers tell which it was.
pub fn model_named(name: &str, version: &str) -> Vec<u8> {
    model_with(name, version, if version == "7" { -0.3 } else { version.parse().unwrap_or(-0.3) })
}

pub fn model_with(name: &str, version: &str, bias: f64) -> Vec<u8> {
    let mut tensors = BTreeMap::new();
    let mut add = |name: &str, kind, shape: Vec<usize>, bytes: Vec<u8>| {
        tensors.insert(name.to_owned(), Tensor { kind, shape, bytes });
    };
    let f64s = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let i64s = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    for (name, values) in [
        ("expected", &[][..]),
        ("fill", &[29.5]),
        ("bias", &[bias]),
        ("edges", &[20.0, 30.0]),
        ("moments", &[29.0, 10.0]),
    ] {
        add(name, Type::F64, vec![values.len()], f64s(values));
    }
    add("weights", Type::F64, vec![1, 3], f64s(&[30.1, 0.7, -0.9]));
    for (name, values) in
        [("age.counts", &[1, 1, 1][..]), ("sex.counts", &[2, 1, 0]), ("codes", &[0, 1, -2, -2])]
    {
        add(name, Type::I64, vec![values.len()], i64s(values));
    }
    for (name, words) in [
        ("sexes", &["female", "male"][..]),
        ("node.sexes", &["female", "male"]),
        ("seen.sexes", &["female", "male"]),
        ("classes", &["no", "yes"]),
        ("names", &[]),
    ] {
        let text: String = words.concat();
        let ends: Vec<i64> = words
            .iter()
            .scan(0, |end, word| {
                *end += word.len() as i64;
                Some(*end)
            })
            .collect();
        add(name, Type::U8, vec![text.len()], text.into_bytes());
        add(&format!("{name}.ends"), Type::I64, vec![ends.len()], i64s(&ends));
    }
    for (name, kind) in [("test.age", Type::F64), ("test.sex", Type::U8), ("test.sex.ends", Type::I64)] {
        add(name, kind, vec![0], Vec::new());
    }
    add("test.sex.missing", Type::U8, vec![0], Vec::new());
    let document = serde_json::json!({
        "format": 1, "requires": [], "name": name, "version": version,
        "ops": {"concat": 1, "impute": 1, "linear": 1, "onehot": 1, "select": 1},
        "schema": [
            {"name": "age", "kind": "number", "float": 64, "categories": null},
            {"name": "sex", "kind": "text", "float": 64, "categories": "sexes"},
        ],
        "graph": [
            {"op": "select", "in": 0, "columns": [0]},
            {"op": "impute", "in": 1, "marker": null, "fill": "fill"},
            {"op": "select", "in": 0, "columns": [1]},
            {"op": "onehot", "in": 3, "columns": [{"categories": "node.sexes", "codes": "codes", "width": 2}]},
            {"op": "concat", "in": [2, 4]},
            {"op": "linear", "in": 5, "float": 64, "weights": "weights", "bias": "bias"},
        ],
        "output": {
            "task": "classifier", "value": 6, "float": 64, "names": "names",
            "class_kind": "text", "classes": "classes", "link": "sigmoid",
        },
        "statistics": [
            {"count": 3, "missing": 0, "moments": "moments", "edges": "edges", "counts": "age.counts"},
            {"count": 3, "missing": 0, "categories": "seen.sexes", "counts": "sex.counts"},
        ],
        "provenance": {},
        "tests": {"rows": 0, "inputs": ["test.age", "test.sex"], "expected": "expected"},
    });
    write(&document.to_string(), &tensors).unwrap()
}

pub fn model() -> Model {
    Model::from_bytes(&model_bytes(), &Limits::default()).unwrap()
}

pub fn config() -> Config {
    Config { port: 0, workers: 2, ..Config::default() }
}

pub fn store(config: &Config) -> Arc<Store> {
    Arc::new(Store::of(model(), config))
}

/// A server; it stops when dropped.
pub fn start(config: Config) -> (SocketAddr, Running) {
    let server = Server::bind(store(&config), config).unwrap();
    (server.address(), server.start().unwrap())
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub fn post(body: &str) -> Vec<u8> {
    post_to("/predict", body)
}

pub fn post_to(path: &str, body: &str) -> Vec<u8> {
    request("POST", path, "content-type: application/json\r\n", body.as_bytes())
}

pub fn get(path: &str) -> Vec<u8> {
    request("GET", path, "", b"")
}

/// `head` is lines with their ends.
pub fn request(method: &str, path: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{head}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// One answer; the connection may go on.
pub fn read(stream: &mut impl Read) -> Answer {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length =
        head.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |v| v.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer { status: head[9..12].parse().unwrap(), head, body: String::from_utf8(body).unwrap() }
}

pub fn ask(stream: &mut TcpStream, request: &[u8]) -> Answer {
    stream.write_all(request).unwrap();
    read(stream)
}

/// Is it closed by the server? Waits for it.
pub fn closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1..))
}
