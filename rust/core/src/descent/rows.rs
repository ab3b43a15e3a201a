//! The rows that descent reads: dense (C order) or CSR, used as they are.

use crate::float::Float;
use crate::simd;

/// Rows taken together, so that a gradient is loaded and stored once for all of them.
pub const BLOCK: usize = 8;
const LANES: usize = 8;
/// Values of a row fetched ahead; the hardware goes on by itself in longer ones.
const AHEAD: usize = 256;

/// What descent needs of a matrix.
pub trait Rows<T: Float>: Sync {
    /// Are most entries of a row zero, so that work should follow the stored ones?
    const SPARSE: bool;
    /// The number of rows.
    fn rows(&self) -> usize;
    /// The number of columns.
    fn columns(&self) -> usize;
    /// Stored values.
    fn stored(&self) -> usize;
    /// Bytes of a row on average.
    fn row_bytes(&self) -> usize;
    /// x_i . w
    fn dot(&self, i: usize, w: &[T]) -> T;
    /// w += c x_i
    fn add(&self, i: usize, c: T, w: &mut [T]);
    /// w += sum_r c_r x_r
    fn add_block(&self, rows: &[usize; BLOCK], c: &[f64; BLOCK], w: &mut [T]);
    /// Calls `f(column, value)` for the stored values.
    fn each(&self, i: usize, f: impl FnMut(usize, T));
    /// Asks for a row that will be read soon, or somewhat later (`FAR`).
    fn prefetch<const FAR: bool>(&self, i: usize);
}

/// A C-ordered matrix.
#[derive(Clone, Copy)]
pub struct Dense<'a, T> {
    values: &'a [T],
    columns: usize,
}

impl<'a, T: Float> Dense<'a, T> {
    /// Rows of `columns` values, end to end.
    #[must_use]
    pub fn new(values: &'a [T], columns: usize) -> Self {
        Self { values, columns }
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &'a [T] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }
}

/// Two accumulators of eight lanes: the additions of one wait for those of the other no more.
#[inline(always)]
fn dot<T: Float>(x: &[T], w: &[T]) -> T {
    let (mut a, mut b) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let (xs, ws) = (x.chunks_exact(2 * LANES), w.chunks_exact(2 * LANES));
    let (mut xr, mut wr) = (xs.remainder(), ws.remainder());
    for (x, w) in xs.zip(ws) {
        for k in 0..LANES {
            a[k] += x[k] * w[k];
            b[k] += x[LANES + k] * w[LANES + k];
        }
    }
    if xr.len() >= LANES && wr.len() >= LANES {
        for k in 0..LANES {
            a[k] += xr[k] * wr[k];
        }
        (xr, wr) = (&xr[LANES..], &wr[LANES..]);
    }
    let mut rest = T::ZERO;
    for (x, w) in xr.iter().zip(wr) {
        rest += *x * *w;
    }
    for k in 0..LANES {
        a[k] += b[k];
    }
    (((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))) + rest
}

impl<T: Float> Rows<T> for Dense<'_, T> {
    const SPARSE: bool = false;

    fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    #[inline(always)]
    fn columns(&self) -> usize {
        self.columns
    }

    fn stored(&self) -> usize {
        self.values.len()
    }

    fn row_bytes(&self) -> usize {
        self.columns * size_of::<T>()
    }

    #[inline(always)]
    fn dot(&self, i: usize, w: &[T]) -> T {
        dot(self.row(i), w)
    }

    #[inline(always)]
    fn add(&self, i: usize, c: T, w: &mut [T]) {
        for (w, x) in w.iter_mut().zip(self.row(i)) {
            *w += c * *x;
        }
    }

    #[inline(always)]
    fn add_block(&self, rows: &[usize; BLOCK], c: &[f64; BLOCK], w: &mut [T]) {
        for half in 0..2 {
            let (rows, c) = (&rows[4 * half..4 * half + 4], &c[4 * half..4 * half + 4]);
            if c.iter().all(|c| *c == 0.0) {
                continue;
            }
            let n = w.len();
            let x = [
                &self.row(rows[0])[..n],
                &self.row(rows[1])[..n],
                &self.row(rows[2])[..n],
                &self.row(rows[3])[..n],
            ];
            let c = [T::from_f64(c[0]), T::from_f64(c[1]), T::from_f64(c[2]), T::from_f64(c[3])];
            for j in 0..n {
                w[j] += (c[0] * x[0][j] + c[1] * x[1][j]) + (c[2] * x[2][j] + c[3] * x[3][j]);
            }
        }
    }

    #[inline(always)]
    fn each(&self, i: usize, mut f: impl FnMut(usize, T)) {
        for (j, x) in self.row(i).iter().enumerate() {
            f(j, *x);
        }
    }

    #[inline(always)]
    fn prefetch<const FAR: bool>(&self, i: usize) {
        let begin = i * self.columns;
        simd::prefetch::<FAR, _>(&self.values[begin..begin + self.columns.min(AHEAD)]);
    }
}

/// A CSR matrix whose `indices` lie below `columns` and whose `indptr` rises within them (its maker checks).
#[derive(Clone, Copy)]
pub struct Csr<'a, T> {
    values: &'a [T],
    indices: &'a [i32],
    indptr: &'a [i64],
    columns: usize,
}

impl<'a, T: Float> Csr<'a, T> {
    /// Checks the structure once.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if an index lies outside the matrix.
    pub fn new(
        values: &'a [T],
        indices: &'a [i32],
        indptr: &'a [i64],
        columns: usize,
    ) -> crate::Result<Self> {
        let end = indptr.last().copied().unwrap_or(-1);
        let rising = indptr.first() == Some(&0) && indptr.windows(2).all(|w| w[0] <= w[1]);
        let most = values.len().min(indices.len());
        let largest = simd::dispatch!(indices.iter().fold(0u32, |m, &j| m.max(j as u32)));
        if !rising
            || usize::try_from(end).map_or(true, |end| end > most)
            || (!indices.is_empty() && largest as usize >= columns)
        {
            return Err(crate::Error::Invalid("the sparse matrix has indices outside its shape".into()));
        }
        Ok(Self { values, indices, indptr, columns })
    }

    /// Column numbers and values of a row.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, i: usize) -> (&'a [i32], &'a [T]) {
        let range = self.indptr[i] as usize..self.indptr[i + 1] as usize;
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Asks for the numbers that say where a row lies.
    #[inline(always)]
    pub(crate) fn prefetch_ends(&self, i: usize) {
        simd::prefetch::<false, _>(&self.indptr[i..=i]);
    }
}

impl<T: Float> Rows<T> for Csr<'_, T> {
    const SPARSE: bool = true;

    fn rows(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    #[inline(always)]
    fn columns(&self) -> usize {
        self.columns
    }

    fn stored(&self) -> usize {
        self.values.len()
    }

    fn row_bytes(&self) -> usize {
        self.values.len() / self.rows().max(1) * (size_of::<T>() + size_of::<i32>())
    }

    #[inline(always)]
    fn dot(&self, i: usize, w: &[T]) -> T {
        let (indices, values) = self.row(i);
        let mut sums = [T::ZERO; 4];
        let (js, xs) = (indices.chunks_exact(4), values.chunks_exact(4));
        let (jr, xr) = (js.remainder(), xs.remainder());
        for (j, x) in js.zip(xs) {
            for k in 0..4 {
                sums[k] += x[k] * w[j[k] as usize];
            }
        }
        for (j, x) in jr.iter().zip(xr) {
            sums[0] += *x * w[*j as usize];
        }
        (sums[0] + sums[2]) + (sums[1] + sums[3])
    }

    #[inline(always)]
    fn add(&self, i: usize, c: T, w: &mut [T]) {
        let (indices, values) = self.row(i);
        for (j, x) in indices.iter().zip(values) {
            w[*j as usize] += c * *x;
        }
    }

    #[inline(always)]
    fn add_block(&self, rows: &[usize; BLOCK], c: &[f64; BLOCK], w: &mut [T]) {
        for (i, c) in rows.iter().zip(c) {
            if *c != 0.0 {
                self.add(*i, T::from_f64(*c), w);
            }
        }
    }

    #[inline(always)]
    fn each(&self, i: usize, mut f: impl FnMut(usize, T)) {
        let (indices, values) = self.row(i);
        for (j, x) in indices.iter().zip(values) {
            f(*j as usize, *x);
        }
    }

    #[inline(always)]
    fn prefetch<const FAR: bool>(&self, i: usize) {
        let (indices, values) = self.row(i);
        simd::prefetch::<FAR, _>(&indices[..indices.len().min(AHEAD)]);
        simd::prefetch::<FAR, _>(&values[..values.len().min(AHEAD)]);
    }
}
