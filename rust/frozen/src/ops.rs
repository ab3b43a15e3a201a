//! The ops: each is read and checked once, then runs on one row's slots.

use ferroflow_core::scale::{self, Standard};
use ferroflow_core::{Float, linear};
use hashbrown::HashMap;

use crate::container::{Tensors, Type};
use crate::error::{InputCode, InputError, LoadError};
use crate::graph::{Compiler, Line, Scratch, Slot};
use crate::json::{Fields, Json, invalid};
use crate::schema::Schema;

type Map<K> = HashMap<K, usize, foldhash::fast::RandomState>;

/// What counts as missing.
#[derive(Debug)]
enum Marker {
    /// A missing cell.
    Missing,
    /// This number.
    Number(f64),
    /// This text.
    Text(String),
}

/// The categories of one column, by value.
#[derive(Debug)]
enum Lookup {
    Numbers(Map<u64>),
    Texts(Map<Box<str>>),
}

#[derive(Debug)]
struct OneHotColumn {
    from: Slot,
    source: usize,
    lookup: Lookup,
    /// Per category the place of its 1, or `ZEROS`, or `REFUSE`; then of a missing cell, then of an unknown one.
    codes: Vec<i64>,
    to: usize,
    width: usize,
}

#[derive(Debug)]
struct OrdinalColumn {
    from: Slot,
    source: usize,
    lookup: Lookup,
    /// Per category its number; then of a missing cell, then of an unknown one.
    values: Vec<f64>,
    refuse_missing: bool,
    refuse_unknown: bool,
    to: usize,
}

const ZEROS: i64 = -1;
const REFUSE: i64 = -2;

#[derive(Debug)]
struct ScaleColumn {
    from: usize,
    to: usize,
    mean: f64,
    scale: f64,
}

#[derive(Debug, Clone, Copy)]
struct ScaleBy {
    center: bool,
    divide: bool,
    multiply: bool,
}

/// An op with everything it needs.
#[derive(Debug)]
pub enum Op {
    Impute { columns: Vec<(usize, usize, f64)>, marker: Option<f64> },
    ImputeText { columns: Vec<(usize, usize, String)>, marker: Option<String> },
    Indicator(Box<IndicatorOp>),
    Scale(Box<ScaleOp>),
    OneHot(Box<OneHotOp>),
    Ordinal(Box<OrdinalOp>),
    Linear(Box<LinearOp>),
}

#[derive(Debug)]
pub struct IndicatorOp {
    columns: Vec<(Slot, usize)>,
    marker: Marker,
}
#[derive(Debug)]
pub struct ScaleOp {
    single: bool,
    by: ScaleBy,
    columns: Vec<ScaleColumn>,
}
#[derive(Debug)]
pub struct OneHotOp {
    columns: Vec<OneHotColumn>,
}
#[derive(Debug)]
pub struct OrdinalOp {
    columns: Vec<OrdinalColumn>,
}
#[derive(Debug)]
pub struct LinearOp {
    inputs: Vec<(usize, usize)>,
    weights: Weights,
    to: usize,
}
#[derive(Debug)]
enum Weights {
    Double(Vec<f64>, Vec<f64>),
    Single(Vec<f32>, Vec<f32>),
}

/// Reads one op; `input` are the columns of its input value.
pub struct OpReader<'r, 't, 'l> {
    pub fields: &'r mut Fields,
    pub tensors: &'r mut Tensors<'t>,
    pub compiler: &'r mut Compiler<'l>,
    pub input: &'r [Line],
}

impl OpReader<'_, '_, '_> {
    pub fn read(mut self, op: &str) -> Result<(Op, Vec<Line>), LoadError> {
        match op {
            "impute" => self.impute(),
            "indicator" => self.indicator(),
            "scale" => self.scale(),
            "onehot" => self.onehot(),
            "ordinal" => self.ordinal(),
            "linear" => self.linear(),
            _ => invalid(format!("the op '{op}' is unknown")),
        }
    }

    fn place(&self) -> String {
        self.fields.place().to_owned()
    }

    fn number_of(&self, line: &Line) -> Result<usize, LoadError> {
        match line.slot {
            Slot::Number(at) => Ok(at),
            Slot::Text(_) => invalid(format!("{} needs numbers and gets a text", self.place())),
        }
    }

    fn fits(&self, what: &str, len: usize, needed: usize) -> Result<(), LoadError> {
        if len == needed {
            return Ok(());
        }
        invalid(format!("'{what}' of {} has {len} entries, {needed} are needed", self.place()))
    }

    fn marker(&mut self) -> Result<Marker, LoadError> {
        let Some(name) = self.fields.maybe_text("marker")? else { return Ok(Marker::Missing) };
        if self.tensors.has(&name, Type::F64) {
            let values = self.tensors.numbers(&name, false)?;
            self.fits("marker", values.len(), 1)?;
            return Ok(Marker::Number(values[0]));
        }
        let mut texts = self.tensors.texts(&name)?;
        self.fits("marker", texts.len(), 1)?;
        Ok(Marker::Text(texts.swap_remove(0)))
    }

    /// Checks that `marker` fits the columns' kind; a value as marker leaves no room for missing cells.
    fn close(&mut self, marker: &Marker, line: &Line) -> Result<(), LoadError> {
        match (marker, line.slot) {
            (Marker::Missing, _) => Ok(()),
            (Marker::Number(_), Slot::Number(_)) | (Marker::Text(_), Slot::Text(_)) => {
                self.compiler.refuse_missing(line);
                Ok(())
            }
            _ => invalid(format!("the marker of {} does not fit its columns", self.place())),
        }
    }

    fn impute(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let marker = self.marker()?;
        let name = self.fields.text("fill")?;
        let mut lines = Vec::new();
        for line in self.input {
            self.close(&marker, line)?;
        }
        if self.tensors.has(&name, Type::F64) {
            let fill = self.tensors.numbers(&name, true)?;
            self.fits("fill", fill.len(), self.input.len())?;
            let mut columns = Vec::new();
            for (line, &fill) in self.input.iter().zip(&fill) {
                let from = self.number_of(line)?;
                let slot = self.compiler.number();
                let Slot::Number(to) = slot else { continue };
                columns.push((from, to, fill));
                lines.push(Line { slot, source: line.source, open: line.open && fill.is_nan() });
            }
            let marker = if let Marker::Number(v) = marker { Some(v) } else { None };
            return Ok((Op::Impute { columns, marker }, lines));
        }
        let fill = self.tensors.texts(&name)?;
        self.fits("fill", fill.len(), self.input.len())?;
        let mut columns = Vec::new();
        for (line, fill) in self.input.iter().zip(fill) {
            let (Slot::Text(from), slot) = (line.slot, self.compiler.text()) else {
                return invalid(format!("{} needs texts and gets a number", self.place()));
            };
            let Slot::Text(to) = slot else { continue };
            columns.push((from, to, fill));
            lines.push(Line { slot, source: line.source, open: false });
        }
        let marker = if let Marker::Text(v) = marker { Some(v) } else { None };
        Ok((Op::ImputeText { columns, marker }, lines))
    }

    fn indicator(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let marker = self.marker()?;
        let mut columns = Vec::new();
        let mut lines = Vec::new();
        for line in self.input {
            self.close(&marker, line)?;
            let slot = self.compiler.number();
            let Slot::Number(to) = slot else { continue };
            columns.push((line.slot, to));
            lines.push(Line { slot, source: line.source, open: false });
        }
        Ok((Op::Indicator(Box::new(IndicatorOp { columns, marker })), lines))
    }

    fn scale(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let single = self.fields.single()?;
        let names = ["mean", "scale", "factor"];
        let mut lists = Vec::new();
        for name in names {
            lists.push(match self.fields.maybe_text(name)? {
                None => None,
                Some(tensor) => {
                    let values = self.tensors.numbers(&tensor, false)?;
                    self.fits(name, values.len(), self.input.len())?;
                    Some(values)
                }
            });
        }
        let by =
            ScaleBy { center: lists[0].is_some(), divide: lists[1].is_some(), multiply: lists[2].is_some() };
        if by.multiply && (by.divide || by.center) {
            return invalid(format!("{} has a factor beside mean or scale", self.place()));
        }
        let mut columns = Vec::new();
        let mut lines = Vec::new();
        for (j, line) in self.input.iter().enumerate() {
            let from = self.number_of(line)?;
            let slot = self.compiler.number();
            let Slot::Number(to) = slot else { continue };
            let get = |k: usize| lists[k].as_ref().map(|v| v[j]);
            let (mean, scale) = (get(0).unwrap_or(0.0), get(1).or(get(2)).unwrap_or(1.0));
            columns.push(ScaleColumn { from, to, mean, scale });
            lines.push(Line { slot, ..*line });
        }
        Ok((Op::Scale(Box::new(ScaleOp { single, by, columns })), lines))
    }

    /// The categories named `name` for a column: numbers or texts, each once.
    fn lookup(&mut self, name: &str, line: &Line) -> Result<(Lookup, usize), LoadError> {
        let twice = |place: String| invalid(format!("a category of {place} stands twice"));
        match line.slot {
            Slot::Number(_) => {
                let values = self.tensors.numbers(name, false)?;
                let mut map = Map::with_capacity_and_hasher(values.len(), Default::default());
                for (i, v) in values.iter().enumerate() {
                    if map.insert((v + 0.0).to_bits(), i).is_some() {
                        return twice(self.place());
                    }
                }
                Ok((Lookup::Numbers(map), values.len()))
            }
            Slot::Text(_) => {
                let values = self.tensors.texts(name)?;
                let n = values.len();
                let mut map = Map::with_capacity_and_hasher(n, Default::default());
                for (i, v) in values.into_iter().enumerate() {
                    if map.insert(v.into_boxed_str(), i).is_some() {
                        return twice(self.place());
                    }
                }
                Ok((Lookup::Texts(map), n))
            }
        }
    }

    fn columns(&mut self) -> Result<Vec<Fields>, LoadError> {
        let list = self.fields.list("columns")?;
        self.fits("columns", list.len(), self.input.len())?;
        let place = self.place();
        let of = |(j, json): (usize, Json)| Fields::new(json, format!("column {j} of {place}"));
        list.into_iter().enumerate().map(of).collect()
    }

    fn onehot(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let mut columns = Vec::new();
        let mut lines = Vec::new();
        let input = self.input;
        for (line, mut fields) in input.iter().zip(self.columns()?) {
            let (lookup, n) = self.lookup(&fields.text("categories")?, line)?;
            let codes = self.tensors.ints(&fields.text("codes")?)?;
            let width = fields.size("width")?;
            fields.end()?;
            self.fits("codes", codes.len(), n + 2)?;
            self.compiler.check_width(lines.len().saturating_add(width))?;
            let most = i64::try_from(width).unwrap_or(i64::MAX);
            if codes.iter().any(|&c| c < REFUSE || c >= most) || codes[..n].contains(&REFUSE) {
                return invalid(format!("a code of {} lies outside its columns", self.place()));
            }
            if codes[n] == REFUSE {
                self.compiler.refuse_missing(line);
            }
            let to = self.compiler.n_numbers;
            for _ in 0..width {
                let slot = self.compiler.number();
                lines.push(Line { slot, source: line.source, open: false });
            }
            columns.push(OneHotColumn { from: line.slot, source: line.source, lookup, codes, to, width });
        }
        Ok((Op::OneHot(Box::new(OneHotOp { columns })), lines))
    }

    fn ordinal(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let mut columns = Vec::new();
        let mut lines = Vec::new();
        let input = self.input;
        for (line, mut fields) in input.iter().zip(self.columns()?) {
            let (lookup, n) = self.lookup(&fields.text("categories")?, line)?;
            let values = self.tensors.numbers(&fields.text("values")?, true)?;
            let (refuse_missing, refuse_unknown) =
                (fields.bool("refuse_missing")?, fields.bool("refuse_unknown")?);
            fields.end()?;
            self.fits("values", values.len(), n + 2)?;
            if refuse_missing {
                self.compiler.refuse_missing(line);
            }
            let slot = self.compiler.number();
            let Slot::Number(to) = slot else { continue };
            let open = line.open && !refuse_missing && values[n].is_nan();
            lines.push(Line { slot, source: line.source, open });
            columns.push(OrdinalColumn {
                from: line.slot,
                source: line.source,
                lookup,
                values,
                refuse_missing,
                refuse_unknown,
                to,
            });
        }
        Ok((Op::Ordinal(Box::new(OrdinalOp { columns })), lines))
    }

    fn linear(&mut self) -> Result<(Op, Vec<Line>), LoadError> {
        let single = self.fields.single()?;
        let (rows, width, weights) = self.tensors.matrix(&self.fields.text("weights")?)?;
        let bias = self.tensors.numbers(&self.fields.text("bias")?, false)?;
        self.fits("weights", width, self.input.len())?;
        self.fits("bias", bias.len(), rows)?;
        self.compiler.check_width(rows)?;
        let mut inputs = Vec::new();
        for line in self.input {
            inputs.push((self.number_of(line)?, line.source));
            self.compiler.refuse_missing(line);
        }
        let to = self.compiler.n_numbers;
        let mut lines = Vec::new();
        for _ in 0..rows {
            let slot = self.compiler.number();
            lines.push(Line { slot, source: usize::MAX, open: false });
        }
        let weights = if single {
            let narrow = |v: &[f64]| v.iter().map(|&x| f32::from_f64(x)).collect::<Vec<_>>();
            let (w, b) = (narrow(&weights), narrow(&bias));
            if w.iter().chain(&b).any(|x| !x.is_finite()) {
                return invalid(format!("a weight of {} is too large", self.place()));
            }
            Weights::Single(w, b)
        } else {
            Weights::Double(weights, bias)
        };
        Ok((Op::Linear(Box::new(LinearOp { inputs, weights, to })), lines))
    }
}

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
