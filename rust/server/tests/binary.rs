//! The server as one file.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ferroflow-server"))
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command().args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn model_file(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, common::model_bytes()).unwrap();
    path
}

#[test]
fn help_teaches() {
    for arguments in [&[][..], &["--help"], &["-h"], &["m.ff", "--help"]] {
        let (code, out, _) = run(arguments);
        assert!(code == Some(0) && out.contains("--port") && out.contains("/docs"), "{out}");
    }
    assert_eq!(run(&["--version"]).1, concat!("ferroflow-server ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    for (arguments, words) in [
        (&["--port", "80"][..], "which model"),
        (&["m.ff", "--port"], "--port needs a value"),
        (&["m.ff", "--port", "65536"], "'65536'"),
        (&["m.ff", "--port=x"], "'x'"),
        (&["m.ff", "--default-model"], "--default-model needs a value"),
        (&["m.ff", "--admin-key-file", "no/key"], "no/key"),
        (&["m.ff", "--worker", "3"], "--worker"),
        (&["m.ff", "--workers", "x"], "--workers"),
        (&["m.ff", "--max-connections", "0"], "from 1 on"),
        (&["m.ff", "--rate", "5"], "100/s"),
        (&["m.ff", "--log", "xml"], "'xml'"),
        (&["m.ff", "--tls-cert", "c.pem"], "go together"),
        (&["m.ff", "--keys", "no-such-keys"], "no-such-keys"),
        (&["keys", "new"], "--name"),
        (&["keys", "new", "--name", "a b"], "'a b'"),
        (&["keys", "old"], "old"),
        (&["m.ff", "--child=yes"], "'yes'"),
    ] {
        let (code, _, err) = run(arguments);
        assert!(code == Some(2) && err.contains(words), "{arguments:?}: {err}");
    }
}

#[test]
fn what_fails_says_why() {
    let (code, _, err) = run(&["no/such.ff"]);
    assert!(code == Some(1) && err.contains("no/such.ff"), "{err}");
    let path = model_file("cut.ff");
    std::fs::write(&path, &common::model_bytes()[1..]).unwrap();
    let (code, _, err) = run(&[path.to_str().unwrap()]);
    assert!(code == Some(1) && err.contains("cut.ff: not a readable ferroflow model file"), "{err}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, err) = run(&[model_file("good.ff").to_str().unwrap(), "--port", &port]);
    assert!(code == Some(1) && err.contains(&format!("port {port} of 127.0.0.1 is in use")), "{err}");
}

#[cfg(unix)]
#[test]
fn it_serves_until_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut child =
            command().arg(model_file("served.ff")).arg("--port=0").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address = line.split("on http://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(common::ask(&mut common::connect(address), &common::post(common::GOOD)).status, 200);
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        lines.read_to_string(&mut line).unwrap();
        assert!(line.contains("Stopping") && line.ends_with("Stopped.\n"), "{line}");
    }
}

#[test]
fn a_parent_is_told_the_address_and_its_end_ends_it() {
    let mut child = command()
        .arg(model_file("child.ff"))
        .args(["--port", "0", "--child"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = told["address"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(common::ask(&mut common::connect(address), &common::post(common::GOOD)).status, 200);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let (code, out, err) = run(&["no/such.ff", "--child"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told["error"].as_str(), err.as_str()), (Some(1), Some("model"), ""));
    assert!(told["message"].as_str().unwrap().contains("no/such.ff"));
}

#[test]
fn keys_are_made_and_taken() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("made-keys.txt");
    let _ = std::fs::remove_file(&file);
    let path = file.to_str().unwrap();
    let (code, key, _) = run(&["keys", "new", "--name", "app", "--role=admin", "--file", path]);
    assert!(code == Some(0) && key.starts_with("ff_"), "{key}");
    assert_eq!(run(&["keys", "new", "--name", "other", "--file", path]).0, Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("admin app ") && text.contains("\npredict other ") && !text.contains(key.trim())
    );
    let (code, out, _) = run(&["keys", "new", "--name", "app"]);
    assert_eq!((code, out.lines().count()), (Some(0), 2));
    assert!(run(&["keys"]).1.contains("--role"));
}

#[test]
fn a_check_says_whether_it_is_ready() {
    let (address, running) = common::start(common::config());
    assert_eq!(run(&["--check", &format!("http://{address}")]).0, Some(0));
    assert_eq!(run(&["--check", &format!("http://{address}/health/ready")]).0, Some(0));
    running.stop();
    let (code, _, err) = run(&["--check", &format!("http://{address}")]);
    assert!(code == Some(1) && err.contains(&address.to_string()), "{err}");
    assert_eq!(run(&["--check", &address.to_string()]).0, Some(2));
}

#[test]
fn it_says_what_it_is_made_of() {
    let (code, out, _) = run(&["--sbom"]);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, document["bomFormat"].as_str()), (Some(0), Some("CycloneDX")));
    let components = document["components"].as_array().unwrap();
    let names: Vec<&str> = components.iter().map(|c| c["name"].as_str().unwrap()).collect();
    for name in ["ferroflow-frozen", "hyper", "rustls", "libsqlite3-sys"] {
        assert!(names.contains(&name), "{name}");
    }
    for name in ["ferroflow-server", "rcgen", "serde_derive", "windows-sys"] {
        assert!(!cfg!(target_os = "linux") || !names.contains(&name), "{name}");
    }
    assert!(components.iter().all(|c| !c["licenses"][0]["expression"].as_str().unwrap().is_empty()));
}
