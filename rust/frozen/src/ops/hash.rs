//! A row's texts, counted in columns that their hashes choose.

use ferroflow_core::encode::hashed::murmur3;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Hash {
    texts: Vec<usize>,
    to: usize,
    width: usize,
    /// Does every other text count negatively?
    alternate: bool,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let (width, alternate) = (r.fields.size("width")?, r.fields.bool("alternate")?);
    r.compiler.check_width(width)?;
    if width == 0 || u32::try_from(width).is_err() {
        return invalid(format!("{} has {width} columns", r.place()));
    }
    let mut texts = Vec::new();
    for line in r.input {
        let Slot::Text(at) = line.slot else {
            return invalid(format!("{} needs texts and gets a number", r.place()));
        };
        r.compiler.refuse_missing(line);
        texts.push(at);
    }
    let to = r.compiler.n_numbers;
    let source = r.input.first().map_or(0, |line| line.source);
    let lines = (0..width).map(|_| Line { slot: r.compiler.number(), source, open: false }).collect();
    Ok((Box::new(Hash { texts, to, width, alternate }), lines))
}

impl Hash {
    /// Twice the column, and 1 more if the text counts negatively.
    fn place(&self, text: Option<&str>) -> usize {
        let hash = murmur3(text.unwrap_or_default().as_bytes());
        hash.unsigned_abs() as usize % self.width * 2 + usize::from(self.alternate && hash < 0)
    }
}

fn sign(place: usize) -> f64 {
    if place.is_multiple_of(2) { 1.0 } else { -1.0 }
}

impl Op for Hash {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        s.numbers[self.to..self.to + self.width].fill(0.0);
        for at in &self.texts {
            let place = self.place(s.texts[*at].as_deref());
            s.numbers[self.to + place / 2] += sign(place);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        let rows = b.rows();
        b.split(self.to).1[..self.width * rows].fill(0.0);
        for at in &self.texts {
            b.note_texts(*at, |text| self.place(text));
            let (found, out) = b.found(self.to, self.width);
            for (row, place) in found.iter().enumerate() {
                out[place / 2 * rows + row] += sign(*place);
            }
        }
        true
    }
}
