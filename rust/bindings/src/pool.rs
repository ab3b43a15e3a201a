//! The one thread pool: made at its first use, made anew after `fork`, as large as the machine's quota,
//! `OMP_NUM_THREADS` and `threadpool_limits` allow.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ferroflow_core::Exec;
use pyo3::prelude::*;
use rayon::ThreadPool;

struct Made {
    pid: u32,
    workers: usize,
    pool: Arc<ThreadPool>,
}

static POOL: Mutex<Option<Made>> = Mutex::new(None);
/// Set through threadpoolctl; 0 means "the default".
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// The cores that this process may use (affinity and cgroup quota counted), at most `OMP_NUM_THREADS`.
fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wish = std::env::var("OMP_NUM_THREADS").ok();
    let wish = wish.as_deref().and_then(|text| text.split(',').next()?.trim().parse::<usize>().ok());
    cores.min(wish.filter(|&n| n > 0).unwrap_or(cores))
}

fn threads() -> usize {
    static DEFAULT: AtomicUsize = AtomicUsize::new(0);
    let limit = LIMIT.load(Ordering::Relaxed);
    if limit > 0 {
        return limit;
    }
    match DEFAULT.load(Ordering::Relaxed) {
        0 => {
            let n = default_threads();
            DEFAULT.store(n, Ordering::Relaxed);
            n
        }
        n => n,
    }
}

/// joblib's reading of `n_jobs`: negative counts back from all cores.
fn wanted(n_jobs: Option<i64>) -> usize {
    let all = threads();
    match n_jobs {
        None | Some(0) => all,
        Some(n) if n > 0 => usize::try_from(n).unwrap_or(all),
        Some(n) => (all as i64 + 1 + n).max(1) as usize,
    }
}

fn pool(workers: usize) -> Option<Arc<ThreadPool>> {
    let pid = std::process::id();
    let mut made = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = made.as_ref().filter(|old| old.pid == pid && old.workers >= workers) {
        return Some(old.pool.clone());
    }
    let builder =
        rayon::ThreadPoolBuilder::new().num_threads(workers).thread_name(|i| format!("ferroflow-{i}"));
    let pool = Arc::new(builder.build().ok()?);
    let old = made.replace(Made { pid, workers, pool: pool.clone() });
    if let Some(old) = old.filter(|old| old.pid != pid) {
        // After fork the old pool's threads do not exist: joining them would wait for ever.
        std::mem::forget(old);
    }
    Some(pool)
}

/// Calls `f` with an [`Exec`] that makes the pool only if a kernel asks for threads.
pub fn with_exec<T>(
    n_jobs: Option<i64>,
    interrupted: &(dyn Fn() -> bool + Sync),
    f: impl FnOnce(&Exec<'_>) -> T,
) -> T {
    let threads = wanted(n_jobs);
    f(&Exec::new(&|| pool(threads - 1), threads, interrupted))
}

/// How many threads a kernel may use now.
#[pyfunction]
fn get_num_threads() -> usize {
    threads()
}

/// Sets how many threads a kernel may use; 0 restores the default.
#[pyfunction]
fn set_num_threads(n: usize) {
    LIMIT.store(n, Ordering::Relaxed);
}

/// The pool's size for callers without an interpreter; also the symbol by which threadpoolctl knows the library.
// SAFETY: the name is ferroflow's own, so it meets no other library's symbol.
#[unsafe(no_mangle)]
pub extern "C" fn ferroflow_get_num_threads() -> usize {
    threads()
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(get_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(set_num_threads, m)?)
}
