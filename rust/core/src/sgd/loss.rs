//! Losses of one row and their derivatives by its score.
//!
//! With score p and target y: of a class (-1 or 1), hinge max(0, c - y p), squared hinge max(0, 1 - y p)^2, modified
//! Huber (0 from y p = 1 on, (1 - y p)^2 down to -1, -4 y p below); of a class (0 or 1), log ln(1 + exp p) - y p; of a
//! number, (p - y)^2 / 2, Huber, and max(0, |y - p| - epsilon) or its square.

use crate::descent::loss::{exp, ln_1p};

/// Rows whose losses are taken together, in vectors: no step waits for them.
pub(super) const BLOCK: usize = 64;
/// Derivatives are cut here.
const LARGEST: f64 = 1e12;
/// Below, `exp(-p)` swamps what it is added to.
const FAR: f64 = -37.0;
/// `ln(1 + exp p)` is `p` from here on.
const ALMOST_LINEAR: f64 = 33.3;

/// The loss of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// With its threshold: 1 for a support vector machine, 0 for a perceptron.
    Hinge(f64),
    /// Its square, threshold 1.
    SquaredHinge,
    /// Quadratically smoothed hinge.
    ModifiedHuber,
    /// Logistic.
    Log,
    /// Half the square of the residual.
    Squared,
    /// Squared near zero, linear beyond this residual.
    Huber(f64),
    /// Zero up to this residual, linear beyond.
    Insensitive(f64),
    /// Its square.
    SquaredInsensitive(f64),
}

/// The C library's `exp`: other results would be other weights than scikit-learn's.
#[inline(always)]
#[allow(
    clippy::disallowed_methods,
    reason = "training, whose bits are to be those of this machine's scikit-learn"
)]
fn platform_exp(x: f64) -> f64 {
    x.exp()
}

impl Loss {
    /// The loss at score `p`.
    #[inline(always)]
    pub(super) fn value(self, y: f64, p: f64) -> f64 {
        match self {
            Self::Hinge(threshold) => {
                let z = p * y;
                if z <= threshold { threshold - z } else { 0.0 }
            }
            Self::SquaredHinge => {
                let z = 1.0 - p * y;
                if z > 0.0 { z * z } else { 0.0 }
            }
            Self::ModifiedHuber => {
                let z = p * y;
                if z >= 1.0 {
                    0.0
                } else if z >= -1.0 {
                    (1.0 - z) * (1.0 - z)
                } else {
                    -4.0 * z
                }
            }
            Self::Log => {
                let e = ln_1p(exp(-p.abs()));
                let soft = if p > ALMOST_LINEAR { p } else { e + if p > 0.0 { p } else { 0.0 } };
                soft - y * p
            }
            Self::Squared => 0.5 * (p - y) * (p - y),
            Self::Huber(delta) => {
                let size = (y - p).abs();
                if size <= delta { 0.5 * (size * size) } else { delta * (size - 0.5 * delta) }
            }
            Self::Insensitive(epsilon) => {
                let over = (y - p).abs() - epsilon;
                if over > 0.0 { over } else { 0.0 }
            }
            Self::SquaredInsensitive(epsilon) => {
                let over = (y - p).abs() - epsilon;
                if over > 0.0 { over * over } else { 0.0 }
            }
        }
    }

    /// `total` and the losses of up to a block of rows, added one after the other.
    #[inline(always)]
    pub(super) fn add(self, mut total: f64, y: &[f64], p: &[f64]) -> f64 {
        let mut values = [0.0; BLOCK];
        for ((value, y), p) in values.iter_mut().zip(y).zip(p) {
            *value = self.value(*y, *p);
        }
        for value in &values[..y.len()] {
            total += value;
        }
        total
    }

    /// The largest second derivative by `p`; none where the first one jumps.
    #[inline(always)]
    pub(super) fn curvature(self) -> Option<f64> {
        match self {
            Self::Hinge(_) | Self::Insensitive(_) => None,
            Self::Log => Some(0.25),
            Self::Squared | Self::Huber(_) => Some(1.0),
            Self::SquaredHinge | Self::ModifiedHuber | Self::SquaredInsensitive(_) => Some(2.0),
        }
    }

    /// How far a score is from where the derivative jumps.
    #[inline(always)]
    pub(super) fn to_jump(self, y: f64, p: f64) -> f64 {
        match self {
            Self::Hinge(threshold) => (p * y - threshold).abs(),
            Self::Insensitive(epsilon) => ((y - p).abs() - epsilon).abs(),
            _ => f64::INFINITY,
        }
    }

    /// Its derivative by `p`, cut at 1e12.
    #[inline(always)]
    pub(super) fn slope(self, y: f64, p: f64) -> f64 {
        self.raw_slope(y, p).clamp(-LARGEST, LARGEST)
    }

    /// Its derivative by `p`.
    #[inline(always)]
    pub(super) fn raw_slope(self, y: f64, p: f64) -> f64 {
        match self {
            Self::Hinge(threshold) => {
                if p * y <= threshold {
                    -y
                } else {
                    0.0
                }
            }
            Self::SquaredHinge => {
                let z = 1.0 - p * y;
                if z > 0.0 { -2.0 * y * z } else { 0.0 }
            }
            Self::ModifiedHuber => {
                let z = p * y;
                if z >= 1.0 {
                    0.0
                } else if z >= -1.0 {
                    2.0 * (1.0 - z) * -y
                } else {
                    -4.0 * y
                }
            }
            Self::Log => {
                if p > FAR {
                    let e = platform_exp(-p);
                    ((1.0 - y) - y * e) / (1.0 + e)
                } else {
                    // Also where p is not a number.
                    platform_exp(p) - y
                }
            }
            Self::Squared => p - y,
            Self::Huber(delta) => {
                let residual = p - y;
                if residual.abs() <= delta {
                    residual
                } else if residual >= 0.0 {
                    delta
                } else {
                    -delta
                }
            }
            Self::Insensitive(epsilon) => {
                if y - p > epsilon {
                    -1.0
                } else if p - y > epsilon {
                    1.0
                } else {
                    0.0
                }
            }
            Self::SquaredInsensitive(epsilon) => {
                let z = y - p;
                if z > epsilon {
                    -2.0 * (z - epsilon)
                } else if z < -epsilon {
                    2.0 * (-z - epsilon)
                } else {
                    0.0
                }
            }
        }
    }
}
