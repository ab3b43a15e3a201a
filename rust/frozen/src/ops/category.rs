//! Where a cell stands among a column's categories.

use hashbrown::HashMap;

use super::OpReader;
use crate::block::Block;
use crate::error::{InputCode, InputError, LoadError};
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

type Map<K> = HashMap<K, usize, foldhash::fast::RandomState>;

/// The categories of one column, by value.
#[derive(Debug)]
enum Values {
    Numbers(Map<u64>),
    Texts(Map<Box<str>>),
}

/// A column and its categories.
#[derive(Debug)]
pub struct Categories {
    from: Slot,
    source: usize,
    values: Values,
    len: usize,
}

impl Categories {
    /// The place of a missing cell: behind all categories. An unknown one comes after it.
    pub fn missing(&self) -> usize {
        self.len
    }
    pub fn unknown(&self) -> usize {
        self.len + 1
    }

    #[inline(always)]
    fn number(&self, map: &Map<u64>, v: f64) -> usize {
        if v.is_nan() {
            self.missing()
        } else {
            map.get(&(v + 0.0).to_bits()).copied().unwrap_or(self.unknown())
        }
    }

    #[inline(always)]
    fn text(&self, map: &Map<Box<str>>, text: Option<&str>) -> usize {
        match text {
            None => self.missing(),
            Some(text) => map.get(text).copied().unwrap_or(self.unknown()),
        }
    }

    /// The place of a row's cell.
    #[inline]
    pub fn find(&self, s: &Scratch<'_>) -> usize {
        match (&self.values, self.from) {
            (Values::Numbers(map), Slot::Number(at)) => self.number(map, s.numbers[at]),
            (Values::Texts(map), Slot::Text(at)) => self.text(map, s.texts[at].as_deref()),
            _ => self.unknown(),
        }
    }

    /// Notes the place of each row's cell, for [`Block::found`].
    pub fn find_block(&self, b: &mut Block<'_>) -> bool {
        match (&self.values, self.from) {
            (Values::Numbers(map), Slot::Number(at)) => b.note_numbers(at, |v| self.number(map, v)),
            (Values::Texts(map), Slot::Text(at)) => b.note_texts(at, |text| self.text(map, text)),
            _ => return false,
        }
        true
    }

    #[cold]
    pub fn refused(&self, at: usize, s: &Scratch<'_>, row: usize, schema: &Schema) -> InputError {
        let column = schema.columns().get(self.source).map_or("?", |c| c.name.as_str());
        if at == self.missing() {
            let what = "a value is needed here, found a missing one";
            return InputError::cell(InputCode::MissingValue, row, column, what);
        }
        let shown = match self.from {
            Slot::Number(at) => s.numbers[at].to_string(),
            Slot::Text(at) => {
                format!("'{}'", s.texts[at].as_deref().unwrap_or("").chars().take(40).collect::<String>())
            }
        };
        let what = format!(
            "the category {shown} was not seen in training, and the encoder refuses unknown categories"
        );
        InputError::cell(InputCode::UnknownCategory, row, column, &what)
    }
}

impl OpReader<'_, '_, '_> {
    /// The categories named `name` of a column: numbers or texts, each once.
    pub fn categories(&mut self, name: &str, line: &Line) -> Result<Categories, LoadError> {
        let twice = |place: String| invalid(format!("a category of {place} stands twice"));
        let (values, len) = match line.slot {
            Slot::Number(_) => {
                let values = self.tensors.numbers(name, false)?;
                let mut map = Map::with_capacity_and_hasher(values.len(), Default::default());
                for (i, v) in values.iter().enumerate() {
                    if map.insert((v + 0.0).to_bits(), i).is_some() {
                        return twice(self.place());
                    }
                }
                (Values::Numbers(map), values.len())
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
                (Values::Texts(map), n)
            }
        };
        Ok(Categories { from: line.slot, source: line.source, values, len })
    }
}
