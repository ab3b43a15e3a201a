//! Texts that are not kept become one; missing ones stay.

use std::borrow::Cow;

use hashbrown::HashSet;

use super::{Made, Op, OpReader};
use crate::block::Block;
use crate::error::InputError;
use crate::graph::{Line, Scratch, Slot, Text};
use crate::json::invalid;
use crate::schema::Schema;

#[derive(Debug)]
struct Group {
    columns: Vec<Column>,
    other: String,
}

#[derive(Debug)]
struct Column {
    from: usize,
    to: usize,
    kept: HashSet<Box<str>, foldhash::fast::RandomState>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let name = r.fields.text("other")?;
    let mut other = r.tensors.texts(&name)?;
    r.fits("other", other.len(), 1)?;
    let mut columns = Vec::new();
    let mut lines = Vec::new();
    let input = r.input;
    for (line, mut fields) in input.iter().zip(r.columns()?) {
        let kept = r.tensors.texts(&fields.text("kept")?)?;
        fields.end()?;
        let (Slot::Text(from), slot) = (line.slot, r.compiler.text()) else {
            return invalid(format!("{} needs texts and gets a number", r.place()));
        };
        let Slot::Text(to) = slot else { continue };
        let kept = kept.into_iter().map(String::into_boxed_str).collect();
        lines.push(Line { slot, source: line.source, open: line.open });
        columns.push(Column { from, to, kept });
    }
    Ok((Box::new(Group { columns, other: other.pop().unwrap_or_default() }), lines))
}

impl Column {
    #[inline(always)]
    fn grouped<'a>(&self, text: &Text<'a>, other: &'a str) -> Text<'a> {
        match text.as_deref() {
            Some(known) if !self.kept.contains(known) => Some(Cow::Borrowed(other)),
            _ => text.clone(),
        }
    }
}

impl Op for Group {
    fn row<'a>(&'a self, s: &mut Scratch<'a>, _: usize, _: &Schema) -> Result<(), InputError> {
        for c in &self.columns {
            s.texts[c.to] = c.grouped(&s.texts[c.from], &self.other);
        }
        Ok(())
    }

    fn block<'a>(&'a self, b: &mut Block<'a>) -> bool {
        for c in &self.columns {
            b.fill_texts(c.from, c.to, |text| c.grouped(text, &self.other));
        }
        true
    }
}
