//! How a kernel runs: on which threads, and who may stop it.
//!
//! Work is cut into chunks that depend on the data alone; a chunk's result has its fixed place, and results
//! are merged in that order. So the number of threads never changes a result.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::ThreadPool;

use crate::error::{Error, Result};
use crate::gate;

/// Gives the thread pool when a kernel first asks for threads, so that small calls never make one.
pub type PoolSource<'a> = &'a (dyn Fn() -> Option<Arc<ThreadPool>> + Sync);

/// Threads and the caller's wish to stop, handed to every kernel that may run long.
#[derive(Clone, Copy)]
pub struct Exec<'a> {
    pool: Option<PoolSource<'a>>,
    threads: usize,
    interrupted: &'a (dyn Fn() -> bool + Sync),
}

impl Exec<'static> {
    /// One thread, never interrupted.
    #[must_use]
    pub fn serial() -> Self {
        Self { pool: None, threads: 1, interrupted: &|| false }
    }
}

impl<'a> Exec<'a> {
    /// The calling thread and `threads - 1` workers of the pool; `interrupted` is asked on the calling thread only.
    #[must_use]
    pub fn new(pool: PoolSource<'a>, threads: usize, interrupted: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { pool: Some(pool), threads: threads.max(1), interrupted }
    }

    /// How many threads run at most.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The same, but on one thread unless `parallel`: for inputs below a kernel's measured size.
    #[must_use]
    pub fn only_if(self, parallel: bool) -> Self {
        if parallel { self } else { Self { pool: None, threads: 1, ..self } }
    }

    /// Has the caller asked to stop? To be called on the calling thread, between steps.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if so.
    pub fn check(&self) -> Result<()> {
        if (self.interrupted)() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Calls `f(0), ..., f(n - 1)`, each once, on all threads; the calling thread works too.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the caller asked to stop before every chunk was begun.
    pub fn for_each(&self, n: usize, f: impl Fn(usize) + Sync) -> Result<()> {
        self.run(n, &f)
    }

    /// Compiled once, not again for every kernel: a call through a pointer is nothing beside a chunk.
    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) -> Result<()> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let work = |main: bool| {
            while !stop.load(Ordering::Relaxed) {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    break;
                }
                f(i);
                if main && i + 1 < n && (self.interrupted)() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        let pool = if self.threads > 1 && n > 1 { self.pool.and_then(|source| source()) } else { None };
        match pool {
            Some(pool) => gate::share(&pool, self.threads.min(n) - 1, || work(true), || work(false)),
            None => work(true),
        }
        if stop.into_inner() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// `[f(0), ..., f(n - 1)]`, computed on all threads, in order.
    ///
    /// # Errors
    /// [`Error::Interrupted`] as for [`Exec::for_each`].
    pub fn map<T: Send>(&self, n: usize, f: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
        let slots: Vec<Mutex<Option<T>>> = (0..n).map(|_| Mutex::new(None)).collect();
        self.for_each(n, |i| {
            let value = f(i);
            if let Ok(mut slot) = slots[i].lock() {
                *slot = Some(value);
            }
        })?;
        Ok(slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect())
    }

    /// Cuts `out` into pieces of `len` (the last may be shorter) and calls `f(i, piece)` on all threads.
    ///
    /// # Errors
    /// [`Error::Interrupted`] as for [`Exec::for_each`].
    pub fn for_each_piece<T: Send>(
        &self,
        out: &mut [T],
        len: usize,
        f: impl Fn(usize, &mut [T]) + Sync,
    ) -> Result<()> {
        let pieces: Vec<Mutex<&mut [T]>> = out.chunks_mut(len.max(1)).map(Mutex::new).collect();
        self.for_each(pieces.len(), |i| {
            if let Ok(mut piece) = pieces[i].lock() {
                f(i, &mut piece);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_on_any_number_of_threads() {
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let source = || Some(pool.clone());
        let expected: Vec<usize> = (0..1000).map(|i| i * i).collect();
        for threads in 1..=4 {
            let exec = Exec::new(&source, threads, &|| false);
            assert_eq!(exec.map(1000, |i| i * i).unwrap(), expected);
            let mut out = vec![0; 1000];
            exec.for_each_piece(&mut out, 7, |i, piece| {
                for (k, x) in piece.iter_mut().enumerate() {
                    *x = (i * 7 + k) * (i * 7 + k);
                }
            })
            .unwrap();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn an_interrupt_stops_the_work() {
        let done = AtomicUsize::new(0);
        let stop = || done.load(Ordering::Relaxed) >= 5;
        let result = Exec { interrupted: &stop, ..Exec::serial() }.for_each(100, |_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(result, Err(Error::Interrupted));
        assert_eq!(done.into_inner(), 5);
    }
}
