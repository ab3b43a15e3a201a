//! Strict JSON for headers: whole numbers only, no key twice, keys written in sorted order, no spaces.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::error::LoadError;

/// A JSON value without fractions: numbers that are not whole live in tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without fractions")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Json, E> {
        Ok(Json::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Json, E> {
        Ok(Json::Int(v))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Json, E> {
        i64::try_from(v).map(Json::Int).map_err(|_| E::custom("a number is too large"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Json, E> {
        Ok(Json::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Json, E> {
        Ok(Json::Text(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry::<String, Json>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("the key '{key}' stands twice")));
            }
            map.insert(key, value);
        }
        Ok(Json::Map(map))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(JsonVisitor)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(v) => s.serialize_bool(*v),
            Self::Int(v) => s.serialize_i64(*v),
            Self::Text(v) => s.serialize_str(v),
            Self::List(v) => v.serialize(s),
            Self::Map(v) => v.serialize(s),
        }
    }
}

pub fn invalid<T>(text: impl Into<String>) -> Result<T, LoadError> {
    Err(LoadError::Invalid(text.into()))
}

/// Parses `text`; nothing may follow the value. Depth is bounded by serde_json (128).
pub fn parse(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// The one way to write `json`.
pub fn write(json: &Json) -> Result<String, String> {
    serde_json::to_string(json).map_err(|e| e.to_string())
}

/// A JSON object whose keys are taken one by one; what is left at the end is refused.
pub struct Fields {
    place: String,
    map: BTreeMap<String, Json>,
}

impl Fields {
    pub fn new(json: Json, place: impl Into<String>) -> Result<Self, LoadError> {
        let place = place.into();
        match json {
            Json::Map(map) => Ok(Self { place, map }),
            _ => invalid(format!("{place} is not an object")),
        }
    }
    pub fn take(&mut self, key: &str) -> Result<Json, LoadError> {
        match self.map.remove(key) {
            Some(value) => Ok(value),
            None => invalid(format!("{} has no '{key}'", self.place)),
        }
    }
    pub fn text(&mut self, key: &str) -> Result<String, LoadError> {
        match self.take(key)? {
            Json::Text(v) => Ok(v),
            _ => invalid(format!("'{key}' of {} is not a text", self.place)),
        }
    }
    /// A text, or `None` for null.
    pub fn maybe_text(&mut self, key: &str) -> Result<Option<String>, LoadError> {
        match self.take(key)? {
            Json::Text(v) => Ok(Some(v)),
            Json::Null => Ok(None),
            _ => invalid(format!("'{key}' of {} is neither text nor null", self.place)),
        }
    }
    pub fn int(&mut self, key: &str) -> Result<i64, LoadError> {
        match self.take(key)? {
            Json::Int(v) => Ok(v),
            _ => invalid(format!("'{key}' of {} is not a whole number", self.place)),
        }
    }
    pub fn size(&mut self, key: &str) -> Result<usize, LoadError> {
        let v = self.int(key)?;
        usize::try_from(v).map_err(|_| LoadError::Invalid(format!("'{key}' of {} is negative", self.place)))
    }
    /// A size, if it is there.
    pub fn maybe_size(&mut self, key: &str) -> Result<Option<usize>, LoadError> {
        if self.map.contains_key(key) { self.size(key).map(Some) } else { Ok(None) }
    }
    pub fn bool(&mut self, key: &str) -> Result<bool, LoadError> {
        match self.take(key)? {
            Json::Bool(v) => Ok(v),
            _ => invalid(format!("'{key}' of {} is neither true nor false", self.place)),
        }
    }
    pub fn list(&mut self, key: &str) -> Result<Vec<Json>, LoadError> {
        match self.take(key)? {
            Json::List(v) => Ok(v),
            _ => invalid(format!("'{key}' of {} is not a list", self.place)),
        }
    }
    pub fn sizes(&mut self, key: &str) -> Result<Vec<usize>, LoadError> {
        let place = format!("'{key}' of {}", self.place);
        self.list(key)?
            .into_iter()
            .map(|v| match v {
                Json::Int(v) => usize::try_from(v).or_else(|_| invalid(format!("{place} holds {v}"))),
                _ => invalid(format!("{place} holds something else than whole numbers")),
            })
            .collect()
    }
    pub fn texts(&mut self, key: &str) -> Result<Vec<String>, LoadError> {
        let place = format!("'{key}' of {}", self.place);
        self.list(key)?
            .into_iter()
            .map(|v| match v {
                Json::Text(v) => Ok(v),
                _ => invalid(format!("{place} holds something else than texts")),
            })
            .collect()
    }
    /// `float`: 32 or 64; is it 32?
    pub fn single(&mut self) -> Result<bool, LoadError> {
        match self.int("float")? {
            32 => Ok(true),
            64 => Ok(false),
            v => invalid(format!("'float' of {} is {v}, neither 32 nor 64", self.place)),
        }
    }
    pub fn into_map(self) -> BTreeMap<String, Json> {
        self.map
    }
    pub fn place(&self) -> &str {
        &self.place
    }
    pub fn end(self) -> Result<(), LoadError> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => invalid(format!("{} has an unknown key '{key}'", self.place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(Json::Int),
            ".{0,8}".prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
                prop::collection::btree_map(".{0,4}", inner, 0..6).prop_map(Json::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(json in any_json()) {
            let text = write(&json).unwrap();
            prop_assert_eq!(&parse(&text).unwrap(), &json);
            prop_assert_eq!(write(&parse(&text).unwrap()).unwrap(), text);
        }

        #[test]
        fn any_text_is_json_or_refused(text in "[\\[\\]{}\",:0-9eE+. tnu\\\\-]{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn fractions_twins_and_depth_are_refused() {
        for text in ["1.0", "1e3", "-0", "9223372036854775808", r#"{"a":1,"a":1}"#, "1 2", "", "'a'", "NaN"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(1_000_000)).is_err());
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse(&deep).is_err());
    }
}
