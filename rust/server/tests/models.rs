//! Several models and versions: who answers, and what changes under load.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Answer, GOOD, ask, config, connect, get, model_named, model_with, post, post_to, request};
use ferroflow_server::{Admin, Config, Report, Running, Server, Store};
use serde_json::{Value, json};

const KEY: &str = "sixteen letters and more";
const SHOWN: &str = "authorization: Bearer sixteen letters and more\r\n";

/// A folder of its own with these models.
fn folder(name: &str, models: &[(&str, &str, &str)]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    for (file, name, version) in models {
        std::fs::write(path.join(file), model_named(name, version)).unwrap();
    }
    path
}

fn managed() -> Config {
    Config { admin: Admin::key(KEY), ..config() }
}

struct Served {
    address: SocketAddr,
    store: Arc<Store>,
    _running: Running,
}

fn open(paths: &[&Path], config: &Config) -> Result<(Store, Report), String> {
    Store::open(&paths.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>(), config)
}

fn serve(paths: &[&Path], config: Config) -> Served {
    let store = Arc::new(open(paths, &config).unwrap().0);
    let server = Server::bind(store.clone(), config).unwrap();
    Served { address: server.address(), store, _running: server.start().unwrap() }
}

impl Served {
    fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    fn get(&self, path: &str) -> Answer {
        ask(&mut self.connect(), &get(path))
    }

    fn manage(&self, method: &str, path: &str, body: &Value) -> Answer {
        let head = format!("{SHOWN}content-type: application/json\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(&mut self.connect(), &request(method, path, &head, body.as_bytes()))
    }

    fn upload(&self, bytes: &[u8]) -> Answer {
        let head = format!("{SHOWN}content-type: application/octet-stream\r\n");
        ask(&mut self.connect(), &request("POST", "/admin/models", &head, bytes))
    }

    /// The model and version that answer at `path`.
    fn who(&self, path: &str) -> (String, String) {
        let answer = ask(&mut self.connect(), &post_to(path, GOOD));
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        (json["model"].as_str().unwrap().to_owned(), json["version"].as_str().unwrap().to_owned())
    }

    fn code(&self, path: &str) -> (u16, String) {
        let answer = ask(&mut self.connect(), &post_to(path, GOOD));
        (answer.status, answer.code())
    }

    fn champion(&self, version: &str) {
        let answer = self.manage("PUT", "/admin/models/m/aliases/champion", &json!({"version": version}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.into(), b.into())
}

#[test]
fn a_folder_is_served_by_name_and_version() {
    let path = folder(
        "by_name",
        &[
            ("a.ff", "m", "9"),
            ("b.ff", "m", "10"),
            ("c.ff", "n", "1"),
            ("d.FF", "o p/é", "x y"),
            ("e.txt", "q", "1"),
        ],
    );
    std::fs::write(path.join("bad.ff"), b"no model").unwrap();
    std::fs::write(path.join("twice.ff"), [model_named("m", "9")].concat()).unwrap();
    let (store, report) = open(&[&path], &config()).unwrap();
    assert_eq!((report.loaded.len(), report.refused.len()), (4, 1), "{report:?}");
    assert!(
        report.refused[0].file.ends_with("bad.ff") && report.refused[0].reason.contains("not a readable")
    );
    drop(store);
    let server = serve(&[&path], config());
    assert_eq!(server.who("/models/m/predict"), pair("m", "10"));
    assert_eq!(server.who("/models/m/versions/9/predict"), pair("m", "9"));
    assert_eq!(server.who("/models/m/aliases/champion/predict"), pair("m", "10"));
    assert_eq!(server.who("/models/o%20p%2F%C3%A9/versions/x%20y/predict"), pair("o p/é", "x y"));
    assert_eq!(server.code("/predict"), (404, "no_default_model".into()));
    assert_eq!(server.code("/models/x/predict"), (404, "unknown_model".into()));
    assert_eq!(server.code("/models/m/versions/11/predict"), (404, "unknown_version".into()));
    assert_eq!(server.code("/models/m/aliases/challenger/predict"), (404, "unknown_alias".into()));
    assert_eq!(server.code("/models/%FF/predict"), (400, "malformed_path".into()));
    let models = server.get("/models").json();
    assert_eq!(models["default"], Value::Null);
    assert_eq!(models["models"][0]["aliases"], json!({"champion": "10"}));
    assert_eq!(models["models"][0]["versions"][0]["version"], "9");
    assert_eq!(server.get("/models/n/schema").json()["model"], "n");
    assert_eq!(server.get("/models/m/versions/9/schema").json()["version"], "9");
    assert_eq!(server.get("/schema").code(), "no_default_model");
}

#[test]
fn the_default_is_the_first_file_the_only_model_or_the_named_one() {
    let path = folder("default", &[("a.ff", "m", "1"), ("b.ff", "n", "1")]);
    let (a, b) = (path.join("a.ff"), path.join("b.ff"));
    assert_eq!(serve(&[&b, &a], config()).who("/predict"), pair("n", "1"));
    assert_eq!(serve(&[&a], config()).who("/predict"), pair("m", "1"));
    assert_eq!(serve(&[&path, &b], config()).who("/predict"), pair("n", "1"));
    let named = |name: &str| Config { default_model: Some(name.into()), ..config() };
    assert_eq!(serve(&[&path], named("n")).who("/predict"), pair("n", "1"));
    let error = open(&[&path], &named("x")).err().unwrap();
    assert!(error.contains("'x'") && error.contains("m, n"), "{error}");
    std::fs::write(&a, b"bad").unwrap();
    assert!(open(&[&a], &config()).err().unwrap().contains("a.ff: "));
    assert!(open(&[&path.join("none")], &config()).err().unwrap().contains("none: "));
}

#[test]
fn a_reload_takes_what_is_new_and_keeps_what_has_gone_bad() {
    let path = folder("reload", &[("a.ff", "m", "1"), ("b.ff", "n", "1")]);
    let server = serve(&[&path], managed());
    let write = |file: &str, name: &str, version: &str| {
        std::fs::write(path.join(file), model_named(name, version)).unwrap();
    };
    let reload = || server.manage("POST", "/admin/reload", &Value::Null).json();
    assert_eq!(
        reload(),
        json!({"loaded": [], "replaced": [], "unloaded": [], "unchanged": 2, "refused": []})
    );
    // A bad file: its old version goes on.
    std::fs::write(path.join("a.ff"), b"no model").unwrap();
    write("c.ff", "m", "2");
    let report = reload();
    assert_eq!(report["loaded"], json!([{"model": "m", "version": "2"}]));
    assert!(report["refused"][0]["file"].as_str().unwrap().ends_with("a.ff"));
    assert_eq!(server.who("/models/m/versions/1/predict"), pair("m", "1"));
    assert_eq!(server.who("/models/m/predict"), pair("m", "2"));
    // The same file with another version, and one that is gone.
    write("a.ff", "m", "3");
    std::fs::remove_file(path.join("b.ff")).unwrap();
    let report = reload();
    assert_eq!(report["unloaded"], json!([{"model": "m", "version": "1"}, {"model": "n", "version": "1"}]));
    assert_eq!(server.code("/models/n/predict"), (404, "unknown_model".into()));
    assert_eq!(server.who("/predict"), pair("m", "3"));
    // An alias holds what is gone.
    server.champion("2");
    std::fs::remove_file(path.join("c.ff")).unwrap();
    let report = reload();
    assert!(report["refused"][0]["reason"].as_str().unwrap().contains("champion"), "{report}");
    assert_eq!(server.who("/predict"), pair("m", "2"));
    // Another file of the same version: the first by name counts.
    std::fs::write(path.join("z.ff"), model_with("m", "3", 0.5)).unwrap();
    assert_eq!(reload()["refused"].as_array().unwrap().len(), 2);
    // Other bytes of a version that is served.
    std::fs::write(path.join("a.ff"), model_with("m", "3", 0.5)).unwrap();
    std::fs::remove_file(path.join("z.ff")).unwrap();
    assert_eq!(reload()["replaced"], json!([{"model": "m", "version": "3"}]));
    // The whole folder is gone: everything goes on.
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(reload()["unloaded"], json!([]));
    assert_eq!(server.who("/models/m/versions/3/predict"), pair("m", "3"));
}

#[test]
fn aliases_move_and_roll_back() {
    let path = folder("aliases", &[("1.ff", "m", "1"), ("2.ff", "m", "2"), ("3.ff", "m", "3")]);
    let server = serve(&[&path], managed());
    let alias = |alias: &str, version: &str| {
        server.manage("PUT", &format!("/admin/models/m/aliases/{alias}"), &json!({"version": version}))
    };
    let back = |alias: &str| {
        server.manage("POST", &format!("/admin/models/m/aliases/{alias}/rollback"), &Value::Null)
    };
    assert_eq!(back("champion").code(), "nothing_before");
    assert_eq!(alias("champion", "1").status, 200);
    assert_eq!(alias("challenger", "2").json()["in_folder"], true);
    assert_eq!(server.who("/predict"), pair("m", "1"));
    assert_eq!(server.who("/models/m/aliases/challenger/predict"), pair("m", "2"));
    assert_eq!(alias("champion", "2").status, 200);
    assert_eq!(alias("champion", "2").status, 200);
    assert_eq!(server.who("/predict"), pair("m", "2"));
    assert_eq!(back("champion").json()["version"], "1");
    assert_eq!(back("champion").json()["version"], "3");
    assert_eq!(back("champion").code(), "nothing_before");
    assert_eq!(back("challenger").code(), "nothing_before");
    assert_eq!(server.who("/predict"), pair("m", "3"));
    assert_eq!(alias("champion", "4").code(), "unknown_version");
    assert_eq!(alias("a%20b", "1").code(), "bad_alias");
    assert_eq!(server.manage("PUT", "/admin/models/m/aliases/x", &json!({"v": 1})).code(), "wrong_shape");
    assert_eq!(
        server.manage("PUT", "/admin/models/x/aliases/x", &json!({"version": "1"})).code(),
        "unknown_model"
    );
    // What an alias holds is not unloaded.
    let answer = server.manage("DELETE", "/admin/models/m/versions/2", &Value::Null);
    assert_eq!((answer.status, answer.code().as_str()), (409, "held_by_alias"));
    assert!(answer.body.contains("challenger"));
    assert_eq!(server.manage("DELETE", "/admin/models/m", &Value::Null).status, 409);
    assert_eq!(server.manage("DELETE", "/admin/models/m/aliases/challenger", &Value::Null).status, 200);
    assert_eq!(server.manage("DELETE", "/admin/models/m/aliases/challenger", &Value::Null).status, 404);
    assert_eq!(server.manage("DELETE", "/admin/models/m/versions/2", &Value::Null).status, 200);
    assert_eq!(server.code("/models/m/versions/2/predict"), (404, "unknown_version".into()));
    let listed = server.get("/models/m/aliases").json();
    assert_eq!(listed["aliases"], json!({"champion": "3"}));
    let actions: Vec<&str> =
        listed["history"].as_array().unwrap().iter().map(|c| c["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["newest", "set", "set", "set", "set", "rolled_back", "rolled_back", "removed"],
        "{listed}"
    );
    drop(server);
    // The folder remembers, also what is not there any more.
    let server = serve(&[&path], managed());
    server.champion("1");
    drop(server);
    let server = serve(&[&path], managed());
    assert_eq!(server.who("/predict"), pair("m", "1"));
    let answer = server.manage("POST", "/admin/models/m/aliases/champion/rollback", &Value::Null);
    assert_eq!(answer.json()["version"], "3");
    server.champion("1");
    drop(server);
    std::fs::remove_file(path.join("1.ff")).unwrap();
    let (store, report) = open(&[&path], &config()).unwrap();
    assert!(report.refused[0].reason.contains("'champion'"), "{report:?}");
    assert_eq!(store.summary(), "2 versions of 1 models");
}

#[test]
fn uploads_are_checked_kept_and_never_overwrite() {
    let path = folder("uploads", &[("1.ff", "m", "1")]);
    let server = serve(&[&path], Config { max_models: 3, ..managed() });
    let answer = server.upload(&model_named("../m", "2/.."));
    assert_eq!((answer.status, answer.json()["in_folder"].as_bool()), (201, Some(true)), "{answer:?}");
    assert_eq!(server.upload(&model_named("../m", "2/..")).status, 200);
    assert_eq!(server.who("/models/..%2Fm/versions/2%2F../predict"), pair("../m", "2/.."));
    let mut files: Vec<String> =
        std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert!(files.len() == 2 && files[1].starts_with("___m-2___-") && files[1].ends_with(".ff"), "{files:?}");
    let answer = server.upload(b"no model");
    assert_eq!((answer.status, answer.code().as_str()), (422, "bad_model"));
    assert_eq!(server.upload(&model_named("", "1")).code(), "bad_model");
    assert_eq!(server.upload(&model_named("m", &"1".repeat(201))).code(), "bad_model");
    assert_eq!(server.upload(&model_named("m", "3")).status, 201);
    assert_eq!(server.upload(&model_named("m", "4")).code(), "too_many_models");
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 3);
    let report = server.manage("POST", "/admin/reload", &Value::Null).json();
    assert_eq!(report["unchanged"], 3, "{report}");
    let head = format!("{SHOWN}content-type: application/json\r\n");
    let answer = ask(&mut server.connect(), &request("POST", "/admin/models", &head, b"{}"));
    assert_eq!(answer.status, 415);
    drop(server);
    // Without a folder it is held in memory alone.
    let server = serve(&[&path.join("1.ff")], Config { max_upload: 100_000, ..managed() });
    assert_eq!(server.upload(&model_named("m", "5")).json()["in_folder"], false);
    let report = server.manage("POST", "/admin/reload", &Value::Null).json();
    assert_eq!(report["unloaded"], json!([]));
    assert_eq!(server.who("/predict"), pair("m", "5"));
    let head = format!("{SHOWN}content-type: application/octet-stream\r\n");
    let mut stream = server.connect();
    let large = request("POST", "/admin/models", &head, &[0; 100_001]);
    assert_eq!(ask(&mut stream, &large).code(), "body_too_large");
}

#[test]
fn nobody_manages_without_the_right() {
    let paths = [
        ("POST", "/admin/reload"),
        ("POST", "/admin/models"),
        ("DELETE", "/admin/models/small"),
        ("DELETE", "/admin/models/small/versions/7"),
        ("PUT", "/admin/models/small/aliases/champion"),
        ("DELETE", "/admin/models/small/aliases/champion"),
        ("POST", "/admin/models/small/aliases/champion/rollback"),
        ("POST", "/v2/repository/index"),
        ("POST", "/v2/repository/models/small/load"),
        ("POST", "/v2/repository/models/small/unload"),
    ];
    let status = |address: SocketAddr, (method, path): (&str, &str), head: &str| {
        let answer = ask(&mut connect(address), &request(method, path, head, b""));
        let code =
            answer.json()["error"].as_object().map_or(String::new(), |e| e["code"].as_str().unwrap().into());
        (answer.status, code, answer.head)
    };
    let (off, _running) = common::start(config());
    let (keyed, _running) = common::start(managed());
    let (open, _running) = common::start(Config { admin: Admin::Open, ..config() });
    for asked in paths {
        let (found, code, _) = status(off, asked, SHOWN);
        assert!(found == 403 && (code == "admin_off" || asked.1.starts_with("/v2")), "{asked:?}");
        for head in [
            "",
            "authorization: Bearer sixteen letters and mor\r\n",
            "authorization: Basic sixteen letters and more\r\n",
            "authorization: Bearer\r\n",
            "x-api-key: \r\n",
        ] {
            let (found, code, head) = status(keyed, asked, head);
            assert!(found == 401 && (code == "unauthorized" || asked.1.starts_with("/v2")), "{asked:?}");
            assert!(head.contains("www-authenticate: Bearer"));
        }
        for head in ["origin: http://evil.example\r\n", "origin: null\r\n"] {
            assert_eq!(status(open, asked, head).0, 403, "{asked:?}");
        }
        let rebound = request(asked.0, asked.1, "", b"");
        let rebound = String::from_utf8(rebound).unwrap().replace("host: localhost", "host: evil.example");
        assert_eq!(ask(&mut connect(open), rebound.as_bytes()).status, 403, "{asked:?}");
    }
    for head in [SHOWN, "x-api-key: sixteen letters and more\r\n"] {
        assert_eq!(status(keyed, paths[0], head).0, 200);
    }
    assert_eq!(status(open, paths[0], "").0, 200);
    assert_eq!(status(open, paths[0], "origin: http://localhost\r\n").0, 200);
    let everywhere = Config { host: "0.0.0.0".into(), admin: Admin::Open, ..config() };
    let error = Server::bind(common::store(&everywhere), everywhere).err().unwrap();
    assert!(error.to_string().contains("--admin-key-file"), "{error}");
}

#[test]
fn the_repository_of_the_open_protocol() {
    let path = folder("repository", &[("1.ff", "m", "1"), ("n.ff", "n", "1")]);
    let server = serve(&[&path], managed());
    let ask = |what: &str| server.manage("POST", &format!("/v2/repository/{what}"), &json!({}));
    assert_eq!(
        ask("index").json(),
        json!([
            {"name": "m", "version": "1", "state": "READY", "reason": ""},
            {"name": "n", "version": "1", "state": "READY", "reason": ""},
        ])
    );
    std::fs::write(path.join("2.ff"), model_named("m", "2")).unwrap();
    std::fs::write(path.join("3.ff"), model_named("n", "2")).unwrap();
    assert_eq!(ask("models/m/load").json()["loaded"], json!([{"model": "m", "version": "2"}]));
    assert_eq!(ask("models/n/unload").json()["unloaded"], json!(["1"]));
    assert!(ask("models/n/unload").json()["error"].as_str().unwrap().contains("'n'"));
    assert_eq!(ask("models/x/load").status, 404);
    assert_eq!(ask("models/n/load").json()["loaded"].as_array().unwrap().len(), 2);
}

#[test]
fn no_request_fails_while_versions_come_and_go() {
    let path = folder("swap", &[("a.ff", "m", "1")]);
    let server = serve(&[&path], managed());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = server.connect();
                    let mut n = 0;
                    while !done.load(Ordering::Relaxed) {
                        let answer = ask(&mut stream, &post(GOOD));
                        assert_eq!(answer.status, 200, "{answer:?}");
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        for version in 2..40 {
            // Moved into place, as whoever changes a model that is served should.
            std::fs::write(path.join("new"), model_named("m", &version.to_string())).unwrap();
            std::fs::rename(path.join("new"), path.join(["a.ff", "b.ff"][version % 2])).unwrap();
            let report = server.store.reload(None);
            assert!(report.refused.is_empty() && report.loaded.len() == 1, "{report:?}");
            if version % 5 == 0 {
                server.champion(&version.to_string());
                let answer = server.manage("DELETE", "/admin/models/m/aliases/champion", &Value::Null);
                assert_eq!(answer.status, 200);
            }
        }
        done.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().unwrap() > 10);
        }
    });
    assert_eq!(server.who("/predict"), pair("m", "39"));
}

#[test]
fn a_server_without_models_says_so() {
    let server = serve(&[&folder("empty", &[])], managed());
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!((server.get("/health/ready").status, server.code("/predict").1), (503, "no_model".into()));
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.upload(&model_named("m", "1")).status, 201);
    assert_eq!(server.get("/health/ready").status, 200);
    assert_eq!(server.who("/predict"), pair("m", "1"));
}
