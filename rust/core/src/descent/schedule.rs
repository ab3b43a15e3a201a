//! The rate over time, and when to stop.
//!
//! Rates at update t = 1, 2, ...: constant eta0; optimal 1 / (alpha (t0 + t - 1)), Bottou's, with scikit-learn's t0;
//! invscaling eta0 / t^power; adaptive eta0, a fifth of it after every plateau.
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
}

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
        }
    }
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
