//! A program of the columns of a block of rows: step by step, each for all rows.

use std::borrow::Cow;
use std::ops::Range;

use super::functions::{self, Body};
use super::{Program, Step, dates, truth};

/// A column of a block.
#[derive(Debug, Clone)]
pub enum Cells<'a> {
    /// Numbers, NaN where missing.
    Numbers(Cow<'a, [f64]>),
    /// Texts, `None` where missing.
    Texts(&'a [Option<Cow<'a, str>>]),
    /// A text for all rows.
    Text(&'a str),
    /// Texts end to end.
    Made(Cow<'a, Made>),
}

/// Texts end to end.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The texts.
    pub bytes: String,
    /// Where each ends.
    pub ends: Vec<usize>,
    /// Which are missing; they have no bytes.
    pub missing: Vec<bool>,
}

impl Made {
    /// Text `i`; `None` where missing.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&str> {
        let begin = if i == 0 { 0 } else { self.ends[i - 1] };
        if self.missing[i] { None } else { self.bytes.get(begin..self.ends[i]) }
    }

    /// Ends a text, whose bytes were written unless it is missing.
    fn end(&mut self, there: bool) {
        self.ends.push(self.bytes.len());
        self.missing.push(!there);
    }

    /// Appends all texts of `other`.
    pub fn append(&mut self, other: &Self) {
        let begin = self.bytes.len();
        self.bytes.push_str(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| begin + end));
        self.missing.extend_from_slice(&other.missing);
    }

    /// Appends a text.
    pub fn push(&mut self, text: Option<&str>) {
        self.bytes.push_str(text.unwrap_or_default());
        self.end(text.is_some());
    }
}

impl Cells<'_> {
    /// The text of row `i`; `None` of a number too.
    #[must_use]
    #[inline(always)]
    pub fn text(&self, i: usize) -> Option<&str> {
        match self {
            Self::Texts(texts) => texts[i].as_deref(),
            Self::Text(text) => Some(text),
            Self::Made(made) => made.get(i),
            Self::Numbers(_) => None,
        }
    }
}

/// Columns that wait for their function, each of `rows` rows.
struct Waiting<'a> {
    rows: usize,
    /// Bytes of texts that may still be made.
    left: usize,
    cells: Vec<Cells<'a>>,
}

impl<'a> Waiting<'a> {
    fn numbers(&mut self) -> Cow<'a, [f64]> {
        match self.cells.pop() {
            Some(Cells::Numbers(numbers)) => numbers,
            _ => Cow::Owned(vec![f64::NAN; self.rows]), // not of a checked program
        }
    }

    fn next(&mut self) -> Cells<'a> {
        self.cells.pop().unwrap_or(Cells::Text("")) // of a checked program there is one
    }

    fn number_of(&self, f: impl Fn(usize) -> Option<f64>) -> Cells<'a> {
        Cells::Numbers((0..self.rows).map(|i| f(i).unwrap_or(f64::NAN)).collect())
    }

    /// Texts that `write` writes; `None` if they are too long.
    fn made(&mut self, mut write: impl FnMut(usize, &mut Made)) -> Option<Cells<'a>> {
        let mut made = Made::default();
        made.ends.reserve(self.rows);
        made.missing.reserve(self.rows);
        for i in 0..self.rows {
            write(i, &mut made);
            if made.bytes.len() > self.left {
                return None;
            }
        }
        self.left -= made.bytes.len();
        Some(Cells::Made(Cow::Owned(made)))
    }

    fn cut(
        &mut self,
        texts: &Cells<'a>,
        part: impl Fn(usize, &str) -> Option<Range<usize>>,
    ) -> Option<Cells<'a>> {
        self.made(|i, made| {
            made.push(texts.text(i).and_then(|text| part(i, text).and_then(|range| text.get(range))));
        })
    }

    fn call(&mut self, body: &Body) -> Option<Cells<'a>> {
        Some(match body {
            Body::One(_, each) => {
                let mut x = self.numbers().into_owned();
                each(&mut x);
                Cells::Numbers(x.into())
            }
            Body::Two(_, each) => {
                let (b, a) = (self.numbers(), self.numbers());
                let mut a = a.into_owned();
                each(&mut a, &b);
                Cells::Numbers(a.into())
            }
            Body::OfText(f) => {
                let texts = self.next();
                self.number_of(|i| texts.text(i).map(f))
            }
            Body::OfTexts(f) => {
                let (b, a) = (self.next(), self.next());
                self.number_of(|i| Some(f(a.text(i)?, b.text(i)?)))
            }
            Body::OfDate(f) => {
                let texts = self.next();
                self.number_of(|i| texts.text(i).and_then(dates::parse).map(|date| f(&date)))
            }
            Body::Change(f, each) => {
                let texts = match self.next() {
                    Cells::Made(made) => Cells::Made(made),
                    texts => self.made(|i, made| made.push(texts.text(i)))?,
                };
                match texts {
                    Cells::Made(made) if made.bytes.is_ascii() => {
                        let mut made = made.into_owned();
                        each(&mut made.bytes);
                        Cells::Made(Cow::Owned(made))
                    }
                    texts => self.made(|i, made| made.push(texts.text(i).map(f).as_deref()))?,
                }
            }
            Body::Cut(f) => {
                let texts = self.next();
                self.cut(&texts, |_, text| f(text))?
            }
            Body::Join(f) => {
                let (b, a) = (self.next(), self.next());
                self.made(|i, made| {
                    let there = a.text(i).zip(b.text(i)).is_some_and(|(a, b)| f(a, b, &mut made.bytes));
                    made.end(there);
                })?
            }
            Body::Replace => {
                let (new, old, whole) = (self.next(), self.next(), self.next());
                self.made(|i, made| {
                    let there = match (whole.text(i), old.text(i), new.text(i)) {
                        (Some(whole), Some(old), Some(new)) => {
                            functions::replace(whole, old, new, &mut made.bytes)
                        }
                        _ => false,
                    };
                    made.end(there);
                })?
            }
            Body::Slice => {
                let (stop, start) = (self.numbers(), self.numbers());
                let texts = self.next();
                self.cut(&texts, |i, text| functions::characters(text, start[i], stop[i]))?
            }
            Body::Part => {
                let at = self.numbers();
                let (between, texts) = (self.next(), self.next());
                self.cut(&texts, |i, text| functions::piece(text, between.text(i)?, at[i]))?
            }
            Body::IsMissing => match self.next() {
                Cells::Numbers(x) => Cells::Numbers(x.iter().map(|x| truth(x.is_nan())).collect()),
                texts => self.number_of(|i| Some(truth(texts.text(i).is_none()))),
            },
            Body::Coalesce => {
                let (other, first) = (self.next(), self.next());
                match (first, other) {
                    (Cells::Numbers(first), Cells::Numbers(other)) => {
                        let each = first.iter().zip(&*other);
                        Cells::Numbers(each.map(|(a, b)| if a.is_nan() { *b } else { *a }).collect())
                    }
                    (first, other) => {
                        self.made(|i, made| made.push(first.text(i).or_else(|| other.text(i))))?
                    }
                }
            }
            Body::If => {
                let (no, yes) = (self.next(), self.next());
                let condition = self.numbers();
                match (yes, no) {
                    (Cells::Numbers(yes), Cells::Numbers(no)) => {
                        let pick = |(c, (yes, no)): (&f64, (&f64, &f64))| {
                            let chosen = if *c == 0.0 { *no } else { *yes };
                            if c.is_nan() { f64::NAN } else { chosen }
                        };
                        Cells::Numbers(condition.iter().zip(yes.iter().zip(&*no)).map(pick).collect())
                    }
                    (yes, no) => self.made(|i, made| {
                        let chosen = if condition[i] == 0.0 { &no } else { &yes };
                        made.push(if condition[i].is_nan() { None } else { chosen.text(i) });
                    })?,
                }
            }
        })
    }
}

impl Program {
    /// The results for `rows` rows, whose columns `column` gives: what [`Program::run`] gives of each. `None` if its
    /// steps would make more than `most` bytes of texts.
    pub fn run_block<'a>(
        &'a self,
        rows: usize,
        most: usize,
        column: impl Fn(usize) -> Cells<'a>,
    ) -> Option<Cells<'a>> {
        let mut waiting = Waiting { rows, left: most, cells: Vec::new() };
        for step in &self.steps {
            let cells = match step {
                Step::Column(at) => column(*at),
                Step::Number(v) => Cells::Numbers(vec![*v; rows].into()),
                Step::Text(text) => Cells::Text(text),
                Step::Call(body) => waiting.call(body)?,
                Step::Matches(pattern) => {
                    let texts = waiting.next();
                    waiting.number_of(|i| texts.text(i).map(|text| truth(pattern.matches(text))))
                }
                Step::Extract(pattern) => {
                    let texts = waiting.next();
                    waiting.cut(&texts, |_, text| pattern.find(text))?
                }
            };
            waiting.cells.push(cells);
        }
        waiting.cells.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Item, Kind, signatures};

    /// Numbers and texts of all kinds, missing ones among them.
    fn columns() -> (Vec<f64>, Vec<Option<Cow<'static, str>>>) {
        let numbers = [f64::NAN, -2.5, -0.0, 0.0, 0.5, 1.0, 3.0, 1e300, 5e-324, f64::INFINITY, -7.0];
        let texts = ["", "a-b", "Bath", "ßé-", " 12.5 ", "2024-02-29T23:59", "-", "a"];
        let missing = [None, Some(Cow::Borrowed("straße"))];
        (numbers.to_vec(), missing.into_iter().chain(texts.map(|t| Some(Cow::Borrowed(t)))).collect())
    }

    fn same(words: &[&str], numbers: &[Vec<f64>], texts: &[Vec<Option<Cow<'static, str>>>]) {
        let rows = numbers[0].len();
        let kinds = [Kind::Number, Kind::Number, Kind::Number, Kind::Text, Kind::Text, Kind::Text];
        let patterns = ["[0-9]+".to_owned(), "(a)|-".to_owned()];
        let program = Program::new(words, &[2.0, -1.0], &patterns, &kinds, &mut (1 << 20)).unwrap();
        let column = |j: usize| match j {
            0..3 => Cells::Numbers(numbers[j].as_slice().into()),
            _ => Cells::Texts(&texts[j - 3]),
        };
        let block = program.run_block(rows, 1 << 20, column).unwrap();
        for i in 0..rows {
            let cell = |j: usize| match j {
                0..3 => Item::Number(numbers[j][i]),
                _ => Item::Text(texts[j - 3][i].clone()),
            };
            match (program.run(cell, &mut Vec::new()), &block) {
                (Item::Number(v), Cells::Numbers(block)) => {
                    assert!(v.to_bits() == block[i].to_bits(), "{words:?} of row {i}: {v} and {}", block[i]);
                }
                (Item::Text(text), block) => {
                    assert_eq!(text.as_deref(), block.text(i), "{words:?} of row {i}")
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn blocks_give_what_rows_give() {
        let (numbers, texts) = columns();
        // Every cell meets every other.
        let (n, t) = (numbers.len(), texts.len());
        let rows = n * n * t;
        let numbers: Vec<Vec<f64>> =
            [1, n, n * t].map(|step| (0..rows).map(|i| numbers[i / step % n]).collect()).into();
        let texts: Vec<Vec<_>> =
            [1, t, t * n].map(|step| (0..rows).map(|i| texts[i / step % t].clone()).collect()).into();
        for (name, takes, _) in signatures() {
            for kinds in [[0, 3], [0, 0], [3, 3]] {
                let column = |(i, kind)| match kind {
                    'n' => format!("column {i}"),
                    't' => format!("column {}", 3 + i),
                    _ => format!("column {}", kinds[1] + i),
                };
                let mut words: Vec<String> = takes.chars().enumerate().map(column).collect();
                words.push(name.to_owned());
                same(&words.iter().map(String::as_str).collect::<Vec<_>>(), &numbers, &texts);
            }
        }
        for words in [
            &["column 3", "matches 0"][..],
            &["column 3", "extract 1 1"],
            &["column 3", "column 4", "concat", "upper", "lower", "strip", "length"],
            &["column 0", "number 0", "greater", "text 0", "column 3", "if", "upper"],
            &["number 1", "column 1", "subtract"],
            &["text 1"],
            &["column 5"],
            &["column 2"],
        ] {
            same(words, &numbers, &texts);
        }
    }

    #[test]
    fn too_long_texts_are_left_to_rows() {
        let texts = vec![Some(Cow::Borrowed("ab")); 10];
        let program =
            Program::new(&["column 0", "column 0", "concat"], &[], &[], &[Kind::Text], &mut 0).unwrap();
        assert!(program.run_block(10, 40, |_| Cells::Texts(&texts)).is_some());
        assert!(program.run_block(10, 39, |_| Cells::Texts(&texts)).is_none());
    }
}
