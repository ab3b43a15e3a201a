//! Changes of a model file that its reader has to notice, or to bear.

use fastrand::Rng;
use ferroflow_frozen::{Tensor, Type};
use serde_json::Value;

use crate::parts::Parts;

const WHOLE: [i64; 14] =
    [0, 1, -1, 2, -2, 7, 255, 256, 65_535, 1 << 20, i32::MAX as i64, u32::MAX as i64, i64::MAX, i64::MIN];
const REAL: [f64; 12] =
    [0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, 1e-300, 1e300, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY];

/// A changed copy of `bytes`; `other` lends parts of another model.
pub fn mutate(bytes: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let sealed = Parts::of(bytes).filter(|_| rng.u8(..) > 12).and_then(|mut parts| {
        if rng.u8(..4) > 0 {
            without_tests(&mut parts);
        }
        let times = if rng.bool() { 1 } else { rng.usize(1..5) };
        for _ in 0..times {
            match rng.u8(..8) {
                0..=2 => change_document(&mut parts, rng),
                3..=5 => change_tensor(&mut parts, rng),
                6 => borrow(&mut parts, other, rng),
                _ => rename(&mut parts, rng),
            }
        }
        parts.seal()
    });
    sealed.unwrap_or_else(|| change_bytes(bytes.to_vec(), rng))
}

/// Its self-test refuses what gives other numbers; without it, predictions are reached.
fn without_tests(parts: &mut Parts) {
    let Some(tests) = parts.document.get_mut("tests").and_then(Value::as_object_mut) else { return };
    let names = tests.get("inputs").and_then(Value::as_array).cloned().unwrap_or_default();
    tests.insert("rows".into(), 0.into());
    let names = names.iter().chain(tests.get("expected")).filter_map(Value::as_str);
    for name in names {
        for key in [name.to_owned(), format!("{name}.ends"), format!("{name}.missing")] {
            if let Some(tensor) = parts.tensors.get_mut(&key) {
                (tensor.shape, tensor.bytes) = (vec![0], Vec::new());
            }
        }
    }
}

fn change_document(parts: &mut Parts, rng: &mut Rng) {
    let graph_only = rng.bool();
    let root = if graph_only { parts.document.get_mut("graph") } else { Some(&mut parts.document) };
    if let Some(root) = root {
        change_json(root, rng);
    }
}

/// One change somewhere in a tree.
fn change_json(root: &mut Value, rng: &mut Rng) {
    let mut at = root;
    // Down to some place of the tree.
    loop {
        let deeper = match &*at {
            Value::Array(v) => !v.is_empty() && rng.u8(..8) > 0,
            Value::Object(v) => !v.is_empty() && rng.u8(..8) > 0,
            _ => false,
        };
        if !deeper {
            break;
        }
        let step = match at {
            Value::Array(v) => {
                let i = rng.usize(..v.len());
                v.get_mut(i)
            }
            Value::Object(v) => {
                let i = rng.usize(..v.len());
                v.values_mut().nth(i)
            }
            _ => None,
        };
        match step {
            Some(next) => at = next,
            None => return,
        }
    }
    match at {
        Value::Number(n) => {
            let near = n.as_i64().unwrap_or(0).wrapping_add(rng.i64(-2..=2));
            *at = if rng.bool() { near.into() } else { WHOLE[rng.usize(..WHOLE.len())].into() };
        }
        Value::String(text) => match rng.u8(..4) {
            0 => text.clear(),
            1 => text.push(rng.char(..)),
            2 => *text = "x".repeat(1 << rng.usize(..17)),
            _ => *at = Value::Null,
        },
        Value::Array(v) => match rng.u8(..4) {
            0 if !v.is_empty() => {
                let i = rng.usize(..v.len());
                v.remove(i);
            }
            1 if !v.is_empty() => {
                let (i, times) = (rng.usize(..v.len()), 1 << rng.usize(..10));
                let item = v[i].clone();
                v.extend(std::iter::repeat_n(item, times));
            }
            2 => rng.shuffle(v),
            _ => v.push(WHOLE[rng.usize(..WHOLE.len())].into()),
        },
        Value::Object(v) => {
            let key = v.keys().nth(rng.usize(..v.len().max(1))).cloned();
            match (key, rng.bool()) {
                (Some(key), true) => drop(v.remove(&key)),
                (Some(key), false) => drop(v.insert(key, Value::Bool(rng.bool()))),
                (None, _) => drop(v.insert("extra".into(), Value::Null)),
            }
        }
        Value::Bool(b) => *b = !*b,
        Value::Null => *at = WHOLE[rng.usize(..WHOLE.len())].into(),
    }
}

fn any_tensor<'p>(parts: &'p mut Parts, rng: &mut Rng) -> Option<&'p mut Tensor> {
    let i = rng.usize(..parts.tensors.len().max(1));
    parts.tensors.values_mut().nth(i)
}

fn change_tensor(parts: &mut Parts, rng: &mut Rng) {
    let Some(tensor) = any_tensor(parts, rng) else { return };
    let size = if tensor.kind == Type::U8 { 1 } else { 8 };
    let cells = tensor.bytes.len() / size;
    match rng.u8(..6) {
        // One cell.
        0..=2 if cells > 0 => {
            let at = size * rng.usize(..cells);
            let cell = &mut tensor.bytes[at..at + size];
            match tensor.kind {
                Type::U8 => cell[0] = rng.u8(..),
                Type::I64 => {
                    let near = i64::from_le_bytes(cell.try_into().unwrap_or_default());
                    let value = if rng.bool() {
                        near.wrapping_add(rng.i64(-3..=3))
                    } else {
                        WHOLE[rng.usize(..WHOLE.len())]
                    };
                    cell.copy_from_slice(&value.to_le_bytes());
                }
                Type::F64 => {
                    let value =
                        if rng.bool() { REAL[rng.usize(..REAL.len())] } else { f64::from_bits(rng.u64(..)) };
                    cell.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        // Another length, in one dimension.
        3 => {
            let cells = rng.usize(..=cells + 3);
            tensor.bytes.resize(cells * size, rng.u8(..));
            tensor.shape = vec![cells];
        }
        // Another shape of the same size.
        4 => {
            tensor.shape = match rng.u8(..3) {
                0 => vec![cells],
                1 => vec![1, cells],
                _ => vec![cells, 1],
            };
        }
        _ => {
            let kind = [Type::F64, Type::I64, Type::U8][rng.usize(..3)];
            let size = if kind == Type::U8 { 1 } else { 8 };
            let cells = tensor.bytes.len() / size;
            tensor.bytes.truncate(cells * size);
            (tensor.kind, tensor.shape) = (kind, vec![cells]);
        }
    }
}

/// A node of another model, with all the tensors that it may name.
fn borrow(parts: &mut Parts, other: &[u8], rng: &mut Rng) {
    let Some(other) = Parts::of(other) else { return };
    let node = match other.document.get("graph").and_then(Value::as_array) {
        Some(nodes) if !nodes.is_empty() => nodes[rng.usize(..nodes.len())].clone(),
        _ => return,
    };
    let text = node.to_string();
    if let (Some(op), Some(ops)) =
        (node.get("op").and_then(Value::as_str), parts.document.get_mut("ops").and_then(Value::as_object_mut))
    {
        ops.insert(op.to_owned(), 1.into());
    }
    if let Some(nodes) = parts.document.get_mut("graph").and_then(Value::as_array_mut) {
        let at = rng.usize(..=nodes.len());
        nodes.insert(at, node);
    }
    for (name, tensor) in other.tensors {
        if text.contains(&format!("\"{}\"", name.trim_end_matches(".ends"))) {
            parts.tensors.entry(name).or_insert(tensor);
        }
    }
}

/// A tensor under another's name, or gone.
fn rename(parts: &mut Parts, rng: &mut Rng) {
    let names: Vec<String> = parts.tensors.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let (from, to) = (&names[rng.usize(..names.len())], &names[rng.usize(..names.len())]);
    if let Some(tensor) = parts.tensors.remove(from)
        && rng.u8(..4) > 0
    {
        parts.tensors.insert(to.clone(), tensor);
    }
}

/// A changed request: its path on the first line, its body after.
pub fn mutate_request(request: &[u8], rng: &mut Rng) -> Vec<u8> {
    let end = request.iter().position(|&b| b == b'\n').unwrap_or(request.len());
    let (path, body) = request.split_at(end);
    let changed = serde_json::from_slice::<Value>(body).ok().filter(|_| rng.u8(..4) > 0).map(|mut json| {
        for _ in 0..rng.usize(1..4) {
            change_json(&mut json, rng);
        }
        json.to_string().into_bytes()
    });
    let body = match (changed, rng.u8(..8)) {
        (Some(body), _) => body,
        // Depth.
        (None, 0) => [b"{\"rows\":".as_slice(), &b"[".repeat(1 << rng.usize(..16))].concat(),
        (None, _) => change_bytes(body.to_vec(), rng),
    };
    [path, b"\n", &body].concat()
}

fn change_bytes(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    for _ in 0..=rng.usize(..4) {
        let n = bytes.len();
        match rng.u8(..4) {
            0 if n > 0 => bytes[rng.usize(..n)] ^= 1 << rng.u8(..8),
            1 => bytes.truncate(rng.usize(..=n)),
            2 => bytes.extend((0..rng.usize(..64)).map(|_| rng.u8(..))),
            // The header's length.
            _ => {
                let length = WHOLE[rng.usize(..WHOLE.len())].to_le_bytes();
                for (byte, new) in bytes.iter_mut().zip(length) {
                    *byte = new;
                }
            }
        }
    }
    bytes
}
