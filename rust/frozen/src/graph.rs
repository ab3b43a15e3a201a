//! The graph of ops, compiled to slots.
//!
//! A value of the graph is a list of columns; each column is a slot of a row's scratch (a number or a text), so that
//! choosing and joining columns costs nothing when rows run. Each slot knows the input column it comes from, for
//! messages, and whether a missing value can reach it: from that follows which input columns may be null.

use std::borrow::Cow;

use ferroflow_core::expression::{self, Program};

use crate::batch::Checked;
use crate::block::{self, Block};
use crate::container::Tensors;
use crate::error::{InputError, LoadError};
use crate::json::{Fields, Json, invalid};
use crate::limits::Limits;
use crate::ops::{OPS, Op, OpReader};
use crate::schema::{Kind, Schema};
use crate::versions::Versions;

/// Bytes that all patterns of a graph may take, and programs that may make texts.
const MOST_PATTERNS: usize = 8 << 20;
const MOST_MADE: usize = 256;
/// What a step of a program costs, in slots.
const WORK_OF_STEP: usize = 64;

/// Where a column of a value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Number(usize),
    Text(usize),
}

/// A column of a value while the graph is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub slot: Slot,
    /// The input column it comes from.
    pub source: usize,
    /// Can it be missing?
    pub open: bool,
}

/// A text on its way: the input's or the model's own, or made on the way; `None` where missing.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One row on its way through the ops.
pub struct Scratch<'a> {
    pub numbers: Vec<f64>,
    pub texts: Vec<Text<'a>>,
    pub x64: Vec<f64>,
    pub x32: Vec<f32>,
    pub work: Vec<f64>,
}

/// The ops in order.
#[derive(Debug)]
pub struct Graph {
    ops: Vec<Box<dyn Op>>,
    inputs: Vec<Slot>,
    n_numbers: usize,
    n_texts: usize,
    work: usize,
}

/// A graph, its values' columns, and which input columns may be null.
pub type Compiled = (Graph, Vec<Vec<Line>>, Vec<bool>);

/// What ops need while they are read.
pub struct Compiler<'l> {
    pub n_numbers: usize,
    pub n_texts: usize,
    pub nullable: Vec<bool>,
    /// Bytes that patterns may still take.
    pub patterns: usize,
    /// Programs that make texts, and what all programs cost beside other ops' slots.
    n_made: usize,
    work: usize,
    limits: &'l Limits,
    /// Columns of all values together.
    room: usize,
}

impl Compiler<'_> {
    pub fn number(&mut self) -> Slot {
        self.n_numbers += 1;
        Slot::Number(self.n_numbers - 1)
    }
    pub fn text(&mut self) -> Slot {
        self.n_texts += 1;
        Slot::Text(self.n_texts - 1)
    }
    /// The op takes no missing value on this line.
    pub fn refuse_missing(&mut self, line: &Line) {
        if line.open
            && let Some(nullable) = self.nullable.get_mut(line.source)
        {
            *nullable = false;
        }
    }
    /// An op takes about as long for a row as so many numbers.
    pub fn work(&mut self, numbers: usize) {
        self.work = self.work.saturating_add(numbers);
    }
    /// Notes a program; those that make texts are few, since each text may be long.
    pub fn run_program(&mut self, program: &Program) -> Result<(), LoadError> {
        self.work(program.len().saturating_mul(WORK_OF_STEP));
        self.n_made += usize::from(program.kind() == expression::Kind::Text);
        if self.n_made > MOST_MADE {
            return Err(LoadError::OverLimit(format!("more than {MOST_MADE} of its programs make texts")));
        }
        Ok(())
    }
    /// Columns that a value may have.
    pub fn most_columns(&self) -> usize {
        self.limits.max_columns.min(self.room)
    }
    pub fn check_width(&self, width: usize) -> Result<(), LoadError> {
        // All slots together are bounded too: nodes times columns would be no bound at all.
        let most = self.most_columns();
        if width > most || self.n_numbers > self.room || self.n_texts > self.room {
            return Err(LoadError::OverLimit(format!("a value has {width} columns, {most} are allowed")));
        }
        Ok(())
    }
}

impl Graph {
    /// Reads the nodes of a file of `size` bytes; gives the graph, its values' columns, and which input columns may be null.
    pub fn read(
        size: usize,
        nodes: Vec<Json>,
        schema: &Schema,
        tensors: &mut Tensors<'_>,
        versions: &mut Versions,
        limits: &Limits,
    ) -> Result<Compiled, LoadError> {
        if nodes.len() > limits.max_nodes {
            return Err(LoadError::OverLimit(format!("its graph has {} nodes", nodes.len())));
        }
        let n = schema.columns().len();
        let mut c = Compiler {
            n_numbers: 0,
            n_texts: 0,
            nullable: vec![true; n],
            patterns: MOST_PATTERNS,
            n_made: 0,
            work: 0,
            limits,
            room: limits.room(size),
        };
        let mut first = Vec::with_capacity(n);
        for (source, column) in schema.columns().iter().enumerate() {
            let slot = if column.kind == Kind::Text { c.text() } else { c.number() };
            first.push(Line { slot, source, open: true });
        }
        let inputs = first.iter().map(|line| line.slot).collect();
        let mut values = vec![first];
        let mut ops = Vec::new();
        let mut total = 0usize;
        for (i, node) in nodes.into_iter().enumerate() {
            let mut fields = Fields::new(node, format!("node {i}"))?;
            let name = fields.text("op")?;
            versions.used(&name)?;
            let lines = match name.as_str() {
                "select" => {
                    let input = value(&mut fields, &values)?;
                    let columns = fields.sizes("columns")?;
                    let picked = columns.iter().map(|&j| input.get(j).copied()).collect::<Option<Vec<_>>>();
                    match picked {
                        Some(lines) => lines,
                        None => return invalid(format!("node {i} selects a column that is not there")),
                    }
                }
                "concat" => {
                    let mut lines = Vec::new();
                    for v in fields.sizes("in")? {
                        match values.get(v) {
                            Some(more) => lines.extend_from_slice(more),
                            None => return invalid(format!("node {i} uses a value that is not there yet")),
                        }
                        c.check_width(lines.len())?;
                    }
                    lines
                }
                _ => {
                    let input = value(&mut fields, &values)?.clone();
                    let Some(known) = OPS.iter().find(|op| op.name == name) else {
                        return invalid(format!("the op '{name}' is unknown"));
                    };
                    let (op, lines) = (known.read)(&mut OpReader {
                        fields: &mut fields,
                        tensors,
                        compiler: &mut c,
                        input: &input,
                    })?;
                    ops.push(op);
                    lines
                }
            };
            fields.end()?;
            c.check_width(lines.len())?;
            total = total.saturating_add(lines.len());
            // A few bytes of "concat" make a wide value, so all of them together are bounded too.
            if total > c.room {
                return Err(LoadError::OverLimit("its values have too many columns in all".into()));
            }
            values.push(lines);
        }
        let nullable = std::mem::take(&mut c.nullable);
        Ok((Self { ops, inputs, n_numbers: c.n_numbers, n_texts: c.n_texts, work: c.work }, values, nullable))
    }

    /// What one row takes to compute, in numbers and texts.
    pub fn work(&self) -> usize {
        self.slots().saturating_add(self.work)
    }

    /// Numbers and texts that one row takes.
    pub fn slots(&self) -> usize {
        self.n_numbers.saturating_add(self.n_texts)
    }

    pub fn scratch<'a>(&self) -> Scratch<'a> {
        Scratch {
            numbers: vec![0.0; self.n_numbers],
            texts: vec![None; self.n_texts],
            x64: Vec::new(),
            x32: Vec::new(),
            work: Vec::new(),
        }
    }

    /// Rows of a block, if blocks pay.
    pub fn rows_of_block(&self) -> Option<usize> {
        block::rows_of(self.slots())
    }

    pub fn block<'a>(&self, rows: usize) -> Block<'a> {
        Block::new(self.n_numbers, self.n_texts, rows)
    }

    /// Where the input columns live.
    pub fn inputs(&self) -> &[Slot] {
        &self.inputs
    }

    /// Runs the ops on a block whose inputs are filled; `false` if it has to go row by row.
    pub fn run_block<'a>(&'a self, block: &mut Block<'a>) -> bool {
        self.ops.iter().all(|op| op.block(block))
    }

    /// Puts a checked cell where its column lives.
    #[inline]
    pub fn put<'a>(&self, column: usize, cell: &Checked<'a>, s: &mut Scratch<'a>) {
        match (self.inputs.get(column), cell) {
            (Some(&Slot::Number(at)), Checked::Number(x)) => s.numbers[at] = *x,
            (Some(&Slot::Text(at)), Checked::Text(text)) => s.texts[at] = text.map(Cow::Borrowed),
            _ => {}
        }
    }

    /// Runs the ops on the slots of row `i`.
    #[inline]
    pub fn ops<'a>(&'a self, s: &mut Scratch<'a>, i: usize, schema: &Schema) -> Result<(), InputError> {
        for op in &self.ops {
            op.row(s, i, schema)?;
        }
        Ok(())
    }
}

fn value<'v>(fields: &mut Fields, values: &'v [Vec<Line>]) -> Result<&'v Vec<Line>, LoadError> {
    let v = fields.size("in")?;
    match values.get(v) {
        Some(lines) => Ok(lines),
        None => invalid(format!("{} uses a value that is not there yet", fields.place())),
    }
}
