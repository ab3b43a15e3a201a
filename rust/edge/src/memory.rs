//! Memory for callers that have none of their own inside: a WebAssembly page writes its texts and numbers there.

use std::alloc::{Layout, alloc, dealloc};

const ALIGNMENT: usize = 8;

/// Room for `size` bytes, on a multiple of 8; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn ferroflow_allocate(size: usize) -> *mut u8 {
    match Layout::from_size_align(size.max(1), ALIGNMENT) {
        // SAFETY: the size is not 0.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Gives memory of [`ferroflow_allocate`] back.
///
/// # Safety
/// `at` is null or came from `ferroflow_allocate(size)`, and is not used after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_release(at: *mut u8, size: usize) {
    if let Ok(layout) = Layout::from_size_align(size.max(1), ALIGNMENT)
        && !at.is_null()
    {
        // SAFETY: allocated with this layout, says the caller.
        unsafe { dealloc(at, layout) };
    }
}
