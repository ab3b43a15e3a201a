//! Work beside the answering of requests, on a thread of its own: a bounded queue leads there, nobody ever waits for it,
//! and what finds it full is counted.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Things that wait.
const QUEUE: usize = 8192;
/// What they weigh together.
const MAX_WEIGHT: usize = 4 << 20;
/// For what still waits at the end.
const LAST: Duration = Duration::from_secs(3);

/// The way to the thread.
pub struct Aside<T> {
    queue: SyncSender<Option<(T, usize)>>,
    weight: Arc<AtomicUsize>,
    dropped: AtomicU64,
}

/// What comes to the thread.
pub struct Inbox<T> {
    queue: Receiver<Option<(T, usize)>>,
    weight: Arc<AtomicUsize>,
    ended: Cell<bool>,
}

/// The thread's end.
pub struct End {
    /// Asks for it; false while the queue is full.
    ask: Box<dyn Fn() -> bool + Send + Sync>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Aside<T> {
    /// Starts the thread `name`, which does `work`.
    pub fn start(name: &str, work: impl FnOnce(Inbox<T>) + Send + 'static) -> io::Result<(Self, End)> {
        let (queue, received) = sync_channel(QUEUE);
        let weight = Arc::new(AtomicUsize::new(0));
        let inbox = Inbox { queue: received, weight: weight.clone(), ended: Cell::new(false) };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(inbox))?;
        let last = queue.clone();
        let ask = Box::new(move || !matches!(last.try_send(None), Err(TrySendError::Full(_))));
        Ok((Self { queue, weight, dropped: AtomicU64::new(0) }, End { ask, thread }))
    }

    /// Hands `thing` over, which weighs `weight` numbers, or drops it and counts `count`.
    pub fn tell(&self, thing: T, weight: usize, count: u64) {
        let before = self.weight.fetch_add(weight, Ordering::Relaxed);
        // A heavy thing is taken when nothing else is there.
        let fits = before == 0 || before.saturating_add(weight) <= MAX_WEIGHT;
        if !fits || self.queue.try_send(Some((thing, weight))).is_err() {
            self.weight.fetch_sub(weight, Ordering::Relaxed);
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<T> Inbox<T> {
    /// The next thing; `None` at the end.
    pub fn next(&self) -> Option<T> {
        if self.ended.get() {
            return None;
        }
        self.taken(self.queue.recv().ok().flatten())
    }

    /// The next thing if there is one already.
    pub fn waiting(&self) -> Option<T> {
        if self.ended.get() {
            return None;
        }
        match self.queue.try_recv() {
            Err(TryRecvError::Empty) => None,
            found => self.taken(found.ok().flatten()),
        }
    }

    fn taken(&self, found: Option<(T, usize)>) -> Option<T> {
        let Some((thing, weight)) = found else {
            self.ended.set(true);
            return None;
        };
        self.weight.fetch_sub(weight, Ordering::Relaxed);
        Some(thing)
    }
}

impl End {
    /// Waits until all that was told so far is done, and not for ever.
    pub fn wait(self) {
        let start = Instant::now();
        let mut asked = false;
        while !self.thread.is_finished() && start.elapsed() < LAST {
            asked = asked || (self.ask)();
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_and_all_is_counted() {
        let (release, held) = sync_channel::<()>(0);
        let (aside, end) = Aside::start("test", move |inbox| {
            let _ = held.recv();
            while inbox.next().is_some() {}
        })
        .unwrap();
        for _ in 0..3 * QUEUE {
            aside.tell("light", 1, 2);
        }
        assert!(aside.dropped() >= 2 * 2 * QUEUE as u64 - 2, "{}", aside.dropped());
        drop(release);
        end.wait();
    }

    #[test]
    fn heavy_things_go_one_by_one() {
        let (release, held) = sync_channel::<()>(0);
        let (aside, _end) = Aside::start("test", move |inbox| {
            let _ = held.recv();
            while inbox.next().is_some() {}
        })
        .unwrap();
        aside.tell("heavy", 10 * MAX_WEIGHT, 1);
        assert_eq!(aside.dropped(), 0);
        aside.tell("light", 1, 1);
        assert_eq!(aside.dropped(), 1);
        drop(release);
    }
}
