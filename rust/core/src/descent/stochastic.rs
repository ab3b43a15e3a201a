//! Plain stochastic steps whose cost follows the rows' stored values, not the number of columns.
//!
//! The weights are scale * v: shrinking them all by 1 - eta l2 is one product (Bottou: Stochastic gradient descent
//! tricks, 2012). The soft thresholds of sparse rows wait in `pending`, in v's units, until a weight is next read:
//! thresholds in a row add up, so this is exactly soft-thresholding at every step (Duchi, Singer: FOBOS, 2009, section 5).
//!
//! The sum of the weights after each of some updates is A v - u, where A sums the scales and u the steps of v, each times
//! the A before it (Xu: Towards optimal one pass large scale learning with averaged stochastic gradient descent, 2011), so
//! that averages cost as much as the steps again.
//!
//! Rows are fetched eight ahead, as they come in shuffled order. One row a step is a chain of dot product, slope and
//! update, so the loss, which nothing waits for, is taken eight rows later in vectors.

use super::average::Average;
use super::gradient::Problem;
use super::optimizer::soft;
use super::rows::{BLOCK, Rows};
use super::schedule::Schedule;
use super::shuffle::Orders;
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Rows between two looks at the clock.
const SEGMENT: usize = 4_096;
/// How far ahead rows are fetched.
const AHEAD: usize = 8;
/// Below this scale it is multiplied into the weights.
const SMALL: f64 = 1e-6;

/// Where time stands.
pub struct Clock {
    /// Updates so far.
    pub updates: u64,
    /// The schedule.
    pub schedule: Schedule,
    /// The schedule's base rate.
    pub eta: f64,
}

impl Clock {
    /// The rate of the next update, which it counts.
    #[inline(always)]
    pub fn tick(&mut self) -> f64 {
        self.updates += 1;
        self.schedule.rate(self.eta, self.updates as f64)
    }
}

struct Lazy<'a, T> {
    v: &'a mut [T],
    b: &'a mut [T],
    scale: f64,
    pending: f64,
    /// How much of `pending` each weight has had; empty without L1 or for dense rows.
    had: Vec<f64>,
    /// The average, and the first update that it takes.
    average: Option<(&'a mut Average, u64)>,
    /// A and u; updates in them, and the sums of their intercepts.
    scales: f64,
    moved: Vec<T>,
    counted: u64,
    intercepts: Vec<f64>,
}

impl<T: Float> Lazy<'_, T> {
    #[inline(always)]
    fn settle<R: Rows<T>>(&mut self, x: &R, i: usize, outputs: usize) {
        if self.had.is_empty() {
            return;
        }
        let columns = x.columns();
        let pending = self.pending;
        for k in 0..outputs {
            let had = &mut self.had[k * columns..(k + 1) * columns];
            let v = &mut self.v[k * columns..(k + 1) * columns];
            x.each(i, |j, _| {
                v[j] = soft(v[j], T::from_f64(pending - had[j]));
                had[j] = pending;
            });
        }
    }

    /// A step of output `k`, in v's units.
    #[inline(always)]
    fn add<R: Rows<T>>(&mut self, x: &R, i: usize, k: usize, by: f64) {
        x.add(i, T::from_f64(by), &mut self.v[k * x.columns()..(k + 1) * x.columns()]);
        if self.scales > 0.0 {
            self.follow(x, i, k, by);
        }
    }

    // The averages' own work is compiled once, not again for each CPU and each place.
    #[inline(never)]
    fn follow<R: Rows<T>>(&mut self, x: &R, i: usize, k: usize, by: f64) {
        let moved = &mut self.moved[k * x.columns()..(k + 1) * x.columns()];
        x.add(i, T::from_f64(by * self.scales), moved);
    }

    /// After update `t`.
    #[inline(always)]
    fn count(&mut self, t: u64) {
        if self.average.as_ref().is_some_and(|(_, first)| t >= *first) {
            self.take();
        }
    }

    #[inline(never)]
    fn take(&mut self) {
        self.scales += self.scale;
        self.counted += 1;
        for (sum, b) in self.intercepts.iter_mut().zip(self.b.iter()) {
            *sum += b.to_f64();
        }
    }

    #[inline(never)]
    fn settle_average(&mut self) {
        let Some((average, _)) = &mut self.average else { return };
        let scales = self.scales;
        let weights = self.v.iter().zip(&self.moved).map(|(v, u)| scales * v.to_f64() - u.to_f64());
        average.take_sums(self.counted, weights.chain(self.intercepts.iter().copied()));
        (self.scales, self.counted) = (0.0, 0);
        self.moved.fill(T::ZERO);
        self.intercepts.fill(0.0);
    }

    #[inline(never)]
    fn fold(&mut self) {
        self.settle_average();
        let scale = T::from_f64(self.scale);
        for (v, had) in self.v.iter_mut().zip(&mut self.had) {
            *v = soft(*v, T::from_f64(self.pending - *had));
            *had = 0.0;
        }
        for v in self.v.iter_mut() {
            *v *= scale;
        }
        (self.scale, self.pending) = (1.0, 0.0);
    }

    #[inline(always)]
    fn shrink(&mut self, by: f64) {
        self.scale *= by;
        if self.scale < SMALL {
            self.fold();
        }
    }

    #[inline(always)]
    fn threshold<R: Rows<T>>(&mut self, by: f64) {
        if by <= 0.0 {
            return;
        }
        if R::SPARSE {
            self.pending += by / self.scale;
        } else {
            let by = T::from_f64(by / self.scale);
            for v in self.v.iter_mut() {
                *v = soft(*v, by);
            }
        }
    }
}

/// One row a step; returns the sum of the losses, each before its step.
#[inline(always)]
fn one_by_one<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    orders: &Orders,
    range: std::ops::Range<usize>,
    lazy: &mut Lazy<'_, T>,
    clock: &mut Clock,
    scores: &mut [f64],
) -> f64 {
    let columns = p.x.columns();
    let mut total = 0.0;
    let (mut z, mut y, mut weight) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let mut waiting = 0;
    let order = orders.order();
    let mut fetch = orders.fetch(range.clone()).iter();
    for at in range {
        if let Some(&later) = fetch.next() {
            p.x.prefetch::<true>(later as usize);
            simd::prefetch::<true, _>(&p.y[later as usize..][..1]);
        } else if let Some(&next) = order.get(at + AHEAD) {
            p.x.prefetch::<false>(next as usize);
            simd::prefetch::<false, _>(&p.y[next as usize..][..1]);
        }
        let i = order[at] as usize;
        let (t, s) = (p.y[i], p.weight(i));
        let eta = clock.tick();
        lazy.settle(p.x, i, p.outputs);
        if p.outputs == 1 {
            let score = lazy.scale * p.x.dot(i, lazy.v).to_f64() + lazy.b[0].to_f64();
            lazy.shrink((1.0 - eta * p.l2).max(0.0));
            let by = -eta * s / lazy.scale;
            let slope = p.loss.slope(score, t);
            if slope != 0.0 {
                lazy.add(p.x, i, 0, by * slope);
                if p.intercept {
                    lazy.b[0] -= T::from_f64(eta * s * slope);
                }
            }
            (z[waiting], y[waiting], weight[waiting]) = (score, t, s);
            waiting += 1;
            if waiting == BLOCK {
                total += p.loss.block(&mut z, &y, &weight);
                waiting = 0;
            }
        } else {
            for k in 0..p.outputs {
                let v = &lazy.v[k * columns..(k + 1) * columns];
                scores[k * BLOCK] = lazy.scale * p.x.dot(i, v).to_f64() + lazy.b[k].to_f64();
            }
            (y[0], weight[0]) = (t, s);
            total += p.loss.block(scores, &y, &weight);
            lazy.shrink((1.0 - eta * p.l2).max(0.0));
            for k in 0..p.outputs {
                let slope = scores[k * BLOCK];
                if slope != 0.0 {
                    lazy.add(p.x, i, k, -eta * slope / lazy.scale);
                    if p.intercept {
                        lazy.b[k] -= T::from_f64(eta * slope);
                    }
                }
            }
            scores.fill(0.0);
        }
        lazy.threshold::<R>(eta * p.l1);
        lazy.count(clock.updates);
    }
    weight[waiting..].fill(0.0);
    if p.outputs == 1 && waiting > 0 {
        total += p.loss.block(&mut z, &y, &weight);
    }
    total
}

/// One step by the mean gradient of `ids`.
#[inline(always)]
fn together<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    (ids, fetch): (&[u32], &[u32]),
    lazy: &mut Lazy<'_, T>,
    eta: f64,
    scores: &mut Vec<f64>,
) -> f64 {
    let columns = p.x.columns();
    let width = p.outputs * BLOCK;
    scores.clear();
    scores.resize(ids.len().div_ceil(BLOCK) * width, 0.0);
    let mut total = 0.0;
    for ((n, block), z) in ids.chunks(BLOCK).enumerate().zip(scores.chunks_exact_mut(width)) {
        p.fetch::<T>(n, ids, fetch);
        let (mut y, mut weight) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (r, &i) in block.iter().enumerate() {
            let i = i as usize;
            lazy.settle(p.x, i, p.outputs);
            (y[r], weight[r]) = (p.y[i], p.weight(i));
            for k in 0..p.outputs {
                let v = &lazy.v[k * columns..(k + 1) * columns];
                z[k * BLOCK + r] = lazy.scale * p.x.dot(i, v).to_f64() + lazy.b[k].to_f64();
            }
        }
        total += p.loss.block(z, &y, &weight);
    }
    lazy.shrink((1.0 - eta * p.l2).max(0.0));
    let step = -eta / ids.len() as f64;
    let by = step / lazy.scale;
    for (block, z) in ids.chunks(BLOCK).zip(scores.chunks_exact(width)) {
        for (r, &i) in block.iter().enumerate() {
            for k in 0..p.outputs {
                let slope = z[k * BLOCK + r];
                if slope != 0.0 {
                    lazy.add(p.x, i as usize, k, by * slope);
                    if p.intercept {
                        lazy.b[k] += T::from_f64(step * slope);
                    }
                }
            }
        }
    }
    lazy.threshold::<R>(eta * p.l1);
    total
}

/// An epoch in `batches` steps; returns the sum of the losses. An average has no L1 beside it.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn epoch<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    orders: &Orders,
    batches: usize,
    theta: &mut [T],
    average: Option<(&mut Average, u64)>,
    clock: &mut Clock,
    exec: &Exec<'_>,
) -> Result<f64> {
    let (v, b) = theta.split_at_mut(p.penalised());
    let had = if R::SPARSE && p.l1 > 0.0 { vec![0.0; v.len()] } else { Vec::new() };
    let moved = vec![T::ZERO; if average.is_some() { v.len() } else { 0 }];
    let intercepts = vec![0.0; b.len()];
    let mut lazy =
        Lazy { v, b, scale: 1.0, pending: 0.0, had, average, scales: 0.0, moved, counted: 0, intercepts };
    let mut scores = vec![0.0; p.outputs * BLOCK];
    let mut total = 0.0;
    let n = orders.order().len();
    if batches == n {
        for begin in (0..n).step_by(SEGMENT) {
            exec.check()?;
            let range = begin..n.min(begin + SEGMENT);
            // Vectors are of no use to scattered values.
            total += if R::SPARSE {
                one_by_one(p, orders, range, &mut lazy, clock, &mut scores)
            } else {
                simd::dispatch!(one_by_one(p, orders, range, &mut lazy, clock, &mut scores))
            };
        }
    } else {
        let mut since = SEGMENT;
        for i in 0..batches {
            let range = i * n / batches..(i + 1) * n / batches;
            let ids = (&orders.order()[range.clone()], orders.fetch(range));
            since += ids.0.len();
            if since >= SEGMENT {
                exec.check()?;
                since = 0;
            }
            let eta = clock.tick();
            total += if R::SPARSE {
                together(p, ids, &mut lazy, eta, &mut scores)
            } else {
                simd::dispatch!(together(p, ids, &mut lazy, eta, &mut scores))
            };
            lazy.count(clock.updates);
        }
    }
    lazy.fold();
    Ok(total)
}
