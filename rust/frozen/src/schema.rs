//! What goes into a model and what comes out.

use std::fmt;

use hashbrown::HashMap;

/// What the cells of an input column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Number,
    /// Whole numbers when the model was trained; other numbers are taken too.
    Integer,
    /// True or false.
    Boolean,
    /// Text.
    Text,
}

impl Kind {
    /// The word used in files and schemas.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Text => "text",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Number, Self::Integer, Self::Boolean, Self::Text].into_iter().find(|k| k.as_str() == text)
    }
}

/// A column of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputColumn {
    /// Its name.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// May cells be missing?
    pub nullable: bool,
    /// Are its numbers rounded to `f32` first, as in the frame that the model was trained on?
    pub single: bool,
    /// The texts seen in training, where there were few enough to note.
    pub categories: Option<Vec<String>>,
}

/// The columns of the input, in order.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    columns: Vec<InputColumn>,
    by_name: HashMap<String, usize, foldhash::fast::RandomState>,
}

impl Schema {
    /// `None` if two columns share a name.
    #[must_use]
    pub fn new(columns: Vec<InputColumn>) -> Option<Self> {
        let mut by_name =
            HashMap::with_capacity_and_hasher(columns.len(), foldhash::fast::RandomState::default());
        for (j, column) in columns.iter().enumerate() {
            if by_name.insert(column.name.clone(), j).is_some() {
                return None;
            }
        }
        Some(Self { columns, by_name })
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[InputColumn] {
        &self.columns
    }

    /// The number of the column of this name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn set_nullable(&mut self, nullable: &[bool]) {
        for (column, &nullable) in self.columns.iter_mut().zip(nullable) {
            column.nullable = nullable;
        }
    }
}

/// A class label.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(v) => v.fmt(f),
            Self::Float(v) => v.fmt(f),
            Self::Bool(v) => v.fmt(f),
            Self::Text(v) => v.fmt(f),
        }
    }
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Predicts a class.
    Classifier,
    /// Predicts a number.
    Regressor,
    /// Turns a row into numbers.
    Transformer,
}

impl Task {
    /// The word used in files and schemas.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classifier => "classifier",
            Self::Regressor => "regressor",
            Self::Transformer => "transformer",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Classifier, Self::Regressor, Self::Transformer].into_iter().find(|t| t.as_str() == text)
    }
}

/// What a model says of itself.
#[derive(Debug, Clone)]
pub struct Info {
    /// Its name, as given to `freeze`.
    pub name: String,
    /// Its version, as given to `freeze`.
    pub version: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// What it does.
    pub task: Task,
    /// The classes of a classifier, in the order of the probabilities.
    pub classes: Vec<Label>,
    /// Names of the outputs: of a transformer's columns, of a regressor's targets.
    pub outputs: Vec<String>,
    /// Does it give probabilities?
    pub has_probabilities: bool,
    /// Does it give scores from which labels are told?
    pub has_scores: bool,
    /// Are its values and probabilities `f32` (held here widened)?
    pub single: bool,
    /// Does a regressor give one number per row (rather than a row of one)?
    pub flat: bool,
}
