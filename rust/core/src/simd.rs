//! The one place that dispatches on CPU features; nothing else mentions an architecture.
//!
//! A kernel is a plain `#[inline(always)]` function; [`dispatch!`] compiles its call again for the widest instruction
//! set that the CPU has. Rust never contracts `a * b + c`, so every path gives the same bits.

/// Runs an expression, a call of a kernel, with the widest vectors that the CPU has.
///
/// A macro, since only a closure that is always inlined gets the caller's instructions: left to the optimiser, a large
/// one stays a function of its own, compiled for the oldest CPU.
macro_rules! dispatch {
    ($kernel:expr) => {
        $crate::simd::run(
            #[inline(always)]
            || $kernel,
        )
    };
}
pub(crate) use dispatch;

/// Runs `kernel`, which must be inlined always: [`dispatch!`] makes it so; another crate writes `#[inline(always)]` itself.
#[inline]
pub fn run<R>(kernel: impl FnOnce() -> R) -> R {
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
    kernel()
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
fn run_avx512<R>(kernel: impl FnOnce() -> R) -> R {
    kernel()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn run_avx2<R>(kernel: impl FnOnce() -> R) -> R {
    kernel()
}

/// Bytes of a line of memory.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
/// Bytes that a kernel asks for ahead, if it does so little with each value that it waits for memory.
pub const AHEAD: usize = 2_048;

/// Asks the memory for `values`, which will be read soon (or, `FAR`, after a while, so that the second-level cache will
/// do). Does nothing where there is no such instruction.
#[inline(always)]
pub fn prefetch<const FAR: bool, T>(values: &[T]) {
    prefetch_ahead::<FAR, T>(values, 0);
}

/// Asks the memory for what lies `ahead` bytes behind the begin of `values`, as much as these are: where a kernel that reads
/// all of its input comes to later. (Reading runs ahead by itself, but not from one page of 4 KB to the next.)
#[inline(always)]
pub fn prefetch_ahead<const FAR: bool, T>(values: &[T], ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        let begin = values.as_ptr().cast::<i8>().wrapping_add(ahead);
        for at in (0..size_of_val(values)).step_by(LINE) {
            // SAFETY: a prefetch reads nothing, wherever it points, and every x86-64 CPU has it.
            unsafe {
                if FAR {
                    _mm_prefetch::<_MM_HINT_T1>(begin.wrapping_add(at));
                } else {
                    _mm_prefetch::<_MM_HINT_T0>(begin.wrapping_add(at));
                }
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, ahead);
}

/// Bytes of an output that no cache would keep.
const PAST_CACHES: usize = 32 << 20;

/// Should it be written past the caches? It need not be read from memory before it is written then: a quarter of the time of
/// scaling columns.
pub fn is_past_caches<T>(out: &[T]) -> bool {
    size_of_val(out) >= PAST_CACHES
}

/// Writes past the caches, where that can be done. Before other threads read, [`written_past_caches`] must be called.
#[inline(always)]
pub fn write_past_caches<T: Copy, const N: usize>(values: &[T; N], out: &mut [T; N]) {
    #[cfg(target_arch = "x86_64")]
    if out.as_ptr().addr().is_multiple_of(16) && size_of::<[T; N]>().is_multiple_of(16) {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_stream_si128};
        for at in (0..size_of::<[T; N]>()).step_by(16) {
            // SAFETY: every x86-64 CPU has these; both arrays have whole vectors, and those of `out` lie at multiples of 16.
            unsafe {
                let vector = _mm_loadu_si128(values.as_ptr().byte_add(at).cast());
                _mm_stream_si128(out.as_mut_ptr().byte_add(at).cast(), vector);
            }
        }
        return;
    }
    *out = *values;
}

/// Makes what this thread wrote past the caches seen by others.
pub fn written_past_caches() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 CPU has it.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// `out` is `values` where their bit is set, otherwise `otherwise`; 64 bits a word. (By AVX-512's masks: the compiler takes
/// vectors apart to test bit by bit.)
pub fn choose(values: &[f64], words: &[u64], otherwise: f64, out: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    let begin = if avx512() {
        let whole = values.len().min(out.len()).min(64 * words.len()) / 8 * 8;
        // SAFETY: the features that it enables were just found on this CPU, and all three have so many.
        unsafe { choose_avx512(&values[..whole], words, otherwise, &mut out[..whole]) };
        whole
    } else {
        0
    };
    #[cfg(not(target_arch = "x86_64"))]
    let begin = 0;
    for (i, (v, out)) in values.iter().zip(out).enumerate().skip(begin) {
        *out = if words[i / 64] >> (i % 64) & 1 == 1 { *v } else { otherwise };
    }
}

/// # Safety
/// `values` and `out` must be of the same length, whole vectors of which `words` has the bits.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, reason = "eight bits are taken")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn choose_avx512(values: &[f64], words: &[u64], otherwise: f64, out: &mut [f64]) {
    use std::arch::x86_64::{_mm512_mask_loadu_pd, _mm512_set1_pd, _mm512_storeu_pd};
    let otherwise = _mm512_set1_pd(otherwise);
    for (i, begin) in (0..values.len()).step_by(8).enumerate() {
        prefetch_ahead::<false, _>(&values[begin..begin + 8], AHEAD);
        // SAFETY: the caller has seen to it that the vectors lie within all three.
        unsafe {
            let mask = (words.get_unchecked(i / 8) >> (8 * (i % 8))) as u8;
            let chosen = _mm512_mask_loadu_pd(otherwise, mask, values.as_ptr().add(begin));
            _mm512_storeu_pd(out.as_mut_ptr().add(begin), chosen);
        }
    }
}

/// As [`choose`], past the caches as [`write_past_caches`]. Are all of `out` finite? `None` if this CPU cannot, or `out` does not
/// lie in whole lines; it is then left as it was.
pub fn choose_past_caches(values: &[f64], words: &[u64], otherwise: f64, out: &mut [f64]) -> Option<bool> {
    #[cfg(target_arch = "x86_64")]
    if avx512()
        && values.len() == out.len()
        && out.len().is_multiple_of(8)
        && out.len() <= 64 * words.len()
        && out.as_ptr().addr().is_multiple_of(64)
    {
        // SAFETY: the features that it enables and what it asks of its arguments were just found.
        return Some(unsafe { choose_past_caches_avx512(values, words, otherwise, out) });
    }
    let _ = (values, words, otherwise, out);
    None
}

/// # Safety
/// As of [`choose_avx512`]; `out` must lie at a multiple of 64 bytes.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, reason = "eight bits are taken")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn choose_past_caches_avx512(values: &[f64], words: &[u64], otherwise: f64, out: &mut [f64]) -> bool {
    use std::arch::x86_64::{_mm512_fpclass_pd_mask, _mm512_mask_loadu_pd, _mm512_set1_pd, _mm512_stream_pd};
    /// Both kinds of NaN, both infinities.
    const NOT_FINITE: i32 = 0x99;
    let otherwise = _mm512_set1_pd(otherwise);
    let mut odd = 0;
    for (i, begin) in (0..values.len()).step_by(8).enumerate() {
        prefetch_ahead::<false, _>(&values[begin..begin + 8], AHEAD);
        // SAFETY: the caller has seen to it that the vectors lie within all three, and those of `out` at whole lines.
        unsafe {
            let mask = (words.get_unchecked(i / 8) >> (8 * (i % 8))) as u8;
            let chosen = _mm512_mask_loadu_pd(otherwise, mask, values.as_ptr().add(begin));
            odd |= _mm512_fpclass_pd_mask::<NOT_FINITE>(chosen);
            _mm512_stream_pd(out.as_mut_ptr().add(begin), chosen);
        }
    }
    odd == 0
}

/// The sum, in 32 lanes, of the `values` whose bit is set; 64 bits a word.
pub fn sum_chosen(values: &[f64], words: &[u64]) -> f64 {
    let values = &values[..values.len().min(64 * words.len())];
    #[cfg(target_arch = "x86_64")]
    let (mut lanes, begin) = if avx512() {
        let rows = values.as_chunks::<32>().0;
        // SAFETY: the features that it enables were just found on this CPU, and `words` has bits for all rows.
        (unsafe { sum_chosen_avx512(rows, words) }, rows.len())
    } else {
        ([0.0; 32], 0)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let (mut lanes, begin) = ([0.0; 32], 0);
    for (i, row) in values.chunks(32).enumerate().skip(begin) {
        let bits = words[i / 2] >> (32 * (i % 2));
        for (k, (lane, v)) in lanes.iter_mut().zip(row).enumerate() {
            *lane += if bits >> k & 1 == 1 { *v } else { 0.0 };
        }
    }
    let mut eight = [0.0; 8];
    for lanes in lanes.as_chunks::<8>().0 {
        for (sum, v) in eight.iter_mut().zip(lanes) {
            *sum += v;
        }
    }
    eight.iter().sum()
}

/// # Safety
/// `words` must have bits for all rows.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, reason = "eight bits are taken")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn sum_chosen_avx512(rows: &[[f64; 32]], words: &[u64]) -> [f64; 32] {
    use std::arch::x86_64::{_mm512_loadu_pd, _mm512_mask_add_pd, _mm512_setzero_pd, _mm512_storeu_pd};
    let mut sums = [_mm512_setzero_pd(); 4];
    for (i, row) in rows.iter().enumerate() {
        // SAFETY: the caller has seen to it that there is such a word.
        let bits = unsafe { words.get_unchecked(i / 2) } >> (32 * (i % 2));
        prefetch_ahead::<false, _>(row, AHEAD);
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: a row has four vectors.
            let values = unsafe { _mm512_loadu_pd(row.as_ptr().add(8 * k)) };
            *sum = _mm512_mask_add_pd(*sum, (bits >> (8 * k)) as u8, *sum, values);
        }
    }
    let mut lanes = [0.0; 32];
    for (sum, lanes) in sums.iter().zip(lanes.as_chunks_mut::<8>().0) {
        // SAFETY: eight lanes are as many as the vector has.
        unsafe { _mm512_storeu_pd(lanes.as_mut_ptr(), *sum) };
    }
    lanes
}

/// Moves those of `values` to the front whose bit is set in `marks` (a power of two of words; bit `value` modulo their
/// number of bits). Returns how many. (Look-ups and compression of AVX-512: a quarter of the time of one by one, an eighth
/// where few are marked.)
pub fn keep_marked(values: &mut [u32], marks: &[u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if avx512() && marks.len().is_power_of_two() {
        // SAFETY: the features that it enables were just found on this CPU, and a power of two was given.
        return unsafe { keep_marked_avx512(values, marks) };
    }
    keep_marked_from(0, 0, values, marks)
}

/// The same from the `begin`-th value on, where `kept` of those before are kept.
fn keep_marked_from(begin: usize, mut kept: usize, values: &mut [u32], marks: &[u32]) -> usize {
    let words = marks.len() - 1;
    for i in begin..values.len() {
        let value = values[i];
        values[kept] = value;
        kept += (marks[(value / 32) as usize & words] >> (value % 32) & 1) as usize;
    }
    kept
}

/// # Safety
/// `marks` must be a power of two of words.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "lanes hold bit patterns")]
#[target_feature(enable = "avx512f,popcnt")]
unsafe fn keep_marked_avx512(values: &mut [u32], marks: &[u32]) -> usize {
    use std::arch::x86_64::{
        _mm512_and_si512, _mm512_i32gather_epi32, _mm512_loadu_si512, _mm512_permutex2var_epi32,
        _mm512_set1_epi32,
    };
    let mut n = values.len();
    // What two vectors of marks hold is looked up in a fifth of the time, and most of what is not marked is left out by it.
    let mut folded = [0; 32];
    for marks in marks.chunks_exact(folded.len()) {
        folded.iter_mut().zip(marks).for_each(|(folded, marks)| *folded |= marks);
    }
    let set: u32 = folded.iter().map(|marks| marks.count_ones()).sum();
    // SAFETY: two vectors of sixteen words are 32 words, and as many have marks; words are taken modulo the number of marks.
    unsafe {
        if marks.len() > folded.len() && set < 512 {
            let low = _mm512_loadu_si512(folded.as_ptr().cast());
            let high = _mm512_loadu_si512(folded.as_ptr().add(16).cast());
            n = keep_by(values, &folded, |word| _mm512_permutex2var_epi32(low, word, high));
        }
        let words = _mm512_set1_epi32((marks.len() - 1) as i32);
        keep_by(&mut values[..n], marks, |word| {
            _mm512_i32gather_epi32::<4>(_mm512_and_si512(word, words), marks.as_ptr().cast())
        })
    }
}

/// Keeps what is marked, where words of marks are `looked_up` for lanes of their numbers.
///
/// # Safety
/// Needs AVX-512 and popcnt.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,popcnt")]
unsafe fn keep_by(
    values: &mut [u32],
    marks: &[u32],
    looked_up: impl Fn(std::arch::x86_64::__m512i) -> std::arch::x86_64::__m512i,
) -> usize {
    use std::arch::x86_64::{
        _mm512_and_si512, _mm512_loadu_si512, _mm512_maskz_compress_epi32, _mm512_set1_epi32,
        _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_test_epi32_mask,
    };
    const LANES: usize = 16;
    let (one, low) = (_mm512_set1_epi32(1), _mm512_set1_epi32(31));
    let whole = values.len() / LANES * LANES;
    let mut kept = 0;
    for begin in (0..whole).step_by(LANES) {
        // SAFETY: the vector lies within `values`, and at most as many as were read are kept, so the vector that is stored
        // ends before the next one that is read.
        unsafe {
            let lanes = _mm512_loadu_si512(values.as_ptr().add(begin).cast());
            let bits = looked_up(_mm512_srli_epi32::<5>(lanes));
            let bit = _mm512_sllv_epi32(one, _mm512_and_si512(lanes, low));
            let marked = _mm512_test_epi32_mask(bits, bit);
            let front = _mm512_maskz_compress_epi32(marked, lanes);
            _mm512_storeu_si512(values.as_mut_ptr().add(kept).cast(), front);
            kept += marked.count_ones() as usize;
        }
    }
    keep_marked_from(whole, kept, values, marks)
}

/// Moves those `values`, and their `ids`, to the front whose id is not `other`. Returns how many.
pub fn keep_others(values: &mut [u32], ids: &mut [u8], other: u8) -> usize {
    let n = values.len().min(ids.len());
    let (values, ids) = (&mut values[..n], &mut ids[..n]);
    #[cfg(target_arch = "x86_64")]
    if avx512() {
        // SAFETY: the features that it enables were just found on this CPU, and there are as many ids as values.
        return unsafe { keep_others_avx512(values, ids, other) };
    }
    keep_others_from(0, 0, values, ids, other)
}

/// The same from the `begin`-th on, where `kept` of those before are kept.
fn keep_others_from(begin: usize, mut kept: usize, values: &mut [u32], ids: &mut [u8], other: u8) -> usize {
    for i in begin..values.len() {
        (values[kept], ids[kept]) = (values[i], ids[i]);
        kept += usize::from(ids[i] != other);
    }
    kept
}

/// # Safety
/// There must be as many `ids` as `values`.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_possible_wrap, reason = "lanes hold bit patterns")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
unsafe fn keep_others_avx512(values: &mut [u32], ids: &mut [u8], other: u8) -> usize {
    use std::arch::x86_64::{
        _mm_cmpneq_epi8_mask, _mm_loadu_si128, _mm_set1_epi8, _mm_storeu_si128, _mm512_cvtepi32_epi8,
        _mm512_cvtepu8_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi32, _mm512_storeu_si512,
    };
    const LANES: usize = 16;
    let others = _mm_set1_epi8(other as i8);
    let whole = values.len() / LANES * LANES;
    let mut kept = 0;
    for begin in (0..whole).step_by(LANES) {
        // SAFETY: the vectors lie within `values` and `ids`; at most as many as were read are kept, so the vectors that are
        // stored end before the next ones that are read.
        unsafe {
            let lanes = _mm512_loadu_si512(values.as_ptr().add(begin).cast());
            let of = _mm_loadu_si128(ids.as_ptr().add(begin).cast());
            let kinds = _mm_cmpneq_epi8_mask(of, others);
            let front = _mm512_maskz_compress_epi32(kinds, lanes);
            let front_of = _mm512_maskz_compress_epi32(kinds, _mm512_cvtepu8_epi32(of));
            _mm512_storeu_si512(values.as_mut_ptr().add(kept).cast(), front);
            _mm_storeu_si128(ids.as_mut_ptr().add(kept).cast(), _mm512_cvtepi32_epi8(front_of));
            kept += kinds.count_ones() as usize;
        }
    }
    keep_others_from(whole, kept, values, ids, other)
}

/// Places that [`part_positions`] writes to beyond those it keeps.
pub const PART_ROOM: usize = 128;

/// Parts positions: those `i` where `ids[i] == id` go, plus `begin`, to the front of `chosen`, the rest to the front of
/// `others`. Returns how many were chosen. (Of a million, one in five: 0.2 ms by AVX-512's compression, 0.9 without.)
pub fn part_positions(ids: &[u8], id: u8, begin: i64, chosen: &mut [i64], others: &mut [i64]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if avx512() {
        // SAFETY: the features that it enables were just found on this CPU.
        return unsafe { part_positions_avx512(ids, id, begin, chosen, others) };
    }
    part_positions_portable(ids, id, begin, chosen, others)
}

fn part_positions_portable(ids: &[u8], id: u8, begin: i64, chosen: &mut [i64], others: &mut [i64]) -> usize {
    let (mut a, mut b) = (0, 0);
    let (groups, rest) = ids.as_chunks::<PART>();
    for (group, base) in groups.iter().zip((begin..).step_by(PART)) {
        let room = a + PART <= chosen.len() && b + PART <= others.len();
        if room {
            let (chosen, others) = (&mut chosen[a..a + PART], &mut others[b..b + PART]);
            let mut n = 0;
            for (k, &x) in group.iter().enumerate() {
                // Both are written, one of them is kept: no branch to guess wrong.
                chosen[n] = base + k as i64;
                others[k - n] = base + k as i64;
                n += usize::from(x == id);
            }
            a += n;
            b += PART - n;
        } else {
            part_few(group, id, base, chosen, others, &mut a, &mut b);
        }
    }
    part_few(rest, id, begin + (groups.len() * PART) as i64, chosen, others, &mut a, &mut b);
    a
}

/// Positions of a group.
const PART: usize = 64;

fn part_few(
    ids: &[u8],
    id: u8,
    begin: i64,
    chosen: &mut [i64],
    others: &mut [i64],
    a: &mut usize,
    b: &mut usize,
) {
    for (&x, i) in ids.iter().zip(begin..) {
        if x == id {
            chosen[*a] = i;
            *a += 1;
        } else {
            others[*b] = i;
            *b += 1;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
fn part_positions_avx512(ids: &[u8], id: u8, begin: i64, chosen: &mut [i64], others: &mut [i64]) -> usize {
    use std::arch::x86_64::{
        _mm512_add_epi64, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_maskz_compress_epi64,
        _mm512_set1_epi8, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_storeu_si512,
    };
    let (mut a, mut b) = (0, 0);
    let (groups, rest) = ids.as_chunks::<PART>();
    let id_lanes = _mm512_set1_epi8(id as i8);
    let eight = _mm512_set1_epi64(8);
    for (group, base) in groups.iter().zip((begin..).step_by(PART)) {
        // A vector is stored whole though only its front counts, so up to 64 places must be free in both.
        if a + PART > chosen.len() || b + PART > others.len() {
            part_few(group, id, base, chosen, others, &mut a, &mut b);
            continue;
        }
        // SAFETY: the group has 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(group.as_ptr().cast()) };
        let mut mask = _mm512_cmpeq_epi8_mask(bytes, id_lanes);
        let mut places = _mm512_add_epi64(_mm512_set1_epi64(base), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
        for _ in 0..PART / 8 {
            let low = mask as u8;
            let n = low.count_ones() as usize;
            // SAFETY: before the group both had 64 free places, at most 8 a step are used up, and there are 8 steps.
            unsafe {
                _mm512_storeu_si512(
                    chosen.as_mut_ptr().add(a).cast(),
                    _mm512_maskz_compress_epi64(low, places),
                );
                _mm512_storeu_si512(
                    others.as_mut_ptr().add(b).cast(),
                    _mm512_maskz_compress_epi64(!low, places),
                );
            }
            a += n;
            b += 8 - n;
            mask >>= 8;
            places = _mm512_add_epi64(places, eight);
        }
    }
    part_few(rest, id, begin + (groups.len() * PART) as i64, chosen, others, &mut a, &mut b);
    a
}

/// Moves the values from `low` to `high`, both included, to the front of `kept`, which is no shorter than `values`.
/// Returns how many they are. (Of a million, one in sixteen: 0.2 ms by AVX-512's compression, 1.4 without.)
pub fn keep_within(values: &[f64], (low, high): (f64, f64), kept: &mut [f64]) -> usize {
    let kept = &mut kept[..values.len()];
    #[cfg(target_arch = "x86_64")]
    if avx512() {
        // SAFETY: the features that it enables were just found on this CPU.
        return unsafe { keep_within_avx512(values, (low, high), kept) };
    }
    keep_few(values, (low, high), kept, 0)
}

/// The same, with `to` values kept before: no more than `kept` is longer than `values`.
fn keep_few(values: &[f64], (low, high): (f64, f64), kept: &mut [f64], mut to: usize) -> usize {
    for &x in values {
        // Always written, counted only if inside: no branch to guess wrong.
        kept[to] = x;
        to += usize::from((x >= low) & (x <= high));
    }
    to
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
fn keep_within_avx512(values: &[f64], (low, high): (f64, f64), kept: &mut [f64]) -> usize {
    use std::arch::x86_64::{
        _CMP_GE_OQ, _CMP_LE_OQ, _mm512_cmp_pd_mask, _mm512_loadu_pd, _mm512_mask_cmp_pd_mask,
        _mm512_maskz_compress_pd, _mm512_set1_pd, _mm512_storeu_pd,
    };
    let (lows, highs) = (_mm512_set1_pd(low), _mm512_set1_pd(high));
    let (groups, rest) = values.as_chunks::<8>();
    let mut to = 0;
    for group in groups {
        // SAFETY: the group has eight values.
        let x = unsafe { _mm512_loadu_pd(group.as_ptr()) };
        let inside =
            _mm512_mask_cmp_pd_mask::<_CMP_LE_OQ>(_mm512_cmp_pd_mask::<_CMP_GE_OQ>(x, lows), x, highs);
        // SAFETY: no more were kept than stood before the group, and `kept` has a place for each of the values.
        unsafe { _mm512_storeu_pd(kept.as_mut_ptr().add(to), _mm512_maskz_compress_pd(inside, x)) };
        to += inside.count_ones() as usize;
    }
    keep_few(rest, (low, high), kept, to)
}

/// For each of the eight columns of `a`, the sums over the rows of its products with the columns of `b`.
///
/// With AVX-512 the products are not rounded before they are added.
pub fn products<const N: usize>(a: &[[f64; 8]], b: [&[[f64; 8]]; N]) -> [[[f64; 8]; N]; 8] {
    #[cfg(target_arch = "x86_64")]
    if avx512() {
        // SAFETY: the features that it enables were just found on this CPU.
        return unsafe { products_avx512(a, b) };
    }
    dispatch!(products_portable(a, b))
}

#[inline(always)]
fn products_portable<const N: usize>(a: &[[f64; 8]], b: [&[[f64; 8]]; N]) -> [[[f64; 8]; N]; 8] {
    let mut sums = [[[0.0; 8]; N]; 8];
    for (n, b) in b.iter().enumerate() {
        for half in 0..2 {
            let mut tile = [[0.0; 8]; 4];
            for (a, b) in a.iter().zip(*b) {
                for i in 0..4 {
                    for l in 0..8 {
                        tile[i][l] += a[half * 4 + i] * b[l];
                    }
                }
            }
            for (i, tile) in tile.into_iter().enumerate() {
                sums[half * 4 + i][n] = tile;
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt")]
fn products_avx512<const N: usize>(a: &[[f64; 8]], b: [&[[f64; 8]]; N]) -> [[[f64; 8]; N]; 8] {
    use std::arch::x86_64::{
        _mm512_fmadd_pd, _mm512_loadu_pd, _mm512_set1_pd, _mm512_setzero_pd, _mm512_storeu_pd,
    };
    let mut sums = [[_mm512_setzero_pd(); N]; 8];
    let rows = b.iter().fold(a.len(), |n, b| n.min(b.len()));
    for r in 0..rows {
        // SAFETY: `r` lies within every panel, and a row has eight values.
        let b: [_; N] = std::array::from_fn(|n| unsafe { _mm512_loadu_pd(b[n].get_unchecked(r).as_ptr()) });
        let a = &a[r];
        for i in 0..8 {
            for n in 0..N {
                sums[i][n] = _mm512_fmadd_pd(_mm512_set1_pd(a[i]), b[n], sums[i][n]);
            }
        }
    }
    let mut out = [[[0.0; 8]; N]; 8];
    for (out, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        // SAFETY: a row of `out` has eight values.
        unsafe { _mm512_storeu_pd(out.as_mut_ptr(), *sum) };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_within_are_kept_in_order() {
        for n in [0, 1, 7, 8, 9, 1000] {
            let mut values: Vec<f64> = (0..n).map(|i: i32| f64::from(i * 37 % 101)).collect();
            if n > 8 {
                (values[3], values[8]) = (f64::NAN, f64::INFINITY);
            }
            for (low, high) in [(20.0, 60.0), (0.0, f64::INFINITY), (200.0, 300.0), (0.0, 0.0)] {
                let expected: Vec<f64> =
                    values.iter().copied().filter(|x| (low..=high).contains(x)).collect();
                let mut kept = vec![0.0; values.len()];
                let found = keep_within(&values, (low, high), &mut kept);
                assert_eq!(kept[..found], expected);
                let found = keep_few(&values, (low, high), &mut kept, 0);
                assert_eq!(kept[..found], expected);
            }
        }
    }

    #[test]
    fn values_of_other_ids_are_kept_in_order() {
        for n in [0, 1, 15, 16, 17, 1000] {
            for kinds in [1, 2, 5, 200] {
                let values: Vec<u32> = (0..n).map(|i: u32| i.wrapping_mul(0x9E37_79B9)).collect();
                let ids: Vec<u8> = values.iter().map(|v| (v % kinds) as u8).collect();
                let pairs = values.iter().copied().zip(ids.iter().copied());
                let expected: Vec<(u32, u8)> = pairs.filter(|pair| pair.1 != 1).collect();
                for portable in [false, true] {
                    let (mut values, mut ids) = (values.clone(), ids.clone());
                    let kept = if portable {
                        keep_others_from(0, 0, &mut values, &mut ids, 1)
                    } else {
                        keep_others(&mut values, &mut ids, 1)
                    };
                    let pairs = values.into_iter().zip(ids).take(kept);
                    assert_eq!(pairs.collect::<Vec<_>>(), expected);
                }
            }
        }
    }

    #[test]
    fn marked_values_are_kept_in_order() {
        // Many marks, and few: those are looked up in two vectors first.
        for (words, every) in [(1, 3), (8, 3), (64, 3), (64, 50), (1024, 500)] {
            let marked = |value: u32| (value % (32 * words)).is_multiple_of(every);
            let mut marks = vec![0_u32; words as usize];
            for bit in (0..32 * words).filter(|bit| marked(*bit)) {
                marks[bit as usize / 32] |= 1 << (bit % 32);
            }
            for n in [0, 1, 15, 16, 17, 1000] {
                for step in [0_u32, 1, 3, 0x9E37_79B9] {
                    let values: Vec<u32> =
                        (0..n).map(|i: u32| u32::MAX.wrapping_sub(i.wrapping_mul(step))).collect();
                    let expected: Vec<u32> = values.iter().copied().filter(|v| marked(*v)).collect();
                    let mut kept = values.clone();
                    let found = keep_marked(&mut kept, &marks);
                    assert_eq!(kept[..found], expected);
                    let mut kept = values;
                    let found = keep_marked_from(0, 0, &mut kept, &marks);
                    assert_eq!(kept[..found], expected);
                }
            }
        }
    }

    #[test]
    fn positions_are_parted_wherever_the_chosen_ones_lie() {
        for n in [0, 1, 63, 64, 65, 1000, 4096] {
            for pattern in 0..5 {
                let ids: Vec<u8> = (0..n)
                    .map(|i: usize| match pattern {
                        0 => (i * i % 5) as u8,
                        1 => 3 * u8::from(i < n / 2),
                        2 => 3 * u8::from(i >= n / 2),
                        3 => 3,
                        _ => 0,
                    })
                    .collect();
                let expected: (Vec<i64>, Vec<i64>) =
                    (7..7 + n as i64).partition(|&i| ids[(i - 7) as usize] == 3);
                let (mut a, mut b) = (vec![0; expected.0.len()], vec![0; expected.1.len()]);
                for part in [part_positions, part_positions_portable] {
                    a.fill(0);
                    b.fill(0);
                    assert_eq!(part(&ids, 3, 7, &mut a, &mut b), expected.0.len());
                    assert_eq!((&a, &b), (&expected.0, &expected.1));
                }
            }
        }
    }
}
