//! Rows on their way into a model, column by column.

use ndarray::ArrayView1;

use crate::error::{InputCode, InputError};
use crate::schema::{InputColumn, Kind, Schema};
use crate::source;

/// One cell of an input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A number; NaN is [`Cell::Missing`].
    Number(f64),
    /// True or false, for boolean columns.
    Boolean(bool),
    /// A text.
    Text(&'a str),
    /// Nothing.
    Missing,
}

/// A cell that fits its column.
pub(crate) enum Checked<'a> {
    /// A number; NaN where missing.
    Number(f64),
    /// A text; `None` where missing.
    Text(Option<&'a str>),
}

/// Checks a cell against its column.
#[inline]
pub(crate) fn check<'a>(spec: &InputColumn, cell: Cell<'a>, row: usize) -> Result<Checked<'a>, InputError> {
    let fail = |code, what: &str| Err(InputError::cell(code, row, &spec.name, what));
    let missing = |cell| {
        let what = "a value is needed here: the model takes no missing values in this column";
        if spec.nullable { Ok(cell) } else { fail(InputCode::MissingValue, what) }
    };
    match (spec.kind, cell) {
        (Kind::Text, Cell::Text(text)) => Ok(Checked::Text(Some(text))),
        (Kind::Text, Cell::Missing) => missing(Checked::Text(None)),
        (Kind::Text, Cell::Number(x)) if x.is_nan() => missing(Checked::Text(None)),
        (Kind::Text, Cell::Number(x)) => {
            fail(InputCode::WrongType, &format!("a text is needed, found the number {x}"))
        }
        (Kind::Text, Cell::Boolean(b)) => fail(InputCode::WrongType, &format!("a text is needed, found {b}")),
        (_, Cell::Missing) => missing(Checked::Number(f64::NAN)),
        (_, Cell::Number(x)) if x.is_nan() => missing(Checked::Number(f64::NAN)),
        (kind, Cell::Number(x)) => {
            #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
            let x = if spec.single { f64::from(x as f32) } else { x };
            if !x.is_finite() {
                return fail(InputCode::NotFinite, "the number is infinite or too large");
            }
            if kind == Kind::Boolean && x != 0.0 && x != 1.0 {
                return fail(InputCode::WrongType, &format!("true or false is needed, found {x}"));
            }
            Ok(Checked::Number(x))
        }
        (Kind::Boolean, Cell::Boolean(b)) => Ok(Checked::Number(f64::from(u8::from(b)))),
        (_, Cell::Boolean(b)) => fail(InputCode::WrongType, &format!("a number is needed, found {b}")),
        (kind, Cell::Text(text)) => {
            let what = if kind == Kind::Boolean { "true or false" } else { "a number" };
            let shown: String = text.chars().take(40).collect();
            fail(InputCode::WrongType, &format!("{what} is needed, found the text '{shown}'"))
        }
    }
}

/// A column of texts, end to end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    bytes: String,
    ends: Vec<usize>,
    missing: Vec<bool>,
}

impl Texts {
    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Cell `i`; `None` where missing.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&str> {
        if *self.missing.get(i)? {
            return None;
        }
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.bytes.get(start..self.ends[i])
    }

    /// Appends a cell.
    pub fn push(&mut self, text: Option<&str>) {
        self.bytes.push_str(text.unwrap_or(""));
        self.ends.push(self.bytes.len());
        self.missing.push(text.is_none());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.missing.clear();
    }
}

/// A column of cells: numbers (NaN where missing) or texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers.
    Numbers(Vec<f64>),
    /// Texts.
    Texts(Texts),
}

impl Column {
    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(v) => v.len(),
            Self::Texts(v) => v.len(),
        }
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows for a model: push every column's cells in row order, in any order of columns.
#[derive(Debug, Clone)]
pub struct Batch<'s> {
    schema: &'s Schema,
    columns: Vec<Column>,
}

impl<'s> Batch<'s> {
    /// An empty batch with room for `rows`.
    #[must_use]
    pub fn new(schema: &'s Schema, rows: usize) -> Self {
        let columns = schema
            .columns()
            .iter()
            .map(|c| match c.kind {
                Kind::Text => Column::Texts(Texts::default()),
                _ => Column::Numbers(Vec::with_capacity(rows)),
            })
            .collect();
        Self { schema, columns }
    }

    /// The schema it was made for.
    #[must_use]
    pub fn schema(&self) -> &'s Schema {
        self.schema
    }

    /// The columns as they are.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns themselves.
    #[must_use]
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// Takes the rows out, keeps the room.
    pub fn clear(&mut self) {
        for column in &mut self.columns {
            match column {
                Column::Numbers(v) => v.clear(),
                Column::Texts(v) => v.clear(),
            }
        }
    }

    /// Appends `cell` to column number `column`; its row is the number of cells there so far.
    ///
    /// # Errors
    /// A cell of the wrong type, missing where none may be, or not finite; names row and column.
    #[inline]
    pub fn push(&mut self, column: usize, cell: Cell<'_>) -> Result<(), InputError> {
        let (Some(spec), Some(cells)) = (self.schema.columns().get(column), self.columns.get_mut(column))
        else {
            return Err(InputError {
                code: InputCode::UnknownColumn,
                message: format!("the model has no column number {column}"),
                row: None,
                column: None,
            });
        };
        let row = cells.len();
        match (cells, check(spec, cell, row)?) {
            (Column::Numbers(v), Checked::Number(x)) => v.push(x),
            (Column::Texts(v), Checked::Text(text)) => v.push(text),
            // `new` makes the columns by the kinds that `check` goes by.
            (_, _) => {
                return Err(InputError::cell(InputCode::WrongType, row, &spec.name, "the cell does not fit"));
            }
        }
        Ok(())
    }

    /// Appends numbers (NaN where missing) to column number `column`: what [`Batch::push`] of each does, faster.
    ///
    /// # Errors
    /// As for [`Batch::push`]; the cells before the one that is refused are kept.
    pub fn push_numbers(&mut self, column: usize, numbers: ArrayView1<'_, f64>) -> Result<(), InputError> {
        if let (Some(spec), Some(Column::Numbers(v))) =
            (self.schema.columns().get(column), self.columns.get_mut(column))
        {
            let before = v.len();
            v.extend(numbers);
            if source::fits(spec, &mut v[before..]) {
                return Ok(());
            }
            v.truncate(before);
        }
        numbers.iter().try_for_each(|&x| self.push(column, Cell::Number(x)))
    }

    /// The number of rows.
    ///
    /// # Errors
    /// Columns of unequal length: names the shorter one.
    pub fn rows(&self) -> Result<usize, InputError> {
        let rows = self.columns.iter().map(Column::len).max().unwrap_or(0);
        for (column, spec) in self.columns.iter().zip(self.schema.columns()) {
            if column.len() != rows {
                let text = format!("column '{}' has {} values, others have {rows}", spec.name, column.len());
                return Err(InputError::column(InputCode::MissingColumn, &spec.name, text));
            }
        }
        Ok(rows)
    }
}
