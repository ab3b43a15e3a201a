//! Large memory of arrays is kept for the next that needs as much, as the allocators of other libraries keep it.
//!
//! The system clears each page that it hands out, which takes longer than many a kernel that then writes there. What is
//! kept is offered back to the system at once: it takes what it is short of, and until then counts it as resident. New
//! memory takes the place of what is kept, so that no more is resident than once was in use.

use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;

/// Bytes from which memory is kept.
pub const LARGE: usize = 4 << 20;
/// How many bytes are kept, and how many pieces.
const MOST: usize = 256 << 20;
const PIECES: usize = 16;
/// Room for a piece's length before what is handed out, so that a vector of values lies in one cache line.
const HEADER: usize = 64;
const HUGE_PAGE: usize = 2 << 20;

/// A piece of the system's memory, whose first bytes tell its length.
struct Piece(NonNull<u8>);

// SAFETY: nobody else knows a piece that is kept.
unsafe impl Send for Piece {}

struct Kept {
    pieces: [Option<Piece>; PIECES],
    bytes: usize,
}

/// Only ever tried: where another thread holds it, in a forked child for ever, the system's memory serves.
static KEPT: Mutex<Kept> = Mutex::new(Kept { pieces: [const { None }; PIECES], bytes: 0 });

/// The lengths of pieces: an eighth apart at most, so that much the same is found again.
fn rounded(bytes: usize) -> Option<usize> {
    let bytes = bytes.checked_add(HEADER)?;
    bytes.checked_next_multiple_of((bytes.checked_next_power_of_two()? / 16).max(HUGE_PAGE))
}

impl Piece {
    /// A new one of the system's, all zeros but for its length.
    fn of(length: usize) -> Option<Self> {
        // SAFETY: memory that nobody has yet; the advice changes no contents, and its refusal nothing at all.
        let begin = unsafe {
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let begin = libc::mmap(null_mut(), length, access, kind, -1, 0);
            if begin == libc::MAP_FAILED {
                return None;
            }
            libc::madvise(begin, length, libc::MADV_HUGEPAGE);
            begin
        };
        let piece = Self(NonNull::new(begin.cast())?);
        piece.mark(length);
        Some(piece)
    }

    fn mark(&self, length: usize) {
        // SAFETY: a piece begins with room for its length, aligned as pages are.
        unsafe { self.0.cast::<usize>().write(length) }
    }

    fn length(&self) -> usize {
        // SAFETY: as above, and it was marked.
        unsafe { self.0.cast::<usize>().read() }
    }

    /// What is handed out of it.
    fn into_memory(self) -> *mut u8 {
        // SAFETY: a piece is longer than its header.
        unsafe { self.0.as_ptr().add(HEADER) }
    }

    /// # Safety
    /// `memory` came from [`Piece::into_memory`] and is not used any more.
    unsafe fn from_memory(memory: *mut u8) -> Self {
        // SAFETY: a piece began so many bytes before it.
        Self(unsafe { NonNull::new_unchecked(memory.sub(HEADER)) })
    }

    fn release(self) {
        // SAFETY: the whole of what was mapped, used by nobody any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), self.length()) };
    }
}

/// Memory for so many bytes, with whatever contents; null if there is none.
pub fn take(bytes: usize) -> *mut u8 {
    let Some(length) = rounded(bytes) else { return null_mut() };
    let kept = KEPT.try_lock().ok().and_then(|mut kept| {
        let piece = kept.take(length);
        if piece.is_none() {
            kept.make_room(length);
        }
        piece
    });
    kept.or_else(|| Piece::of(length)).map_or(null_mut(), Piece::into_memory)
}

/// The same, of zeros.
pub fn take_zeroed(bytes: usize) -> *mut u8 {
    let Some(length) = rounded(bytes) else { return null_mut() };
    if let Ok(mut kept) = KEPT.try_lock() {
        kept.make_room(length);
    }
    Piece::of(length).map_or(null_mut(), Piece::into_memory)
}

/// # Safety
/// `memory` came from this module and is not used any more.
pub unsafe fn give(memory: *mut u8) {
    // SAFETY: as the caller vouches.
    let piece = unsafe { Piece::from_memory(memory) };
    let length = piece.length();
    match KEPT.try_lock() {
        Ok(mut kept) if length <= MOST => kept.keep(piece, length),
        _ => piece.release(),
    }
}

/// Memory with the same contents for another number of bytes; null, and nothing changed, if there is none.
///
/// # Safety
/// `memory` came from this module and, unless null is returned, is not used any more.
pub unsafe fn resize(memory: *mut u8, bytes: usize) -> *mut u8 {
    let Some(length) = rounded(bytes) else { return null_mut() };
    // SAFETY: as the caller vouches.
    let piece = unsafe { Piece::from_memory(memory) };
    if piece.length() == length {
        return memory;
    }
    // SAFETY: the whole of what was mapped moves, or none of it.
    let moved =
        unsafe { libc::mremap(piece.0.as_ptr().cast(), piece.length(), length, libc::MREMAP_MAYMOVE) };
    match NonNull::new(moved.cast()) {
        Some(begin) if moved != libc::MAP_FAILED => {
            let piece = Piece(begin);
            piece.mark(length);
            piece.into_memory()
        }
        _ => null_mut(),
    }
}

/// Gives the system all that is kept.
pub fn release() {
    if let Ok(mut kept) = KEPT.try_lock() {
        kept.pieces.iter_mut().filter_map(Option::take).for_each(Piece::release);
        kept.bytes = 0;
    }
}

impl Kept {
    /// The shortest piece that is long enough, if it is not more than twice as long.
    fn take(&mut self, length: usize) -> Option<Piece> {
        let fitting = self.pieces.iter().enumerate().filter_map(|(place, piece)| {
            let n = piece.as_ref()?.length();
            (length..=2 * length).contains(&n).then_some((n, place))
        });
        let (length, place) = fitting.min()?;
        self.bytes -= length;
        self.pieces[place].take()
    }

    /// The oldest go, of so many bytes together, if there are as many.
    fn make_room(&mut self, bytes: usize) {
        let enough = self.bytes.saturating_sub(bytes);
        while self.bytes > enough {
            self.release_oldest();
        }
    }

    fn release_oldest(&mut self) {
        self.pieces.rotate_left(1);
        if let Some(oldest) = self.pieces[PIECES - 1].take() {
            self.bytes -= oldest.length();
            oldest.release();
        }
    }

    fn keep(&mut self, piece: Piece, length: usize) {
        while self.bytes + length > MOST || self.pieces[0].is_some() {
            self.release_oldest();
        }
        // SAFETY: whole pages of the piece but its first, which keeps its length; older systems refuse, and it stays resident.
        unsafe {
            libc::madvise(piece.0.as_ptr().add(HUGE_PAGE).cast(), length - HUGE_PAGE, libc::MADV_FREE);
        }
        self.pieces.rotate_left(1);
        self.pieces[PIECES - 1] = Some(piece);
        self.bytes += length;
    }
}
