//! Linear models by gradient descent: one row, some rows or all rows a step, seven step rules, L2 and proximal L1.
//!
//! The objective is (1/n) sum_i s_i loss(x_i . w + b, y_i) + l2 |w|^2 / 2 + l1 |w|_1, with weights s_i of mean one.
//! A fitted model is no sum over rows, so states of two fits do not merge; rows that come in parts go through `fit` again
//! with the same [`State`].

pub mod average;
pub mod dual;
pub mod gradient;
pub mod loss;
pub mod optimizer;
pub mod rows;
pub mod schedule;
mod shuffle;
mod step_size;
mod stochastic;

pub use average::Average;
pub use gradient::Problem;
pub use loss::{Loss, Rare};
pub use optimizer::{Optimizer, Rule};
pub use rows::{Csr, Dense, Rows};
pub use schedule::Schedule;

use gradient::{Scratch, batch, stationarity};
use optimizer::Step;
use schedule::{Plateau, Then};
use shuffle::Orders;
use stochastic::Clock;

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Values and weights worked through between two looks at the clock.
const BETWEEN_CHECKS: usize = 1 << 16;
/// Updates that a plateau lasts at least: momentum swings for some ten.
const PLATEAU_UPDATES: usize = 20;

/// How to descend.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Rows of a step at most; 0 takes all.
    pub batch: usize,
    /// Epochs at most.
    pub max_iter: usize,
    /// What the loss must fall by, or the gradient below where all rows are taken; `None` goes on to `max_iter`.
    pub tol: Option<f64>,
    /// Epochs of a plateau.
    pub patience: usize,
    /// A new order every epoch?
    pub shuffle: bool,
    /// Of the orders.
    pub seed: u32,
    /// The step rule.
    pub optimizer: Optimizer,
    /// The rate over time.
    pub schedule: Schedule,
    /// The first rate; `None` chooses one.
    pub eta0: Option<f64>,
    /// The first update whose weights are averaged.
    pub average: Option<u64>,
    /// The largest norm of a batch's mean gradient, without the penalty's; a larger one is shortened to it.
    pub clip: Option<f64>,
}

/// Parameters and the step rule's memory: weights of the first output, of the second, ..., then the intercepts.
#[derive(Clone, Debug)]
pub struct State<T> {
    /// Weights and intercepts.
    pub theta: Vec<T>,
    /// Last step, or mean gradient; empty for rules without.
    pub first: Vec<T>,
    /// Squared gradients; empty for rules without.
    pub second: Vec<T>,
    /// Updates so far.
    pub updates: u64,
    /// The schedule's base rate; 0 if not chosen yet.
    pub eta: f64,
    /// Of the weights so far.
    pub average: Average,
}

/// How a fit went.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// Weights, then intercepts: the average if there is one, of the best epoch where rows are validated on.
    pub theta: Vec<T>,
    /// The mean objective of each epoch.
    pub losses: Vec<f64>,
    /// The mean loss of the validation rows after each.
    pub validation: Vec<f64>,
    /// Was `tol` reached, or the fit stopped by its report?
    pub converged: bool,
    /// The rate at which the loss or the weights became infinite.
    pub diverged: Option<f64>,
    /// The columns' typical sizes.
    pub column_sizes: Vec<f64>,
}

/// What is told after each epoch.
pub struct Epoch<'a, T> {
    /// From 1.
    pub number: usize,
    /// Mean objective.
    pub loss: f64,
    /// Mean loss of the validation rows.
    pub validation: Option<f64>,
    /// The rate of the last update.
    pub rate: f64,
    /// Updates so far.
    pub updates: u64,
    /// Weights, then intercepts.
    pub theta: &'a [T],
}

/// Told after each epoch; true ends the fit, an error fails it.
pub type Report<'a, T> = &'a mut dyn FnMut(&Epoch<'_, T>) -> Result<bool>;

struct Fit<'a, 'e, T, R> {
    p: &'a Problem<'a, R>,
    settings: &'a Settings,
    state: &'a mut State<T>,
    scratch: Scratch<T>,
    orders: Orders,
    batches: usize,
    /// beta_1^t and beta_2^t
    powers: [f64; 2],
    exec: &'a Exec<'e>,
}

/// Fits `state` to the rows `train`. With `validation` rows the plateau is looked for in their loss, and the parameters
/// of the best epoch are kept.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop, and `report`'s own.
pub fn fit<T: Float, R: Rows<T>>(
    p: &Problem<'_, R>,
    train: &[u32],
    validation: &[u32],
    settings: &Settings,
    state: &mut State<T>,
    exec: &Exec<'_>,
    mut report: Option<Report<'_, T>>,
) -> Result<Outcome<T>> {
    let n = train.len();
    let batches = if settings.batch == 0 { 1 } else { n.div_ceil(settings.batch) };
    let parameters = state.theta.len();
    if settings.optimizer.has_first() {
        state.first.resize(parameters, T::ZERO);
    }
    if settings.optimizer.has_second() {
        state.second.resize(parameters, T::ZERO);
    }
    if settings.average.is_some() {
        state.average.mean.resize(parameters, 0.0);
    }
    if state.eta == 0.0 {
        state.eta = match settings.eta0 {
            Some(eta) => eta,
            None => step_size::first_rate(p, train, batches, &settings.optimizer, exec)?,
        };
    }
    let column_sizes = step_size::column_sizes(p.x, train);
    let all = batches == 1;
    let tol = match settings.tol {
        // All rows give the true gradient, whose size tells better than a loss that falls slowly: see `Fit::whole`.
        Some(_) if all && validation.is_empty() => Some(0.0),
        tol => tol,
    };
    let patience = settings.patience.max(PLATEAU_UPDATES.div_ceil(batches));
    let mut plateau = Plateau::new(tol, patience, settings.schedule == Schedule::Adaptive);
    let mut best: Option<(f64, Vec<T>)> = None;
    let scratch = Scratch::new(parameters, p.outputs);
    let orders = Orders::new(train, p.x.row_bytes(), settings.seed);
    let powers = [settings.optimizer.beta_1, settings.optimizer.beta_2]
        .map(|beta| libm::pow(beta, state.updates as f64));
    let mut fit = Fit { p, settings, state, scratch, orders, batches, powers, exec };
    fit.look_ahead(1.0);
    let (mut losses, mut validated) = (Vec::new(), Vec::new());
    let (mut converged, mut diverged) = (false, None);
    for epoch in 1..=settings.max_iter {
        exec.check()?;
        if settings.shuffle && !all {
            fit.orders.next();
        }
        let mut loss = if all {
            let (loss, still) = fit.whole()?;
            converged = still;
            loss
        } else {
            fit.epoch()?
        };
        losses.push(loss);
        let rate = settings.schedule.rate(fit.state.eta, fit.state.updates as f64);
        if !(loss.is_finite() && fit.state.theta.iter().all(|w| w.is_finite())) {
            diverged = Some(rate);
            break;
        }
        let objective = loss;
        if !validation.is_empty() {
            converged = false;
            let weights: f64 = validation.iter().map(|&i| p.weight(i as usize)).sum();
            let theta = fit.result();
            loss = gradient::loss(p, validation, &theta, exec)? / weights;
            validated.push(loss);
            if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                best = Some((loss, theta));
            }
        }
        if let Some(report) = report.as_mut() {
            converged |= report(&Epoch {
                number: epoch,
                loss: objective,
                validation: validated.last().copied(),
                rate,
                updates: fit.state.updates,
                theta: &fit.result(),
            })?;
        }
        if converged {
            break;
        }
        match plateau.after(loss) {
            Then::GoOn => {}
            Then::Lower => fit.state.eta = Plateau::lowered(fit.state.eta),
            Then::Stop => {
                converged = true;
                break;
            }
        }
    }
    let theta = best.map_or_else(|| fit.result(), |(_, theta)| theta);
    fit.look_ahead(-1.0);
    Ok(Outcome { theta, losses, validation: validated, converged, diverged, column_sizes })
}

impl<T: Float, R: Rows<T>> Fit<'_, '_, T, R> {
    fn clock(&self) -> Clock {
        Clock { updates: self.state.updates, schedule: self.settings.schedule, eta: self.state.eta }
    }

    /// Nesterov's gradients are taken at w + mu (w - w_before): moves the parameters there.
    fn look_ahead(&mut self, sign: f64) {
        if self.settings.optimizer.rule == Rule::Nesterov {
            let by = T::from_f64(sign * self.settings.optimizer.momentum);
            for (w, v) in self.state.theta.iter_mut().zip(&self.state.first) {
                *w += by * *v;
            }
        }
    }

    /// The weights themselves, or their average.
    fn result(&mut self) -> Vec<T> {
        if self.state.average.count > 0 {
            return self.state.average.mean.iter().map(|w| T::from_f64(*w)).collect();
        }
        let point = self.state.theta.clone();
        self.look_ahead(-1.0);
        std::mem::replace(&mut self.state.theta, point)
    }

    /// An epoch that is one step; the objective before it, and whether the gradient had vanished, so that none was made.
    fn whole(&mut self) -> Result<(f64, bool)> {
        let p = self.p;
        let order = self.orders.order();
        let total = batch(p, order, &[], &self.state.theta, &mut self.scratch, self.exec)?;
        let objective = total / order.len() as f64 + p.penalty(&self.state.theta[..p.penalised::<T>()]);
        let size = stationarity(p, &self.scratch.gradient, &self.state.theta);
        if self.settings.tol.is_some_and(|tol| size <= tol) {
            return Ok((objective, true));
        }
        self.step();
        Ok((objective, false))
    }

    /// An epoch of several steps; the mean objective.
    fn epoch(&mut self) -> Result<f64> {
        let (p, n, batches) = (self.p, self.orders.order().len(), self.batches);
        let mut total = 0.0;
        let Settings { average, clip, .. } = *self.settings;
        let lazy = clip.is_none() && (average.is_none() || p.l1 == 0.0);
        if lazy && self.settings.optimizer.rule == Rule::Sgd && (batches == n || R::SPARSE) {
            let mut clock = self.clock();
            let State { theta, average: mean, .. } = &mut *self.state;
            let average = average.map(|first| (mean, first));
            total = stochastic::epoch(p, &self.orders, batches, theta, average, &mut clock, self.exec)?;
            self.state.updates = clock.updates;
        } else {
            let per_row = p.x.stored() / p.x.rows().max(1) * p.outputs;
            let mut since = 0;
            for i in 0..batches {
                let range = i * n / batches..(i + 1) * n / batches;
                since += range.len() * per_row + self.state.theta.len();
                if since >= BETWEEN_CHECKS {
                    self.exec.check()?;
                    since = 0;
                }
                let (ids, fetch) = (&self.orders.order()[range.clone()], self.orders.fetch(range));
                total += batch(p, ids, fetch, &self.state.theta, &mut self.scratch, self.exec)?;
                self.step();
            }
        }
        Ok(total / n as f64 + p.penalty(&self.state.theta[..p.penalised::<T>()]))
    }

    fn step(&mut self) {
        let Settings { optimizer, clip, average, .. } = *self.settings;
        if let Some(clip) = clip {
            let learned = if self.p.intercept { self.state.theta.len() } else { self.p.penalised::<T>() };
            gradient::clip(&mut self.scratch.gradient[..learned], clip);
        }
        let mut clock = self.clock();
        let eta = clock.tick();
        let state = &mut *self.state;
        state.updates = clock.updates;
        self.powers[0] *= optimizer.beta_1;
        self.powers[1] *= optimizer.beta_2;
        let step = Step {
            eta,
            l2: self.p.l2,
            l1: self.p.l1,
            unbias_1: 1.0 / (1.0 - self.powers[0]),
            unbias_2: 1.0 / (1.0 - self.powers[1]),
        };
        let at = self.p.penalised::<T>();
        let (w, b) = state.theta.split_at_mut(at);
        let (has_first, has_second) = (state.first.len(), state.second.len());
        let (w1, b1) = state.first.split_at_mut(at.min(has_first));
        let (w2, b2) = state.second.split_at_mut(at.min(has_second));
        let (gw, gb) = self.scratch.gradient.split_at(at);
        simd::dispatch!(optimizer.step(step, gw, w, w1, w2));
        if self.p.intercept {
            simd::dispatch!(optimizer.step(Step { l2: 0.0, l1: 0.0, ..step }, gb, b, b1, b2));
        }
        if average.is_some_and(|first| state.updates >= first) {
            let ahead = optimizer.rule == Rule::Nesterov;
            let by = T::from_f64(if ahead { optimizer.momentum } else { 0.0 });
            let steps = state.first.iter().copied().chain(std::iter::repeat(T::ZERO));
            state.average.take(state.theta.iter().zip(steps).map(|(w, v)| *w - by * v));
        }
    }
}
