//! The ops on one row: what a block of rows is measured by, and what names the cell that stops it.

use ferroflow_core::scale::{self, Standard};
use ferroflow_core::{Float, linear};

use super::{LinearOp, Lookup, Marker, Op, REFUSE, ScaleBy, ScaleColumn, Weights, ZEROS};
use crate::error::{InputCode, InputError};
use crate::graph::{Scratch, Slot};
use crate::schema::Schema;

/// Where a cell stands among the categories: its number, or `n` if missing, `n + 1` if unknown.
#[inline]
fn find(lookup: &Lookup, from: Slot, s: &Scratch<'_>, n: usize) -> usize {
    match (lookup, from) {
        (Lookup::Numbers(map), Slot::Number(at)) => {
            let v = s.numbers[at];
            if v.is_nan() { n } else { map.get(&(v + 0.0).to_bits()).copied().unwrap_or(n + 1) }
        }
        (Lookup::Texts(map), Slot::Text(at)) => match s.texts[at] {
            None => n,
            Some(text) => map.get(text).copied().unwrap_or(n + 1),
        },
        _ => n + 1,
    }
}

#[cold]
fn refused(
    missing: bool,
    from: Slot,
    source: usize,
    s: &Scratch<'_>,
    row: usize,
    schema: &Schema,
) -> InputError {
    let column = schema.columns().get(source).map_or("?", |c| c.name.as_str());
    if missing {
        return InputError::cell(
            InputCode::MissingValue,
            row,
            column,
            "a value is needed here, found a missing one",
        );
    }
    let shown = match from {
        Slot::Number(at) => s.numbers[at].to_string(),
        Slot::Text(at) => format!("'{}'", s.texts[at].unwrap_or("").chars().take(40).collect::<String>()),
    };
    let what =
        format!("the category {shown} was not seen in training, and the encoder refuses unknown categories");
    InputError::cell(InputCode::UnknownCategory, row, column, &what)
}

/// `(x - mean) / scale` by the core's kernel, or `x * scale`, in the type `T`.
#[inline(always)]
fn scaled<T: Float>(x: f64, c: &ScaleColumn, by: ScaleBy) -> f64 {
    let x = T::from_f64(x);
    let (mean, scale) = ([T::from_f64(c.mean)], [T::from_f64(c.scale)]);
    if by.multiply {
        return (x * scale[0]).to_f64();
    }
    let standard = Standard { mean: by.center.then_some(&mean[..]), scale: by.divide.then_some(&scale[..]) };
    let mut out = [T::ZERO];
    scale::apply_row(&[x], standard, &mut out);
    out[0].to_f64()
}

#[inline(always)]
fn scores<T: Float>(x: &[T], weights: &[T], bias: &[T], out: &mut [f64]) {
    for ((w, &b), out) in weights.chunks_exact(x.len().max(1)).zip(bias).zip(out.iter_mut()) {
        *out = linear::score(x, w, b).to_f64();
    }
    if x.is_empty() {
        for (&b, out) in bias.iter().zip(out) {
            *out = b.to_f64();
        }
    }
}

impl Op {
    /// Runs on the slots of one row; `row` and `schema` are for messages.
    pub fn run<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        match self {
            Self::Impute { columns, marker: None } => {
                for &(from, to, fill) in columns {
                    let x = s.numbers[from];
                    s.numbers[to] = if x.is_nan() { fill } else { x };
                }
            }
            #[allow(clippy::float_cmp, reason = "the marker is that very number")]
            Self::Impute { columns, marker: Some(marker) } => {
                for &(from, to, fill) in columns {
                    let x = s.numbers[from];
                    s.numbers[to] = if x == *marker { fill } else { x };
                }
            }
            Self::Indicator(op) => {
                for &(from, to) in &op.columns {
                    #[allow(clippy::float_cmp, reason = "the marker is that very number")]
                    let hit = match (&op.marker, from) {
                        (Marker::Missing, Slot::Number(at)) => s.numbers[at].is_nan(),
                        (Marker::Missing, Slot::Text(at)) => s.texts[at].is_none(),
                        (Marker::Number(v), Slot::Number(at)) => s.numbers[at] == *v,
                        (Marker::Text(v), Slot::Text(at)) => s.texts[at] == Some(v.as_str()),
                        _ => false,
                    };
                    s.numbers[to] = f64::from(u8::from(hit));
                }
            }
            Self::Scale(op) => {
                for c in &op.columns {
                    let x = s.numbers[c.from];
                    s.numbers[c.to] =
                        if op.single { scaled::<f32>(x, c, op.by) } else { scaled::<f64>(x, c, op.by) };
                }
            }
            Self::OneHot(op) => {
                for c in &op.columns {
                    let n = c.codes.len() - 2;
                    let at = find(&c.lookup, c.from, s, n);
                    let code = c.codes[at];
                    if code == REFUSE {
                        return Err(refused(at == n, c.from, c.source, s, row, schema));
                    }
                    s.numbers[c.to..c.to + c.width].fill(0.0);
                    if code != ZEROS
                        && let Ok(code) = usize::try_from(code)
                    {
                        s.numbers[c.to + code] = 1.0;
                    }
                }
            }
            Self::Ordinal(op) => {
                for c in &op.columns {
                    let n = c.values.len() - 2;
                    let at = find(&c.lookup, c.from, s, n);
                    if (at == n && c.refuse_missing) || (at == n + 1 && c.refuse_unknown) {
                        return Err(refused(at == n, c.from, c.source, s, row, schema));
                    }
                    s.numbers[c.to] = c.values[at];
                }
            }
            Self::Linear(op) => return op.run(s, row, schema),
            Self::ImputeText { columns, marker } => {
                for (from, to, fill) in columns {
                    let x = s.texts[*from];
                    s.texts[*to] = match (x, marker) {
                        (None, None) => Some(fill.as_str()),
                        (Some(text), Some(marker)) if text == marker => Some(fill.as_str()),
                        _ => x,
                    };
                }
            }
        }
        Ok(())
    }
}

impl LinearOp {
    fn run(&self, s: &mut Scratch<'_>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        let overflow = |source: usize| {
            let column = schema.columns().get(source).map_or("?", |c| c.name.as_str());
            Err(InputError::cell(
                InputCode::NotFinite,
                row,
                column,
                "the value is not finite when it reaches the model",
            ))
        };
        match &self.weights {
            Weights::Double(weights, bias) => {
                x64.clear();
                x64.reserve(self.inputs.len());
                for &(at, source) in &self.inputs {
                    if !numbers[at].is_finite() {
                        return overflow(source);
                    }
                    x64.push(numbers[at]);
                }
                scores(x64, weights, bias, &mut numbers[self.to..self.to + bias.len()]);
            }
            Weights::Single(weights, bias) => {
                x32.clear();
                x32.reserve(self.inputs.len());
                for &(at, source) in &self.inputs {
                    let x = f32::from_f64(numbers[at]);
                    if !x.is_finite() {
                        return overflow(source);
                    }
                    x32.push(x);
                }
                scores(x32, weights, bias, &mut numbers[self.to..self.to + bias.len()]);
            }
        }
        Ok(())
    }
}
