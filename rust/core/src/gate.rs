//! Lends borrowed work to pool threads without waiting for those that never came.
//!
//! A scope of rayon's waits until every task that was spawned has run, also when all the work is long done and a
//! task only waits for a busy core: on a loaded machine that costs a slice of the scheduler's time. Here a thread
//! that comes after the gate was closed turns away, and only those that came before are waited for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

#[derive(Default)]
struct State {
    closed: bool,
    inside: usize,
    panic: Option<Box<dyn Any + Send>>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    left: Condvar,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May a thread that has just come still take part?
    fn enter(&self) -> bool {
        let mut state = self.lock();
        state.inside += usize::from(!state.closed);
        !state.closed
    }

    fn leave(&self, panic: Option<Box<dyn Any + Send>>) {
        let mut state = self.lock();
        state.inside -= 1;
        if panic.is_some() {
            state.panic = panic;
        }
        self.left.notify_one();
    }
}

/// Closes its gate and waits for those inside, also while a panic unwinds.
struct Closing<'a>(&'a Gate);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        while state.inside > 0 {
            state = self.0.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs `mine` here, and `theirs` on up to `helpers` threads of the pool that come while `mine` runs.
///
/// A panic of either is passed on, once nobody is at work any more.
pub fn share(pool: &ThreadPool, helpers: usize, mine: impl FnOnce(), theirs: impl Fn() + Sync) {
    let gate = Arc::new(Gate::default());
    let task: &(dyn Fn() + Sync) = &theirs;
    // SAFETY: the lifetime is a lie that nobody can tell: the reference is used only between `enter` and `leave`,
    // and `closing`, dropped before `theirs` on every way out of here, lets nobody enter any more and waits for all
    // who did. A thread that comes later holds the reference and does not touch it.
    let task: &'static (dyn Fn() + Sync) = unsafe { std::mem::transmute(task) };
    let closing = Closing(&gate);
    for _ in 0..helpers {
        let gate = Arc::clone(&gate);
        pool.spawn(move || {
            if gate.enter() {
                gate.leave(catch_unwind(AssertUnwindSafe(task)).err());
            }
        });
    }
    mine();
    drop(closing);
    let panic = gate.lock().panic.take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn pool() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap()
    }

    #[test]
    fn a_thread_that_does_not_come_is_not_waited_for() {
        let pool = pool();
        let (free, busy) = std::sync::mpsc::channel::<()>();
        pool.spawn(move || {
            let _ = busy.recv();
        });
        let came = AtomicUsize::new(0);
        share(
            &pool,
            3,
            || (),
            || {
                came.fetch_add(1, Ordering::Relaxed);
            },
        );
        // The only thread is still held by the first task: waiting for it would have hung.
        drop(free);
        pool.install(|| ());
        assert_eq!(came.into_inner(), 0);
    }

    #[test]
    fn a_thread_that_came_is_waited_for() {
        let pool = pool();
        for _ in 0..200 {
            let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mine = || {
                while begun.load(Ordering::Acquire) == 0 {
                    std::hint::spin_loop();
                }
            };
            share(&pool, 1, mine, || {
                begun.fetch_add(1, Ordering::Release);
                std::thread::sleep(Duration::from_micros(200));
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 1);
        }
    }

    #[test]
    fn a_panic_is_passed_on() {
        let pool = pool();
        let (begun, wait) = std::sync::mpsc::channel();
        let begun = Mutex::new(begun);
        let theirs = || {
            begun.lock().unwrap().send(()).unwrap();
            panic!("theirs");
        };
        let caught = catch_unwind(AssertUnwindSafe(|| share(&pool, 1, || wait.recv().unwrap(), theirs)));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"theirs"));
        let caught = catch_unwind(AssertUnwindSafe(|| share(&pool, 1, || panic!("mine"), || ())));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"mine"));
        assert_eq!(pool.install(|| 7), 7);
    }
}
