//! Bayesian ridge regression of one column of a table on others, as scikit-learn's `BayesianRidge` has it.
//!
//! `min alpha |y - X w|^2 + lambda |w|^2`, both weights by MacKay's evidence updates (1992). The centred rows `[X y]` are
//! reduced block by block to the triangle `R` of their QR decomposition (Householder), then `R` to its singular values
//! (one-sided Jacobi rotations): as precise as the singular values of `X` itself, in one pass over it and little memory.
//! Chunks of rows have a triangle each; they are reduced in order, so the threads never change the result.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Rows of a block, column by column in the first-level cache.
const BLOCK: usize = 128;
/// Partial sums of a dot product.
const LANES: usize = 16;
/// Rows of a chunk, the unit that a thread takes.
const CHUNK: usize = 4 * 1024;
/// Multiplications below which threads cost more than they bring.
const SERIAL_BELOW: usize = 1_000_000;
/// Sweeps of rotations; each at least halves the digits that are missing.
const SWEEPS: usize = 60;

/// scikit-learn's parameters of the same names.
#[derive(Clone, Copy, Debug)]
pub struct Prior {
    /// Evidence updates, at most.
    pub max_iter: usize,
    /// They end when the weights change by less.
    pub tol: f64,
    /// Shape and rate of alpha's prior, then lambda's.
    pub alpha: (f64, f64),
    /// As above.
    pub lambda: (f64, f64),
    /// Where alpha starts: one over the variance if none is given.
    pub alpha_init: Option<f64>,
    /// Where lambda starts.
    pub lambda_init: Option<f64>,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Bayes {
    /// Weight of each column.
    pub coef: Vec<f64>,
    /// Added to every prediction.
    pub intercept: f64,
    /// Mean of each column.
    pub offset: Vec<f64>,
    /// Precision of the noise.
    pub alpha: f64,
    /// Precision of the weights.
    pub lambda: f64,
    /// Covariance of the weights, row by row.
    pub sigma: Vec<f64>,
    /// Evidence updates that were made.
    pub n_iter: usize,
}

/// Learns the `target` column from the `inputs` columns, in the rows that `left_out` does not mark. None if a value is
/// not finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn fit<T: Float>(
    x: ArrayView2<'_, T>,
    left_out: ArrayView1<'_, bool>,
    target: usize,
    inputs: &[usize],
    prior: Prior,
    exec: &Exec<'_>,
) -> Result<Option<Bayes>> {
    let width = inputs.len() + 1;
    let exec = exec.only_if(x.nrows() * width * width >= SERIAL_BELOW);
    let rows: Vec<usize> = left_out.iter().enumerate().filter(|(_, out)| !**out).map(|(i, _)| i).collect();
    let columns: Vec<ArrayView1<'_, T>> = inputs.iter().chain([&target]).map(|j| x.column(*j)).collect();
    let n = rows.len() as f64;
    let chunks: Vec<&[usize]> = rows.chunks(CHUNK).collect();
    let sums = exec.map(chunks.len(), |i| {
        let sum = |column: &ArrayView1<'_, T>| sum_of(chunks[i].iter().map(|row| column[*row].to_f64()));
        columns.iter().map(sum).collect::<Vec<f64>>()
    })?;
    let mut mean = vec![0.0; width];
    for sums in &sums {
        for (mean, sum) in mean.iter_mut().zip(sums) {
            *mean += sum;
        }
    }
    if mean.iter().any(|sum| !sum.is_finite()) {
        return Ok(None);
    }
    mean.iter_mut().for_each(|sum| *sum /= n);
    let triangles = exec.map(chunks.len(), |i| {
        let mut triangle = Triangle::new(width);
        let mut block = vec![0.0; width * BLOCK];
        for rows in chunks[i].chunks(BLOCK) {
            for ((values, column), mean) in block.chunks_exact_mut(BLOCK).zip(&columns).zip(&mean) {
                for (value, row) in values.iter_mut().zip(rows) {
                    *value = column[*row].to_f64() - mean;
                }
                values[rows.len()..].fill(0.0);
            }
            simd::dispatch!(triangle.take(&mut block));
        }
        triangle
    })?;
    let mut triangle = Triangle::new(width);
    for other in &triangles {
        triangle.merge(other);
    }
    Ok(learn(&triangle, n, &mean, prior))
}

/// Puts predictions, kept within the limits, into the rows of the `target` column that `rows` marks.
pub fn fill<T: Float>(
    mut x: ArrayViewMut2<'_, T>,
    rows: ArrayView1<'_, bool>,
    target: usize,
    inputs: &[usize],
    model: (&[f64], f64),
    limits: (f64, f64),
) {
    for i in (0..x.nrows()).filter(|i| rows[*i]) {
        let values = inputs.iter().map(|j| x[(i, *j)].to_f64());
        x[(i, target)] = T::from_f64(predict(values, model, limits));
    }
}

/// A prediction, kept within the limits.
#[inline(always)]
pub fn predict(
    values: impl Iterator<Item = f64>,
    (coef, intercept): (&[f64], f64),
    (low, high): (f64, f64),
) -> f64 {
    let mut sum = 0.0;
    for (value, weight) in values.zip(coef) {
        sum += value * weight;
    }
    let sum = sum + intercept;
    // As NumPy clips: the lower limit first.
    let sum = if sum < low { low } else { sum };
    if sum > high { high } else { sum }
}

/// A sum by parts, so that rounding grows slowly.
fn sum_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; LANES];
    for (i, v) in values.enumerate() {
        lanes[i % LANES] += v;
    }
    lanes.iter().sum()
}

/// The triangle of a QR decomposition, row by row.
struct Triangle {
    width: usize,
    r: Vec<f64>,
}

impl Triangle {
    fn new(width: usize) -> Self {
        Self { width, r: vec![0.0; width * width] }
    }

    /// Takes in a block of `BLOCK` rows, which lie column by column and are overwritten.
    #[inline(always)]
    fn take(&mut self, block: &mut [f64]) {
        let width = self.width;
        for j in 0..width {
            let (head, tail) = block[j * BLOCK..].split_at_mut(BLOCK);
            let below = dot(head, head);
            if below == 0.0 {
                continue;
            }
            let row = &mut self.r[j * width..(j + 1) * width];
            let norm = (row[j] * row[j] + below).sqrt();
            let diagonal = if row[j] > 0.0 { -norm } else { norm };
            let tau = (diagonal - row[j]) / diagonal;
            let scale = 1.0 / (row[j] - diagonal);
            head.iter_mut().for_each(|v| *v *= scale);
            row[j] = diagonal;
            for (column, r) in tail.chunks_exact_mut(BLOCK).zip(&mut row[j + 1..]) {
                let w = tau * (*r + dot(head, column));
                *r -= w;
                for (value, v) in column.iter_mut().zip(&*head) {
                    *value -= w * v;
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        let width = self.width;
        let mut block = vec![0.0; width * BLOCK];
        for rows in other.r.chunks(width * BLOCK) {
            block.fill(0.0);
            for (i, row) in rows.chunks_exact(width).enumerate() {
                for (j, v) in row.iter().enumerate() {
                    block[j * BLOCK + i] = *v;
                }
            }
            simd::dispatch!(self.take(&mut block));
        }
    }
}

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for l in 0..LANES {
            lanes[l] += a[l] * b[l];
        }
    }
    lanes.iter().sum()
}

/// Rotates the columns of `a` (each of `n` values) until they are at right angles, those of `v` alike.
fn orthogonalise(a: &mut [f64], v: &mut [f64], n: usize) {
    for _ in 0..SWEEPS {
        let mut turned = false;
        for j in 1..n {
            for i in 0..j {
                let (left, right) = a.split_at_mut(j * n);
                let (x, y) = (&mut left[i * n..(i + 1) * n], &mut right[..n]);
                let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
                for (x, y) in x.iter().zip(&*y) {
                    xx += x * x;
                    yy += y * y;
                    xy += x * y;
                }
                if xy == 0.0 || xy.abs() <= f64::EPSILON * (xx * yy).sqrt() {
                    continue;
                }
                turned = true;
                let zeta = (yy - xx) / (2.0 * xy);
                let tangent = 1.0_f64.copysign(zeta) / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                let sine = cosine * tangent;
                rotate(x, y, cosine, sine);
                let (left, right) = v.split_at_mut(j * n);
                rotate(&mut left[i * n..(i + 1) * n], &mut right[..n], cosine, sine);
            }
        }
        if !turned {
            break;
        }
    }
}

fn rotate(x: &mut [f64], y: &mut [f64], cosine: f64, sine: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

/// The evidence updates.
fn learn(triangle: &Triangle, n: f64, mean: &[f64], prior: Prior) -> Option<Bayes> {
    let width = triangle.width;
    let p = width - 1;
    let r = |i: usize, j: usize| triangle.r[i * width + j];
    let z: Vec<f64> = (0..p).map(|i| r(i, p)).collect();
    let rest = r(p, p) * r(p, p);
    let mut a: Vec<f64> =
        (0..p * p).map(|at| if at % p <= at / p { r(at % p, at / p) } else { 0.0 }).collect();
    let mut v: Vec<f64> = (0..p * p).map(|at| f64::from(u8::from(at / p == at % p))).collect();
    orthogonalise(&mut a, &mut v, p);
    let axis = |k: usize| &a[k * p..(k + 1) * p];
    let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let square: Vec<f64> = (0..p).map(|k| inner(axis(k), axis(k))).collect();
    let along: Vec<f64> = (0..p).map(|k| inner(axis(k), &z)).collect();
    let variance = (inner(&z, &z) + rest) / n;
    let mut alpha = prior.alpha_init.unwrap_or(1.0 / (variance + f64::EPSILON));
    let mut lambda = prior.lambda_init.unwrap_or(1.0);
    let solve = |alpha: f64, lambda: f64| {
        let (mut coef, mut off) = (vec![0.0; p], z.clone());
        for k in 0..p {
            let step = along[k] / (square[k] + lambda / alpha);
            for i in 0..p {
                coef[i] += step * v[k * p + i];
                off[i] -= step * axis(k)[i];
            }
        }
        let sse = inner(&off, &off) + rest;
        (coef, sse)
    };
    let mut before: Option<Vec<f64>> = None;
    let mut n_iter = 0;
    for _ in 0..prior.max_iter {
        n_iter += 1;
        let (coef, sse) = solve(alpha, lambda);
        let gamma: f64 = square.iter().map(|s| alpha * s / (lambda + alpha * s)).sum();
        lambda = (gamma + 2.0 * prior.lambda.0) / (inner(&coef, &coef) + 2.0 * prior.lambda.1);
        alpha = (n - gamma + 2.0 * prior.alpha.0) / (sse + 2.0 * prior.alpha.1);
        if let Some(before) = &before {
            let change: f64 = before.iter().zip(&coef).map(|(a, b)| (a - b).abs()).sum();
            if change < prior.tol {
                break;
            }
        }
        before = Some(coef);
    }
    let coef = solve(alpha, lambda).0;
    let mut sigma = vec![0.0; p * p];
    for k in 0..p {
        let weight = 1.0 / (alpha * square[k] + lambda);
        for (at, out) in sigma.iter_mut().enumerate() {
            *out += weight * v[k * p + at / p] * v[k * p + at % p];
        }
    }
    let offset = mean[..p].to_vec();
    let intercept = mean[p] - inner(&offset, &coef);
    let finite = coef.iter().chain([&intercept, &alpha, &lambda]).all(|v| v.is_finite());
    finite.then_some(Bayes { coef, intercept, offset, alpha, lambda, sigma, n_iter })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    #[test]
    fn a_plane_is_found_and_threads_change_nothing() {
        let mut rng = crate::random::Mt19937::new(3);
        let mut x = Array2::from_shape_fn((9_000, 12), |_| rng.next_f64() - 0.5);
        for mut row in x.outer_iter_mut() {
            row[4] = 3.0 + 2.0 * row[0] - row[7] + 0.01 * row[11];
            row[9] = row[8] * 2.0; // singular
        }
        let inputs = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10];
        let left_out = Array1::from_shape_fn(9_000, |i| i % 5 == 0);
        let prior = Prior {
            max_iter: 300,
            tol: 1e-3,
            alpha: (1e-6, 1e-6),
            lambda: (1e-6, 1e-6),
            alpha_init: None,
            lambda_init: None,
        };
        let one = fit(x.view(), left_out.view(), 4, &inputs, prior, &Exec::serial()).unwrap().unwrap();
        for (weight, expected) in one.coef.iter().zip([2.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0]) {
            assert!((weight - expected).abs() < 1e-3, "{one:?}");
        }
        assert!((one.intercept - 3.0).abs() < 1e-3);
        let pool = std::sync::Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let source = || Some(pool.clone());
        let exec = Exec::new(&source, 3, &|| false);
        assert_eq!(fit(x.view(), left_out.view(), 4, &inputs, prior, &exec).unwrap().unwrap(), one);
        let expected = 3.0 + 2.0 * x[(5, 0)] - x[(5, 7)];
        x[(5, 4)] = f64::NAN;
        fill(x.view_mut(), left_out.view(), 4, &inputs, (&one.coef, one.intercept), (-9.0, 9.0));
        assert!((x[(5, 4)] - expected).abs() < 0.01);
    }
}
