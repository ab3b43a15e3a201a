//! Labels that are Python strings: compared and numbered with the interpreter at hand, the object's address first.
//!
//! Columns of labels mostly hold one object per label many times, so a small cache from address to number answers most
//! rows without a look at the string; only a miss takes its UTF-8 and asks the hash table.

use ferroflow_core::metric::{Codes, Interner};
use pyo3::ffi;
use pyo3::prelude::*;

/// Rows between two looks at Ctrl-C.
const PIECE: usize = 1 << 16;
/// Most places of the cache, 64 KB: beyond that it would leave the first-level cache for good.
const CACHE: usize = 4096;

type Object = *mut ffi::PyObject;

/// The UTF-8 of an exact `str`; `None` for anything else and for lone surrogates.
///
/// # Safety
/// `object` must be null or alive, and stay so while the bytes are used.
unsafe fn utf8<'a>(py: Python<'_>, object: Object) -> Option<&'a [u8]> {
    // SAFETY: the object is alive, and the interpreter is held (`py`).
    if object.is_null() || unsafe { ffi::PyUnicode_CheckExact(object) } == 0 {
        return None;
    }
    let mut len = 0;
    // SAFETY: as above, and it is a `str`.
    let data = unsafe { ffi::PyUnicode_AsUTF8AndSize(object, &mut len) };
    if data.is_null() {
        drop(PyErr::take(py));
        return None;
    }
    // SAFETY: Python keeps these `len` bytes as long as the object lives.
    Some(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(len).unwrap_or(0)) })
}

/// In how many places two arrays of objects hold the same string; `None` if one is not a `str`.
pub fn count_equal(py: Python<'_>, t: &[Object], p: &[Object]) -> PyResult<Option<u64>> {
    let mut count = 0;
    for (t, p) in t.chunks(PIECE).zip(p.chunks(PIECE)) {
        py.check_signals()?;
        for (&t, &p) in t.iter().zip(p) {
            // SAFETY: the arrays hold references to their objects, and nothing here lets Python code run.
            let equal = unsafe {
                if t == p && !t.is_null() {
                    if ffi::PyUnicode_CheckExact(t) == 0 {
                        return Ok(None);
                    }
                    true
                } else {
                    match (utf8(py, t), utf8(py, p)) {
                        (Some(t), Some(p)) => t == p,
                        _ => return Ok(None),
                    }
                }
            };
            count += u64::from(equal);
        }
    }
    Ok(Some(count))
}

/// Numbers the strings of two arrays of objects; `None` if one is not a `str`, or ends in NUL, which scikit-learn loses on
/// its way through NumPy's own strings.
pub fn number(py: Python<'_>, t: &[Object], p: &[Object]) -> PyResult<Option<Codes<String>>> {
    let mut names = Names::new(t.len());
    let Some(t) = names.number_all(py, t)? else { return Ok(None) };
    let Some(p) = names.number_all(py, p)? else { return Ok(None) };
    let labels = names.interner.keys().iter().map(|name| std::str::from_utf8(name).map(str::to_owned));
    let Ok(labels) = labels.collect::<Result<Vec<String>, _>>() else { return Ok(None) };
    Ok(labels.iter().all(|name| !name.ends_with('\0')).then_some(Codes { labels, t, p }))
}

struct Names<'py> {
    /// The keys are bytes of the objects in `kept`.
    interner: Interner<&'static [u8]>,
    /// The first object of each label: a signal handler might take it out of the array.
    kept: Vec<Bound<'py, PyAny>>,
    /// Address and number of the object that was last seen at this place.
    cache: Vec<(usize, u32)>,
    shift: u32,
}

impl<'py> Names<'py> {
    fn new(rows: usize) -> Self {
        let places = rows.next_power_of_two().clamp(16, CACHE);
        Self {
            interner: Interner::default(),
            kept: Vec::new(),
            cache: vec![(0, 0); places],
            shift: u64::BITS - places.trailing_zeros(),
        }
    }

    fn number_all(&mut self, py: Python<'py>, objects: &[Object]) -> PyResult<Option<Vec<u32>>> {
        let mut numbers = Vec::with_capacity(objects.len());
        for part in objects.chunks(PIECE) {
            py.check_signals()?;
            for &object in part {
                // SAFETY: the array holds a reference to the object while no Python code runs, as in this loop.
                let Some(number) = (unsafe { self.number(py, object) }) else { return Ok(None) };
                numbers.push(number);
            }
        }
        Ok(Some(numbers))
    }

    /// # Safety
    /// `object` must be null or alive.
    #[inline]
    unsafe fn number(&mut self, py: Python<'py>, object: Object) -> Option<u32> {
        let address = object as usize;
        // Fibonacci hashing: the upper bits of the product depend on all bits of the address.
        let place = ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize;
        if let Some(&(seen, number)) = self.cache.get(place)
            && seen == address
            && address != 0
        {
            return Some(number);
        }
        // SAFETY: the object is alive now; as a key it is kept below.
        let number = self.interner.number(unsafe { utf8(py, object) }?);
        if number as usize == self.kept.len() {
            // SAFETY: `utf8` found it to be a `str`.
            self.kept.push(unsafe { Bound::from_borrowed_ptr(py, object) });
        }
        if let Some(slot) = self.cache.get_mut(place) {
            *slot = (address, number);
        }
        Some(number)
    }
}
