//! Why the last call of this thread failed.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `call`; a failure is noted and answered by `failed`.
pub fn guard<T>(failed: T, call: impl FnOnce() -> Result<T, String>) -> T {
    let result = catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err("internal error in ferroflow, please report it".into()));
    result.unwrap_or_else(|message| {
        LAST.with_borrow_mut(|last| *last = message);
        failed
    })
}

/// Copies the message of this thread's last failed call, at most `room` bytes of UTF-8 without a final zero, and gives
/// its whole length.
///
/// # Safety
/// `out` has room for `room` bytes, or `room` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_error(out: *mut u8, room: usize) -> usize {
    LAST.with_borrow(|last| {
        // SAFETY: the caller gives `room` bytes.
        unsafe { copy_text(last, out, room) };
        last.len()
    })
}

/// Copies as much of `text` as fits.
///
/// # Safety
/// `out` has room for `room` bytes, or `room` is 0.
pub unsafe fn copy_text(text: &str, out: *mut u8, room: usize) {
    if !out.is_null() {
        // SAFETY: no more than `room` bytes are written, and a text of ours does not overlap the caller's memory.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), out, text.len().min(room)) };
    }
}
