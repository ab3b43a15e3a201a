//! Bits, bounds, and requests that no client would send.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{GOOD, ask, config, connect, model, post, start};
use ferroflow_frozen::{Batch, Cell};
use ferroflow_server::Config;

#[test]
fn probabilities_read_back_to_the_models_bits() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let model = model();
    for i in 0..500 {
        let age = f64::from(i) * 0.000_737 - 0.1;
        let mut batch = Batch::new(model.schema(), 1);
        batch.push(0, Cell::Number(age)).unwrap();
        batch.push(1, Cell::Text("male")).unwrap();
        let expected = model.predict(&batch).unwrap().probabilities.unwrap();
        let answer =
            ask(&mut stream, &post(&format!("{{\"rows\": [{{\"age\": {age}, \"sex\": \"male\"}}]}}")));
        let found: Vec<f64> = serde_json::from_value(answer.json()["probabilities"][0].clone()).unwrap();
        assert!(found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{age}");
    }
}

#[test]
fn bounds_are_the_configs() {
    let (address, _running) = start(Config { max_rows: 1, max_text: 6, ..config() });
    let mut stream = connect(address);
    let answer = ask(&mut stream, &post(GOOD));
    assert_eq!((answer.status, answer.code().as_str()), (422, "too_many_rows"));
    let answer = ask(&mut stream, &post(r#"{"columns": {"age": [1, 2], "sex": ["male", "male"]}}"#));
    assert_eq!(answer.code(), "too_many_rows");
    let answer = ask(&mut stream, &post(r#"{"rows": [{"age": 1, "sex": "females"}]}"#));
    assert_eq!(
        (answer.code().as_str(), answer.json()["error"]["column"].as_str()),
        ("text_too_long", Some("sex"))
    );
    assert_eq!(ask(&mut stream, &post(r#"{"rows": [{"age": 1, "sex": "female"}]}"#)).status, 200);
}

#[test]
fn errors_have_their_keys_in_order() {
    let (address, _running) = start(config());
    let answer = ask(&mut connect(address), &post(r#"{"rows": [{"age": "x", "sex": "male"}]}"#));
    let head = r#"{"error":{"code":"wrong_type","message":"row 0, column 'age': "#;
    assert!(
        answer.body.starts_with(head) && answer.body.ends_with(r#","row":0,"column":"age"}}"#),
        "{}",
        answer.body
    );
}

#[test]
fn a_score_that_overflows_names_its_row() {
    let (address, _running) = start(config());
    let body = r#"{"rows": [{"age": 1, "sex": "male"}, {"age": 1.7e308, "sex": "male"}]}"#;
    let answer = ask(&mut connect(address), &post(body));
    assert_eq!((answer.status, answer.code().as_str()), (422, "not_finite"));
    assert_eq!(answer.json()["error"]["row"], 1);
}

#[test]
fn altered_requests_are_refused_or_answered() {
    let (address, _running) = start(config());
    let mut stream = connect(address);
    let bodies = [GOOD, r#"{"columns": {"age": [31, null], "sex": ["male", "fem\u0061le"]}}"#];
    let alphabet = b"{}[]\",:0123456789.eE+-truefalsn \\u\0\xff\n";
    // A linear congruential generator: the same altered bodies each time.
    let mut state = 1_u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..5_000 {
        let mut body = bodies[random(2)].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(body.len());
            match random(4) {
                0 => body[at] = alphabet[random(alphabet.len())],
                1 => body.insert(at, alphabet[random(alphabet.len())]),
                2 => drop(body.remove(at)),
                _ => {
                    let end = at + random(body.len() - at);
                    let piece = body[at..end].to_vec();
                    body.splice(at..at, piece);
                }
            }
        }
        let mut request = post("");
        let head = String::from_utf8(request)
            .unwrap()
            .replace("content-length: 0", &format!("content-length: {}", body.len()));
        request = head.into_bytes();
        request.extend(&body);
        let answer = ask(&mut stream, &request);
        let code = if answer.status == 200 { "ok".to_owned() } else { answer.code() };
        assert!(matches!(answer.status, 200 | 400 | 422), "{:?}: {answer:?}", String::from_utf8_lossy(&body));
        *seen.entry(code).or_insert(0) += 1;
    }
    // The alterations reach deep: most kinds of refusal are among them.
    for code in ["ok", "malformed_json", "unknown_column", "wrong_shape", "wrong_type", "unknown_category"] {
        assert!(seen.get(code).is_some_and(|&n| n > 10), "{code}: {seen:?}");
    }
}
