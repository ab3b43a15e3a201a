//! The one place that dispatches on CPU features; nothing else mentions an architecture.
//!
//! A kernel is a plain `#[inline(always)]` function; [`dispatch`] compiles it again for the widest instruction
//! set that the CPU has. Rust never contracts `a * b + c`, so every path gives the same bits.

/// A kernel that [`dispatch`] compiles for each instruction set. `run` must be `#[inline(always)]`.
pub trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The kernel's body.
    fn run(self) -> Self::Output;
}

impl<R, F: FnOnce() -> R> Kernel for F {
    type Output = R;
    #[inline(always)]
    fn run(self) -> R {
        self()
    }
}

/// Runs `kernel` with the widest vectors that the CPU has.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if avx512() {
            // SAFETY: the features that `run_avx512` enables were just found on this CPU.
            return unsafe { run_avx512(kernel) };
        }
        if avx2() {
            // SAFETY: the features that `run_avx2` enables were just found on this CPU.
            return unsafe { run_avx2(kernel) };
        }
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("bmi2")
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("bmi2")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Asks the memory for `values`, which will be read soon (or, `FAR`, after a while, so that the second-level cache will
/// do). Does nothing where there is no such instruction.
#[inline(always)]
pub fn prefetch<const FAR: bool, T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        const LINE: usize = 64;
        let begin = values.as_ptr().cast::<i8>();
        for at in (0..size_of_val(values)).step_by(LINE) {
            // SAFETY: `at` lies within `values`; a prefetch reads nothing, and every x86-64 CPU has it.
            unsafe {
                if FAR {
                    _mm_prefetch::<_MM_HINT_T1>(begin.add(at));
                } else {
                    _mm_prefetch::<_MM_HINT_T0>(begin.add(at));
                }
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
