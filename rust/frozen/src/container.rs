//! The file: safetensors with one metadata key, checked byte by byte.
//!
//! `u64` header length, header (canonical JSON padded with spaces to 8), tensors end to end in the order F64, I64,
//! U8 and by name within. The document holds `sha256`: the SHA-256 of the whole file with those 64 digits as zeros.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::json::{self, Json, invalid};
use crate::limits::Limits;

const KEY: &str = "ferroflow";
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Real numbers.
    F64,
    /// Whole numbers.
    I64,
    /// Bytes.
    U8,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::I64 => "I64",
            Self::U8 => "U8",
        }
    }
    /// The type of this name in the file.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::F64, Self::I64, Self::U8].into_iter().find(|t| t.as_str() == text)
    }
    fn size(self) -> usize {
        if self == Self::U8 { 1 } else { 8 }
    }
}

/// A tensor to be written: type, shape, little-endian bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Element type.
    pub kind: Type,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Little-endian bytes.
    pub bytes: Vec<u8>,
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|n| char::from_digit(u32::from(n), 16).unwrap_or('0'))
        .collect()
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

fn header(document: &Json, entries: &[(String, Type, Vec<usize>, usize, usize)]) -> Result<String, String> {
    let int = |v: usize| i64::try_from(v).map(Json::Int).map_err(|e| e.to_string());
    let mut map = BTreeMap::new();
    let meta = BTreeMap::from([(KEY.to_owned(), Json::Text(json::write(document)?))]);
    map.insert("__metadata__".to_owned(), Json::Map(meta));
    for (name, kind, shape, start, end) in entries {
        let shape = shape.iter().map(|&v| int(v)).collect::<Result<_, _>>()?;
        let tensor = BTreeMap::from([
            ("data_offsets".to_owned(), Json::List(vec![int(*start)?, int(*end)?])),
            ("dtype".to_owned(), Json::Text(kind.as_str().to_owned())),
            ("shape".to_owned(), Json::List(shape)),
        ]);
        map.insert(name.clone(), Json::Map(tensor));
    }
    let mut text = json::write(&Json::Map(map))?;
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    Ok(text)
}

/// Writes a model file from its document (JSON, without `sha256`) and tensors. The same input gives the same bytes.
///
/// # Errors
/// A text that is not JSON of the kind needed, or a tensor whose bytes do not fit its shape.
pub fn write(document: &str, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>, String> {
    let Json::Map(mut map) = json::parse(document)? else {
        return Err("the document is not an object".into());
    };
    map.insert("sha256".into(), Json::Text(ZEROS.into()));
    let mut order: Vec<_> = tensors.iter().collect();
    order.sort_by_key(|(name, t)| (t.kind, *name));
    let mut at = 0usize;
    let mut entries = Vec::new();
    for (name, t) in &order {
        let len = t.shape.iter().try_fold(t.kind.size(), |a, &b| a.checked_mul(b));
        if len != Some(t.bytes.len()) {
            return Err(format!("the bytes of tensor '{name}' do not fit its shape"));
        }
        entries.push(((*name).clone(), t.kind, t.shape.clone(), at, at + t.bytes.len()));
        at += t.bytes.len();
    }
    let build = |map: &BTreeMap<String, Json>| -> Result<Vec<u8>, String> {
        let head = header(&Json::Map(map.clone()), &entries)?;
        let mut out = (head.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(head.as_bytes());
        for (_, t) in &order {
            out.extend_from_slice(&t.bytes);
        }
        Ok(out)
    };
    let digest = sha256(&[&build(&map)?]);
    map.insert("sha256".into(), Json::Text(digest));
    build(&map)
}

/// The tensors of a file; each may be taken once.
pub struct Tensors<'a> {
    data: &'a [u8],
    map: BTreeMap<String, (Type, Vec<usize>, usize, usize)>,
    max_strings: usize,
}

fn chunk8(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    bytes.as_chunks::<8>().0.iter().copied()
}

impl<'a> Tensors<'a> {
    fn raw(&mut self, name: &str, kind: Type, dims: usize) -> Result<(Vec<usize>, &'a [u8]), LoadError> {
        let Some((k, shape, start, end)) = self.map.remove(name) else {
            return invalid(format!("there is no tensor '{name}', or it is used twice"));
        };
        if k != kind || shape.len() != dims {
            return invalid(format!("the tensor '{name}' is not {} with {dims} dimensions", kind.as_str()));
        }
        match self.data.get(start..end) {
            Some(bytes) => Ok((shape, bytes)),
            None => invalid(format!("the tensor '{name}' lies outside the file")),
        }
    }

    /// Is there a tensor of this name and type?
    pub fn has(&self, name: &str, kind: Type) -> bool {
        self.map.get(name).is_some_and(|t| t.0 == kind)
    }

    /// A list of numbers; NaN is allowed only if `nan`, infinities never.
    pub fn numbers(&mut self, name: &str, nan: bool) -> Result<Vec<f64>, LoadError> {
        let (_, bytes) = self.raw(name, Type::F64, 1)?;
        finite(name, bytes, nan)
    }

    /// A matrix of finite numbers: rows, columns, values row by row.
    pub fn matrix(&mut self, name: &str) -> Result<(usize, usize, Vec<f64>), LoadError> {
        let (shape, bytes) = self.raw(name, Type::F64, 2)?;
        Ok((shape[0], shape[1], finite(name, bytes, false)?))
    }

    /// Bytes, and the sizes of their `dims` dimensions.
    pub fn bytes(&mut self, name: &str, dims: usize) -> Result<(Vec<usize>, &'a [u8]), LoadError> {
        self.raw(name, Type::U8, dims)
    }

    /// A list of whole numbers.
    pub fn ints(&mut self, name: &str) -> Result<Vec<i64>, LoadError> {
        let (_, bytes) = self.raw(name, Type::I64, 1)?;
        Ok(chunk8(bytes).map(i64::from_le_bytes).collect())
    }

    /// A list of truths, one byte each.
    pub fn bools(&mut self, name: &str) -> Result<Vec<bool>, LoadError> {
        let (_, bytes) = self.raw(name, Type::U8, 1)?;
        if bytes.iter().any(|&b| b > 1) {
            return invalid(format!("the tensor '{name}' holds something else than 0 and 1"));
        }
        Ok(bytes.iter().map(|&b| b == 1).collect())
    }

    /// A list of texts: their bytes end to end in `name`, where each ends in `name.ends`.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, LoadError> {
        let (_, bytes) = self.raw(name, Type::U8, 1)?;
        let ends = self.ints(&format!("{name}.ends"))?;
        if ends.len() > self.max_strings {
            return Err(LoadError::OverLimit(format!("'{name}' has {} texts", ends.len())));
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return invalid(format!("'{name}' is not UTF-8")) };
        let mut start = 0;
        let mut out = Vec::with_capacity(ends.len());
        for end in ends {
            let piece = usize::try_from(end).ok().and_then(|end| text.get(start..end));
            let Some(piece) = piece else { return invalid(format!("'{name}.ends' does not cut '{name}'")) };
            start += piece.len();
            out.push(piece.to_owned());
        }
        if start != text.len() {
            return invalid(format!("'{name}' goes on after its last end"));
        }
        Ok(out)
    }

    /// Refuses tensors that nothing used.
    pub fn end(&self) -> Result<(), LoadError> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => invalid(format!("the tensor '{name}' belongs to nothing")),
        }
    }
}

fn finite(name: &str, bytes: &[u8], nan: bool) -> Result<Vec<f64>, LoadError> {
    let values: Vec<f64> = chunk8(bytes).map(f64::from_le_bytes).collect();
    if values.iter().any(|v| v.is_infinite() || (v.is_nan() && !nan)) {
        return invalid(format!("the tensor '{name}' holds a number that is not finite"));
    }
    Ok(values)
}

/// Opens a file: its document and its tensors, all of the container's rules checked.
pub fn read<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<(BTreeMap<String, Json>, Tensors<'a>), LoadError> {
    let damaged = |text: &str| LoadError::Damaged(text.to_owned());
    if bytes.len() > limits.max_bytes {
        return Err(LoadError::OverLimit(format!(
            "it has {} bytes, {} are allowed",
            bytes.len(),
            limits.max_bytes
        )));
    }
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(damaged("it is empty or ends within its first 8 bytes"));
    };
    let length = u64::from_le_bytes(*length);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > rest.len() {
        return Err(damaged("it ends within its header: it was cut, or is no model file"));
    }
    if length > limits.max_header {
        return Err(LoadError::OverLimit(format!("its header has {length} bytes")));
    }
    let (head, data) = rest.split_at(length);
    let head = std::str::from_utf8(head).map_err(|_| damaged("its header is not UTF-8"))?;
    let parsed = json::parse(head).map_err(|e| LoadError::Damaged(format!("its header is no JSON: {e}")))?;
    let Json::Map(mut map) = parsed else { return Err(damaged("its header is not an object")) };
    let document = match map.remove("__metadata__") {
        Some(Json::Map(mut meta)) if meta.len() == 1 => match meta.remove(KEY) {
            Some(Json::Text(text)) => text,
            _ => return Err(damaged("its metadata holds no ferroflow document (another safetensors file?)")),
        },
        _ => return Err(damaged("its metadata holds no ferroflow document (another safetensors file?)")),
    };
    let parsed =
        json::parse(&document).map_err(|e| LoadError::Invalid(format!("the document is no JSON: {e}")))?;
    let Json::Map(mut fields) = parsed else { return invalid("the document is not an object") };

    let mut tensors = BTreeMap::new();
    let mut entries = Vec::new();
    for (name, entry) in map {
        let mut entry = json::Fields::new(entry, format!("tensor '{name}'"))?;
        let kind = entry.text("dtype")?;
        let Some(kind) = Type::parse(&kind) else {
            return invalid(format!("tensor '{name}' has the type {kind}; only F64, I64 and U8 are used"));
        };
        let shape = entry.sizes("shape")?;
        let offsets = entry.sizes("data_offsets")?;
        entry.end()?;
        let &[start, end] = offsets.as_slice() else {
            return invalid(format!("tensor '{name}' has no two offsets"));
        };
        let size = shape.iter().try_fold(kind.size(), |a, &b| a.checked_mul(b));
        if end.checked_sub(start).is_none() || end.checked_sub(start) != size {
            return invalid(format!("the offsets of tensor '{name}' do not fit its shape"));
        }
        entries.push((name.clone(), kind, shape.clone(), start, end));
        tensors.insert(name, (kind, shape, start, end));
    }
    entries.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    let mut at = 0;
    for (name, _, _, start, end) in &entries {
        if *start != at {
            return invalid(format!("tensor '{name}' does not begin where the one before it ends"));
        }
        at = *end;
    }
    if at != data.len() {
        return Err(damaged(&format!(
            "its tensors take {at} bytes, it has {}: it was cut or lengthened",
            data.len()
        )));
    }
    // The digest is found by writing the header anew with zeros in its place: so the header must be canonical.
    let stated = match fields.insert("sha256".into(), Json::Text(ZEROS.into())) {
        Some(Json::Text(text)) if text.len() == 64 => text,
        _ => return invalid("the document has no sha256"),
    };
    let zeroed = header(&Json::Map(fields.clone()), &entries).map_err(LoadError::Invalid)?;
    fields.insert("sha256".into(), Json::Text(stated.clone()));
    if header(&Json::Map(fields.clone()), &entries).map_err(LoadError::Invalid)? != head {
        return Err(damaged("its header is not in canonical form: it was altered"));
    }
    if sha256(&[&bytes[..8], zeroed.as_bytes(), data]) != stated {
        return Err(damaged("its SHA-256 does not fit its contents: it was altered since it was written"));
    }
    // The safetensors crate has the last word on whether this is its format.
    safetensors::SafeTensors::deserialize(bytes).map_err(|e| LoadError::Damaged(e.to_string()))?;
    fields.remove("sha256");
    Ok((fields, Tensors { data, map: tensors, max_strings: limits.max_strings }))
}
