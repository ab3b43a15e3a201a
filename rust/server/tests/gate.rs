//! Keys, rates, encryption, the log.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{Answer, GOOD, ask, config, connect, post, read, start};
use ferroflow_server::{Config, Keys, Rate, Role, Tls, new_key};
use rustls::pki_types::{CertificateDer, ServerName};

fn with(request: &[u8], header: &str) -> Vec<u8> {
    String::from_utf8(request.to_vec())
        .unwrap()
        .replacen("\r\n", &format!("\r\n{header}\r\n"), 1)
        .into_bytes()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn keys() -> (Arc<Keys>, String, String) {
    let (user, first) = new_key(Role::Predict, "app").unwrap();
    let (admin, second) = new_key(Role::Admin, "boss").unwrap();
    (Arc::new(Keys::parse(&format!("{first}\n{second}")).unwrap()), user, admin)
}

#[test]
fn only_who_shows_a_key_is_answered() {
    let (keys, user, admin) = keys();
    let (address, _running) = start(Config { keys: Some(keys), ..config() });
    let mut stream = connect(address);
    for path in ["/health", "/health/live", "/health/ready", "/v2/health/live", "/docs", "/"] {
        assert_eq!(ask(&mut stream, &get(path)).status, 200, "{path}");
    }
    for request in [post(GOOD), get("/schema"), get("/metrics"), get("/openapi.json"), get("/nothing")] {
        let answer = ask(&mut stream, &request);
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
        assert_eq!(header(&answer, "www-authenticate"), Some("Bearer"));
    }
    for wrong in ["authorization: Bearer ff_0", "x-api-key: ", &format!("authorization: Basic {user}")] {
        assert_eq!(ask(&mut stream, &with(&post(GOOD), wrong)).status, 401, "{wrong}");
    }
    for right in
        [format!("authorization: Bearer {user}"), format!("X-API-Key: {user}"), format!("x-api-key: {admin}")]
    {
        assert_eq!(ask(&mut stream, &with(&post(GOOD), &right)).status, 200, "{right}");
    }
    let reload = b"POST /admin/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    let answer = ask(&mut stream, &with(reload, &format!("x-api-key: {user}")));
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(ask(&mut stream, &with(reload, &format!("x-api-key: {admin}"))).status, 200);
    let metrics = ask(&mut stream, &with(&get("/metrics"), &format!("x-api-key: {user}")));
    assert!(metrics.body.contains("code=\"unauthorized\"") && !metrics.body.contains(&user));
}

#[test]
fn in_the_protocols_own_shape() {
    let (keys, ..) = keys();
    let (address, _running) = start(Config { keys: Some(keys), open_metrics: true, ..config() });
    let answer = ask(&mut connect(address), &get("/v2/models/small"));
    assert!(answer.status == 401 && answer.json()["error"].is_string(), "{answer:?}");
    assert_eq!(ask(&mut connect(address), &get("/metrics")).status, 200);
}

#[test]
fn keys_are_read_again() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys.txt");
    let (first, line) = new_key(Role::Predict, "first").unwrap();
    std::fs::write(&file, line).unwrap();
    let keys = Arc::new(Keys::open(&file).unwrap());
    let (address, _running) = start(Config { keys: Some(keys.clone()), ..config() });
    let status =
        |key: &str| ask(&mut connect(address), &with(&post(GOOD), &format!("x-api-key: {key}"))).status;
    assert_eq!(status(&first), 200);
    let (second, line) = new_key(Role::Predict, "second").unwrap();
    std::fs::write(&file, line).unwrap();
    keys.reload().unwrap();
    assert_eq!((status(&first), status(&second)), (401, 200));
    std::fs::write(&file, "nonsense").unwrap();
    assert!(keys.reload().unwrap_err().contains("keys.txt: line 1"));
    assert_eq!(status(&second), 200);
}

#[test]
fn too_many_requests_have_to_wait() {
    let rate = Rate::parse("3/m");
    let (address, _running) = start(Config { rate, ..config() });
    let mut stream = connect(address);
    for _ in 0..3 {
        assert_eq!(ask(&mut stream, &post(GOOD)).status, 200);
    }
    let answer = ask(&mut stream, &post(GOOD));
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_requests"));
    let wait: u64 = header(&answer, "retry-after").unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert_eq!(ask(&mut stream, &get("/health")).status, 200);

    let (keys, user, admin) = keys();
    let (address, _running) = start(Config { rate, keys: Some(keys), ..config() });
    let mut stream = connect(address);
    for key in [&user, &admin] {
        for i in 0..4 {
            let answer = ask(&mut stream, &with(&post(GOOD), &format!("x-api-key: {key}")));
            assert_eq!(answer.status, if i < 3 { 200 } else { 429 });
        }
    }
    for i in 0..4 {
        assert_eq!(ask(&mut stream, &post(GOOD)).status, if i < 3 { 401 } else { 429 });
    }
}

#[test]
fn a_clients_id_comes_back() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let id = |answer: &Answer| header(answer, "x-request-id").map(str::to_owned);
    assert_eq!(id(&ask(&mut stream, &with(&post(GOOD), "x-request-id: abc/1"))).as_deref(), Some("abc/1"));
    assert_eq!(id(&ask(&mut stream, &with(&post("{"), "x-request-id: abc/2"))).as_deref(), Some("abc/2"));
    assert_eq!(id(&ask(&mut stream, &post(GOOD))), None);
    for bad in ["a b", "", &"x".repeat(129)] {
        assert_eq!(id(&ask(&mut stream, &with(&post(GOOD), &format!("x-request-id: {bad}")))), None);
    }
}

#[test]
fn encrypted() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let make = || {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    };
    let first = make();
    let tls = Arc::new(Tls::open(&certificate, &key).unwrap());
    let (address, running) = start(Config { tls: Some(tls.clone()), ..config() });
    let client = |trusted: &CertificateDer<'static>| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        rustls::StreamOwned::new(connection, connect(address))
    };
    let mut stream = client(&first);
    for _ in 0..2 {
        stream.write_all(&post(GOOD)).unwrap();
        assert_eq!(read(&mut stream).status, 200);
    }
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));

    // Another certificate from now on; the connection at hand goes on.
    let second = make();
    tls.reload().unwrap();
    assert!(client(&first).write_all(b"x").is_err());
    let mut other = client(&second);
    for stream in [&mut stream, &mut other] {
        stream.write_all(&post(GOOD)).unwrap();
        assert_eq!(read(stream).status, 200);
    }

    // Who speaks no TLS gets none of the pages.
    let mut plain = connect(address);
    plain.write_all(&get("/health")).unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut plain, &mut answer);
    assert!(!answer.starts_with(b"HTTP"));

    std::fs::write(&key, "nonsense").unwrap();
    assert!(tls.reload().unwrap_err().contains("key.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    assert!(tls.reload().unwrap_err().contains("does not go with"));
    let mut still = client(&second);
    still.write_all(&post(GOOD)).unwrap();
    assert_eq!(read(&mut still).status, 200);
    running.stop();
}

/// The program with a log: its lines are on standard output, whole and in order.
#[test]
fn the_log_tells_of_each_request() {
    let (key, line) = new_key(Role::Predict, "app").unwrap();
    let model = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("logged.ff");
    std::fs::write(&model, common::model_bytes()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ferroflow-server"))
        .arg(&model)
        .args(["--port=0", "--log", "json"])
        .env("FERROFLOW_KEYS", line)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    lines.read_line(&mut told).unwrap();
    let address = told.split("on http://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut stream = connect(address);
    let head = format!("x-api-key: {key}\r\nx-request-id: mine");
    assert_eq!(ask(&mut stream, &with(&post(GOOD), &head)).status, 200);
    let made = ask(&mut stream, &get("/schema?secret=word"));
    assert_eq!(made.status, 401);
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{out}");
    let first = &lines[0];
    assert_eq!((first["id"].as_str(), first["key"].as_str()), (Some("mine"), Some("app")));
    assert_eq!((first["status"].as_u64(), first["rows"].as_u64()), (Some(200), Some(2)));
    assert_eq!((first["model"].as_str(), first["version"].as_str()), (Some("small"), Some("7")));
    assert_eq!((first["method"].as_str(), first["path"].as_str()), (Some("POST"), Some("/predict")));
    assert!(first["seconds"].as_f64().unwrap() > 0.0);
    let second = &lines[1];
    assert_eq!((second["code"].as_str(), second["path"].as_str()), (Some("unauthorized"), Some("/schema")));
    assert_eq!(second["id"].as_str(), header(&made, "x-request-id"));
    for secret in [key.as_str(), "secret", "male"] {
        assert!(!out.contains(secret), "{out}");
    }
}
