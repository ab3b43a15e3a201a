//! The HTTP server, from Python.

use std::sync::Arc;
use std::time::Duration;

use ferroflow_frozen::{Limits, Model};
use ferroflow_server::{Config, Server, Store};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door;

/// How often the waiting thread looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Serves a model file until Ctrl-C, or until a signal handler raises; `listening` is told the address at the start.
/// Requests at hand are finished before the exception goes on.
#[pyfunction]
fn serve(
    py: Python<'_>,
    data: &Bound<'_, PyBytes>,
    host: String,
    port: u16,
    listening: Bound<'_, PyAny>,
) -> PyResult<()> {
    let bytes = data.as_bytes();
    let model = py
        .detach(|| Model::from_bytes(bytes, &Limits::default()))
        .map_err(|e| PyValueError::new_err(e.to_string()))?;
    let config = Config { host, port, ..Config::default() };
    let failed = |e: ferroflow_server::ServeError| PyOSError::new_err(e.to_string());
    let server = py.detach(|| Server::bind(Arc::new(Store::of(model, &config)), config)).map_err(failed)?;
    let (host, port) = (server.address().ip().to_string(), server.address().port());
    let running = server.start().map_err(failed)?;
    if let Err(error) = listening.call1((host, port)) {
        py.detach(|| running.stop());
        return Err(error);
    }
    door::enter(py, |exec| {
        let stopped = loop {
            if let Err(stopped) = exec.check() {
                break stopped;
            }
            std::thread::sleep(SIGNAL_INTERVAL);
        };
        running.stop();
        Err(stopped)
    })
}

/// Adds this family to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(serve, m)?)
}
