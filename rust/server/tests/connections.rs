//! Clients that are slow, rude, many or broken: each is bounded, and the others are answered meanwhile.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::{GOOD, ask, closed, config, connect, post, read, start};
use ferroflow_server::Config;

fn healthy(address: SocketAddr) {
    assert_eq!(ask(&mut connect(address), b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").status, 200);
}

#[test]
fn requests_in_one_packet_are_answered_in_order() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let mut packet = Vec::new();
    for i in 0..50 {
        packet.extend(post(&format!(
            "{{\"rows\": [{{\"age\": {i}, \"sex\": \"{}\"}}]}}",
            if i % 3 == 0 { "x" } else { "male" }
        )));
    }
    stream.write_all(&packet).unwrap();
    for i in 0..50 {
        let answer = read(&mut stream);
        assert_eq!(answer.status, if i % 3 == 0 { 422 } else { 200 }, "{answer:?}");
    }
}

#[test]
fn a_connection_goes_on_after_an_error() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    assert_eq!(ask(&mut stream, &post("{")).code(), "malformed_json");
    assert_eq!(ask(&mut stream, &post(GOOD)).status, 200);
    assert_eq!(ask(&mut stream, b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n").code(), "unknown_path");
    assert_eq!(ask(&mut stream, &post(GOOD)).status, 200);
}

#[test]
fn an_old_client_is_answered_and_let_go() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    assert_eq!(ask(&mut stream, b"GET /health HTTP/1.0\r\n\r\n").status, 200);
    assert!(closed(&mut stream));
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let (address, _running) = start(Config { head_timeout: Duration::from_millis(300), ..config() });
    let start = Instant::now();
    let mut slow = connect(address);
    let mut silent = connect(address);
    let mut idle = connect(address);
    assert_eq!(ask(&mut idle, &post(GOOD)).status, 200);
    for byte in b"GET /health HTTP/1.1\r\nx: " {
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        healthy(address);
        std::thread::sleep(Duration::from_millis(40));
    }
    assert!(closed(&mut slow) && closed(&mut silent) && closed(&mut idle));
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_body_that_never_comes_is_given_up() {
    let (address, _running) = start(Config { body_timeout: Duration::from_millis(300), ..config() });
    let mut stream = connect(address);
    let request = post(GOOD);
    stream.write_all(&request[..request.len() - 5]).unwrap();
    healthy(address);
    let answer = read(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "timeout"));
    assert!(answer.head.contains("connection: close") && closed(&mut stream));
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_comes() {
    let (address, _running) = start(Config { max_body: 1000, ..config() });
    let mut stream = connect(address);
    let head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let answer = ask(&mut stream, format!("{head}content-length: 1000000000000\r\n\r\n").as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert!(answer.body.contains("1000 bytes"));

    let mut stream = connect(address);
    let piece = format!("64\r\n{}\r\n", " ".repeat(100));
    let answer =
        ask(&mut stream, format!("{head}transfer-encoding: chunked\r\n\r\n{}", piece.repeat(11)).as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));

    let mut stream = connect(address);
    let text = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{GOOD}\r\n{}0\r\n\r\n",
        GOOD.len(),
        piece.repeat(9)
    );
    assert_eq!(ask(&mut stream, text.as_bytes()).status, 200);
}

#[test]
fn connections_over_the_limit_wait_for_their_turn() {
    let (address, _running) = start(Config { max_connections: 2, ..config() });
    let (mut first, mut second) = (connect(address), connect(address));
    assert_eq!(ask(&mut first, &post(GOOD)).status, 200);
    assert_eq!(ask(&mut second, &post(GOOD)).status, 200);
    let mut third = connect(address);
    third.write_all(&post(GOOD)).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(std::io::Read::read(&mut third, &mut [0]).is_err());
    drop(first);
    third.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(read(&mut third).status, 200);
}

#[test]
fn a_client_that_takes_no_answer_is_dropped() {
    let (address, _running) =
        start(Config { max_connections: 1, write_timeout: Duration::from_millis(300), ..config() });
    let ages = ["1"; 100_000].join(",");
    let sexes = ["\"male\""; 100_000].join(",");
    let large = post(&format!("{{\"columns\": {{\"age\": [{ages}], \"sex\": [{sexes}]}}}}"));
    let mut deaf = connect(address);
    for _ in 0..6 {
        if deaf.write_all(&large).is_err() {
            break;
        }
    }
    // There is one place alone: it is answered only once the other is gone.
    healthy(address);
}

#[test]
fn many_clients_at_once() {
    let (address, _running) = start(config());
    std::thread::scope(|scope| {
        for client in 0..64 {
            scope.spawn(move || {
                let mut stream = connect(address);
                for i in 0..50 {
                    let answer = match (client + i) % 3 {
                        0 => ask(&mut stream, &post("{\"rows\": 3}")),
                        1 => ask(&mut stream, b"GET /schema HTTP/1.1\r\nhost: x\r\n\r\n"),
                        _ => ask(&mut stream, &post(GOOD)),
                    };
                    assert_eq!(answer.status, if (client + i) % 3 == 0 { 422 } else { 200 });
                }
            });
        }
    });
}

#[test]
fn stopping_lets_a_request_finish_and_waits_no_longer() {
    let (address, running) = start(Config { stop_timeout: Duration::from_millis(1500), ..config() });
    let request = post(GOOD);
    let (mut busy, mut stuck, mut idle) = (connect(address), connect(address), connect(address));
    busy.write_all(&request[..request.len() - 5]).unwrap();
    stuck.write_all(&request[..request.len() - 5]).unwrap();
    assert_eq!(ask(&mut idle, &request).status, 200);
    let start = Instant::now();
    let stopping = std::thread::spawn(move || running.stop());
    assert!(closed(&mut idle));
    busy.write_all(&request[request.len() - 5..]).unwrap();
    assert_eq!(read(&mut busy).status, 200);
    assert!(closed(&mut busy));
    stopping.join().unwrap();
    assert!(closed(&mut stuck));
    assert!(start.elapsed() >= Duration::from_millis(1400) && start.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_server_without_clients_stops_at_once() {
    let (_, running) = start(config());
    let start = Instant::now();
    running.stop();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn two_servers_do_not_share_a_port() {
    let (address, _running) = start(config());
    let second = Config { port: address.port(), ..config() };
    let error = ferroflow_server::Server::bind(common::store(&second), second).err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");
}
