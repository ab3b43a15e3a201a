//! Stochastic gradient descent with the sequence of updates of scikit-learn's `SGDClassifier` and its kin.
//!
//! One row a step, in the order that a Fisher-Yates shuffle by a xorshift generator gives; weights as a scale times a
//! vector, so that L2 costs one product a step; L1 by truncated gradients (Tsuruoka, Tsujii, Ananiadou: Stochastic
//! gradient descent training for L1-regularized log-linear models, 2009); averages by Bottou's trick (Stochastic gradient
//! descent tricks, 2012). Weights have scikit-learn's bits, by the platform's own `exp` and `pow`, which it calls too, or
//! differ by a rounding where scores are summed in lanes (`learner::score`); the objective, by which a fit stops, is
//! summed in another order. A fit is no sum over rows, so states of two fits do not merge.

mod learner;
mod loss;
mod order;
mod rows;

pub use learner::{Epoch, Learner, Steps, Targets};
pub use loss::Loss;
pub use rows::Rows;

use learner::{Objective, Problem};
use order::Order;

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::float::Float;

/// Stored values worked through by all learners between two looks at the clock; some milliseconds.
const BETWEEN_CHECKS: usize = 1 << 22;
/// Stored values times learners of an epoch below which one thread is as quick: 0.1 ms.
const SERIAL_BELOW: usize = 1 << 16;
/// The adaptive rate is divided until here.
const SMALLEST_RATE: f64 = 1e-6;

/// What is added to the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// Nothing.
    None,
    /// Squares.
    L2,
    /// Absolute values.
    L1,
    /// Both.
    ElasticNet,
}

impl Penalty {
    fn shrinks(self) -> bool {
        matches!(self, Self::L2 | Self::ElasticNet)
    }

    fn truncates(self) -> bool {
        matches!(self, Self::L1 | Self::ElasticNet)
    }
}

/// The rate over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// eta0
    Constant,
    /// 1 / (alpha (t0 + t - 1))
    Optimal,
    /// eta0 / t^power
    Invscaling(f64),
    /// eta0, divided by 5 where the objective stops falling.
    Adaptive,
    /// Passive-aggressive: min(eta0, loss / |x|^2)
    Pa1,
    /// Passive-aggressive: loss / (|x|^2 + 1 / (2 eta0))
    Pa2,
}

/// How to descend.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The loss of a row.
    pub loss: Loss,
    /// What is added to it.
    pub penalty: Penalty,
    /// The penalty's strength.
    pub alpha: f64,
    /// The share of L1.
    pub l1_ratio: f64,
    /// The rate over time.
    pub rate: Rate,
    /// The first rate.
    pub eta0: f64,
    /// Learn an intercept?
    pub intercept: bool,
    /// What an intercept's step is multiplied by.
    pub intercept_decay: f64,
    /// The objective of a one-class support vector machine?
    pub one_class: bool,
    /// The update from which on weights are averaged; 0 for none.
    pub average: f64,
    /// Epochs at most.
    pub max_iter: usize,
    /// What an epoch must gain; minus infinity asks nothing.
    pub tol: f64,
    /// Epochs in a row without that gain.
    pub patience: usize,
    /// A new order every epoch?
    pub shuffle: bool,
    /// Does `Watch` give a score to stop by, rather than the objective?
    pub scored: bool,
    /// Does `Watch` need the objective?
    pub verbose: bool,
}

impl Settings {
    /// The share of L1 as the penalty has it.
    fn l1_share(&self) -> f64 {
        match self.penalty {
            Penalty::L2 => 0.0,
            Penalty::L1 => 1.0,
            Penalty::None | Penalty::ElasticNet => self.l1_ratio,
        }
    }

    fn passive_aggressive(&self) -> bool {
        matches!(self.rate, Rate::Pa1 | Rate::Pa2)
    }

    /// Do steps, once they do not overshoot, bring any two sets of weights no further apart?
    fn can_contract(&self) -> bool {
        !self.penalty.truncates()
            && match self.rate {
                Rate::Pa1 | Rate::Pa2 => false,
                Rate::Invscaling(power) => power >= 0.0,
                Rate::Constant | Rate::Optimal | Rate::Adaptive => true,
            }
    }

    fn objective(&self) -> Objective {
        if !self.verbose && (self.scored || self.tol == f64::NEG_INFINITY) {
            Objective::None
        } else if self.passive_aggressive() || self.penalty == Penalty::None {
            Objective::Loss
        } else {
            Objective::Penalised
        }
    }
}

/// Told the number of an epoch before it, and how it went after it; then returns the score on the validation rows.
/// An error stops the fit.
pub type Watch<'a, T> = &'a mut dyn FnMut(usize, Option<&Epoch<'_, T>>) -> Result<f64>;

/// Fits each of `learners`; returns the epochs that each needed, and whether it stopped before `max_iter` by itself.
///
/// `weights` and `held_out` are of one entry a row. `watch` is asked by a single learner only.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Invalid`] if the weights overflow, and `watch`'s own.
pub fn fit<T: Steps<R>, R: Rows<T>>(
    x: &R,
    weights: Option<&[T]>,
    held_out: Option<&[bool]>,
    settings: &Settings,
    learners: &mut [Learner<'_, T>],
    exec: &Exec<'_>,
    mut watch: Option<Watch<'_, T>>,
) -> Result<Vec<(usize, bool)>> {
    let n = x.rows();
    let held = held_out.map_or(0, |held| held.iter().filter(|held| **held).count());
    let columns = learners.first().map_or(0, Learner::columns);
    let problem = Problem::new(x, weights, held_out, settings, columns, n - held);
    let threaded = learners.len() > 1 && x.stored() * learners.len() >= SERIAL_BELOW;
    let exec = exec.only_if(threaded);
    let per_row = (x.stored() / n.max(1)).max(1) * learners.len();
    let segment = (BETWEEN_CHECKS / per_row).clamp(1, n.max(1));
    let mut running: Vec<Running<'_, '_, T>> =
        learners.iter_mut().map(|learner| Running::new(learner, n, settings)).collect();
    for epoch in 1..=settings.max_iter {
        let mut active: Vec<&mut Running<'_, '_, T>> = running.iter_mut().filter(|r| !r.done).collect();
        if active.is_empty() {
            break;
        }
        if let Some(watch) = watch.as_mut() {
            watch(epoch, None)?;
        }
        for begin in (0..n).step_by(segment) {
            let end = (begin + segment).min(n);
            exec.check()?;
            exec.for_each_piece(&mut active, 1, |_, piece| {
                for running in piece {
                    if begin == 0 && settings.shuffle {
                        running.order.next();
                    }
                    T::steps(running.learner, &problem, running.order.rows(), begin..end);
                }
            })?;
        }
        for running in active {
            running.epochs = epoch;
            if !running.learner.is_finite() {
                return Err(Error::Invalid(format!(
                    "Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with StandardScaler \
                     or MinMaxScaler might help."
                )));
            }
            let told = running.learner.take_epoch(problem.train);
            let objective = told.objective;
            let score = match watch.as_mut() {
                Some(watch) => watch(epoch, Some(&told))?,
                None => 0.0,
            };
            // Higher is better for both.
            running.judge(if settings.scored { score } else { -objective }, settings);
        }
    }
    Ok(running
        .into_iter()
        .map(|running| {
            running.learner.finish();
            (running.epochs, running.done)
        })
        .collect())
}

struct Running<'l, 'y, T> {
    learner: &'l mut Learner<'y, T>,
    order: Order,
    best: f64,
    stale: usize,
    epochs: usize,
    done: bool,
}

impl<'l, 'y, T: Float> Running<'l, 'y, T> {
    fn new(learner: &'l mut Learner<'y, T>, n: usize, settings: &Settings) -> Self {
        let order = Order::new(n, learner.seed());
        learner.begin(settings);
        Self { learner, order, best: f64::NEG_INFINITY, stale: 0, epochs: 0, done: false }
    }

    fn judge(&mut self, score: f64, settings: &Settings) {
        if settings.tol > f64::NEG_INFINITY && score < self.best + settings.tol {
            self.stale += 1;
        } else {
            self.stale = 0;
        }
        if score > self.best {
            self.best = score;
        }
        if self.stale >= settings.patience {
            if settings.rate == Rate::Adaptive && self.learner.rate() > SMALLEST_RATE {
                self.learner.lower_rate();
                self.stale = 0;
            } else {
                self.done = true;
            }
        }
    }
}
