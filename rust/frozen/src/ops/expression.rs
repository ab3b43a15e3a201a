//! Columns computed of others: programs of the core's expressions.

use std::borrow::Cow;

use ferroflow_core::Float;
use ferroflow_core::expression::{Cells, Item, Kind, Program};

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::{InputError, LoadError};
use crate::graph::{Line, Scratch, Slot, Text};
use crate::json::{Json, invalid};
use crate::schema::Schema;

/// Bytes of texts that are made for one block at most: with more it goes row by row.
const MOST_MADE: usize = 1 << 24;

#[derive(Debug)]
struct Expression {
    inputs: Vec<Slot>,
    single: bool,
    programs: Vec<(Program, Slot)>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let numbers = r.tensors.numbers(&r.fields.text("numbers")?, false)?;
    let texts = r.tensors.texts(&r.fields.text("texts")?)?;
    let input = r.input;
    let inputs: Vec<Slot> = input.iter().map(|line| line.slot).collect();
    let kind = |slot: &Slot| if matches!(slot, Slot::Text(_)) { Kind::Text } else { Kind::Number };
    let kinds: Vec<Kind> = inputs.iter().map(kind).collect();
    let source = input.first().map_or(0, |line| line.source);
    let open = input.iter().any(|line| line.open);
    let (mut programs, mut lines) = (Vec::new(), Vec::new());
    for words in r.fields.list("programs")? {
        let Json::List(words) = words else {
            return invalid(format!("a program of {} is no list", r.place()));
        };
        let word = |word: Json| match word {
            Json::Text(word) => Ok(word),
            _ => invalid(format!("a program of {} holds something else than texts", r.place())),
        };
        let words = words.into_iter().map(word).collect::<Result<Vec<_>, LoadError>>()?;
        let program = Program::new(&words, &numbers, &texts, &kinds, &mut r.compiler.patterns);
        let program = match program {
            Ok(program) => program,
            Err(why) => return invalid(format!("a program of {}: {why}", r.place())),
        };
        r.compiler.run_program(&program)?;
        r.compiler.check_width(lines.len())?;
        let slot = if program.kind() == Kind::Text { r.compiler.text() } else { r.compiler.number() };
        // Whether it comes out missing is not only its inputs' affair: a text may be no date.
        lines.push(Line { slot, source, open: open || !input.is_empty() });
        programs.push((program, slot));
    }
    Ok((Box::new(Expression { inputs, single, programs }), lines))
}

impl Expression {
    fn rounded(&self, v: f64) -> f64 {
        if self.single { f32::from_f64(v).to_f64() } else { v }
    }
}

fn item<'a>(text: &Text<'a>) -> Item<'a> {
    Item::Text(text.clone())
}

impl Op for Expression {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        let mut waiting = Vec::new();
        for (program, to) in &self.programs {
            let cell = |at: usize| match self.inputs[at] {
                Slot::Number(at) => Item::Number(s.numbers[at]),
                Slot::Text(at) => item(&s.texts[at]),
            };
            match (program.run(cell, &mut waiting), *to) {
                (Item::Number(v), Slot::Number(to)) => s.numbers[to] = self.rounded(v),
                (Item::Text(text), Slot::Text(to)) => s.texts[to] = text,
                _ => {}
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        let (rows, mut left) = (b.rows(), MOST_MADE);
        for (program, to) in &self.programs {
            let column = |at: usize| match self.inputs[at] {
                Slot::Number(at) => Cells::Numbers(b.numbers(at).into()),
                Slot::Text(at) => Cells::Texts(b.texts(at)),
            };
            match (program.run_block(rows, left, column), *to) {
                (Some(Cells::Numbers(numbers)), Slot::Number(to)) => {
                    let numbers = numbers.into_owned();
                    for (out, v) in b.numbers_mut(to).iter_mut().zip(numbers) {
                        *out = self.rounded(v);
                    }
                }
                (Some(texts), Slot::Text(to)) => {
                    let texts: Vec<Text<'a>> =
                        (0..rows).map(|i| texts.text(i).map(|text| Cow::Owned(text.to_owned()))).collect();
                    left = left.saturating_sub(texts.iter().flatten().map(|text| text.len()).sum());
                    for (out, text) in b.texts_mut(to).iter_mut().zip(texts) {
                        *out = text;
                    }
                }
                _ => return false,
            }
        }
        true
    }
}
