//! Rows for a model: cells are added column by column in the order of rows, then predicted together.

use ferroflow_frozen::{Batch, Cell, Model, Output};

use crate::error::guard;

/// Rows that a caller holds.
pub struct Rows {
    model: &'static Model,
    batch: Batch<'static>,
}

/// Empty rows for `model`, which must outlive them.
///
/// # Safety
/// `model` came from [`crate::model::ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_rows_new(model: *const Model) -> *mut Rows {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the model outlives its rows, says the contract.
        let model: &'static Model = unsafe { &*model };
        Ok(Box::into_raw(Box::new(Rows { model, batch: Batch::new(model.schema(), 0) })))
    })
}

/// Gives rows back.
///
/// # Safety
/// `rows` is null or came from [`ferroflow_rows_new`], and is not used after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_rows_free(rows: *mut Rows) {
    if !rows.is_null() {
        // SAFETY: made by `Box::into_raw` in `ferroflow_rows_new`.
        drop(unsafe { Box::from_raw(rows) });
    }
}

/// Takes all cells out; the room is kept for the next rows.
///
/// # Safety
/// `rows` came from [`ferroflow_rows_new`] and no other call uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_rows_clear(rows: *mut Rows) {
    guard((), || {
        // SAFETY: the caller's word.
        unsafe { &mut *rows }.batch.clear();
        Ok(())
    });
}

/// Adds a number (NaN: missing; for truths 0 or 1) to a column; 0, or -1 if it is refused.
///
/// # Safety
/// `rows` came from [`ferroflow_rows_new`] and no other call uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_number(rows: *mut Rows, column: usize, value: f64) -> i32 {
    // SAFETY: the caller's word.
    unsafe { push(rows, column, Cell::Number(value)) }
}

/// Adds a text to a column; null for a missing one. 0, or -1 if it is refused.
///
/// # Safety
/// `rows` came from [`ferroflow_rows_new`] and no other call uses it meanwhile; `text` is null or points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_text(
    rows: *mut Rows,
    column: usize,
    text: *const u8,
    length: usize,
) -> i32 {
    if text.is_null() {
        // SAFETY: the caller's word.
        return unsafe { push(rows, column, Cell::Missing) };
    }
    // SAFETY: the caller gives `length` bytes.
    match std::str::from_utf8(unsafe { std::slice::from_raw_parts(text, length) }) {
        // SAFETY: the caller's word.
        Ok(text) => unsafe { push(rows, column, Cell::Text(text)) },
        Err(_) => guard(-1, || Err(format!("the text for column number {column} is not UTF-8"))),
    }
}

/// # Safety
/// As for [`ferroflow_number`].
unsafe fn push(rows: *mut Rows, column: usize, cell: Cell<'_>) -> i32 {
    guard(-1, || {
        // SAFETY: the caller's word.
        unsafe { &mut *rows }.batch.push(column, cell).map_err(|e| e.message)?;
        Ok(0)
    })
}

/// Predicts all rows: `values` (labels by number, or values) and `probabilities`, row by row, either may be null. The number
/// of rows, or -1 if a row is refused.
///
/// # Safety
/// `rows` came from [`ferroflow_rows_new`]; what is not null has room for each row's `ferroflow_outputs` and
/// `ferroflow_probabilities`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_predict(
    rows: *const Rows,
    values: *mut f64,
    probabilities: *mut f64,
) -> isize {
    guard(-1, || {
        // SAFETY: the caller's word.
        let rows = unsafe { &*rows };
        let found = rows.model.predict(&rows.batch).map_err(|e| e.message)?;
        let numbers = match found.output {
            Output::Labels(labels) => labels.into_iter().map(f64::from).collect(),
            Output::Values { data, .. } => data,
        };
        for (from, to) in [(numbers, values), (found.probabilities.unwrap_or_default(), probabilities)] {
            if !to.is_null() {
                // SAFETY: the caller gives this much room.
                unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
            }
        }
        isize::try_from(found.rows).map_err(|e| e.to_string())
    })
}
