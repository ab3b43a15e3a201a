//! A model: load, ask what it takes and gives, free.

use ferroflow_frozen::{Kind, Limits, Model, Task};

use crate::error::{copy_text, guard};

/// Reads and checks a model file's bytes; null if they are refused.
///
/// # Safety
/// `bytes` points to `length` bytes. They are not needed afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_load(bytes: *const u8, length: usize) -> *mut Model {
    guard(std::ptr::null_mut(), || {
        if bytes.is_null() {
            return Err("no bytes are given".into());
        }
        // SAFETY: the caller gives `length` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
        let model = Model::from_bytes(bytes, &Limits::default()).map_err(|e| e.to_string())?;
        Ok(Box::into_raw(Box::new(model)))
    })
}

/// Gives a model back.
///
/// # Safety
/// `model` is null or came from [`ferroflow_load`]; neither it nor rows made for it are used after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_free(model: *mut Model) {
    if !model.is_null() {
        // SAFETY: made by `Box::into_raw` in `ferroflow_load`.
        drop(unsafe { Box::from_raw(model) });
    }
}

/// How many columns a row has.
///
/// # Safety
/// `model` came from [`ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_columns(model: *const Model) -> usize {
    // SAFETY: the caller's word.
    guard(0, || Ok(unsafe { &*model }.schema().columns().len()))
}

/// Copies a column's name, at most `room` bytes, and gives its whole length.
///
/// # Safety
/// `model` came from [`ferroflow_load`]; `out` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_column_name(
    model: *const Model,
    column: usize,
    out: *mut u8,
    room: usize,
) -> usize {
    guard(0, || {
        // SAFETY: the caller's word.
        let name = unsafe { &*model }.schema().columns().get(column).map_or("", |c| c.name.as_str());
        // SAFETY: the caller gives `room` bytes.
        unsafe { copy_text(name, out, room) };
        Ok(name.len())
    })
}

/// What a column takes: 0 numbers, 1 whole numbers, 2 truths (0 and 1), 3 texts; -1 for a column that is not there.
///
/// # Safety
/// `model` came from [`ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_column_kind(model: *const Model, column: usize) -> i32 {
    guard(-1, || {
        // SAFETY: the caller's word.
        Ok(match unsafe { &*model }.schema().columns().get(column).map(|c| c.kind) {
            Some(Kind::Number) => 0,
            Some(Kind::Integer) => 1,
            Some(Kind::Boolean) => 2,
            Some(Kind::Text) => 3,
            None => -1,
        })
    })
}

/// How many values a row gives: 1 (its class's number) for a classifier, otherwise one per output.
///
/// # Safety
/// `model` came from [`ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_outputs(model: *const Model) -> usize {
    guard(0, || {
        // SAFETY: the caller's word.
        let info = unsafe { &*model }.info();
        Ok(if info.task == Task::Classifier { 1 } else { info.outputs.len() })
    })
}

/// How many classes a classifier has; 0 for other models.
///
/// # Safety
/// `model` came from [`ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_classes(model: *const Model) -> usize {
    // SAFETY: the caller's word.
    guard(0, || Ok(unsafe { &*model }.info().classes.len()))
}

/// Copies a class's label as text, at most `room` bytes, and gives its whole length.
///
/// # Safety
/// `model` came from [`ferroflow_load`]; `out` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_class_name(
    model: *const Model,
    class: u32,
    out: *mut u8,
    room: usize,
) -> usize {
    guard(0, || {
        // SAFETY: the caller's word.
        let name = unsafe { &*model }.label(class).map(ToString::to_string).unwrap_or_default();
        // SAFETY: the caller gives `room` bytes.
        unsafe { copy_text(&name, out, room) };
        Ok(name.len())
    })
}

/// How many probabilities a row gives: one per class, or 0.
///
/// # Safety
/// `model` came from [`ferroflow_load`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferroflow_probabilities(model: *const Model) -> usize {
    guard(0, || {
        // SAFETY: the caller's word.
        let info = unsafe { &*model }.info();
        Ok(if info.has_probabilities { info.classes.len() } else { 0 })
    })
}
