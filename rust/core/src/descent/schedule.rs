//! The rate over time, and when to stop.
//!
//! Rates at update t = 1, 2, ...: constant eta0; optimal 1 / (alpha (t0 + t - 1)), Bottou's, with scikit-learn's t0;
//! invscaling eta0 / t^power; adaptive eta0, a fifth of it after every plateau; step eta0 gamma^k after k times `every`
//! updates; and with p = (t - 1) / span, cut at 1: cosine eta0 (1 + cos(pi p)) / 2 (Loshchilov, Hutter: SGDR, 2017, without
//! restarts); one-cycle from eta0 / 25 up to eta0 at p = 0.3 and down to eta0 / 250,000 at p = 1, along cosines (Smith,
//! Topin: Super-convergence, 2018).
//!
//! A plateau: the best loss of the last `patience` epochs is less than `tol` below the best one before them. Under the
//! adaptive rate the fit has converged at a plateau if the rate that was lowered last brought less than `tol`: the
//! distance to the optimum that noise keeps is proportional to the rate, so what is left is of the size of `tol`.

/// How the rate changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// Always eta0.
    Constant,
    /// 1 / (alpha (t0 + t - 1))
    Optimal {
        /// Strength of the penalty.
        alpha: f64,
        /// Where time begins.
        t0: f64,
    },
    /// eta0 / t^power
    Invscaling(f64),
    /// Lowered after plateaus.
    Adaptive,
    /// eta0 gamma^k
    Step {
        /// Updates between two steps.
        every: f64,
        /// What a step multiplies the rate by.
        gamma: f64,
    },
    /// Down to zero along a cosine.
    Cosine {
        /// Updates to the end.
        span: f64,
    },
    /// Up, and down further.
    OneCycle {
        /// Updates to the end.
        span: f64,
    },
}

/// The part of a cycle that goes up.
const UP: f64 = 0.3;
/// Where a cycle begins, and where it ends.
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = FIRST / 1e4;

/// What a plateau divides the adaptive rate by.
const LOWER: f64 = 5.0;

impl Schedule {
    /// The rate of update `t`.
    #[inline(always)]
    #[must_use]
    pub fn rate(self, eta: f64, t: f64) -> f64 {
        match self {
            Self::Constant | Self::Adaptive => eta,
            Self::Optimal { alpha, t0 } => 1.0 / (alpha * (t0 + t - 1.0)),
            // The two usual powers; a call of `pow` costs as much as a whole update.
            Self::Invscaling(0.5) => eta / t.sqrt(),
            Self::Invscaling(0.25) => eta / t.sqrt().sqrt(),
            Self::Invscaling(power) => eta / libm::pow(t, power),
            Self::Step { .. } | Self::Cosine { .. } | Self::OneCycle { .. } => {
                eta * self.share((t - 1.0).max(0.0))
            }
        }
    }

    /// The part of eta0 after `done` updates.
    #[inline(never)]
    fn share(self, done: f64) -> f64 {
        match self {
            Self::Step { every, gamma } => libm::pow(gamma, (done / every).floor()),
            Self::Cosine { span } => between(1.0, 0.0, done / span),
            Self::OneCycle { span } if done < UP * span => between(FIRST, 1.0, done / (UP * span)),
            Self::OneCycle { span } => between(1.0, LAST, (done / span - UP) / (1.0 - UP)),
            _ => 1.0,
        }
    }
}

/// From `a` at `p` = 0 to `b` at `p` = 1 and beyond, along half a cosine.
fn between(a: f64, b: f64, p: f64) -> f64 {
    b + (a - b) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * p.min(1.0)))
}

/// Watches the losses of the epochs.
pub struct Plateau {
    tol: Option<f64>,
    patience: usize,
    adaptive: bool,
    /// The best loss after each epoch since the rate was lowered.
    best: Vec<f64>,
    /// The best loss when it was lowered.
    before: Option<f64>,
}

/// What to do after an epoch.
#[derive(Debug, PartialEq, Eq)]
pub enum Then {
    /// The next epoch.
    GoOn,
    /// The next epoch, at a lower rate.
    Lower,
    /// Converged.
    Stop,
}

impl Plateau {
    /// `tol`: `None` never stops.
    #[must_use]
    pub fn new(tol: Option<f64>, patience: usize, adaptive: bool) -> Self {
        Self { tol, patience: patience.max(1), adaptive, best: Vec::new(), before: None }
    }

    /// Takes in an epoch's loss.
    pub fn after(&mut self, loss: f64) -> Then {
        let Some(tol) = self.tol else { return Then::GoOn };
        let best = self.best.last().map_or(loss, |b| b.min(loss));
        self.best.push(best);
        let last = self.best.len() - 1;
        if last < self.patience || self.best[last - self.patience] - best > tol {
            return Then::GoOn;
        }
        if !self.adaptive || self.before.is_some_and(|before| before - best <= tol) {
            return Then::Stop;
        }
        self.before = Some(best);
        self.best.clear();
        Then::Lower
    }

    /// The lowered rate.
    #[must_use]
    pub fn lowered(eta: f64) -> f64 {
        eta / LOWER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_pass_through_their_corners() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let cosine = Schedule::Cosine { span: 10.0 };
        near(cosine.rate(0.2, 1.0), 0.2);
        near(cosine.rate(0.2, 6.0), 0.1);
        near(cosine.rate(0.2, 11.0), 0.0);
        near(cosine.rate(0.2, 50.0), 0.0);
        let cycle = Schedule::OneCycle { span: 10.0 };
        near(cycle.rate(1.0, 1.0), FIRST);
        near(cycle.rate(1.0, 4.0), 1.0);
        near(cycle.rate(1.0, 11.0), LAST);
        let step = Schedule::Step { every: 5.0, gamma: 0.5 };
        assert_eq!([1.0, 5.0, 6.0, 11.0].map(|t| step.rate(1.0, t)), [1.0, 1.0, 0.5, 0.25]);
    }

    #[test]
    fn a_plateau_lowers_the_rate_while_that_helps() {
        let mut plateau = Plateau::new(Some(0.01), 2, true);
        let losses = [1.0, 0.5, 0.495, 0.499, 0.3, 0.299, 0.298, 0.2979, 0.2978, 0.2977, 0.2977];
        let then: Vec<Then> = losses.iter().map(|l| plateau.after(*l)).collect();
        assert_eq!(then[..4], [Then::GoOn, Then::GoOn, Then::GoOn, Then::Lower]);
        assert_eq!(then[4..7], [Then::GoOn, Then::GoOn, Then::Lower]);
        assert_eq!(then[7..], [Then::GoOn, Then::GoOn, Then::Stop, Then::Stop]);
        let mut never = Plateau::new(None, 1, false);
        assert!((0..100).all(|_| never.after(1.0) == Then::GoOn));
    }
}
