//! Fills what is missing by regressions on the other columns, one after another.

use ferroflow_core::linear_bayes::predict;

use super::marker::Marker;
use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputError, LoadError};
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    /// What it is filled with at first.
    fill: f64,
}

/// A regression of one column on others, by their places among the columns.
#[derive(Debug)]
struct Step {
    target: usize,
    inputs: Vec<usize>,
    weights: Vec<f64>,
    intercept: f64,
    limits: (f64, f64),
}

#[derive(Debug)]
struct Regressions {
    columns: Vec<Column>,
    steps: Vec<Step>,
    marker: Option<f64>,
    single: bool,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let marker = match r.marker()? {
        Marker::Missing => None,
        Marker::Number(v) => Some(v),
        Marker::Text(_) => return invalid(format!("the marker of {} is a text", r.place())),
    };
    let fill = r.maybe_numbers("fill", r.input.len())?.unwrap_or_default();
    let (mut columns, mut lines) = (Vec::new(), Vec::new());
    for (line, fill) in r.input.iter().zip(fill) {
        if marker.is_some() {
            r.compiler.refuse_missing(line);
        }
        let from = r.number_of(line)?;
        let slot = r.compiler.number();
        let Slot::Number(to) = slot else { continue };
        columns.push(Column { from, to, fill });
        lines.push(Line { slot, source: line.source, open: false });
    }
    if columns.len() != r.input.len() {
        return invalid(format!("{} has no 'fill'", r.place()));
    }
    let steps = read_steps(r, columns.len())?;
    Ok((Box::new(Regressions { columns, steps, marker, single }), lines))
}

fn read_steps(r: &mut OpReader<'_, '_, '_>, width: usize) -> Result<Vec<Step>, LoadError> {
    let place = |v: &i64| usize::try_from(*v).ok().filter(|j| *j < width);
    let (mut targets, mut ends, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    for (name, to) in [("targets", &mut targets), ("ends", &mut ends), ("inputs", &mut inputs)] {
        *to = r.tensors.ints(&r.fields.text(name)?)?;
    }
    let weights = r.tensors.numbers(&r.fields.text("weights")?, false)?;
    let n = targets.len();
    let mut of_steps = |name: &str, nan: bool| {
        let values = r.tensors.numbers(&r.fields.text(name)?, nan)?;
        if values.len() == n { Ok(values) } else { invalid(format!("'{name}' is not of {n} regressions")) }
    };
    // A limit that is not there is a NaN, which nothing is below or above.
    let (intercept, low, high) =
        (of_steps("intercept", false)?, of_steps("low", true)?, of_steps("high", true)?);
    let wrong =
        || LoadError::Invalid(format!("the regressions of {} do not fit its columns", r.fields.place()));
    if ends.len() != n || weights.len() != inputs.len() {
        return Err(wrong());
    }
    let mut steps = Vec::with_capacity(n);
    let mut begin = 0;
    for k in 0..n {
        let end = usize::try_from(ends[k])
            .ok()
            .filter(|end| (begin..=inputs.len()).contains(end))
            .ok_or_else(wrong)?;
        steps.push(Step {
            target: place(&targets[k]).ok_or_else(wrong)?,
            inputs: inputs[begin..end].iter().map(place).collect::<Option<_>>().ok_or_else(wrong)?,
            weights: weights[begin..end].to_vec(),
            intercept: intercept[k],
            limits: (low[k], high[k]),
        });
        begin = end;
    }
    if begin == inputs.len() { Ok(steps) } else { Err(wrong()) }
}

impl Regressions {
    #[allow(clippy::float_cmp, reason = "the marker is that very number")]
    fn missing(&self, x: f64) -> bool {
        self.marker.map_or(x.is_nan(), |marker| x == marker)
    }

    #[allow(clippy::cast_possible_truncation, reason = "rounding to single precision is what is asked for")]
    fn rounded(&self, x: f64) -> f64 {
        if self.single { f64::from(x as f32) } else { x }
    }

    /// Fills a row whose slot `s` is `numbers[at(s)]`.
    fn fill(&self, numbers: &mut [f64], at: impl Fn(usize) -> usize) {
        let mut holes = false;
        for c in &self.columns {
            let x = numbers[at(c.from)];
            let missing = self.missing(x);
            holes |= missing;
            numbers[at(c.to)] = if missing { c.fill } else { x };
        }
        for step in self.steps.iter().take(if holes { usize::MAX } else { 0 }) {
            let target = &self.columns[step.target];
            if self.missing(numbers[at(target.from)]) {
                let values = step.inputs.iter().map(|j| numbers[at(self.columns[*j].to)]);
                let value = predict(values, (&step.weights, step.intercept), step.limits);
                numbers[at(target.to)] = self.rounded(value);
            }
        }
    }
}

impl Op for Regressions {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        self.fill(&mut s.numbers, |slot| slot);
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        let rows = b.rows();
        let (_, numbers) = b.split(0);
        for row in 0..rows {
            self.fill(numbers, |slot| slot * rows + row);
        }
        true
    }
}
