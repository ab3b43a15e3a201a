//! Large work space on huge pages, where the system has them.

/// Bytes from which huge pages are asked for: below, a page fault more or less is not felt.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// `n` zeros (a number's default) to work on. Their first touch costs a fault every 2 MB rather than every 4 KB, where the system allows it.
pub fn zeroed_space<T: Clone + Default>(n: usize) -> Vec<T> {
    // Fresh from the system if a default is all zeros: no page is touched yet.
    let space = vec![T::default(); n];
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4 << 10;
        let bytes = n * size_of::<T>();
        if bytes >= LARGE {
            let begin = space.as_ptr().cast::<u8>();
            let skip = begin.align_offset(PAGE);
            // SAFETY: whole pages within the allocation; the advice changes no contents, and its refusal nothing at all.
            unsafe {
                libc::madvise(
                    begin.add(skip).cast_mut().cast(),
                    (bytes - skip) / PAGE * PAGE,
                    libc::MADV_HUGEPAGE,
                );
            }
        }
    }
    space
}
