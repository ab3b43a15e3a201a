//! What a step does with a row and the weights: each weight by the formula of scikit-learn's `WeightVector`, in its order.
//!
//! Products of `f32` are rounded to `f32` and summed as `f64`; a column that a sparse row has twice is taken twice. In lanes
//! are taken the sums of touched weights, which nothing but the objective needs, and what is asked of [`Rows::in_lanes`].

use crate::descent::{Csr, Dense};
use crate::float::Float;
use crate::simd;

const LANES: usize = 8;
/// Values of a row fetched ahead; the hardware goes on by itself in longer ones.
const AHEAD: usize = 256;

/// A matrix whose rows are learned from.
pub trait Rows<T: Float>: Sync {
    /// Columns from which on [`Rows::in_lanes`] is quicker than [`Rows::dot`].
    const LONG: usize;
    /// The number of rows.
    fn rows(&self) -> usize;
    /// Stored values.
    fn stored(&self) -> usize;
    /// x_i . w, summed as scikit-learn does.
    fn dot(&self, i: usize, w: &[T]) -> f64;
    /// The sum over the columns of `each` of a value and its weight, in lanes.
    fn in_lanes(&self, i: usize, w: &[T], each: impl Fn(T, T) -> f64) -> f64;
    /// x_i . x_i
    fn squares(&self, i: usize) -> f64;
    /// w += c x_i; returns the sums of the squares (`L2`) and of the sizes (`L1`) of the weights that were touched.
    fn add<const L2: bool, const L1: bool>(&self, i: usize, c: T, w: &mut [T]) -> (f64, f64);
    /// w += (a x_i) c
    fn add_product(&self, i: usize, a: f64, c: f64, w: &mut [T]);
    /// Draws weights to zero by the part of `u` that they have not had yet; `had` keeps what they had.
    fn truncate(&self, i: usize, u: f64, scale: f64, w: &mut [T], had: &mut [T]);
    /// Asks for a row that will be read soon.
    fn prefetch(&self, i: usize);
    /// Asks for where a row lies, some time before [`Rows::prefetch`].
    fn locate(&self, i: usize);
}

#[inline(always)]
pub(super) fn product<T: Float>(a: T, b: T) -> f64 {
    (a * b).to_f64()
}

#[inline(always)]
pub(super) fn size<T: Float>(a: T, b: T) -> f64 {
    product(a, b).abs()
}

/// `w + x c`, computed wider.
#[inline(always)]
fn plus<T: Float>(w: T, x: T, c: f64) -> T {
    T::from_f64(w.to_f64() + x.to_f64() * c)
}

#[inline(always)]
fn plus_product<T: Float>(w: T, x: T, a: f64, c: f64) -> T {
    T::from_f64(w.to_f64() + a * x.to_f64() * c)
}

/// The weight and what it had, one truncation later.
#[inline(always)]
fn truncated<T: Float>(w: T, had: T, u: f64, scale: f64) -> (T, T) {
    let (z, q) = (w.to_f64(), had.to_f64());
    let (down, up) = (z - (u + q) / scale, z + (u - q) / scale);
    let (down, up) = (if down > 0.0 { down } else { 0.0 }, if up < 0.0 { up } else { 0.0 });
    let side = scale * z;
    let new = T::from_f64(if side > 0.0 {
        down
    } else if side < 0.0 {
        up
    } else {
        z
    });
    (new, T::from_f64(q + scale * (new.to_f64() - z)))
}

/// One product after the other, as scikit-learn sums: a chain of additions, which every step waits for.
#[inline(always)]
fn dot<T: Float>(x: &[T], w: &[T]) -> f64 {
    let mut sum = 0.0;
    for (x, w) in x.iter().zip(w) {
        sum += product(*w, *x);
    }
    sum
}

/// One sum at a time, its lanes added like this: of others the compiler makes vectors of two.
#[inline(always)]
fn in_lanes<T: Float>(x: &[T], w: &[T], each: impl Fn(T, T) -> f64) -> f64 {
    let ((xs, xr), (ws, wr)) = (x.as_chunks::<LANES>(), w.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (x, w) in xs.iter().zip(ws) {
        for k in 0..LANES {
            lanes[k] += each(x[k], w[k]);
        }
    }
    let mut rest = 0.0;
    for (x, w) in xr.iter().zip(wr) {
        rest += each(*x, *w);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    rest + (a + e) + (b + f) + (c + g) + (d + h)
}

#[inline(always)]
fn squares<T: Float>(x: &[T]) -> f64 {
    x.iter().fold(0.0, |sum, x| sum + x.to_f64() * x.to_f64())
}

impl<T: Float> Rows<T> for Dense<'_, T> {
    const LONG: usize = 2 * LANES;

    fn rows(&self) -> usize {
        crate::descent::Rows::rows(self)
    }

    fn stored(&self) -> usize {
        crate::descent::Rows::stored(self)
    }

    #[inline(always)]
    fn dot(&self, i: usize, w: &[T]) -> f64 {
        dot(self.row(i), w)
    }

    #[inline(always)]
    fn in_lanes(&self, i: usize, w: &[T], each: impl Fn(T, T) -> f64) -> f64 {
        in_lanes(self.row(i), w, each)
    }

    #[inline(always)]
    fn squares(&self, i: usize) -> f64 {
        squares(self.row(i))
    }

    #[inline(always)]
    fn add<const L2: bool, const L1: bool>(&self, i: usize, c: T, w: &mut [T]) -> (f64, f64) {
        let x = self.row(i);
        let (w, c) = (&mut w[..x.len()], c.to_f64());
        for (w, x) in w.iter_mut().zip(x) {
            *w = plus(*w, *x, c);
        }
        let squares = if L2 { in_lanes(w, w, product) } else { 0.0 };
        let sizes = if L1 { in_lanes(w, w, |w, _| w.abs().to_f64()) } else { 0.0 };
        (squares, sizes)
    }

    #[inline(always)]
    fn add_product(&self, i: usize, a: f64, c: f64, w: &mut [T]) {
        for (w, x) in w.iter_mut().zip(self.row(i)) {
            *w = plus_product(*w, *x, a, c);
        }
    }

    #[inline(always)]
    fn truncate(&self, _: usize, u: f64, scale: f64, w: &mut [T], had: &mut [T]) {
        for (w, had) in w.iter_mut().zip(had) {
            (*w, *had) = truncated(*w, *had, u, scale);
        }
    }

    #[inline(always)]
    fn prefetch(&self, i: usize) {
        let row = self.row(i);
        simd::prefetch::<false, _>(&row[..row.len().min(AHEAD)]);
    }

    #[inline(always)]
    fn locate(&self, _: usize) {}
}

impl<T: Float> Rows<T> for Csr<'_, T> {
    const LONG: usize = usize::MAX;

    fn rows(&self) -> usize {
        crate::descent::Rows::rows(self)
    }

    fn stored(&self) -> usize {
        crate::descent::Rows::stored(self)
    }

    #[inline(always)]
    fn dot(&self, i: usize, w: &[T]) -> f64 {
        let (indices, values) = self.row(i);
        let mut sum = 0.0;
        for (j, x) in indices.iter().zip(values) {
            sum += product(w[*j as usize], *x);
        }
        sum
    }

    #[inline(always)]
    fn in_lanes(&self, i: usize, w: &[T], each: impl Fn(T, T) -> f64) -> f64 {
        let (indices, values) = self.row(i);
        indices.iter().zip(values).map(|(j, x)| each(*x, w[*j as usize])).sum()
    }

    #[inline(always)]
    fn squares(&self, i: usize) -> f64 {
        squares(self.row(i).1)
    }

    #[inline(always)]
    fn add<const L2: bool, const L1: bool>(&self, i: usize, c: T, w: &mut [T]) -> (f64, f64) {
        let (indices, values) = self.row(i);
        let c = c.to_f64();
        let (mut squares, mut sizes) = ([0.0; 4], [0.0; 4]);
        let mut one = |lane: usize, j: i32, x: T| {
            let w = &mut w[j as usize];
            *w = plus(*w, x, c);
            if L2 {
                squares[lane] += product(*w, *w);
            }
            if L1 {
                sizes[lane] += w.abs().to_f64();
            }
        };
        let (js, xs) = (indices.chunks_exact(4), values.chunks_exact(4));
        let (jr, xr) = (js.remainder(), xs.remainder());
        for (j, x) in js.zip(xs) {
            for k in 0..4 {
                one(k, j[k], x[k]);
            }
        }
        for (j, x) in jr.iter().zip(xr) {
            one(0, *j, *x);
        }
        (squares.iter().sum(), sizes.iter().sum())
    }

    #[inline(always)]
    fn add_product(&self, i: usize, a: f64, c: f64, w: &mut [T]) {
        let (indices, values) = self.row(i);
        for (j, x) in indices.iter().zip(values) {
            let w = &mut w[*j as usize];
            *w = plus_product(*w, *x, a, c);
        }
    }

    #[inline(always)]
    fn truncate(&self, i: usize, u: f64, scale: f64, w: &mut [T], had: &mut [T]) {
        for j in self.row(i).0 {
            let (w, had) = (&mut w[*j as usize], &mut had[*j as usize]);
            (*w, *had) = truncated(*w, *had, u, scale);
        }
    }

    #[inline(always)]
    fn prefetch(&self, i: usize) {
        let (indices, values) = self.row(i);
        simd::prefetch::<false, _>(&indices[..indices.len().min(AHEAD)]);
        simd::prefetch::<false, _>(&values[..values.len().min(AHEAD)]);
    }

    #[inline(always)]
    fn locate(&self, i: usize) {
        self.prefetch_ends(i);
    }
}
