//! Arrays that come from Python through the Arrow C stream interface, without a copy.
//!
//! By arrow-array's own structures: pyo3-arrow would bring casts and every time zone of the world, a fifth of the
//! module's size.

use std::ffi::CStr;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{ArrayRef, make_array};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// The chunks of `column`, which has `__arrow_c_stream__`, and their type.
pub fn chunks(column: &Bound<'_, PyAny>) -> PyResult<(Vec<ArrayRef>, DataType)> {
    let capsule = column.call_method0(intern!(column.py(), "__arrow_c_stream__"))?;
    let capsule = capsule.cast::<PyCapsule>()?;
    let raw = capsule.pointer_checked(Some(c"arrow_array_stream"))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds such a structure, by Arrow's PyCapsule interface; it is moved out, and what
    // is left in the capsule is marked as released.
    let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(raw.as_ptr()) };
    let (Some(get_schema), Some(get_next)) = (stream.get_schema, stream.get_next) else {
        return Err(PyValueError::new_err("the Arrow stream was read before"));
    };
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: the stream is not released, and both live through the call.
    let code = unsafe { get_schema(&raw mut stream, &raw mut schema) };
    told(&mut stream, code)?;
    let kind = DataType::try_from(&schema).map_err(wrong)?;
    let mut chunks = Vec::new();
    loop {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as above.
        let code = unsafe { get_next(&raw mut stream, &raw mut array) };
        told(&mut stream, code)?;
        if array.is_released() {
            return Ok((chunks, kind));
        }
        // SAFETY: the stream says that its arrays are of its schema; Arrow's interface asks to trust it.
        let data = unsafe { from_ffi(array, &schema) }.map_err(wrong)?;
        chunks.push(make_array(data));
    }
}

/// The stream's own words for an error code, as a `ValueError`.
fn told(stream: &mut FFI_ArrowArrayStream, code: i32) -> PyResult<()> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: the stream is not released.
    let text = stream.get_last_error.map(|get| unsafe { get(std::ptr::from_mut(stream)) });
    let text = match text {
        // SAFETY: the interface gives a string that ends with a zero and lives until the next call, or null.
        Some(text) if !text.is_null() => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
        _ => format!("the Arrow stream gave error {code}"),
    };
    Err(PyValueError::new_err(text))
}

fn wrong(error: ArrowError) -> PyErr {
    PyTypeError::new_err(error.to_string())
}
