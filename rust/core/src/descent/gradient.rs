//! Loss and mean gradient of a batch: blocks of eight rows, each row read once. Large batches are cut into chunks by
//! the data's size alone, so that threads never change the result.

use super::loss::Loss;
use super::rows::{BLOCK, Rows};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Stored values of a chunk: 64,000 take some 20 us, what it costs to wake a thread.
const CHUNK: usize = 1 << 16;
/// Weights that all chunks' gradients together may have: 64 MB of f64.
const GRADIENTS: usize = 1 << 23;

/// Rows, targets, and the objective: mean of weighted losses + sum of l2 w^2 / 2 + l1 |w|.
#[derive(Clone, Copy)]
pub struct Problem<'a, R> {
    /// The rows.
    pub x: &'a R,
    /// A row's target: a number, -1 or 1, or for several outputs the class's number.
    pub y: &'a [f64],
    /// A row's weight.
    pub weights: Option<&'a [f64]>,
    /// Scores of a row.
    pub outputs: usize,
    /// The loss.
    pub loss: Loss,
    /// Strength of w^2 / 2.
    pub l2: f64,
    /// Strength of |w|.
    pub l1: f64,
    /// Is there an intercept to learn?
    pub intercept: bool,
}

impl<R> Problem<'_, R> {
    /// A row's weight.
    #[inline(always)]
    pub fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    /// How many of the parameters are penalised: all but the intercepts, which come last.
    pub fn penalised<T: Float>(&self) -> usize
    where
        R: Rows<T>,
    {
        self.outputs * self.x.columns()
    }

    /// Before block `n` of `ids`: asks for the next block, or, where a whole window is fetched ahead, for a part of that.
    #[inline(always)]
    pub fn fetch<T: Float>(&self, n: usize, ids: &[u32], window: &[u32])
    where
        R: Rows<T>,
    {
        if window.is_empty() {
            for &i in ids.iter().skip((n + 1) * BLOCK).take(BLOCK) {
                self.x.prefetch::<false>(i as usize);
                simd::prefetch::<false, _>(&self.y[i as usize..][..1]);
            }
        } else {
            for &i in window.iter().skip(n * BLOCK).take(BLOCK) {
                self.x.prefetch::<true>(i as usize);
                simd::prefetch::<true, _>(&self.y[i as usize..][..1]);
            }
        }
    }

    /// The penalty of `w`, which has no intercepts.
    pub fn penalty<T: Float>(&self, w: &[T]) -> f64 {
        let (mut squares, mut sizes) = (0.0, 0.0);
        for w in w {
            let w = w.to_f64();
            squares += w * w;
            sizes += w.abs();
        }
        0.5 * self.l2 * squares + self.l1 * sizes
    }
}

/// What a gradient is computed in.
pub struct Scratch<T> {
    /// The mean gradient, intercepts last.
    pub gradient: Vec<T>,
    scores: Vec<f64>,
}

impl<T: Float> Scratch<T> {
    /// For `parameters` weights and intercepts of `outputs` scores.
    #[must_use]
    pub fn new(parameters: usize, outputs: usize) -> Self {
        Self { gradient: vec![T::ZERO; parameters], scores: vec![0.0; outputs * BLOCK] }
    }
}

/// Shortens a gradient longer than `most`.
pub fn clip<T: Float>(gradient: &mut [T], most: f64) {
    let norm = gradient.iter().map(|g| g.to_f64() * g.to_f64()).sum::<f64>().sqrt();
    if norm > most {
        let by = T::from_f64(most / norm);
        for g in gradient {
            *g *= by;
        }
    }
}

/// Adds the gradients of the rows' losses to `gradient`, and returns the sum of the losses.
#[inline(always)]
fn chunk<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    ids: &[u32],
    fetch: &[u32],
    theta: &[T],
    mut gradient: Option<&mut [T]>,
    z: &mut [f64],
) -> f64 {
    let columns = p.x.columns();
    let (w, b) = theta.split_at(p.outputs * columns);
    let mut total = 0.0;
    for (n, block) in ids.chunks(BLOCK).enumerate() {
        p.fetch::<T>(n, ids, fetch);
        let mut rows = [block[0] as usize; BLOCK];
        let (mut y, mut weight) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (r, &i) in block.iter().enumerate() {
            rows[r] = i as usize;
            y[r] = p.y[i as usize];
            weight[r] = p.weight(i as usize);
        }
        z.fill(0.0);
        for k in 0..p.outputs {
            let w = &w[k * columns..(k + 1) * columns];
            for r in 0..block.len() {
                z[k * BLOCK + r] = (p.x.dot(rows[r], w) + b[k]).to_f64();
            }
        }
        total += p.loss.block(z, &y, &weight);
        if let Some(gradient) = gradient.as_deref_mut() {
            let (gw, gb) = gradient.split_at_mut(p.outputs * columns);
            for (k, d) in z.chunks_exact(BLOCK).enumerate() {
                let d: &[f64; BLOCK] = match d.first_chunk() {
                    Some(d) => d,
                    None => continue,
                };
                p.x.add_block(&rows, d, &mut gw[k * columns..(k + 1) * columns]);
                gb[k] += T::from_f64(((d[0] + d[4]) + (d[2] + d[6])) + ((d[1] + d[5]) + (d[3] + d[7])));
            }
        }
    }
    total
}

/// Into how many chunks a batch is cut.
fn chunks<T: Float, R: Rows<T>>(p: &Problem<'_, R>, ids: &[u32]) -> usize {
    let per_row = p.x.stored() / p.x.rows().max(1) * p.outputs;
    let most = (GRADIENTS / (p.outputs * p.x.columns()).max(1)).max(1);
    (ids.len() * per_row).div_ceil(CHUNK).clamp(1, most.min(ids.len().max(1)))
}

/// The sum of the rows' losses; their mean gradient in `scratch`. Meanwhile the rows `fetch` are fetched.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn batch<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    ids: &[u32],
    fetch: &[u32],
    theta: &[T],
    scratch: &mut Scratch<T>,
    exec: &Exec<'_>,
) -> Result<f64> {
    let n = chunks(p, ids);
    let by = 1.0 / ids.len() as f64;
    if n == 1 {
        scratch.gradient.fill(T::ZERO);
        let total =
            simd::dispatch!(chunk(p, ids, fetch, theta, Some(&mut scratch.gradient), &mut scratch.scores));
        let by = T::from_f64(by);
        for g in &mut scratch.gradient {
            *g *= by;
        }
        return Ok(total);
    }
    let parts = exec.map(n, |c| {
        let ids = &ids[c * ids.len() / n..(c + 1) * ids.len() / n];
        let mut part = Scratch::new(theta.len(), p.outputs);
        let total = simd::dispatch!(chunk(p, ids, &[], theta, Some(&mut part.gradient), &mut part.scores));
        (total, part.gradient)
    })?;
    let mut sums = vec![0.0; theta.len()];
    let mut total = 0.0;
    for (loss, gradient) in &parts {
        total += loss;
        for (sum, g) in sums.iter_mut().zip(gradient) {
            *sum += g.to_f64();
        }
    }
    for (g, sum) in scratch.gradient.iter_mut().zip(&sums) {
        *g = T::from_f64(sum * by);
    }
    Ok(total)
}

/// The sum of the rows' losses.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn loss<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    ids: &[u32],
    theta: &[T],
    exec: &Exec<'_>,
) -> Result<f64> {
    let n = chunks(p, ids);
    let parts = exec.only_if(n > 1).map(n, |c| {
        let ids = &ids[c * ids.len() / n..(c + 1) * ids.len() / n];
        let mut scores = vec![0.0; p.outputs * BLOCK];
        simd::dispatch!(chunk(p, ids, &[], theta, None, &mut scores))
    })?;
    Ok(parts.iter().sum())
}

/// The largest entry of the (sub)gradient of smallest norm of the objective; `gradient` is that of the mean loss.
pub fn stationarity<T: Float, R: Rows<T>>(p: &Problem<'_, R>, gradient: &[T], theta: &[T]) -> f64 {
    let (gw, gb) = gradient.split_at(p.penalised());
    let mut worst = 0.0f64;
    for (g, w) in gw.iter().zip(theta) {
        let w = w.to_f64();
        let g = g.to_f64() + p.l2 * w;
        let g = if w == 0.0 { (g.abs() - p.l1).max(0.0) } else { (g + p.l1 * w.signum()).abs() };
        worst = worst.max(g);
    }
    if p.intercept {
        worst = gb.iter().fold(worst, |worst, g| worst.max(g.to_f64().abs()));
    }
    worst
}
