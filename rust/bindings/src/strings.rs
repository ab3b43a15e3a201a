//! Strings in object arrays, read in place with the interpreter held: what encoders, label metrics and splitters share.

use ferroflow_core::encode::{Table, TextTable};
use ferroflow_core::simd::prefetch_ahead;
use numpy::{PyArray1, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::ffi;
use pyo3::prelude::*;

/// What stands in a row.
#[derive(Clone, Copy)]
pub enum Cell<'a> {
    /// A `str`, as UTF-8.
    Text(&'a [u8]),
    /// `None`
    None,
    /// A `float` that is NaN.
    Nan,
}

/// What a [`Coder`] tells of a row beside its cell.
#[derive(Clone, Copy)]
pub struct Row {
    /// The object there.
    pub object: *mut ffi::PyObject,
    /// The text's [`TextTable::hash`].
    pub hash: u64,
}

/// A 1-d object array of any stride.
pub struct Objects<'py> {
    // Keeps the buffer alive.
    array: Bound<'py, PyArray1<Py<PyAny>>>,
    data: *const u8,
    stride: isize,
}

impl<'py> Objects<'py> {
    /// `value` as an object array, if it is one of one dimension.
    pub fn new(value: &Bound<'py, PyAny>) -> Option<Self> {
        let array = value.cast::<PyArray1<Py<PyAny>>>().ok()?.clone();
        let (data, stride) = (array.data() as *const u8, array.strides()[0]);
        Some(Self { array, data, stride })
    }

    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// The object in row `i`; null in an array that was never filled.
    #[inline(always)]
    pub fn get(&self, i: usize) -> *mut ffi::PyObject {
        debug_assert!(i < self.len());
        // SAFETY: `i` is below the array's length (callers cut their rows to it), the array is held, and nobody else
        // runs Python code meanwhile; the stride comes from NumPy. Unaligned buffers are read as such.
        unsafe { self.data.offset(i as isize * self.stride).cast::<*mut ffi::PyObject>().read_unaligned() }
    }
}

/// Asks the memory for an object and its text.
#[inline(always)]
pub fn fetch(object: *mut ffi::PyObject) {
    if !object.is_null() {
        // SAFETY: whatever its type, an object has this head, and the caller has it from who holds it.
        let head = std::slice::from_ref(unsafe { &*object });
        prefetch_ahead::<false, _>(head, 0);
        prefetch_ahead::<false, _>(head, 48);
    }
}

/// Slots of the cache from addresses to codes, at first and at most: 16 bytes each, so the first stay in the
/// nearest cache, and the most in the second.
const SLOTS: (usize, usize) = (1 << 10, 1 << 16);
/// Rows between two looks at how many of them the cache knew.
const BLOCK: usize = 2048;
/// A full-grown cache that misses more of a block than this is given up: every row has an object of its own.
const USELESS: usize = BLOCK - BLOCK / 16;
/// Rows that are read and hashed before they are looked up.
const AHEAD: usize = 32;
/// Rows from one that is read to one that the memory is asked for, where most objects are read.
const FETCH: usize = 32;
/// Rows between two looks for Ctrl-C.
const SIGNAL_ROWS: usize = 1 << 18;

/// Turns objects into codes, through a direct-mapped cache from an object's address to its code, which answers most
/// rows without touching the string where columns share one object per category.
pub struct Coder {
    slots: Vec<(usize, u32)>,
}

impl Coder {
    /// For `rows` rows; a few rows get no cache worth filling.
    pub fn new(rows: usize) -> Self {
        Self { slots: vec![(0, 0); if rows < 64 { 1 } else { SLOTS.0 }] }
    }

    #[inline(always)]
    fn slot(object: *mut ffi::PyObject, slots: usize) -> usize {
        // Objects lie 16 bytes apart; the product spreads arenas over the upper bits.
        let spread = ((object as usize) >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize);
        (spread >> 40) & (slots - 1)
    }

    /// `out[i] = code(cell of row i, [`Row`])`, where a code is asked for once per object at least. Returns false
    /// as soon as a row is neither an exact `str` that UTF-8 can hold, nor `None`, nor a float NaN.
    ///
    /// # Errors
    /// What a signal handler raised.
    pub fn codes(
        &mut self,
        py: Python<'_>,
        objects: &Objects<'_>,
        out: &mut [u32],
        mut code: impl FnMut(Cell<'_>, Row) -> u32,
    ) -> PyResult<bool> {
        let rows = out.len().min(objects.len());
        let mut begin = 0;
        let (mut filled, mut asks) = (0, false);
        let mut missed: Vec<(usize, Cell<'_>, Row)> = Vec::with_capacity(AHEAD);
        while begin < rows {
            let end = (begin + BLOCK).min(rows);
            let mut misses = 0;
            let n = self.slots.len();
            let mut i = begin;
            while i < end {
                // First what the cache does not know is read and hashed, some rows together, then it is looked up: the
                // loads of each step are independent, so that the processor waits for many at once.
                missed.clear();
                while i < end && missed.len() < AHEAD {
                    if asks && i + FETCH < rows {
                        fetch(objects.get(i + FETCH));
                    }
                    let object = objects.get(i);
                    let slot = self.slots[Self::slot(object, n)];
                    if slot.0 == object as usize && !object.is_null() {
                        out[i] = slot.1;
                    } else {
                        let Some(cell) = cell(object) else { return Ok(false) };
                        let hash = if let Cell::Text(text) = cell { TextTable::hash(text) } else { 0 };
                        missed.push((i, cell, Row { object, hash }));
                    }
                    i += 1;
                }
                misses += missed.len();
                for &(i, cell, row) in &missed {
                    let id = code(cell, row);
                    out[i] = id;
                    self.slots[Self::slot(row.object, n)] = (row.object as usize, id);
                }
            }
            asks = misses > BLOCK / 4;
            if asks && n > 1 && n < SLOTS.1 {
                self.slots = vec![(0, 0); n * 4];
                filled = 0;
            } else if misses > USELESS && filled >= SLOTS.1 {
                self.slots = vec![(0, 0)];
            }
            filled += end - begin;
            if end.is_multiple_of(SIGNAL_ROWS) {
                py.check_signals()?;
                // A signal handler may have freed objects, and others may take their addresses.
                self.slots.fill((0, 0));
                filled = 0;
            }
            begin = end;
        }
        Ok(true)
    }
}

/// Is `object` an exact `str`?
#[inline(always)]
pub fn is_text(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the object is alive (its array holds it) and the interpreter is held.
    !object.is_null() && unsafe { ffi::PyUnicode_CheckExact(object) } != 0
}

/// What `object` is; `None` if it is not ours to read.
#[inline(always)]
pub fn cell<'a>(object: *mut ffi::PyObject) -> Option<Cell<'a>> {
    if object.is_null() {
        return None;
    }
    // SAFETY: the object is alive (its array holds it) and the interpreter is held. The text's bytes live as long as
    // the object; callers use them before any Python code runs.
    unsafe {
        if ffi::PyUnicode_CheckExact(object) != 0 {
            let mut len = 0;
            let text = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut len);
            if text.is_null() {
                ffi::PyErr_Clear(); // a lone surrogate
                return None;
            }
            return Some(Cell::Text(std::slice::from_raw_parts(text.cast(), len as usize)));
        }
        if object == ffi::Py_None() {
            return Some(Cell::None);
        }
        if ffi::PyFloat_CheckExact(object) != 0 && ffi::PyFloat_AsDouble(object).is_nan() {
            return Some(Cell::Nan);
        }
    }
    None
}

/// Texts that are being learned: the first two ids are those of `None` and NaN.
pub struct LearnedTexts(pub TextTable);

/// The id of `None` in [`LearnedTexts`].
pub const NONE: u32 = 0;
/// The id of NaN.
pub const NAN: u32 = 1;
/// The id of the first text.
pub const FIRST: u32 = 2;

impl Default for LearnedTexts {
    fn default() -> Self {
        let mut table = TextTable::new();
        table.skip();
        table.skip();
        Self(table)
    }
}

impl Table for LearnedTexts {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn merge(&mut self, other: &Self) -> Vec<u32> {
        self.0.merge(&other.0)
    }
}

/// Learns the distinct objects of arrays, one after another.
pub struct ObjectLearner {
    pub texts: LearnedTexts,
    coder: Coder,
    /// The first object of each text, from the id [`FIRST`] on.
    pub firsts: Vec<Py<PyAny>>,
    /// Was there `None`, was there NaN?
    pub missing: [bool; 2],
}

impl ObjectLearner {
    pub fn new(rows: usize) -> Self {
        Self {
            texts: LearnedTexts::default(),
            coder: Coder::new(rows),
            firsts: Vec::new(),
            missing: [false; 2],
        }
    }

    /// The ids of the rows; false if a row is not text, `None` or NaN.
    ///
    /// # Errors
    /// What a signal handler raised.
    pub fn ids(&mut self, py: Python<'_>, objects: &Objects<'_>, out: &mut [u32]) -> PyResult<bool> {
        let Self { texts, coder, firsts, missing } = self;
        coder.codes(py, objects, out, |cell, row| match cell {
            Cell::Text(text) => {
                let id = texts.0.insert_hashed(row.hash, text);
                if (id - FIRST) as usize == firsts.len() {
                    // SAFETY: the object is alive, its array holds it, and the interpreter is held.
                    firsts.push(unsafe { Bound::from_borrowed_ptr(py, row.object) }.unbind());
                }
                id
            }
            Cell::None => {
                missing[0] = true;
                NONE
            }
            Cell::Nan => {
                missing[1] = true;
                NAN
            }
        })
    }
}
