//! Counts what is allocated, to find small files that ask for much.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; only sizes are added up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's layout.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: allocated by `alloc` with this layout.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Begins to watch anew.
pub fn reset() {
    PEAK.store(NOW.load(Relaxed), Relaxed);
}

/// Bytes above what is held now, at their most since [`reset`].
pub fn peak() -> usize {
    PEAK.load(Relaxed).saturating_sub(NOW.load(Relaxed))
}
