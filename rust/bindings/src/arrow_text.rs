//! Columns of texts that come through the Arrow C interface: strings, and dictionaries of strings.

use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::types::{Int8Type, Int16Type, Int32Type, UInt8Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, GenericStringArray, LargeStringArray, OffsetSizeTrait, StringViewArray,
};
use arrow_buffer::NullBuffer;
use arrow_data::ByteView;
use arrow_schema::DataType;
use ferroflow_core::encode::{Source, Table, TextTable, count_codes, learn_parts};
use ferroflow_core::expression::Made;
use ferroflow_core::{Error, Exec};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};

use crate::arrow_stream::chunks;
use crate::strings::{Cell, LearnedTexts, NAN, NONE, Objects, cell};

/// A text column of an Arrow table, by chunks.
#[pyclass(frozen, module = "ferroflow._core")]
pub struct ArrowColumn {
    chunks: Vec<ArrayRef>,
    /// Where each chunk begins, and the number of rows.
    starts: Vec<usize>,
    /// What a null stands for: NaN, else `None`.
    nan: bool,
}

#[pymethods]
impl ArrowColumn {
    /// `column` has `__arrow_c_stream__`; raises `TypeError` if it holds anything but texts.
    #[new]
    fn new(column: &Bound<'_, PyAny>, nan: bool) -> PyResult<Self> {
        let (chunks, kind) = chunks(column)?;
        if !is_text(&kind) {
            return Err(PyTypeError::new_err(format!("{kind} is no text")));
        }
        let mut starts = vec![0];
        for chunk in &chunks {
            starts.push(starts[starts.len() - 1] + chunk.len());
        }
        Ok(Self { chunks, starts, nan })
    }

    fn __len__(&self) -> usize {
        self.rows()
    }

    /// Is a row a number of its chunk's dictionary?
    #[getter]
    fn dictionary(&self) -> bool {
        self.is_dictionary()
    }

    /// The texts of an object array; None if a cell is neither a str that UTF-8 can hold nor None or NaN.
    #[staticmethod]
    fn of_objects(array: &Bound<'_, PyAny>) -> Option<Self> {
        let objects = Objects::new(array)?;
        let mut texts = LargeStringBuilder::with_capacity(objects.len(), 8 * objects.len());
        for i in 0..objects.len() {
            match cell(objects.get(i))? {
                Cell::Text(text) => texts.append_value(std::str::from_utf8(text).ok()?),
                Cell::None | Cell::Nan => texts.append_null(),
            }
        }
        Some(Self::of_texts(texts.finish()))
    }

    /// Its texts, None where missing.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let made = self.made(0, self.rows());
        PyList::new(py, (0..made.ends.len()).map(|i| made.get(i)))
    }

    /// For a column of one chunk, as those made here are.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema; // which an array may ignore
        let [chunk] = &self.chunks[..] else {
            return Err(PyValueError::new_err("not a column of one part"));
        };
        let schema = FFI_ArrowSchema::try_from(chunk.data_type())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let array = FFI_ArrowArray::new(&chunk.to_data());
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}

fn is_text(kind: &DataType) -> bool {
    use DataType::{Dictionary, Int8, Int16, Int32, LargeUtf8, UInt8, UInt16, UInt32, Utf8, Utf8View};
    match kind {
        Utf8 | LargeUtf8 | Utf8View => true,
        Dictionary(keys, values) => {
            matches!(**keys, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32)
                && matches!(**values, Utf8 | LargeUtf8 | Utf8View)
        }
        _ => false,
    }
}

/// Calls `$f` with the chunk as what it is; nothing if it is no text.
macro_rules! with_texts {
    ($chunk:expr, $texts:ident => $body:expr) => {
        match $chunk.data_type() {
            DataType::Utf8 => {
                let $texts = $chunk.as_string::<i32>();
                $body
            }
            DataType::LargeUtf8 => {
                let $texts = $chunk.as_string::<i64>();
                $body
            }
            DataType::Utf8View => {
                let $texts = $chunk.as_string_view();
                $body
            }
            _ => {}
        }
    };
}

macro_rules! with_dictionary {
    ($chunk:expr, $dictionary:ident => $body:expr) => {
        if let DataType::Dictionary(keys, _) = $chunk.data_type() {
            match **keys {
                DataType::Int8 => {
                    let $dictionary = $chunk.as_dictionary::<Int8Type>();
                    $body
                }
                DataType::Int16 => {
                    let $dictionary = $chunk.as_dictionary::<Int16Type>();
                    $body
                }
                DataType::Int32 => {
                    let $dictionary = $chunk.as_dictionary::<Int32Type>();
                    $body
                }
                DataType::UInt8 => {
                    let $dictionary = $chunk.as_dictionary::<UInt8Type>();
                    $body
                }
                DataType::UInt16 => {
                    let $dictionary = $chunk.as_dictionary::<UInt16Type>();
                    $body
                }
                DataType::UInt32 => {
                    let $dictionary = $chunk.as_dictionary::<UInt32Type>();
                    $body
                }
                _ => {}
            }
        }
    };
}

/// A dictionary's texts; None for other chunks.
fn entries_of(chunk: &ArrayRef) -> Option<&ArrayRef> {
    with_dictionary!(chunk, dictionary => return Some(dictionary.values()));
    None
}

/// Arrays of texts whose parts are found once, where arrow-array's own access asks for them at each row.
trait Texts: Array {
    /// Gives a row's text: of a null, whatever lies there.
    fn reader<'a>(&'a self) -> impl Fn(usize) -> &'a [u8];
}

impl<O: OffsetSizeTrait> Texts for GenericStringArray<O> {
    fn reader<'a>(&'a self) -> impl Fn(usize) -> &'a [u8] {
        let (offsets, bytes) = (self.value_offsets(), self.value_data());
        #[inline(always)]
        move |i| bytes.get(offsets[i].as_usize()..offsets[i + 1].as_usize()).unwrap_or_default()
    }
}

impl Texts for StringViewArray {
    fn reader<'a>(&'a self) -> impl Fn(usize) -> &'a [u8] {
        let views = self.views();
        let buffers: Vec<&[u8]> = self.data_buffers().iter().map(|buffer| buffer.as_slice()).collect();
        #[inline(always)]
        move |i| {
            let view = &views[i];
            let len = *view as u32;
            if len <= arrow_data::MAX_INLINE_VIEW_LEN {
                // SAFETY: so short a text stands in the view itself.
                return unsafe { Self::inline_value(view, len as usize) };
            }
            let view = ByteView::from(*view);
            let begin = view.offset as usize;
            let buffer = buffers.get(view.buffer_index as usize).copied().unwrap_or_default();
            buffer.get(begin..begin + len as usize).unwrap_or_default()
        }
    }
}

/// Rows that are hashed before they are looked up, so that the loads of each step overlap.
const AHEAD: usize = 32;

/// `out[i]` of the rows from `begin` on: `code(text, its hash if made ahead)`, or `missing` for a null.
fn codes(
    texts: &impl Texts,
    begin: usize,
    out: &mut [u32],
    missing: u32,
    ahead: bool,
    mut code: impl FnMut(&[u8], Option<u64>) -> u32,
) {
    let nulls = texts.nulls().filter(|nulls| nulls.null_count() > 0);
    let is_null = |i| nulls.is_some_and(|nulls| nulls.is_null(i));
    let text = texts.reader();
    if !ahead {
        for (i, id) in (begin..).zip(out) {
            *id = if is_null(i) { missing } else { code(text(i), None) };
        }
        return;
    }
    let mut read = [(0, &[][..]); AHEAD];
    for (part, out) in out.chunks_mut(AHEAD).enumerate() {
        let begin = begin + part * AHEAD;
        for (i, slot) in read[..out.len()].iter_mut().enumerate() {
            let text = text(begin + i);
            *slot = (TextTable::hash(text), text);
        }
        for (i, (id, (hash, text))) in out.iter_mut().zip(&read).enumerate() {
            *id = if is_null(begin + i) { missing } else { code(text, Some(*hash)) };
        }
    }
}

/// The place of each row's text among known ones.
fn places(texts: &impl Texts, begin: usize, out: &mut [u32], missing: u32, known: &TextTable, unknown: u32) {
    codes(texts, begin, out, missing, !known.has_few(), |text, hash| {
        hash.map_or_else(|| known.find(text), |hash| known.find_hashed(hash, text)).unwrap_or(unknown)
    });
}

/// `out[i] = map[key]`, the last of `map` for a null.
fn through<K: ArrowDictionaryKeyType>(
    dictionary: &DictionaryArray<K>,
    begin: usize,
    out: &mut [u32],
    map: &[u32],
) where
    K::Native: TryInto<usize>,
{
    let keys = dictionary.keys();
    let last = map.len() - 1;
    let values = &keys.values()[begin..begin + out.len()];
    if keys.null_count() == 0 {
        for (key, id) in values.iter().zip(out) {
            *id = map[(*key).try_into().unwrap_or(last).min(last)];
        }
    } else {
        for (i, (key, id)) in values.iter().zip(out).enumerate() {
            let at = if keys.is_null(begin + i) { last } else { (*key).try_into().unwrap_or(last) };
            *id = map[at.min(last)];
        }
    }
}

/// Rows of an array without nulls, whose texts stand end to end.
fn copied<O: OffsetSizeTrait>(texts: &GenericStringArray<O>, first: usize, rows: usize) -> Option<Made> {
    let offsets = &texts.value_offsets()[first..=first + rows];
    let (begin, end) = (offsets[0].as_usize(), offsets[rows].as_usize());
    if texts.null_count() > 0 {
        return None;
    }
    let bytes = std::str::from_utf8(&texts.value_data()[begin..end]).ok()?.to_owned();
    let ends = offsets[1..].iter().map(|end| end.as_usize() - begin).collect();
    Some(Made { bytes, ends, missing: vec![false; rows] })
}

impl ArrowColumn {
    pub fn of_texts(texts: LargeStringArray) -> Self {
        Self { starts: vec![0, texts.len()], chunks: vec![Arc::new(texts)], nan: false }
    }

    /// The texts of the rows from `begin` on; of dictionaries none.
    pub fn made(&self, begin: usize, rows: usize) -> Made {
        let mut made = Made::default();
        self.by_chunk(begin, &mut vec![(); rows], |at, first, rows| {
            let (chunk, rows) = (&self.chunks[at], rows.len());
            let whole = match chunk.data_type() {
                DataType::Utf8 => copied(chunk.as_string::<i32>(), first, rows),
                DataType::LargeUtf8 => copied(chunk.as_string::<i64>(), first, rows),
                _ => None,
            };
            match whole {
                Some(whole) => made.append(&whole),
                None => with_texts!(chunk, texts => for i in first..first + rows {
                    made.push(texts.is_valid(i).then(|| texts.value(i)));
                }),
            }
        });
        made
    }

    pub fn rows(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    pub fn missing(&self) -> u32 {
        if self.nan { NAN } else { NONE }
    }

    pub fn is_dictionary(&self) -> bool {
        self.chunks.iter().any(|c| matches!(c.data_type(), DataType::Dictionary(..)))
    }

    pub fn null_count(&self) -> usize {
        self.chunks.iter().map(|c| c.logical_null_count()).sum()
    }

    /// How many entries the chunks' dictionaries have together.
    pub fn entries(&self) -> usize {
        self.chunks.iter().filter_map(entries_of).map(|texts| texts.len()).sum()
    }

    /// Calls `f(chunk's number, first row there, the part of out)` for the rows from `begin` on.
    fn by_chunk<T>(&self, mut begin: usize, mut out: &mut [T], mut f: impl FnMut(usize, usize, &mut [T])) {
        let mut at = self.starts.partition_point(|&start| start <= begin).saturating_sub(1);
        while !out.is_empty() && at < self.chunks.len() {
            let n = (self.starts[at + 1] - begin).min(out.len());
            let (part, rest) = out.split_at_mut(n);
            f(at, begin - self.starts[at], part);
            (begin, out, at) = (begin + n, rest, at + 1);
        }
    }

    /// The distinct texts, how often each id appears if `count`, and each row's id into `ids` if given; for
    /// dictionaries, that of each entry and last that of a null. Only what rows hold counts, not all that a dictionary has.
    ///
    /// If `trust`, a lone dictionary's entries are taken to be distinct, as they should be.
    ///
    /// # Errors
    /// [`Error::Interrupted`]
    pub fn learn(
        &self,
        ids: Option<&mut [u32]>,
        count: bool,
        trust: bool,
        exec: &Exec<'_>,
    ) -> Result<(LearnedTexts, Vec<u64>), Error> {
        let missing = self.missing();
        if !self.is_dictionary() {
            return learn_parts(self.rows(), ids, count, exec, |table: &mut LearnedTexts, begin, out| {
                self.by_chunk(begin, out, |at, first, out| {
                    with_texts!(self.chunks[at], texts => {
                        let ahead = !table.0.has_few();
                        codes(texts, first, out, missing, ahead, |text, hash| match hash {
                            Some(hash) => table.0.insert_hashed(hash, text),
                            None => table.0.insert(text),
                        });
                    });
                });
            });
        }
        let mut table = LearnedTexts::default();
        let mut counts = vec![0; 2];
        let mut ids = ids;
        if let Some(last) = ids.as_deref_mut().and_then(<[u32]>::last_mut) {
            *last = missing;
        }
        let mut begin = 0;
        let listed = trust && self.chunks.len() == 1;
        for chunk in &self.chunks {
            exec.check()?;
            let Some(texts) = entries_of(chunk) else { continue };
            let (used, nulls) = used_entries(chunk, texts.len());
            with_texts!(texts, texts => for (i, &n) in used.iter().enumerate().filter(|(_, n)| **n > 0) {
                let id = if texts.is_null(i) {
                    missing
                } else if listed {
                    table.0.list(texts.value(i).as_bytes())
                } else {
                    table.0.insert(texts.value(i).as_bytes())
                };
                counts.resize(table.len(), 0);
                counts[id as usize] += n;
                if let Some(ids) = ids.as_deref_mut() {
                    ids[begin + i] = id;
                }
            });
            begin += used.len();
            counts[missing as usize] += nulls;
        }
        Ok((table, counts))
    }
}

/// How many rows hold each of a dictionary's `n` entries, and how many none.
fn used_entries(chunk: &ArrayRef, n: usize) -> (Vec<u64>, u64) {
    fn count<K: Copy + TryInto<u32>>(keys: &[K], nulls: Option<&NullBuffer>, n: usize) -> Vec<u64> {
        let mut counts = count_codes(ndarray::ArrayView1::from(keys), n as u32);
        for (key, _) in keys.iter().zip(nulls.into_iter().flatten()).filter(|(_, valid)| !valid) {
            counts[(*key).try_into().unwrap_or(n as u32).min(n as u32) as usize] -= 1;
        }
        counts.truncate(n);
        counts
    }
    with_dictionary!(chunk, dictionary => {
        let keys = dictionary.keys();
        return (count(keys.values(), keys.nulls(), n), keys.null_count() as u64);
    });
    (vec![0; n], 0)
}

/// A dictionary column as numbers of entries, counted through all chunks; one past the last for null.
pub struct EntrySource<'a> {
    column: &'a ArrowColumn,
    maps: Vec<Vec<u32>>,
}

impl<'a> EntrySource<'a> {
    pub fn new(column: &'a ArrowColumn) -> Self {
        let null = column.entries() as u32;
        let (mut maps, mut begin) = (Vec::new(), 0);
        for chunk in &column.chunks {
            if let Some(texts) = entries_of(chunk) {
                let end = begin + texts.len() as u32;
                maps.push((begin..end).chain([null]).collect());
                begin = end;
            }
        }
        Self { column, maps }
    }
}

impl Source for EntrySource<'_> {
    fn ids(&self, begin: usize, out: &mut [u32]) {
        self.column.by_chunk(begin, out, |at, first, out| {
            with_dictionary!(self.column.chunks[at], dictionary => through(dictionary, first, out, &self.maps[at]));
        });
    }
}

/// The column, seen through known texts.
pub struct ArrowSource<'a> {
    column: &'a ArrowColumn,
    known: &'a TextTable,
    missing: u32,
    unknown: u32,
    /// For dictionaries, by chunk: the place of each entry, and of null.
    maps: Vec<Vec<u32>>,
}

impl<'a> ArrowSource<'a> {
    /// `missing` is the place of a null, `unknown` that of a text that is not known.
    pub fn new(column: &'a ArrowColumn, known: &'a TextTable, missing: u32, unknown: u32) -> Self {
        let mut maps = Vec::new();
        for chunk in &column.chunks {
            if let Some(texts) = entries_of(chunk) {
                let n = texts.len();
                let mut map = vec![missing; n + 1];
                with_texts!(texts, texts => places(texts, 0, &mut map[..n], missing, known, unknown));
                maps.push(map);
            }
        }
        Self { column, known, missing, unknown, maps }
    }
}

impl Source for ArrowSource<'_> {
    fn ids(&self, begin: usize, out: &mut [u32]) {
        self.column.by_chunk(begin, out, |at, first, out| {
            let chunk = &self.column.chunks[at];
            if let Some(map) = self.maps.get(at) {
                with_dictionary!(chunk, dictionary => through(dictionary, first, out, map));
            } else {
                with_texts!(chunk, texts => places(texts, first, out, self.missing, self.known, self.unknown));
            }
        });
    }
}
