//! The one door into Rust: leaves the interpreter, honours Ctrl-C, maps errors class by class.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use ferroflow_core::{Error, Exec};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::pool;

/// How often a running kernel looks for Ctrl-C: often enough for a person, too rarely to cost anything.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs `f` without the interpreter, on the default number of threads.
pub fn enter<T: Send>(py: Python<'_>, f: impl FnOnce(&Exec<'_>) -> Result<T, Error> + Send) -> PyResult<T> {
    enter_with(py, None, f)
}

/// Runs `f` without the interpreter, on `n_jobs` threads (`None`: the default; negative: as joblib counts).
///
/// A panic in `f` is caught and becomes a `RuntimeError`: none ever reaches Python.
pub fn enter_with<T: Send>(
    py: Python<'_>,
    n_jobs: Option<i64>,
    f: impl FnOnce(&Exec<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let (mut f, mut value) = (Some(f), None);
    let mut call = |exec: &Exec<'_>| {
        value = f.take().map(|f| f(exec)).transpose()?;
        Ok(())
    };
    run(py, n_jobs, &mut call)?;
    value.ok_or_else(|| PyRuntimeError::new_err("internal error in ferroflow: a kernel did not run"))
}

/// Compiled once, not again for every kernel.
fn run(
    py: Python<'_>,
    n_jobs: Option<i64>,
    f: &mut (dyn FnMut(&Exec<'_>) -> Result<(), Error> + Send),
) -> PyResult<()> {
    let signal: Mutex<Option<PyErr>> = Mutex::new(None);
    let result = py.detach(|| {
        let last = Mutex::new(Instant::now());
        let interrupted = || {
            let Ok(mut last) = last.try_lock() else { return false };
            if last.elapsed() < SIGNAL_INTERVAL {
                return false;
            }
            *last = Instant::now();
            match Python::attach(|py| py.check_signals()) {
                Ok(()) => false,
                Err(error) => {
                    if let Ok(mut slot) = signal.lock() {
                        *slot = Some(error);
                    }
                    true
                }
            }
        };
        let call = std::panic::AssertUnwindSafe(|| pool::with_exec(n_jobs, &interrupted, f));
        std::panic::catch_unwind(call)
    });
    if let Some(error) = signal.into_inner().ok().flatten() {
        return Err(error);
    }
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(to_py(error)),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            Err(PyRuntimeError::new_err(format!("internal error in ferroflow, please report it: {text}")))
        }
    }
}

/// The Python exception of a core error.
pub fn to_py(error: Error) -> PyErr {
    match error {
        Error::Invalid(text) => PyValueError::new_err(text),
        Error::Memory(text) => PyMemoryError::new_err(text),
        Error::Interrupted => pyo3::exceptions::PyKeyboardInterrupt::new_err(()),
    }
}
