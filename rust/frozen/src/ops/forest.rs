//! Sums of the values of the leaves that a row reaches in many trees.

use std::ops::Range;

use ferroflow_core::Float;
use ferroflow_core::tree::{Cells, Forest, Preorder, Test};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputCode, InputError, LoadError};
use crate::graph::{Line, Scratch};
use crate::json::invalid;
use crate::schema::Schema;

/// Cells that are made ready at once: half a megabyte or one, whatever a file asks for.
const CELLS: usize = 1 << 17;
/// What `f32` calls 1e-35: LightGBM takes numbers up to this size for zero.
const TINY: f64 = 1e-35_f32 as f64;

#[derive(Debug)]
struct Trees {
    /// Slot and source of each input.
    inputs: Vec<(usize, usize)>,
    /// Cells are compared as `f32`.
    single: bool,
    refuse_missing: bool,
    tiny_is_zero: bool,
    views: Vec<View>,
    forest: Forest,
    sums: Sums,
    to: usize,
}

/// A cell as some nodes see it: what they do with a missing one, and perhaps with 0, stands in the cell itself.
#[derive(Debug, Clone, Copy)]
struct View {
    from: usize,
    missing: f64,
    zero: f64,
}

#[derive(Debug)]
enum Sums {
    Double(Leaves<f64>),
    Single(Leaves<f32>),
}

#[derive(Debug)]
struct Leaves<T> {
    outputs: usize,
    /// Does a leaf hold a value for each output, rather than a tree belong to one of them?
    all: bool,
    values: Vec<T>,
    start: Vec<T>,
    divide: T,
    add: Vec<T>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single_sums = r.fields.single()?;
    let single = match r.fields.int("compare")? {
        32 => true,
        64 => false,
        _ => return invalid(format!("'compare' of {} is neither 32 nor 64", r.place())),
    };
    let refuse_missing = r.fields.bool("refuse_missing")?;
    let tiny_is_zero = r.fields.bool("tiny_is_zero")?;
    let mut inputs = Vec::new();
    for line in r.input {
        inputs.push((r.number_of(line)?, line.source));
        if refuse_missing {
            r.compiler.refuse_missing(line);
        }
    }
    let (views, members) = read_views(r, inputs.len())?;
    let forest = read_trees(r, single, &views, &members)?;
    let sums = if single_sums {
        Sums::Single(read_leaves(r, forest.1, forest.0.trees())?)
    } else {
        Sums::Double(read_leaves(r, forest.1, forest.0.trees())?)
    };
    let forest = forest.0;
    let outputs = match &sums {
        Sums::Double(leaves) => leaves.outputs,
        Sums::Single(leaves) => leaves.outputs,
    };
    r.compiler.check_width(outputs)?;
    r.compiler.work(forest.steps().saturating_add(views.len()));
    let to = r.compiler.n_numbers;
    let mut lines = Vec::new();
    for _ in 0..outputs {
        let slot = r.compiler.number();
        lines.push(Line { slot, source: usize::MAX, open: false });
    }
    Ok((Box::new(Trees { inputs, single, refuse_missing, tiny_is_zero, views, forest, sums, to }), lines))
}

/// The views, and where members of a set go if a view is one of categories.
fn read_views(
    r: &mut OpReader<'_, '_, '_>,
    width: usize,
) -> Result<(Vec<View>, Vec<Option<bool>>), LoadError> {
    let (mut views, mut members) = (Vec::new(), Vec::new());
    let columns = r.fields.sizes("columns")?;
    let (missing, where_members) = (r.fields.texts("missing")?, r.fields.texts("members")?);
    r.fits("missing", missing.len(), columns.len())?;
    r.fits("members", where_members.len(), columns.len())?;
    for ((from, missing), where_members) in columns.into_iter().zip(missing).zip(where_members) {
        if from >= width {
            return invalid(format!("{} looks at a column that is not there", r.place()));
        }
        let (left, right) = (f64::NEG_INFINITY, f64::INFINITY);
        let (missing, zero) = match missing.as_str() {
            "left" => (left, 0.0),
            "right" => (right, 0.0),
            "zero" => (0.0, 0.0),
            "zero_left" => (left, left),
            "zero_right" => (right, right),
            _ => return invalid(format!("'missing' of {} holds '{missing}'", r.place())),
        };
        views.push(View { from, missing, zero });
        members.push(match where_members.as_str() {
            "none" => None,
            "left" => Some(false),
            "right" => Some(true),
            _ => return invalid(format!("'members' of {} holds '{where_members}'", r.place())),
        });
    }
    Ok((views, members))
}

/// Whole numbers of 1, 2 or 4 bytes, or other little-endian values, from a tensor of bytes with one more dimension.
struct Packed<'t> {
    bytes: &'t [u8],
    /// Sizes of the dimensions but the last.
    shape: Vec<usize>,
    width: usize,
}

impl<'t> Packed<'t> {
    fn read(
        r: &mut OpReader<'_, 't, '_>,
        field: &str,
        dims: usize,
        widths: &[usize],
    ) -> Result<Self, LoadError> {
        let name = r.fields.text(field)?;
        let (mut shape, bytes) = r.tensors.bytes(&name, dims + 1)?;
        match shape.pop() {
            Some(width) if widths.contains(&width) => Ok(Self { bytes, shape, width }),
            _ => invalid(format!("'{field}' of {} has numbers of a wrong size", r.place())),
        }
    }

    fn bits(&self, i: usize) -> u64 {
        let piece = self.bytes.get(i * self.width..(i + 1) * self.width).unwrap_or_default();
        piece.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
    }

    fn size(&self, i: usize) -> usize {
        usize::try_from(self.bits(i)).unwrap_or(usize::MAX)
    }

    fn real(&self, i: usize) -> f64 {
        match (self.width, u32::try_from(self.bits(i))) {
            (4, Ok(bits)) => f64::from(f32::from_bits(bits)),
            _ => f64::from_bits(self.bits(i)),
        }
    }
}

/// The trees, and the rows of values that their leaves may stand for.
fn read_trees(
    r: &mut OpReader<'_, '_, '_>,
    single: bool,
    views: &[View],
    members: &[Option<bool>],
) -> Result<(Forest, Rows), LoadError> {
    let place = r.place();
    let nodes = r.fields.size("nodes")?;
    let name = r.fields.text("splits")?;
    let flags = r.tensors.bytes(&name, 1)?.1;
    let is_split = |i: usize| flags.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1);
    r.fits("splits", flags.len(), nodes.div_ceil(8))?;
    if (nodes..flags.len() * 8).any(is_split) {
        return invalid(format!("'splits' of {place} goes on after the last node"));
    }
    let n_splits = flags.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
    let inputs = Packed::read(r, "inputs", 1, &[1, 2, 4])?;
    let thresholds = Packed::read(r, "thresholds", 1, &[4, 8])?;
    r.fits("inputs", inputs.shape[0], n_splits)?;
    r.fits("thresholds", thresholds.shape[0], n_splits)?;
    let (mut sets, mut ends) = (&[][..], Vec::new());
    if let Some(name) = r.fields.maybe_text("sets")? {
        sets = r.tensors.bytes(&name, 1)?.1;
        for end in r.tensors.ints(&format!("{name}.ends"))? {
            ends.push(usize::try_from(end).or_else(|_| invalid(format!("'{name}.ends' is negative")))?);
        }
    }
    for i in 0..n_splits {
        let (view, x) = (inputs.size(i), thresholds.real(i));
        let whole = |x: f64| x >= 0.0 && x.fract() == 0.0 && x < f64::from(u32::MAX);
        if x.is_nan() || members.get(view).is_some_and(|m| m.is_some() && !whole(x)) {
            return invalid(format!("a threshold of {place} is no number"));
        }
        if single && f64::from(f32::from_f64(x)) != x {
            return invalid(format!(
                "a threshold of {place} is not of the precision in which cells are compared"
            ));
        }
    }
    // Nothing is above the largest number but what is missing and goes right.
    let most = if single { f64::from(f32::MAX) } else { f64::MAX };
    let split = |i: usize| {
        let (view, x) = (inputs.size(i), thresholds.real(i));
        let test = match members.get(view).copied().flatten() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "found to be whole")]
            Some(right) => Test::Member { set: x as usize, right },
            None => Test::Above(x.min(most)),
        };
        (view, test)
    };
    let leaves = match r.fields.take("leaves")? {
        crate::json::Json::Null => None,
        crate::json::Json::Text(name) => {
            let (mut shape, bytes) = r.tensors.bytes(&name, 2)?;
            let width = shape.pop().unwrap_or(0);
            if ![1, 2, 4].contains(&width) {
                return invalid(format!("'leaves' of {place} has numbers of a wrong size"));
            }
            r.fits("leaves", shape[0], nodes - n_splits)?;
            Some(Packed { bytes, shape, width })
        }
        _ => return invalid(format!("'leaves' of {place} is neither text nor null")),
    };
    let leaf = |i: usize| leaves.as_ref().map_or(i, |leaves| leaves.size(i));
    let most_leaf = (0..nodes - n_splits).map(leaf).max();
    let forest = Forest::new(
        &Preorder {
            nodes,
            is_split: &is_split,
            split: &split,
            leaf: &leaf,
            cells: views.len(),
            sets: (sets, &ends),
        },
        single,
    );
    match forest {
        Ok(forest) => Ok((forest, Rows { needed: most_leaf.map_or(0, |leaf| leaf + 1) })),
        Err(what) => invalid(format!("{place}: {what}")),
    }
}

/// Rows of values that leaves stand for.
#[derive(Clone, Copy)]
struct Rows {
    needed: usize,
}

fn read_leaves<T: Float>(
    r: &mut OpReader<'_, '_, '_>,
    rows: Rows,
    trees: usize,
) -> Result<Leaves<T>, LoadError> {
    let place = r.place();
    let outputs = r.fields.size("outputs")?;
    let counts = r.fields.bool("counts")?;
    let packed = Packed::read(r, "values", 2, if counts { &[1, 2, 4] } else { &[4, 8] })?;
    let (n, width) = (packed.shape[0], packed.shape[1]);
    if outputs == 0 || rows.needed > n {
        return invalid(format!("a leaf of {place} has no value"));
    }
    // With one output, both ways to read it are the same.
    let all = width == outputs;
    if !all && width != 1 {
        return invalid(format!("'values' of {place} has {width} columns for {outputs} outputs"));
    }
    if !all && !trees.is_multiple_of(outputs) {
        return invalid(format!("{place} has {trees} trees for {outputs} outputs"));
    }
    let mut values = Vec::with_capacity(n * width);
    for row in 0..n {
        let total: u64 = if counts { (0..width).map(|j| packed.bits(row * width + j)).sum() } else { 1 };
        for j in row * width..(row + 1) * width {
            #[allow(clippy::cast_precision_loss, reason = "counts are below 2^53")]
            let value = if counts { packed.bits(j) as f64 / total as f64 } else { packed.real(j) };
            let rounded = T::from_f64(value);
            if !rounded.is_finite() {
                return invalid(format!("a value of {place} is not finite"));
            }
            values.push(rounded);
        }
    }
    let mut numbers = |field: &str| -> Result<Vec<T>, LoadError> {
        let name = r.fields.text(field)?;
        let values = r.tensors.numbers(&name, false)?;
        r.fits(field, values.len(), outputs)?;
        Ok(values.into_iter().map(T::from_f64).collect())
    };
    let (start, add) = (numbers("start")?, numbers("add")?);
    let divide = r.fields.size("divide")?;
    let Ok(divide @ 1..) = u32::try_from(divide) else {
        return invalid(format!("'divide' of {place} is {divide}"));
    };
    Ok(Leaves { outputs, all, values, start, divide: T::from_f64(f64::from(divide)), add })
}

impl Trees {
    /// The cells of a row of inputs, as the nodes see them; `false` if one cannot be taken.
    #[inline(always)]
    fn see<T: Float>(&self, view: View, x: f64) -> T {
        let mut x = x;
        if self.tiny_is_zero && x.abs() <= TINY {
            x = 0.0;
        }
        if x.is_nan() {
            x = view.missing;
        } else if x == 0.0 {
            x = view.zero;
        }
        T::from_f64(x)
    }

    /// The same for nodes of the larger kind.
    #[inline(always)]
    fn wide(&self, view: View, x: f64) -> f64 {
        if self.single { f64::from(self.see::<f32>(view, x)) } else { self.see(view, x) }
    }

    #[inline(always)]
    fn takes(&self, x: f64) -> bool {
        let x = if self.single { f64::from(f32::from_f64(x)) } else { x };
        x.is_finite() | (x.is_nan() & !self.refuse_missing)
    }

    /// Some of the `of` rows of a block, whose cells are given row by row.
    fn walk(&self, cells: Cells<'_>, rows: Range<usize>, of: usize, out: &mut [f64]) {
        match &self.sums {
            Sums::Double(leaves) => leaves.sum(&self.forest, cells, rows, of, out),
            Sums::Single(leaves) => leaves.sum(&self.forest, cells, rows, of, out),
        }
    }
}

impl<T: Float> Leaves<T> {
    /// The sums of all outputs of some rows, into columns of `of` rows.
    fn sum(&self, forest: &Forest, cells: Cells<'_>, rows: Range<usize>, of: usize, out: &mut [f64]) {
        let k = self.outputs;
        let mut sums = self.start.repeat(rows.len());
        forest.walk(cells, &mut |tree, row, leaves| match (self.all, k) {
            (true, 1) => self.add::<1>(&mut sums[row..], leaves),
            (true, 2) => self.add::<2>(&mut sums[2 * row..], leaves),
            (true, _) => {
                for (sums, &leaf) in sums[row * k..].chunks_exact_mut(k).zip(leaves) {
                    for (sum, value) in sums.iter_mut().zip(&self.values[leaf as usize * k..]) {
                        *sum += *value;
                    }
                }
            }
            (false, _) => {
                for (sum, &leaf) in sums[row * k + tree % k..].iter_mut().step_by(k).zip(leaves) {
                    *sum += self.values[leaf as usize];
                }
            }
        });
        for (sums, row) in sums.chunks_exact(k).zip(rows) {
            for (j, (sum, add)) in sums.iter().zip(&self.add).enumerate() {
                out[j * of + row] = (*sum / self.divide + *add).to_f64();
            }
        }
    }

    #[inline(always)]
    fn add<const K: usize>(&self, sums: &mut [T], leaves: &[u32]) {
        let values = self.values.as_chunks::<K>().0;
        for (sums, &leaf) in sums.as_chunks_mut::<K>().0.iter_mut().zip(leaves) {
            let value = values[leaf as usize];
            for j in 0..K {
                sums[j] += value[j];
            }
        }
    }
}

impl Op for Trees {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, row: usize, schema: &Schema) -> Result<(), InputError> {
        let Scratch { numbers, x64, x32, .. } = s;
        for &(at, source) in &self.inputs {
            if !self.takes(numbers[at]) {
                let column = schema.columns().get(source).map_or("?", |c| c.name.as_str());
                let what = "the value is not finite, or too large, when it reaches the model";
                return Err(InputError::cell(InputCode::NotFinite, row, column, what));
            }
        }
        let (before, out) = numbers.split_at_mut(self.to);
        let cell = |view: &View| before[self.inputs[view.from].0];
        if self.forest.is_narrow() {
            x32.clear();
            x32.extend(self.views.iter().map(|view| self.see::<f32>(*view, cell(view))));
            self.walk(Cells::Narrow(x32), 0..1, 1, out);
        } else {
            x64.clear();
            x64.extend(self.views.iter().map(|view| self.wide(*view, cell(view))));
            self.walk(Cells::Wide(x64), 0..1, 1, out);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        let rows = b.rows();
        if !self.inputs.iter().all(|&(at, _)| b.numbers(at).iter().fold(true, |all, x| all & self.takes(*x)))
        {
            return false;
        }
        let (before, out) = b.split(self.to);
        let width = self.views.len();
        // There may be many more views than columns.
        let step = (CELLS / width).clamp(8, rows.max(8));
        let (mut x32, mut x64) = (Vec::new(), Vec::new());
        for begin in (0..rows).step_by(step) {
            let n = step.min(rows - begin);
            let column = |view: &View| &before[self.inputs[view.from].0 * rows + begin..][..n];
            if self.forest.is_narrow() {
                x32.resize(n * width, 0.0f32);
                for (k, view) in self.views.iter().enumerate() {
                    for (row, cell) in x32.chunks_exact_mut(width).zip(column(view)) {
                        row[k] = self.see(*view, *cell);
                    }
                }
                self.walk(Cells::Narrow(&x32), begin..begin + n, rows, out);
            } else {
                x64.resize(n * width, 0.0f64);
                for (k, view) in self.views.iter().enumerate() {
                    for (row, cell) in x64.chunks_exact_mut(width).zip(column(view)) {
                        row[k] = self.wide(*view, *cell);
                    }
                }
                self.walk(Cells::Wide(&x64), begin..begin + n, rows, out);
            }
        }
        true
    }
}
