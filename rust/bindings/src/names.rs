//! Labels that are Python strings: compared and numbered with the interpreter at hand, an object's address first.

use ferroflow_core::encode::TextTable;
use ferroflow_core::metric::Codes;
use pyo3::prelude::*;

use crate::strings::{Cell, Coder, Objects, cell, is_text};

/// Rows between two looks for Ctrl-C.
const PIECE: usize = 1 << 16;

/// In how many places two arrays of one length hold the same string; `None` if one is not a `str`.
pub fn count_equal(py: Python<'_>, t: &Objects<'_>, p: &Objects<'_>) -> PyResult<Option<u64>> {
    let mut count = 0;
    for i in 0..t.len().min(p.len()) {
        if i.is_multiple_of(PIECE) {
            py.check_signals()?;
        }
        let (a, b) = (t.get(i), p.get(i));
        let equal = if a == b {
            if !is_text(a) {
                return Ok(None);
            }
            true
        } else {
            match (cell(a), cell(b)) {
                (Some(Cell::Text(a)), Some(Cell::Text(b))) => a == b,
                _ => return Ok(None),
            }
        };
        count += u64::from(equal);
    }
    Ok(Some(count))
}

/// Numbers the strings of two arrays of one length; `None` if one is not a `str`, or ends in NUL, which scikit-learn
/// loses on its way through NumPy's own strings.
pub fn number(py: Python<'_>, t: &Objects<'_>, p: &Objects<'_>) -> PyResult<Option<Codes<String>>> {
    Ok(number_all(py, [t, p])?.map(|(labels, [t, p])| Codes { labels, t, p }))
}

/// The same of one array.
pub fn number_one(py: Python<'_>, t: &Objects<'_>) -> PyResult<Option<Codes<String>>> {
    Ok(number_all(py, [t])?.map(|(labels, [t])| Codes { labels, t, p: Vec::new() }))
}

type Numbered<const N: usize> = Option<(Vec<String>, [Vec<u32>; N])>;

fn number_all<const N: usize>(py: Python<'_>, arrays: [&Objects<'_>; N]) -> PyResult<Numbered<N>> {
    let mut labels: Vec<String> = Vec::new();
    let mut table = TextTable::new();
    let mut coder = Coder::new(arrays[0].len());
    let mut plain = true;
    let mut numbers: [Vec<u32>; N] = std::array::from_fn(|_| Vec::new());
    for (out, objects) in numbers.iter_mut().zip(arrays) {
        out.resize(objects.len(), 0);
        let known = coder.codes(py, objects, out, |cell, row| {
            let Cell::Text(text) = cell else {
                plain = false;
                return 0;
            };
            let number = table.insert_hashed(row.hash, text);
            if number as usize == labels.len() {
                plain &= text.last() != Some(&0);
                labels.push(String::from_utf8_lossy(text).into_owned());
            }
            number
        })?;
        if !(known && plain) {
            return Ok(None);
        }
    }
    Ok(Some((labels, numbers)))
}
