//! Losses and their derivatives, eight rows at a time.
//!
//! With score z, target t (a class as -1 or 1) and weight s, each times s:
//! log ln(1 + exp(-t z)); hinge max(0, c - t z), with c = 1 of a support vector machine, 0 of a perceptron; squared hinge
//! max(0, 1 - t z)^2; modified Huber the same up to t z = -1 and -4 t z beyond; squared error (z - t)^2 / 2; Huber the same
//! up to |z - t| = delta and delta (|z - t| - delta / 2) beyond; epsilon-insensitive max(0, |z - t| - epsilon), and its
//! square; quantile q (t - z) above, (1 - q) (z - t) below; Poisson exp(z) - t z + t ln t - t, half the deviance.
//! Tweedie, of power p, exp((2 - p) z) / (2 - p) - t exp((1 - p) z) / (1 - p), half the deviance but for what the score does
//! not change: exp(z) - t z of p = 1, z + t exp(-z) of p = 2, (exp(z) - t)^2 / 2 of p = 0.
//! Several outputs: softmax has the cross-entropy ln(sum_k exp z_k) - z_y; the others are summed over the outputs, one
//! class against the rest.
//!
//! `exp` and `ln` are polynomials of about 1e-14 relative error that vectorise: training asks for the same bits on one
//! machine only. Predictions use `crate::linear`.

use super::rows::BLOCK;

/// The loss of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Logistic, one output against the rest.
    Log,
    /// Logistic, all outputs together.
    Softmax,
    /// Linear below this margin.
    Hinge(f64),
    /// Half the square of the residual.
    Squared,
    /// Squared near zero, linear beyond this residual.
    Huber(f64),
    /// One that is compiled once, not again for each kind of rows and for each CPU.
    Rare(Rare),
}

/// The losses that are called, not inlined: a call costs less than a row's products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rare {
    /// The square of a support vector machine's hinge.
    SquaredHinge,
    /// The same, linear for margins below -1.
    ModifiedHuber,
    /// Zero up to this residual, linear beyond.
    Insensitive(f64),
    /// Its square.
    SquaredInsensitive(f64),
    /// Targets above the score count by this, those below by the rest to one.
    Quantile(f64),
    /// Half the Poisson deviance of exp(z).
    Poisson,
    /// Half the Tweedie deviance of this power of exp(z), but for what the score does not change.
    Tweedie(f64),
}

/// The curvature of half the Poisson deviance is the mean itself, in units of the targets' mean: no bound of it.
const POISSON: f64 = 4.0;

impl Rare {
    /// The loss and its derivative by the score.
    #[inline(always)]
    #[allow(clippy::float_cmp, reason = "other formulae hold for these very powers")]
    fn of(self, z: f64, t: f64) -> (f64, f64) {
        match self {
            Self::SquaredHinge => {
                let slack = (1.0 - t * z).max(0.0);
                (slack * slack, -2.0 * t * slack)
            }
            Self::ModifiedHuber => {
                let slack = (1.0 - t * z).max(0.0);
                let near = slack.min(2.0);
                (near * (2.0 * slack - near), -2.0 * t * near)
            }
            Self::Insensitive(epsilon) => {
                let over = (z - t).abs() - epsilon;
                (over.max(0.0), if over > 0.0 { (z - t).signum() } else { 0.0 })
            }
            Self::SquaredInsensitive(epsilon) => {
                let over = ((z - t).abs() - epsilon).max(0.0);
                (over * over, 2.0 * over * (z - t).signum())
            }
            Self::Quantile(q) => {
                if z < t {
                    (q * (t - z), -q)
                } else {
                    ((1.0 - q) * (z - t), 1.0 - q)
                }
            }
            Self::Poisson => {
                let mean = exp(z);
                let least = if t > 0.0 { t * libm::log(t) - t } else { 0.0 };
                (mean - t * z + least, mean - t)
            }
            Self::Tweedie(p) => {
                if p == 0.0 {
                    let mean = exp(z);
                    (0.5 * (mean - t) * (mean - t), mean * (mean - t))
                } else if p == 1.0 {
                    let mean = exp(z);
                    (mean - t * z, mean - t)
                } else if p == 2.0 {
                    let ratio = t * exp(-z);
                    (z + ratio, 1.0 - ratio)
                } else {
                    let (a, b) = (t * exp((1.0 - p) * z), exp((2.0 - p) * z));
                    (b / (2.0 - p) - a / (1.0 - p), b - a)
                }
            }
        }
    }

    #[inline(never)]
    fn slope(self, z: f64, t: f64) -> f64 {
        self.of(z, t).1
    }

    /// Turns the scores into derivatives; the losses are returned.
    #[inline(never)]
    fn block(self, z: &mut [f64; BLOCK], t: &[f64; BLOCK]) -> [f64; BLOCK] {
        std::array::from_fn(|r| {
            let (loss, slope) = self.of(z[r], t[r]);
            z[r] = slope;
            loss
        })
    }
}

/// exp(x) for x clamped to +-708: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] in Estrin's scheme.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: its last bits are then the rounded integer
    const LN2_HI: f64 = 6.931_471_803_691_238e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-708.0, 708.0);
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let low = (1.0 + r) + r2 * (0.5 + r * (1.0 / 6.0));
    let mid = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5_040.0));
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0));
    let p = low + r4 * (mid + r4 * high);
    f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// ln(1 + e) for e in [0, 1]: 2 artanh(e / (2 + e)).
#[inline(always)]
pub(crate) fn ln_1p(e: f64) -> f64 {
    let s = e / (2.0 + e);
    let q = s * s;
    let mut p = 1.0 / 23.0;
    for k in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        p = p * q + 1.0 / k;
    }
    2.0 * s * p
}

impl Loss {
    /// The largest second derivative by the score; for losses of straight pieces, which have none, 1.
    #[must_use]
    pub fn curvature(self) -> f64 {
        match self {
            Self::Softmax => 0.5,
            Self::Log => 0.25,
            Self::Hinge(_) | Self::Squared | Self::Huber(_) => 1.0,
            Self::Rare(Rare::Insensitive(_) | Rare::Quantile(_)) => 1.0,
            Self::Rare(Rare::SquaredHinge | Rare::ModifiedHuber | Rare::SquaredInsensitive(_)) => 2.0,
            Self::Rare(Rare::Poisson | Rare::Tweedie(_)) => POISSON,
        }
    }

    /// The derivative of one row's loss by its score, for one output.
    #[inline(always)]
    #[must_use]
    pub fn slope(self, z: f64, t: f64) -> f64 {
        match self {
            Self::Log | Self::Softmax => {
                let m = t * z;
                let e = exp(-m.abs());
                -t * (if m >= 0.0 { e } else { 1.0 }) / (1.0 + e)
            }
            Self::Hinge(c) => {
                if t * z <= c {
                    -t
                } else {
                    0.0
                }
            }
            Self::Squared => z - t,
            Self::Huber(delta) => (z - t).clamp(-delta, delta),
            Self::Rare(rare) => rare.slope(z, t),
        }
    }

    /// Turns the scores `z[k * BLOCK + row]` into derivatives, and returns the sum of the losses; both times `weight`.
    ///
    /// `y` is the target of one output, the class's number for several. Rows of weight zero are left out.
    #[inline(always)]
    pub fn block(self, z: &mut [f64], y: &[f64; BLOCK], weight: &[f64; BLOCK]) -> f64 {
        let outputs = z.len() / BLOCK;
        if self == Self::Softmax {
            return softmax(z, y, weight);
        }
        if outputs == 1 {
            return self.one(lanes(z, 0), y, weight);
        }
        let mut total = 0.0;
        for k in 0..outputs {
            let mut t = [-1.0; BLOCK];
            for r in 0..BLOCK {
                if y[r] as usize == k {
                    t[r] = 1.0;
                }
            }
            total += self.one(lanes(z, k), &t, weight);
        }
        total
    }

    #[inline(always)]
    fn one(self, z: &mut [f64; BLOCK], t: &[f64; BLOCK], weight: &[f64; BLOCK]) -> f64 {
        let mut loss = [0.0; BLOCK];
        match self {
            Self::Log | Self::Softmax => {
                for r in 0..BLOCK {
                    let m = t[r] * z[r];
                    let e = exp(-m.abs());
                    loss[r] = ln_1p(e) + (-m).max(0.0);
                    z[r] = -t[r] * (if m >= 0.0 { e } else { 1.0 }) / (1.0 + e);
                }
            }
            Self::Hinge(c) => {
                for r in 0..BLOCK {
                    let slack = c - t[r] * z[r];
                    loss[r] = slack.max(0.0);
                    // At the kink itself too: a perceptron begins there.
                    z[r] = if slack >= 0.0 { -t[r] } else { 0.0 };
                }
            }
            Self::Squared => {
                for r in 0..BLOCK {
                    z[r] -= t[r];
                    loss[r] = 0.5 * z[r] * z[r];
                }
            }
            Self::Huber(delta) => {
                for r in 0..BLOCK {
                    let residual = z[r] - t[r];
                    let slope = residual.clamp(-delta, delta);
                    loss[r] = slope * (residual - 0.5 * slope);
                    z[r] = slope;
                }
            }
            Self::Rare(rare) => loss = rare.block(z, t),
        }
        let mut total = 0.0;
        for r in 0..BLOCK {
            z[r] *= weight[r];
            total += loss[r] * weight[r];
        }
        total
    }
}

#[inline(always)]
fn lanes(z: &mut [f64], k: usize) -> &mut [f64; BLOCK] {
    match z[k * BLOCK..].first_chunk_mut() {
        Some(lanes) => lanes,
        None => unreachable!("scores come in whole blocks"),
    }
}

#[inline(always)]
fn softmax(z: &mut [f64], y: &[f64; BLOCK], weight: &[f64; BLOCK]) -> f64 {
    let mut top = [f64::NEG_INFINITY; BLOCK];
    let mut own = [0.0; BLOCK];
    let mut sum = [0.0; BLOCK];
    for z in z.chunks_exact(BLOCK) {
        for r in 0..BLOCK {
            top[r] = if z[r] > top[r] { z[r] } else { top[r] };
        }
    }
    for r in 0..BLOCK {
        own[r] = z[y[r] as usize * BLOCK + r];
    }
    for z in z.chunks_exact_mut(BLOCK) {
        for r in 0..BLOCK {
            z[r] = exp(z[r] - top[r]);
            sum[r] += z[r];
        }
    }
    let mut total = 0.0;
    let mut by = [0.0; BLOCK];
    for r in 0..BLOCK {
        by[r] = weight[r] / sum[r];
        if weight[r] != 0.0 {
            total += weight[r] * (libm::log(sum[r]) + top[r] - own[r]);
        }
    }
    for z in z.chunks_exact_mut(BLOCK) {
        for r in 0..BLOCK {
            z[r] *= by[r];
        }
    }
    for r in 0..BLOCK {
        z[y[r] as usize * BLOCK + r] -= weight[r];
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOSSES: [Loss; 16] = [
        Loss::Log,
        Loss::Softmax,
        Loss::Hinge(1.0),
        Loss::Hinge(0.0),
        Loss::Squared,
        Loss::Huber(1.3),
        Loss::Rare(Rare::SquaredHinge),
        Loss::Rare(Rare::ModifiedHuber),
        Loss::Rare(Rare::Insensitive(0.3)),
        Loss::Rare(Rare::SquaredInsensitive(0.3)),
        Loss::Rare(Rare::Quantile(0.7)),
        Loss::Rare(Rare::Poisson),
        Loss::Rare(Rare::Tweedie(0.0)),
        Loss::Rare(Rare::Tweedie(1.0)),
        Loss::Rare(Rare::Tweedie(1.5)),
        Loss::Rare(Rare::Tweedie(2.0)),
    ];
    /// Where one of them has a kink, for targets of -1 and 1.
    const KINKS: [f64; 4] = [0.0, 0.7, 1.0, 1.3];

    proptest! {
        #[test]
        fn the_polynomials_are_exact_enough(x in -700.0..700.0f64, e in 0.0..=1.0f64) {
            prop_assert!((exp(x) / libm::exp(x) - 1.0).abs() < 1e-13);
            // Of terms up to (1/3)^23 the next one is 1e-13.
            prop_assert!((ln_1p(e) - libm::log1p(e)).abs() < 1e-12);
        }

        #[test]
        fn derivatives_are_those_of_the_loss(
            scores in prop::collection::vec(-5.0..5.0f64, 4 * BLOCK), outputs in 1usize..4, kind in 0usize..16, at in 0usize..8,
        ) {
            let loss = LOSSES[kind];
            let outputs = if loss == Loss::Softmax { outputs + 1 } else { outputs };
            let z = &scores[..outputs * BLOCK];
            let y: [f64; BLOCK] = std::array::from_fn(|r| {
                if outputs == 1 { [-1.0, 1.0][r % 2] } else { (r % outputs) as f64 }
            });
            let w: [f64; BLOCK] = std::array::from_fn(|r| r as f64 / 4.0);
            let mut slopes = z.to_vec();
            loss.block(&mut slopes, &y, &w);
            for k in 0..outputs {
                let h = 1e-6;
                let value = |step: f64| {
                    let mut z = z.to_vec();
                    z[k * BLOCK + at] += step;
                    loss.block(&mut z, &y, &w)
                };
                let numeric = (value(h) - value(-h)) / (2.0 * h);
                // Near a kink, where a step of h crosses it, the derivative is between those of both sides.
                let z = z[k * BLOCK + at];
                let kink = KINKS.iter().any(|kink| (z.abs() - kink).abs() < 1e-5);
                prop_assert!(kink || (numeric - slopes[k * BLOCK + at]).abs() < 1e-5 * (1.0 + numeric.abs()));
                if outputs == 1 && !kink {
                    prop_assert!((loss.slope(z, y[at]) * w[at] - slopes[at]).abs() < 1e-12 * (1.0 + numeric.abs()));
                }
            }
        }
    }
}
