//! Expressions of a row's columns: a program in postfix order, checked once, then run for a row or for a block.
//!
//! A cell is a number (NaN where missing; true is 1 and false is 0) or a text. What is missing makes the result missing,
//! but for `is_missing`, `coalesce`, and the branch of an `if` that is not taken.

mod block;
mod dates;
mod functions;
mod pattern;

use std::borrow::Cow;

use functions::Body;
use pattern::Pattern;

pub use block::{Cells, Made};
pub use functions::signatures;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    /// A number, NaN where missing.
    Number(f64),
    /// A text.
    Text(Option<Cow<'a, str>>),
}

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A text.
    Text,
}

/// Steps of a program at most.
const MOST_STEPS: usize = 10_000;
/// Cells that wait for their function at most.
const MOST_WAITING: usize = 250;
/// Bytes of a text that was made longer than what it was made of: a longer one is missing.
pub(crate) const MOST_BYTES: usize = 1 << 16;

#[derive(Debug)]
enum Step {
    Column(usize),
    Number(f64),
    Text(Box<str>),
    Call(&'static Body),
    Matches(Pattern),
    Extract(Pattern),
}

/// A checked program.
#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    kind: Kind,
}

impl Program {
    /// Checks the `words` of a program over columns of these `kinds`: `column I`, `number I` and `text I` put a cell
    /// there; `matches I` and `extract I G` search for the pattern that is text I; all others are functions.
    ///
    /// `memory` bounds the patterns, and is lessened by what they take.
    ///
    /// # Errors
    /// Why it is no program.
    pub fn new<W: AsRef<str>>(
        words: &[W],
        numbers: &[f64],
        texts: &[String],
        kinds: &[Kind],
        memory: &mut usize,
    ) -> Result<Self, String> {
        if words.len() > MOST_STEPS {
            return Err(format!("it has {} steps, {MOST_STEPS} are allowed", words.len()));
        }
        let mut waiting: Vec<Kind> = Vec::new();
        let mut steps = Vec::with_capacity(words.len());
        for word in words {
            let word = word.as_ref();
            let mut parts = word.split(' ');
            let name = parts.next().unwrap_or_default();
            let places = parts
                .map(|part| part.parse().map_err(|_| no_step(word)))
                .collect::<Result<Vec<usize>, _>>()?;
            let text = |at: usize| texts.get(at).ok_or_else(|| no_step(word));
            let (step, takes, gives) = match (name, places.as_slice()) {
                ("column", &[at]) => (Step::Column(at), "", *kinds.get(at).ok_or_else(|| no_step(word))?),
                ("number", &[at]) => {
                    let value = *numbers.get(at).ok_or_else(|| no_step(word))?;
                    (Step::Number(value), "", Kind::Number)
                }
                ("text", &[at]) => (Step::Text(text(at)?.as_str().into()), "", Kind::Text),
                ("matches", &[at]) => (Step::Matches(Pattern::new(text(at)?, 0, memory)?), "t", Kind::Number),
                ("extract", &[at, group]) => {
                    (Step::Extract(Pattern::new(text(at)?, group, memory)?), "t", Kind::Text)
                }
                (name, []) => {
                    let (takes, gives, body) = functions::find(name).ok_or_else(|| no_step(word))?;
                    let kind = match gives {
                        'n' => Kind::Number,
                        't' => Kind::Text,
                        // Of the kind of its last arguments.
                        _ => *waiting.last().ok_or_else(|| no_step(word))?,
                    };
                    (Step::Call(body), takes, kind)
                }
                _ => return Err(no_step(word)),
            };
            let Some(rest) = waiting.len().checked_sub(takes.len()) else {
                return Err(format!("'{word}' has too few arguments"));
            };
            let taken = waiting.split_off(rest);
            let free = taken.last().copied();
            let fits = taken.iter().zip(takes.chars()).all(|(kind, wanted)| match wanted {
                'n' => *kind == Kind::Number,
                't' => *kind == Kind::Text,
                _ => Some(*kind) == free,
            });
            if !fits {
                return Err(format!("'{word}' has arguments of another kind"));
            }
            waiting.push(gives);
            if waiting.len() > MOST_WAITING {
                return Err("it is nested too deeply".into());
            }
            steps.push(step);
        }
        match waiting.as_slice() {
            &[kind] => Ok(Self { steps, kind }),
            _ => Err(format!("it leaves {} cells", waiting.len())),
        }
    }

    /// What it gives.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The columns that it reads, some of them more than once.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| if let Step::Column(at) = step { Some(*at) } else { None })
    }

    /// Number of its steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Has it no steps? No program has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The result for one row, whose cells `cell` gives; `waiting` is room to use.
    pub fn run<'a>(&'a self, cell: impl Fn(usize) -> Item<'a>, waiting: &mut Vec<Item<'a>>) -> Item<'a> {
        waiting.clear();
        for step in &self.steps {
            let item = match step {
                Step::Column(at) => cell(*at),
                Step::Number(v) => Item::Number(*v),
                Step::Text(text) => Item::Text(Some(Cow::Borrowed(text))),
                Step::Call(body) => body.call(waiting),
                Step::Matches(pattern) => {
                    let text = functions::text(waiting);
                    Item::Number(text.map_or(f64::NAN, |text| truth(pattern.matches(&text))))
                }
                Step::Extract(pattern) => {
                    let text = functions::text(waiting);
                    Item::Text(text.and_then(|text| functions::cut(text, |text| pattern.find(text))))
                }
            };
            waiting.push(item);
        }
        // A checked program leaves one.
        waiting.pop().unwrap_or(Item::Number(f64::NAN))
    }
}

fn no_step(word: &str) -> String {
    format!("'{word}' is no step")
}

pub(crate) fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], numbers: &[f64], texts: &[&str], cells: &[Item<'static>]) -> Item<'static> {
        let kinds: Vec<Kind> = cells
            .iter()
            .map(|c| if matches!(c, Item::Number(_)) { Kind::Number } else { Kind::Text })
            .collect();
        let texts: Vec<String> = texts.iter().map(|&t| t.to_owned()).collect();
        let program = Program::new(words, numbers, &texts, &kinds, &mut (1 << 20)).unwrap();
        match program.run(|at| cells[at].clone(), &mut Vec::new()) {
            Item::Number(v) => Item::Number(v),
            Item::Text(text) => Item::Text(text.map(|t| Cow::Owned(t.into_owned()))),
        }
    }

    fn text(t: &str) -> Item<'static> {
        Item::Text(Some(Cow::Owned(t.to_owned())))
    }

    #[test]
    fn programs_run() {
        let cells = [Item::Number(6.0), text("  Bäth 12345 ")];
        assert_eq!(run(&["column 0", "number 0", "divide"], &[4.0], &[], &cells), Item::Number(1.5));
        assert_eq!(run(&["column 1", "strip", "lower"], &[], &[], &cells), text("bäth 12345"));
        assert_eq!(run(&["column 1", "extract 0 1"], &[], &["([0-9]{2})[0-9]"], &cells), text("12"));
        assert_eq!(run(&["column 1", "matches 0"], &[], &[r"\w\s\d"], &cells), Item::Number(1.0));
        let missing = [Item::Number(f64::NAN), Item::Text(None)];
        assert_eq!(run(&["column 0", "number 0", "coalesce"], &[7.0], &[], &missing), Item::Number(7.0));
        assert_eq!(run(&["column 1", "is_missing"], &[], &[], &missing), Item::Number(1.0));
        assert_eq!(run(&["column 1", "lower"], &[], &[], &missing), Item::Text(None));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let kinds = [Kind::Number, Kind::Text];
        let texts = ["(".to_owned(), "a{9}{9}{9}{9}{9}".to_owned(), "a".to_owned()];
        for words in [
            &[][..],
            &["column 2"],
            &["column 0", "column 1"],
            &["add"],
            &["column 0", "lower"],
            &["column 0", "column 1", "add"],
            &["column 0", "column 0", "column 1", "if"],
            &["column 1", "matches 0"],
            &["column 1", "matches 1"],
            &["column 1", "extract 2 1"],
            &["column 1", "matches 3"],
            &["column -1"],
            &["column 0 0"],
            &["nothing"],
            &["number 0"],
            &["column"],
        ] {
            assert!(Program::new(words, &[], &texts, &kinds, &mut (1 << 18)).is_err(), "{words:?}");
        }
        let deep = vec!["column 0"; 1_000];
        assert!(Program::new(&deep, &[], &[], &kinds, &mut 0).is_err());
    }
}
