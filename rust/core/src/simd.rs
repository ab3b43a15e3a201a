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
