//! What a training step of a fully connected network does beside its products: biases and activations, losses and their
//! gradients, and the step from gradients to new weights.
//!
//! Each value is computed by the operations of scikit-learn's `MLPClassifier` and `MLPRegressor`, in their order and type
//! (Adam's quotient in f64 also for f32 weights), and sums over rows in NumPy's: weights that BLAS gives the same products
//! are the same to the last bit. Losses are summed in f64, row by row. One pass over each array, where NumPy makes up to ten.
//!
//! With g = (gradient + alpha w) / n, alpha = 0 for intercepts, and eta the rate:
//! - sgd: v <- mu v - eta g; w <- w + v, or by Nesterov w <- w + (mu v - eta g) of the new v.
//! - adam: m <- b1 m + (1 - b1) g; s <- b2 s + (1 - b2) g^2; w <- w - eta m / (sqrt(s) + eps) - d w, where d is 0, or
//!   eta times the decay, which then is no part of g (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019).

use std::sync::Mutex;

use crate::activation::{Activation, relu};
use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::pairwise::pairwise;
use crate::simd;

// What follows is little beside the products, and not worth the room of code for every kind of vector.

/// Adds each column's bias to the rows of `z`, then sets negative values to zero, if `positive`.
pub fn add_bias<T: Float>(z: &mut [T], bias: &[T], positive: bool) {
    for row in z.chunks_exact_mut(bias.len().max(1)) {
        for (z, b) in row.iter_mut().zip(bias) {
            *z += *b;
            *z = if positive { relu(*z) } else { *z };
        }
    }
}

/// Takes each row's largest value from its values, all of which have their column's bias added: softmax before `exp`.
pub fn below_largest<T: Float>(z: &mut [T], bias: &[T]) {
    add_bias(z, bias, false);
    for row in z.chunks_exact_mut(bias.len().max(1)) {
        let largest = row.iter().fold(row[0], |m, &v| if v > m || v.is_nan() { v } else { m });
        row.iter_mut().for_each(|v| *v -= largest);
    }
}

/// Multiplies `delta` by the activation's derivative, a function of its value `z`, and sums the columns.
pub fn through_activation<T: Float>(activation: Activation, z: &[T], delta: &mut [T], sums: &mut [T]) {
    let width = sums.len().max(1);
    match activation {
        Activation::Identity | Activation::Exp => {}
        Activation::Relu => each(z, delta, |z, d| if z == T::ZERO { T::ZERO } else { d }),
        Activation::Tanh => each(z, delta, |z, d| d * (T::ONE - z * z)),
        Activation::Logistic => each(z, delta, |z, d| d * z * (T::ONE - z)),
    }
    if width == 1 {
        // NumPy sees one contiguous vector.
        sums.iter_mut().for_each(|sum| *sum = pairwise(delta));
        return;
    }
    sums.fill(T::ZERO);
    for row in delta.chunks_exact(width) {
        for (sum, d) in sums.iter_mut().zip(row) {
            *sum += *d;
        }
    }
}

#[inline(always)]
fn each<T: Float>(z: &[T], delta: &mut [T], f: impl Fn(T, T) -> T) {
    for (z, d) in z.iter().zip(delta) {
        *d = f(*z, *d);
    }
}

/// What numbers are fitted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Half the squared error, the mean over outputs.
    Squared,
    /// Half the Poisson deviance, the sum over outputs.
    Poisson,
}

/// The weighted mean of the rows' losses. `out` holds predictions before, the loss's gradient by the last sums after.
pub fn regression<T: Float>(
    loss: Loss,
    y: &[T],
    out: &mut [T],
    width: usize,
    weights: Option<&[f64]>,
) -> f64 {
    let width = width.max(1);
    let mut mean = Mean::default();
    for (i, (y, out)) in y.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let mut sum = 0.0;
        for (y, p) in y.iter().zip(&*out) {
            sum += match loss {
                Loss::Squared => {
                    let error = *y - *p;
                    (error * error).to_f64()
                }
                Loss::Poisson => {
                    let log = if *y == T::ZERO && !p.is_nan() { T::ZERO } else { *y * (*y / *p).ln() };
                    (log - *y + *p).to_f64()
                }
            };
        }
        for (y, p) in y.iter().zip(&mut *out) {
            *p -= *y;
        }
        mean.add(sum, out, weights.map(|w| w[i]));
    }
    match loss {
        Loss::Squared => 0.5 * mean.value() / width as f64,
        Loss::Poisson => mean.value(),
    }
}

/// The weighted mean of the rows' log losses. `out` becomes the gradient by the last sums; before, it holds
/// the probabilities of labels that are there or not, or, `softmax`, what [`below_largest`] gave and `exp` made of it.
pub fn classification<T: Float>(
    softmax: bool,
    y: &[bool],
    out: &mut [T],
    width: usize,
    weights: Option<&[f64]>,
) -> f64 {
    let width = width.max(1);
    let (low, high) = (T::EPSILON, T::ONE - T::EPSILON);
    let clip = |p: T| {
        if p < low {
            low
        } else if p > high {
            high
        } else {
            p
        }
    };
    let mut mean = Mean::default();
    for (i, (y, out)) in y.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        if softmax {
            let total = pairwise(out);
            out.iter_mut().for_each(|p| *p /= total);
        }
        let mut sum = 0.0;
        for (y, p) in y.iter().zip(&mut *out) {
            if *y {
                sum -= clip(*p).ln().to_f64();
                *p -= T::ONE;
            } else if !softmax {
                sum -= (T::ONE - clip(*p)).ln().to_f64();
            }
        }
        mean.add(sum, out, weights.map(|w| w[i]));
    }
    mean.value()
}

/// A weighted mean over rows.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    /// Takes a row's loss in, and weighs its gradient.
    fn add<T: Float>(&mut self, loss: f64, delta: &mut [T], weight: Option<f64>) {
        self.sum += loss * weight.unwrap_or(1.0);
        self.weight += weight.unwrap_or(1.0);
        if let Some(weight) = weight {
            delta.iter_mut().for_each(|d| *d = T::from_f64(d.to_f64() * weight));
        }
    }

    fn value(&self) -> f64 {
        self.sum / self.weight
    }
}

/// How gradients become steps.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Momentum, by Nesterov or not.
    Sgd {
        /// Share of the last step that is taken again.
        momentum: f64,
        /// Nesterov's?
        nesterov: bool,
    },
    /// Adam.
    Adam {
        /// Decay of the mean of gradients.
        beta_1: f64,
        /// Decay of the mean of their squares.
        beta_2: f64,
        /// Keeps divisors above zero.
        epsilon: f64,
    },
}

/// A step for all parameters.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// How.
    pub rule: Rule,
    /// Rate, without Adam's bias.
    pub eta: f64,
    /// Strength of the penalty alpha w^2 / 2 in the sum of losses.
    pub alpha: f64,
    /// Share that weights lose, for Adam.
    pub shrink: f64,
    /// Weight of the batch's rows.
    pub rows: f64,
}

/// A parameter array, its gradient's sum over the rows, and what the rule remembers of it.
pub struct Parameter<'a, T> {
    /// The array.
    pub w: &'a mut [T],
    /// Sum of its gradients.
    pub g: &'a [T],
    /// Velocity, or mean of gradients.
    pub first: &'a mut [T],
    /// Mean of squared gradients; empty for sgd.
    pub second: &'a mut [T],
    /// Is it penalised?
    pub penalised: bool,
}

/// Values of a piece, the unit that a thread takes: its arrays stay in the second-level cache.
const PIECE: usize = 8_192;
/// Values below which threads cost more than they bring.
const SERIAL_BELOW: usize = 32_768;

/// Takes a step. Returns the sum of squares of the penalised weights before it.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn update<T: Float>(parameters: Vec<Parameter<'_, T>>, step: &Step, exec: &Exec<'_>) -> Result<f64> {
    let size: usize = parameters.iter().map(|p| p.w.len()).sum();
    let mut pieces = Vec::with_capacity(size / PIECE + parameters.len());
    for Parameter { mut w, mut g, mut first, mut second, penalised } in parameters {
        while !w.is_empty() {
            let n = w.len().min(PIECE);
            let (piece_w, piece_g, piece_first, piece_second);
            (piece_w, w) = w.split_at_mut(n);
            (piece_g, g) = g.split_at(n);
            (piece_first, first) = first.split_at_mut(n);
            (piece_second, second) = second.split_at_mut(n.min(second.len()));
            pieces.push(Mutex::new(Parameter {
                w: piece_w,
                g: piece_g,
                first: piece_first,
                second: piece_second,
                penalised,
            }));
        }
    }
    let squares = exec.only_if(size >= SERIAL_BELOW).map(pieces.len(), |i| {
        let Ok(mut piece) = pieces[i].lock() else { return 0.0 };
        simd::dispatch!(update_piece(&mut piece, step))
    })?;
    Ok(squares.iter().sum())
}

#[inline(always)]
fn update_piece<T: Float>(piece: &mut Parameter<'_, T>, step: &Step) -> f64 {
    let n = piece.w.len();
    let (w, g, first) = (&mut piece.w[..n], &piece.g[..n], &mut piece.first[..n]);
    let squares = if piece.penalised { sum_of_squares(w) } else { 0.0 };
    let (alpha, shrink) = if piece.penalised { (step.alpha, step.shrink) } else { (0.0, 0.0) };
    let [alpha, rows, eta] = [alpha, step.rows, step.eta].map(T::from_f64);
    match step.rule {
        Rule::Sgd { momentum, nesterov } => {
            let mu = T::from_f64(momentum);
            for j in 0..n {
                let g = (g[j] + alpha * w[j]) / rows;
                let v = mu * first[j] - eta * g;
                first[j] = v;
                w[j] += if nesterov { mu * v - eta * g } else { v };
            }
        }
        Rule::Adam { beta_1, beta_2, epsilon } => {
            let second = &mut piece.second[..n];
            let [b1, c1, b2, c2] = [beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2].map(T::from_f64);
            let (epsilon, eta) = (T::from_f64(epsilon), step.eta);
            for j in 0..n {
                let g = (g[j] + alpha * w[j]) / rows;
                let m = b1 * first[j] + c1 * g;
                let s = b2 * second[j] + c2 * (g * g);
                (first[j], second[j]) = (m, s);
                let by = -eta * m.to_f64() / (s.sqrt() + epsilon).to_f64();
                let old = w[j].to_f64();
                w[j] = T::from_f64(old + by - shrink * old);
            }
        }
    }
    squares
}

#[inline(always)]
fn sum_of_squares<T: Float>(values: &[T]) -> f64 {
    let mut lanes = [0.0; 8];
    let (groups, rest) = values.as_chunks::<8>();
    for group in groups {
        for k in 0..8 {
            lanes[k] += group[k].to_f64() * group[k].to_f64();
        }
    }
    let rest: f64 = rest.iter().map(|x| x.to_f64() * x.to_f64()).sum();
    lanes.iter().sum::<f64>() + rest
}
