//! The step from a gradient to new weights. All are proximal for L1: after a step of length h per coordinate the weight is
//! soft-thresholded, soft(w, h l1) = sign(w) max(|w| - h l1, 0), so weights become exactly zero.
//!
//! With g the mean gradient of the batch plus l2 w, eta the rate:
//! - sgd: w <- soft(w - eta g, eta l1). Robbins, Monro (1951); the proximal form of Duchi, Singer: FOBOS (2009).
//! - momentum: w' = soft(w - eta g + mu (w - w_before), eta l1). Polyak (1964); Ochs et al.: iPiano (2014).
//! - nesterov: g at y = w + mu (w - w_before), w' = soft(y - eta g, eta l1). Nesterov (1983); Beck, Teboulle: FISTA (2009).
//! - adagrad: s += g^2, h = eta / (sqrt(s) + eps), w' = soft(w - h g, h l1). Duchi, Hazan, Singer (2011).
//! - rmsprop: s the running mean of g^2, without its start's bias; as adagrad. Hinton, Coursera lecture 6e (2012).
//! - adam: the same h with the running mean m of g: w' = soft(w - h m, h l1). Kingma, Ba (2015).
//! - adamw: adam on g without l2 w, and w shrunk by eta l2 w beside it. Loshchilov, Hutter (2019).

use crate::float::Float;

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Plain gradient steps.
    Sgd,
    /// Heavy ball.
    Momentum,
    /// Nesterov's momentum.
    Nesterov,
    /// Rates by the sum of squared gradients.
    Adagrad,
    /// Rates by the running mean of squared gradients.
    Rmsprop,
    /// Running means of gradients and of their squares.
    Adam,
    /// Adam with decoupled decay.
    Adamw,
}

/// A rule with its constants.
#[derive(Clone, Copy, Debug)]
pub struct Optimizer {
    /// Which.
    pub rule: Rule,
    /// Share of the last step that is taken again.
    pub momentum: f64,
    /// Decay of the mean of gradients.
    pub beta_1: f64,
    /// Decay of the mean of their squares.
    pub beta_2: f64,
    /// Keeps divisors above zero.
    pub epsilon: f64,
}

/// The step of one call.
#[derive(Clone, Copy)]
pub struct Step {
    /// Rate.
    pub eta: f64,
    /// Strength of the penalty w^2 / 2.
    pub l2: f64,
    /// Strength of the penalty |w|.
    pub l1: f64,
    /// 1 / (1 - beta_1^t), for adam.
    pub unbias_1: f64,
    /// 1 / (1 - beta_2^t)
    pub unbias_2: f64,
}

/// soft(w, by)
#[inline(always)]
pub fn soft<T: Float>(w: T, by: T) -> T {
    let size = w.abs() - by;
    if size <= T::ZERO {
        T::ZERO
    } else if w < T::ZERO {
        -size
    } else {
        size
    }
}

impl Optimizer {
    /// Does the rule remember the last step, or the mean of gradients?
    #[must_use]
    pub fn has_first(&self) -> bool {
        matches!(self.rule, Rule::Momentum | Rule::Nesterov | Rule::Adam | Rule::Adamw)
    }

    /// Does the rule remember squares?
    #[must_use]
    pub fn has_second(&self) -> bool {
        matches!(self.rule, Rule::Adagrad | Rule::Rmsprop | Rule::Adam | Rule::Adamw)
    }

    /// Takes a step. For `Nesterov`, `w` is the point y ahead of the weights w, which are y - mu `first`.
    #[inline(always)]
    pub fn step<T: Float>(&self, step: Step, g: &[T], w: &mut [T], first: &mut [T], second: &mut [T]) {
        let n = w.len();
        let (g, w) = (&g[..n], &mut w[..n]);
        let [eta, l2, l1] = [step.eta, step.l2, step.l1].map(T::from_f64);
        let [mu, eps] = [self.momentum, self.epsilon].map(T::from_f64);
        let [b1, c1] = [self.beta_1, 1.0 - self.beta_1].map(T::from_f64);
        let [b2, c2] = [self.beta_2, 1.0 - self.beta_2].map(T::from_f64);
        let [u1, u2] = [step.unbias_1, step.unbias_2].map(T::from_f64);
        let by = eta * l1;
        match self.rule {
            Rule::Sgd => {
                for j in 0..n {
                    w[j] = soft(w[j] - eta * (g[j] + l2 * w[j]), by);
                }
            }
            Rule::Momentum => {
                let v = &mut first[..n];
                for j in 0..n {
                    let new = soft(w[j] - eta * (g[j] + l2 * w[j]) + mu * v[j], by);
                    v[j] = new - w[j];
                    w[j] = new;
                }
            }
            Rule::Nesterov => {
                let v = &mut first[..n];
                for j in 0..n {
                    let old = w[j] - mu * v[j];
                    let new = soft(w[j] - eta * (g[j] + l2 * w[j]), by);
                    v[j] = new - old;
                    w[j] = new + mu * v[j];
                }
            }
            Rule::Adagrad => {
                let s = &mut second[..n];
                for j in 0..n {
                    let g = g[j] + l2 * w[j];
                    s[j] += g * g;
                    let h = eta / (s[j].sqrt() + eps);
                    w[j] = soft(w[j] - h * g, h * l1);
                }
            }
            Rule::Rmsprop => {
                let s = &mut second[..n];
                for j in 0..n {
                    let g = g[j] + l2 * w[j];
                    s[j] = b2 * s[j] + c2 * (g * g);
                    let h = eta / ((s[j] * u2).sqrt() + eps);
                    w[j] = soft(w[j] - h * g, h * l1);
                }
            }
            Rule::Adam | Rule::Adamw => {
                let (m, s) = (&mut first[..n], &mut second[..n]);
                let apart = self.rule == Rule::Adamw;
                let (inside, beside) = if apart { (T::ZERO, eta * l2) } else { (l2, T::ZERO) };
                for j in 0..n {
                    let g = g[j] + inside * w[j];
                    m[j] = b1 * m[j] + c1 * g;
                    s[j] = b2 * s[j] + c2 * (g * g);
                    let h = eta / ((s[j] * u2).sqrt() + eps);
                    w[j] = soft(w[j] - h * (m[j] * u1) - beside * w[j], h * l1);
                }
            }
        }
    }
}
