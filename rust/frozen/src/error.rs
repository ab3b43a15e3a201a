//! The two errors of the frozen model: a file that is refused, and an input that is refused.

/// Why a file was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no model file, or were cut or altered since it was written.
    #[error("not a readable ferroflow model file: {0}")]
    Damaged(String),
    /// The file breaks a rule of the format.
    #[error("the ferroflow model file is invalid: {0}")]
    Invalid(String),
    /// The file needs a newer reader.
    #[error("the ferroflow model file needs a newer version of ferroflow: {0}")]
    TooNew(String),
    /// The file is larger than the caller's limits allow.
    #[error("the ferroflow model file is over a limit: {0}")]
    OverLimit(String),
    /// The stored self-test rows gave other bits here.
    #[error("the ferroflow model file fails its self-test: {0}")]
    SelfTest(String),
}

/// What kind of mistake an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputCode {
    /// A column that the model does not know.
    UnknownColumn,
    /// A column that the model needs is not there, or is shorter than the others.
    MissingColumn,
    /// Text where a number is needed, or the other way round.
    WrongType,
    /// A missing value in a column where the model takes none.
    MissingValue,
    /// An infinite number, or one that overflows on its way.
    NotFinite,
    /// A category that the model does not know and is told to refuse.
    UnknownCategory,
    /// More rows than the caller allows.
    TooManyRows,
    /// The model has no such output (probabilities of a hinge loss, labels of a transformer).
    NoSuchOutput,
}

impl InputCode {
    /// The code as a word, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownColumn => "unknown_column",
            Self::MissingColumn => "missing_column",
            Self::WrongType => "wrong_type",
            Self::MissingValue => "missing_value",
            Self::NotFinite => "not_finite",
            Self::UnknownCategory => "unknown_category",
            Self::TooManyRows => "too_many_rows",
            Self::NoSuchOutput => "no_such_output",
        }
    }
}

/// Why an input was refused, with its place. The message names row (from 0) and column too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    /// The kind of mistake.
    pub code: InputCode,
    /// For people.
    pub message: String,
    /// The row, counted from 0.
    pub row: Option<usize>,
    /// The input column's name.
    pub column: Option<String>,
}

impl InputError {
    /// An error in one cell; `what` continues "row R, column 'C': ".
    #[must_use]
    pub fn cell(code: InputCode, row: usize, column: &str, what: &str) -> Self {
        Self {
            code,
            message: format!("row {row}, column '{column}': {what}"),
            row: Some(row),
            column: Some(column.to_owned()),
        }
    }

    /// A number that overflows inside the model.
    #[must_use]
    pub fn overflow(row: usize) -> Self {
        Self {
            code: InputCode::NotFinite,
            message: format!(
                "row {row}: the model's score overflows; a value is far outside the training data"
            ),
            row: Some(row),
            column: None,
        }
    }

    /// An error in a whole column.
    #[must_use]
    pub fn column(code: InputCode, column: &str, message: String) -> Self {
        Self { code, message, row: None, column: Some(column.to_owned()) }
    }
}
