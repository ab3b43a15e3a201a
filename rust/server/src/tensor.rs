//! A tensor of the Open Inference Protocol, from JSON into the columns of a batch.
//!
//! Its data come flat or nested as its shape says; `null` is a missing value, which the protocol has no word for.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use axum::http::StatusCode;
use ferroflow_frozen::{Batch, Cell};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::Problem;

/// An object of JSON. What serde derives takes a list in its place too.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        d.deserialize_map(Map(PhantomData))
    }
}

/// An input as it came. Its data are read once its type and shape are known, wherever they stand.
#[derive(Deserialize)]
pub struct Tensor<'a> {
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    pub shape: Vec<usize>,
    #[serde(borrow)]
    pub datatype: Cow<'a, str>,
    #[serde(borrow, default)]
    pub parameters: Option<Object<Parameters<'a>>>,
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

/// The parameters that matter: those of the binary extension. Others are let pass, as the protocol wishes.
#[derive(Deserialize)]
pub struct Parameters<'a> {
    #[serde(borrow, default)]
    binary_data_size: Option<&'a RawValue>,
    #[serde(borrow, default)]
    binary_data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    binary_data_output: Option<&'a RawValue>,
}

impl Parameters<'_> {
    pub fn are_binary(&self) -> bool {
        let is_true = |v: &Option<&RawValue>| v.is_some_and(|v| v.get() == "true");
        self.binary_data_size.is_some() || is_true(&self.binary_data) || is_true(&self.binary_data_output)
    }
}

/// Where a tensor goes: `width` columns from `first` on.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub first: usize,
    pub width: usize,
    pub rows: usize,
    /// Bytes of one text at most.
    pub text: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datatype {
    Bool,
    /// The least and the greatest.
    Int(i64, u64),
    Single,
    Double,
    Bytes,
}

impl Datatype {
    fn parse(name: &str) -> Option<Self> {
        let signed = |min: i64, max: i64| Self::Int(min, max.unsigned_abs());
        Some(match name {
            "BOOL" => Self::Bool,
            "UINT8" => Self::Int(0, u8::MAX.into()),
            "UINT16" => Self::Int(0, u16::MAX.into()),
            "UINT32" => Self::Int(0, u32::MAX.into()),
            "UINT64" => Self::Int(0, u64::MAX),
            "INT8" => signed(i8::MIN.into(), i8::MAX.into()),
            "INT16" => signed(i16::MIN.into(), i16::MAX.into()),
            "INT32" => signed(i32::MIN.into(), i32::MAX.into()),
            "INT64" => signed(i64::MIN, i64::MAX),
            "FP32" => Self::Single,
            "FP64" => Self::Double,
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }
}

/// Reads the data of `tensor` into `batch`.
pub fn read(tensor: &Tensor<'_>, place: Place, batch: &mut Batch<'_>) -> Result<(), Problem> {
    let name = crate::decode::shorten(&tensor.name);
    let bad = |what: &str| {
        let text = format!("the input '{name}': {what}");
        Problem { column: Some(name.clone()), ..Problem::new(StatusCode::BAD_REQUEST, "bad_tensor", text) }
    };
    let Some(datatype) = Datatype::parse(&tensor.datatype) else {
        let kinds = "BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64 and BYTES";
        let text =
            format!("its datatype is '{}', {kinds} are taken", crate::decode::shorten(&tensor.datatype));
        return Err(bad(&text));
    };
    let Some(data) = tensor.data else { return Err(bad("it has no data")) };
    let Some(cells) = place.rows.checked_mul(place.width) else { return Err(bad("its shape is too large")) };
    let mut filler = Filler { batch, place, datatype, cells, at: 0, problem: None };
    let shape = tensor.shape.clone();
    let mut parser = serde_json::Deserializer::from_str(data.get());
    let read = Level { filler: &mut filler, shape: &shape, top: true }.deserialize(&mut parser);
    if let Some(problem) = filler.problem {
        return Err(problem);
    }
    if let Err(error) = read {
        return Err(bad(&error.to_string()));
    }
    if filler.at != cells {
        return Err(bad(&format!("its data are {} values, its shape says {cells}", filler.at)));
    }
    Ok(())
}

struct Filler<'f, 's> {
    batch: &'f mut Batch<'s>,
    place: Place,
    datatype: Datatype,
    cells: usize,
    at: usize,
    problem: Option<Problem>,
}

impl Filler<'_, '_> {
    fn push<E: serde::de::Error>(&mut self, cell: Cell<'_>) -> Result<(), E> {
        if self.at >= self.cells {
            return Err(E::custom(format_args!("it has more values than its shape says, {}", self.cells)));
        }
        let column = self.place.first + self.at % self.place.width.max(1);
        self.at += 1;
        self.batch.push(column, cell).map_err(|error| {
            self.problem = Some(error.into());
            E::custom("refused")
        })
    }

    fn whole<E: serde::de::Error>(&mut self, v: f64, fits: bool) -> Result<(), E> {
        match self.datatype {
            Datatype::Int(..) if !fits => {
                Err(E::custom(format_args!("the value {v} does not fit its datatype")))
            }
            Datatype::Int(..) | Datatype::Double => self.push(Cell::Number(v)),
            #[allow(clippy::cast_possible_truncation, reason = "rounding is what the type asks for")]
            Datatype::Single => self.push(Cell::Number(f64::from(v as f32))),
            Datatype::Bool => Err(E::custom(format_args!("true or false is needed, found {v}"))),
            Datatype::Bytes => Err(E::custom(format_args!("a text is needed, found {v}"))),
        }
    }
}

/// A list of the data, or a value in the last of them.
struct Level<'l, 'f, 's> {
    filler: &'l mut Filler<'f, 's>,
    /// What is left of it; at the top the whole, where a flat list will do too.
    shape: &'l [usize],
    top: bool,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        if self.top { d.deserialize_seq(self) } else { d.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Level<'_, '_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values of its datatype, flat or in lists of its shape")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Level { filler, shape, .. } = self;
        let Some((&length, inner)) = shape.split_first() else {
            return Err(A::Error::custom("its lists are deeper than its shape"));
        };
        let (mut count, before) = (0, filler.at);
        while seq.next_element_seed(Level { filler: &mut *filler, shape: inner, top: false })?.is_some() {
            count += 1;
        }
        // Values alone: a flat list of all of them at the top, else one row.
        let flat = filler.at - before == count && self.top;
        if count != length && !flat {
            return Err(A::Error::custom(format_args!(
                "a list of it has {count} entries, its shape says {length}"
            )));
        }
        Ok(())
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.filler.push(Cell::Missing)
    }
    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<(), E> {
        match self.filler.datatype {
            Datatype::Bool => self.filler.push(Cell::Boolean(v)),
            _ => Err(E::custom(format_args!("a value of its datatype is needed, found {v}"))),
        }
    }
    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<(), E> {
        let fits = matches!(self.filler.datatype, Datatype::Int(min, _) if v >= min);
        self.filler.whole(v as f64, fits)
    }
    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<(), E> {
        let fits = matches!(self.filler.datatype, Datatype::Int(_, max) if v <= max);
        self.filler.whole(v as f64, fits)
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<(), E> {
        // 3.0 is a whole number, as in JSON Schema; none beyond 2^53 is written so by mistake.
        let fits = match self.filler.datatype {
            Datatype::Int(min, max) => v.fract() == 0.0 && v >= min as f64 && v <= max as f64,
            _ => true,
        };
        self.filler.whole(v, fits)
    }
    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<(), E> {
        if self.filler.datatype != Datatype::Bytes {
            return Err(E::custom("a value of its datatype is needed, found a text"));
        }
        let most = self.filler.place.text;
        if v.len() > most {
            return Err(E::custom(format_args!("a text has {} bytes, at most {most} are taken", v.len())));
        }
        self.filler.push(Cell::Text(v))
    }
}
