//! A good first rate, and whether the columns' scales fit one rate at all.
//!
//! For plain and accelerated steps eta0 = 1 / L, L the smoothness that a batch of b of n rows has in expectation (Gower et
//! al.: SGD, general analysis and improved rates, 2019): L = c (n (b-1) / (b (n-1)) lambda + (n-b) / (b (n-1)) max |x|^2) + l2
//! with c the loss's curvature and lambda the largest eigenvalue of the mean of x x' (with a column of ones for the
//! intercept), by power iteration on rows spread over the data. Momentum mu repeats a batch's noise 1 / (1 - mu) times.
//! Rules that divide by the size of the last gradients move each weight by about eta0 an update: eta0 = 0.1 /
//! sqrt(updates an epoch), within 0.001 to 0.1, so that the way an epoch can wander does not depend on the batch.

use super::gradient::Problem;
use super::optimizer::{Optimizer, Rule};
use super::rows::Rows;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;

/// Stored values that the power iteration and the scales look at.
const SAMPLE: usize = 1 << 18;
const ITERATIONS: usize = 25;
/// Adagrad lowers its rates by itself, so it begins with steps of the size that weights have.
const ADAGRAD: f64 = 0.5;
/// The power iteration comes from below.
const MARGIN: f64 = 1.1;
/// Rows of a chunk.
const CHUNK: usize = 4_096;

/// Rows spread evenly over `ids`.
fn spread<T: Float, R: Rows<T>>(x: &R, ids: &[u32]) -> Vec<usize> {
    let per_row = (x.stored() / x.rows().max(1)).max(1);
    let n = (SAMPLE / per_row).clamp(1, ids.len().max(1)).max(ids.len().min(64));
    (0..n.min(ids.len())).map(|i| ids[i * ids.len() / n] as usize).collect()
}

/// The largest eigenvalue of the weighted mean of x x'.
fn eigenvalue<T: Float, R: Rows<T>>(p: &Problem<'_, R>, ids: &[u32], exec: &Exec<'_>) -> Result<f64> {
    let rows = spread(p.x, ids);
    let columns = p.x.columns();
    let one = if p.intercept { 1.0 } else { 0.0 };
    let mut v = vec![1.0 / ((columns + 1) as f64).sqrt(); columns + 1];
    let mut last = 0.0f64;
    for _ in 0..ITERATIONS {
        exec.check()?;
        let mut next = vec![0.0; columns + 1];
        let (mut total, mut weights) = (0.0, 0.0);
        for &i in &rows {
            let mut z = one * v[columns];
            p.x.each(i, |j, x| z += x.to_f64() * v[j]);
            let s = p.weight(i);
            p.x.each(i, |j, x| next[j] += s * z * x.to_f64());
            next[columns] += s * z * one;
            total += s * z * z;
            weights += s;
        }
        let value = if weights > 0.0 { total / weights } else { 0.0 };
        let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 || !norm.is_finite() {
            return Ok(value);
        }
        for (v, next) in v.iter_mut().zip(&next) {
            *v = next / norm;
        }
        if (value - last).abs() <= 0.005 * value {
            return Ok(value);
        }
        last = value;
    }
    Ok(last)
}

/// max s (|x|^2 + 1)
fn longest<T: Float, R: Rows<T>>(p: &Problem<'_, R>, ids: &[u32], exec: &Exec<'_>) -> Result<f64> {
    let exec = exec.only_if(p.x.stored() >= SAMPLE);
    let parts = exec.map(ids.len().div_ceil(CHUNK), |c| {
        let ids = &ids[c * CHUNK..ids.len().min((c + 1) * CHUNK)];
        ids.iter().fold(0.0f64, |longest, &i| {
            let mut square = if p.intercept { 1.0 } else { 0.0 };
            p.x.each(i as usize, |_, x| square += x.to_f64() * x.to_f64());
            longest.max(p.weight(i as usize) * square)
        })
    })?;
    Ok(parts.into_iter().fold(0.0, f64::max))
}

/// The first rate for `batches` updates an epoch over `ids`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn first_rate<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    ids: &[u32],
    batches: usize,
    optimizer: &Optimizer,
    exec: &Exec<'_>,
) -> Result<f64> {
    match optimizer.rule {
        Rule::Sgd | Rule::Momentum | Rule::Nesterov => {}
        Rule::Adagrad => return Ok(ADAGRAD),
        Rule::Rmsprop | Rule::Adam | Rule::Adamw => {
            return Ok((0.1 / (batches as f64).sqrt()).clamp(1e-3, 0.1));
        }
    }
    let n = ids.len() as f64;
    let b = n / batches as f64;
    let mut smooth = MARGIN * eigenvalue(p, ids, exec)?;
    if batches > 1 {
        let again = if optimizer.rule == Rule::Sgd { 1.0 } else { 1.0 / (1.0 - optimizer.momentum) };
        smooth *= n * (b - 1.0) / (b * (n - 1.0));
        smooth += again * longest(p, ids, exec)? * (n - b) / (b * (n - 1.0));
    }
    let smooth = p.loss.curvature() * smooth + p.l2;
    Ok(if smooth > 0.0 { 1.0 / smooth } else { 1.0 })
}

/// The columns' typical sizes: root mean squares of what is not zero, 0 where all is.
pub fn column_sizes<T: Float, R: Rows<T>>(x: &R, ids: &[u32]) -> Vec<f64> {
    let mut squares = vec![(0.0, 0.0); x.columns()];
    for i in spread(x, ids) {
        x.each(i, |j, x| {
            let x = x.to_f64();
            squares[j].0 += x * x;
            squares[j].1 += if x == 0.0 { 0.0 } else { 1.0 };
        });
    }
    squares.iter().map(|s| if s.1 > 0.0 { (s.0 / s.1).sqrt() } else { 0.0 }).collect()
}
