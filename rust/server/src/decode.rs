//! From a request's JSON straight into a [`Batch`], column by number, with no tree in between.
//!
//! Rows take each column exactly once; what is unknown, doubled, missing or of the wrong type is named by row and column.

use std::fmt;

use axum::http::StatusCode;
use ferroflow_frozen::{Batch, Cell, Schema};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::problem::Problem;

/// What a request may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub rows: usize,
    /// Bytes of one text.
    pub text: usize,
}

/// Reads `{"rows": [{column: value, ...}, ...]}`, `{"columns": {column: [value, ...]}}` or `{"row": {column: value}}`.
pub fn decode<'s>(schema: &'s Schema, json: &[u8], bounds: Bounds) -> Result<Batch<'s>, Problem> {
    let mut reader = Reader {
        schema,
        batch: Batch::new(schema, 1),
        bounds,
        seen: vec![0; schema.columns().len()],
        row: None,
        column: None,
        problem: None,
    };
    if json.is_empty() {
        return Err(malformed(&reader, "the body is empty"));
    }
    let mut parser = serde_json::Deserializer::from_slice(json);
    match Body(&mut reader).deserialize(&mut parser).and_then(|()| parser.end()) {
        Ok(()) => Ok(reader.batch),
        Err(error) => Err(match reader.problem.take() {
            Some(problem) => problem,
            None => explain(&reader, &error, json),
        }),
    }
}

/// The batch on its way, and where the parser stands.
struct Reader<'s> {
    schema: &'s Schema,
    batch: Batch<'s>,
    bounds: Bounds,
    /// Per column, one more than the number of the row that had it last.
    seen: Vec<usize>,
    row: Option<usize>,
    column: Option<usize>,
    problem: Option<Problem>,
}

impl Reader<'_> {
    fn name(&self, column: usize) -> &str {
        self.schema.columns().get(column).map_or("?", |c| c.name.as_str())
    }

    /// Notes what is wrong here; the parser carries an empty error up.
    fn fail<E: serde::de::Error>(&mut self, code: &'static str, what: &str) -> E {
        let message = match self.place() {
            place if place.is_empty() => what.to_owned(),
            place => format!("{place}: {what}"),
        };
        let column = self.column.map(|j| self.name(j).to_owned());
        self.problem = Some(Problem { row: self.row, column, ..Problem::data(code, message) });
        E::custom("refused")
    }

    /// The same about a name in the request.
    fn fail_named<E: serde::de::Error>(&mut self, code: &'static str, name: &str, what: &str) -> E {
        self.column = None;
        let error = self.fail(code, what);
        if let Some(problem) = &mut self.problem {
            problem.column = Some(name.to_owned());
        }
        error
    }

    fn place(&self) -> String {
        match (self.row, self.column) {
            (Some(row), Some(j)) => format!("row {row}, column '{}'", self.name(j)),
            (Some(row), None) => format!("row {row}"),
            (None, Some(j)) => format!("column '{}'", self.name(j)),
            (None, None) => String::new(),
        }
    }

    fn too_many<E: serde::de::Error>(&mut self) -> E {
        let most = self.bounds.rows;
        (self.row, self.column) = (None, None);
        self.fail("too_many_rows", &format!("at most {most} rows are taken at once; send them in parts"))
    }

    fn push<E: serde::de::Error>(&mut self, cell: Cell<'_>) -> Result<(), E> {
        if let Cell::Text(text) = cell
            && text.len() > self.bounds.text
        {
            let most = self.bounds.text;
            let what = format!("the text has {} bytes, at most {most} are taken", text.len());
            return Err(self.fail("text_too_long", &what));
        }
        let Some(column) = self.column else { return Err(E::custom("no column")) };
        self.batch.push(column, cell).map_err(|error| {
            self.problem = Some(error.into());
            E::custom("refused")
        })
    }
}

fn malformed(reader: &Reader<'_>, what: &str) -> Problem {
    let message = match reader.place() {
        place if place.is_empty() => format!("the body is not JSON: {what}"),
        place => format!("{place}: the body is not JSON: {what}"),
    };
    let column = reader.column.map(|j| reader.name(j).to_owned());
    Problem { row: reader.row, column, ..Problem::new(StatusCode::BAD_REQUEST, "malformed_json", message) }
}

/// The parser's own errors in our words.
fn explain(reader: &Reader<'_>, error: &serde_json::Error, json: &[u8]) -> Problem {
    let text = error.to_string();
    let column = reader.column.map(|j| reader.name(j).to_owned());
    let place = match reader.place() {
        place if place.is_empty() => place,
        place => format!("{place}: "),
    };
    if text.starts_with("number out of range") {
        let message = format!("{place}the number is infinite or too large");
        return Problem { row: reader.row, column, ..Problem::data("not_finite", message) };
    }
    if error.classify() == Category::Data {
        return Problem {
            row: reader.row,
            column,
            ..Problem::data("wrong_shape", format!("{place}{text}; see /docs"))
        };
    }
    let start = json
        .split_inclusive(|&b| b == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum::<usize>()
        .saturating_add(error.column());
    let near = json.get(start.saturating_sub(2)..json.len().min(start.saturating_add(8))).unwrap_or_default();
    let has = |word: &[u8]| near.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    if has(b"nan") || has(b"infinity") || has(b"inf") {
        return malformed(reader, &format!("{text}; it has no NaN and no Infinity, null is a missing value"));
    }
    malformed(reader, &text)
}

/// The ways to give rows.
enum Form {
    Rows,
    Columns,
    Row,
}

const FORMS: &str = "\"rows\", \"columns\" or \"row\"";

struct Body<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Body<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key {FORMS}")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reader = self.0;
        let mut had = false;
        while let Some(key) = map.next_key_seed(Text(|key: &str| match key {
            "rows" => Ok(Form::Rows),
            "columns" => Ok(Form::Columns),
            "row" => Ok(Form::Row),
            other => Err(shorten(other)),
        }))? {
            let form = match key {
                Ok(form) => form,
                Err(key) => {
                    let what = format!("the request has the unknown key '{key}'; {FORMS} is needed");
                    return Err(reader.fail("wrong_shape", &what));
                }
            };
            if std::mem::replace(&mut had, true) {
                return Err(
                    reader.fail("wrong_shape", &format!("{FORMS} is needed, and only one of them once"))
                );
            }
            match form {
                Form::Rows => map.next_value_seed(Rows(reader))?,
                Form::Columns => map.next_value_seed(Columns(reader))?,
                Form::Row => {
                    map.next_value_seed(Row(reader, 0))?;
                    reader.row = None;
                }
            }
        }
        if !had {
            return Err(reader.fail("wrong_shape", &format!("the request is empty; {FORMS} is needed")));
        }
        if reader.batch.rows().unwrap_or(0) == 0 {
            return Err(reader.fail("no_rows", "there is not one row to predict"));
        }
        Ok(())
    }
}

struct Rows<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows in \"rows\"")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let reader = self.0;
        for row in 0.. {
            if row >= reader.bounds.rows {
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(reader.too_many());
                }
                break;
            }
            if seq.next_element_seed(Row(reader, row))?.is_none() {
                break;
            }
            reader.row = None;
        }
        Ok(())
    }
}

/// One row and its number.
struct Row<'r, 's>(&'r mut Reader<'s>, usize);

impl<'de> DeserializeSeed<'de> for Row<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        self.0.row = Some(self.1);
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row as an object: {column: value, ...}")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Row(reader, row) = self;
        let (mut next, mut count) = (0, 0);
        while let Some(key) = map.next_key_seed(Name { schema: reader.schema, next })? {
            let column = take(reader, key, row + 1)?;
            reader.column = Some(column);
            map.next_value_seed(Value(reader))?;
            reader.column = None;
            (next, count) = (column + 1, count + 1);
        }
        complete(reader, count, row + 1)
    }
}

struct Columns<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Columns<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Columns<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns in \"columns\": {column: [value, ...], ...}")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reader = self.0;
        let (mut next, mut count) = (0, 0);
        while let Some(key) = map.next_key_seed(Name { schema: reader.schema, next })? {
            let column = take(reader, key, 1)?;
            reader.column = Some(column);
            map.next_value_seed(Values(reader))?;
            reader.column = None;
            (next, count) = (column + 1, count + 1);
        }
        complete(reader, count, 1)?;
        let lengths: Vec<usize> = reader.batch.columns().iter().map(ferroflow_frozen::Column::len).collect();
        let first = lengths.first().copied().unwrap_or(0);
        if let Some(j) = lengths.iter().position(|&n| n != first) {
            let what = format!("it has {} values, column '{}' has {first}", lengths[j], reader.name(0));
            reader.column = Some(j);
            return Err(reader.fail("unequal_lengths", &what));
        }
        Ok(())
    }
}

/// The values of the column at hand.
struct Values<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Values<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column as a list of values")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let reader = self.0;
        for row in 0.. {
            if row >= reader.bounds.rows {
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(reader.too_many());
                }
                break;
            }
            reader.row = Some(row);
            if seq.next_element_seed(Value(reader))?.is_none() {
                break;
            }
        }
        reader.row = None;
        Ok(())
    }
}

/// One value, into the column at hand.
struct Value<'r, 's>(&'r mut Reader<'s>);

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true, false or null")
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.push(Cell::Missing)
    }
    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<(), E> {
        self.0.push(Cell::Boolean(v))
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<(), E> {
        self.0.push(Cell::Number(v))
    }
    // Whole numbers are rounded to the nearest double, as Python's float() does.
    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<(), E> {
        self.0.push(Cell::Number(v as f64))
    }
    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<(), E> {
        self.0.push(Cell::Number(v as f64))
    }
    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<(), E> {
        self.0.push(Cell::Text(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.0.fail("wrong_type", "a single value is needed, found a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.0.fail("wrong_type", "a single value is needed, found an object"))
    }
}

/// Notes that the column named by `key` was seen in the round `stamp`; gives its number.
fn take<E: serde::de::Error>(
    reader: &mut Reader<'_>,
    key: Result<usize, String>,
    stamp: usize,
) -> Result<usize, E> {
    let column = match key {
        Ok(column) => column,
        Err(name) => {
            let what = format!("the model has no column '{name}'; leave it out");
            return Err(reader.fail_named("unknown_column", &name, &what));
        }
    };
    match reader.seen.get_mut(column) {
        Some(seen) if *seen != stamp => *seen = stamp,
        _ => {
            let name = reader.name(column).to_owned();
            let what = format!("the column '{name}' is given twice");
            return Err(reader.fail_named("duplicate_column", &name, &what));
        }
    }
    Ok(column)
}

/// Were all columns there in the round `stamp`?
fn complete<E: serde::de::Error>(reader: &mut Reader<'_>, count: usize, stamp: usize) -> Result<(), E> {
    if count == reader.seen.len() {
        return Ok(());
    }
    let missing = reader.seen.iter().position(|&seen| seen != stamp).unwrap_or(0);
    let name = reader.name(missing).to_owned();
    let nullable = reader.schema.columns().get(missing).is_some_and(|c| c.nullable);
    let hint = if nullable { "; null is an unknown value" } else { "" };
    Err(reader.fail_named("missing_column", &name, &format!("the column '{name}' is missing{hint}")))
}

/// A column's name as its number. The one after the last is guessed first: most clients keep the order.
struct Name<'s> {
    schema: &'s Schema,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Result<usize, String>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        let Name { schema, next } = self;
        Text(|name: &str| match schema.columns().get(next) {
            Some(column) if column.name == name => Ok(next),
            _ => schema.index_of(name).ok_or_else(|| shorten(name)),
        })
        .deserialize(d)
    }
}

/// A text, handed to a function before it is gone.
struct Text<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Text<F> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Text<F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, v: &str) -> Result<T, E> {
        Ok((self.0)(v))
    }
}

/// A name from the request, for a message.
pub fn shorten(name: &str) -> String {
    match name.char_indices().nth(80) {
        Some((at, _)) => format!("{}...", &name[..at]),
        None => name.to_owned(),
    }
}
