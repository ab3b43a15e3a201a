//! New arrays of NumPy's, large ones in recycled memory.
//!
//! NumPy asks a handler for an array's memory and gives it back there (NEP 49). Ours is set while such an array is made, and
//! for no other.

use ndarray::{Dimension, IntoDimension};
use numpy::{Element, PyArray};
use pyo3::prelude::*;

/// An array with whatever contents.
///
/// # Safety
/// Every element must be written before it is read, or before Python sees the array.
pub unsafe fn fresh<'py, T: Element, I: IntoDimension>(
    py: Python<'py>,
    shape: I,
    by_column: bool,
) -> Bound<'py, PyArray<T, I::Dim>> {
    let shape = shape.into_dimension();
    #[cfg(target_os = "linux")]
    let _handler = handler::Set::for_bytes(py, shape.size().saturating_mul(size_of::<T>()));
    // SAFETY: as the caller vouches.
    unsafe { PyArray::new(py, shape, by_column) }
}

/// `numpy.empty` in recycled memory, if it is large.
#[pyfunction]
fn empty<'py>(
    py: Python<'py>,
    shape: Bound<'py, PyAny>,
    dtype: Bound<'py, PyAny>,
    order: &str,
) -> PyResult<Bound<'py, PyAny>> {
    #[cfg(target_os = "linux")]
    let _handler = handler::Set::for_bytes(py, usize::MAX);
    py.import("numpy")?.call_method1("empty", (shape, dtype, order))
}

/// Gives the system the memory that is kept for new arrays.
#[pyfunction]
fn release_memory() {
    #[cfg(target_os = "linux")]
    crate::recycle::release();
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(empty, m)?)?;
    m.add_function(wrap_pyfunction!(release_memory, m)?)
}

#[cfg(target_os = "linux")]
mod handler {
    use std::ffi::{CStr, c_char, c_void};
    use std::ptr::null_mut;

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyCapsule;

    use crate::recycle;

    /// NumPy's `PyDataMem_Handler`, version 1.
    #[repr(C)]
    struct Handler {
        name: [c_char; 127],
        version: u8,
        context: *mut c_void,
        malloc: extern "C" fn(*mut c_void, usize) -> *mut c_void,
        calloc: extern "C" fn(*mut c_void, usize, usize) -> *mut c_void,
        realloc: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void,
        free: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
    }

    // SAFETY: nobody writes to it.
    unsafe impl Sync for Handler {}

    static HANDLER: Handler = Handler {
        name: {
            let (mut name, from, mut i) = ([0; 127], b"ferroflow", 0);
            while i < from.len() {
                name[i] = from[i] as c_char;
                i += 1;
            }
            name
        },
        version: 1,
        context: null_mut(),
        malloc,
        calloc,
        realloc,
        free,
    };

    extern "C" fn malloc(_: *mut c_void, bytes: usize) -> *mut c_void {
        recycle::take(bytes).cast()
    }

    extern "C" fn calloc(_: *mut c_void, n: usize, bytes: usize) -> *mut c_void {
        n.checked_mul(bytes).map_or(null_mut(), recycle::take_zeroed).cast()
    }

    unsafe extern "C" fn realloc(_: *mut c_void, memory: *mut c_void, bytes: usize) -> *mut c_void {
        if memory.is_null() {
            return recycle::take(bytes).cast();
        }
        // SAFETY: NumPy gives back what it got from this handler.
        unsafe { recycle::resize(memory.cast(), bytes).cast() }
    }

    unsafe extern "C" fn free(_: *mut c_void, memory: *mut c_void, _: usize) {
        if !memory.is_null() {
            // SAFETY: NumPy gives back what it got from this handler.
            unsafe { recycle::give(memory.cast()) }
        }
    }

    /// `PyDataMem_SetHandler`: returns the handler until now, which the caller then owns.
    type SetHandler = unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;

    struct Found {
        set: SetHandler,
        ours: Py<PyCapsule>,
    }

    static FOUND: PyOnceLock<Option<Found>> = PyOnceLock::new();
    const NAME: &CStr = c"mem_handler";

    fn found(py: Python<'_>) -> PyResult<Found> {
        let module = py
            .import("numpy._core._multiarray_umath")
            .or_else(|_| py.import("numpy.core._multiarray_umath"))?;
        let api = module.getattr("_ARRAY_API")?.cast_into::<PyCapsule>()?;
        // SAFETY: the capsule of NumPy's functions has no name and a table of pointers, which from 1.22 on has this one in
        // this place.
        let set = unsafe {
            let table = ffi::PyCapsule_GetPointer(api.as_ptr(), std::ptr::null()).cast::<*const c_void>();
            if table.is_null() {
                return Err(PyErr::fetch(py));
            }
            std::mem::transmute::<*const c_void, SetHandler>(*table.add(304))
        };
        // SAFETY: a handler that lives for ever, under the name that NumPy asks for.
        let ours = unsafe {
            let handler = (&raw const HANDLER).cast_mut().cast::<c_void>();
            Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(handler, NAME.as_ptr(), None))?
        };
        Ok(Found { set, ours: ours.cast_into::<PyCapsule>()?.unbind() })
    }

    /// While it lives, arrays of this thread get their memory from here.
    pub struct Set<'py> {
        py: Python<'py>,
        found: &'static Found,
        before: *mut ffi::PyObject,
    }

    impl<'py> Set<'py> {
        /// Nothing for a small array, or where NumPy has no handlers.
        pub fn for_bytes(py: Python<'py>, bytes: usize) -> Option<Self> {
            if bytes < recycle::LARGE {
                return None;
            }
            let found = FOUND.get_or_init(py, || found(py).ok()).as_ref()?;
            // SAFETY: the interpreter is held, and the capsule is a handler's.
            let before = unsafe { (found.set)(found.ours.as_ptr()) };
            if before.is_null() {
                let _ = PyErr::take(py);
                return None;
            }
            Some(Self { py, found, before })
        }
    }

    impl Drop for Set<'_> {
        fn drop(&mut self) {
            // SAFETY: the interpreter is held; what was set before is set again, and both references are given up.
            unsafe {
                let ours = (self.found.set)(self.before);
                if ours.is_null() {
                    let _ = PyErr::take(self.py);
                }
                ffi::Py_XDECREF(ours);
                ffi::Py_DECREF(self.before);
            }
        }
    }
}
