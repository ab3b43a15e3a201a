//! Ops out of a model file, checked before anything runs.

use ferroflow_core::Float;

use super::{
    IndicatorOp, LinearOp, Lookup, Map, Marker, OneHotColumn, OneHotOp, Op, OrdinalColumn, OrdinalOp, REFUSE,
    ScaleBy, ScaleColumn, ScaleOp, Weights,
};
use crate::container::{Tensors, Type};
use crate::error::LoadError;
use crate::graph::{Compiler, Line, Slot};
use crate::json::{Fields, Json, invalid};

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
