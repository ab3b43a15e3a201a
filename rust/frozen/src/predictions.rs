//! What comes out of a model, and from scores to labels and probabilities.

use ferroflow_core::{Float, linear, simd};

use crate::block::Block;

/// What a model gave for a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Number of rows.
    pub rows: usize,
    /// Labels or values; empty if not wanted.
    pub output: Output,
    /// Row by row, one per class; `None` for a model without probabilities or if not wanted.
    pub probabilities: Option<Vec<f64>>,
    /// Decision scores of a classifier, row by row: one for two classes, otherwise one per class.
    /// Empty if not wanted, and for a model that gives probabilities at once.
    pub scores: Vec<f64>,
}

/// The predictions themselves.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Per row, a number into [`Info::classes`].
    Labels(Vec<u32>),
    /// Row by row, `width` numbers each (1 for a plain regressor).
    Values {
        /// Numbers per row.
        width: usize,
        /// The numbers.
        data: Vec<f64>,
    },
}

/// What of the predictions is wanted: memory that nobody reads need not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Labels or values.
    pub output: bool,
    /// Probabilities.
    pub probabilities: bool,
    /// Scores.
    pub scores: bool,
}

impl Wanted {
    /// All of them.
    pub const ALL: Self = Self { output: true, probabilities: true, scores: true };
}

/// From scores to probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// No probabilities.
    None,
    /// One score z: 1 - s and s, s = sigmoid(z).
    Sigmoid,
    /// Softmax of the scores.
    Softmax,
    /// Sigmoid of each score, divided by their sum.
    OneVsRest,
    /// (z + 1) / 2 kept within 0 and 1, of one score or divided by the sum, or all equal where that is 0.
    Clipped,
    /// One probability p: 1 - p and p.
    Complement,
    /// Each divided by the sum; all equal where that is 0.
    Share,
    /// The values are the probabilities.
    Given,
}

impl Link {
    /// The link of this name, if it makes probabilities of so many scores.
    pub fn named(name: &str, scores: usize) -> Option<Self> {
        Some(match (name, scores) {
            ("none", _) => Self::None,
            ("sigmoid", 1) => Self::Sigmoid,
            ("softmax", 2..) => Self::Softmax,
            ("one_vs_rest", 2..) => Self::OneVsRest,
            ("clipped", 1..) => Self::Clipped,
            ("complement", 1) => Self::Complement,
            ("share", 2..) => Self::Share,
            ("given", 2..) => Self::Given,
            _ => return None,
        })
    }

    /// The probabilities of one row's scores into `out`, as long as there are classes.
    pub fn row<T: Float>(self, scores: &[f64], out: &mut [f64]) {
        let mut z: Vec<T> = scores.iter().map(|&v| T::from_f64(v)).collect();
        match self {
            Self::None => return,
            Self::Given => {}
            Self::Sigmoid => z[0] = linear::sigmoid(z[0]),
            Self::Softmax => linear::softmax(&mut z),
            Self::OneVsRest => {
                z.iter_mut().for_each(|v| *v = linear::sigmoid(*v));
                linear::divide_by_sum(&mut z);
            }
            Self::Clipped | Self::Complement | Self::Share => self.shares(&mut z),
        }
        self.hand_over(&z, out);
    }

    /// The same of all rows of a block, whose scores stand in the columns `scores`, row by row into `out`.
    pub fn block<T: Float>(self, block: &Block<'_>, scores: &[usize], out: &mut [f64]) {
        let width = scores.len().max(1);
        let mut z = vec![T::ZERO; block.rows() * width];
        for (k, &at) in scores.iter().enumerate() {
            for (row, v) in z.chunks_exact_mut(width).zip(block.numbers(at)) {
                row[k] = T::from_f64(*v);
            }
        }
        simd::run(
            #[inline(always)]
            || match self {
                Self::None | Self::Given => {}
                Self::Sigmoid => linear::sigmoid_each(&mut z),
                Self::Softmax => linear::softmax_each(&mut z, width),
                Self::OneVsRest => {
                    linear::sigmoid_each(&mut z);
                    z.chunks_exact_mut(width).for_each(linear::divide_by_sum);
                }
                Self::Clipped | Self::Complement | Self::Share => {
                    z.chunks_exact_mut(width).for_each(|z| self.shares(z));
                }
            },
        );
        self.hand_over(&z, out);
    }

    /// The links without an exponential, of one row.
    fn shares<T: Float>(self, z: &mut [T]) {
        if self == Self::Clipped {
            for z in &mut *z {
                let within = if *z > T::ONE { T::ONE } else { *z };
                let within = if within < -T::ONE { -T::ONE } else { within };
                *z = (within + T::ONE) / (T::ONE + T::ONE);
            }
        }
        if z.len() > 1 {
            if z.iter().fold(T::ZERO, |sum, z| sum + *z) == T::ZERO {
                z.fill(T::ONE);
            }
            linear::divide_by_sum(z);
        }
    }

    fn hand_over<T: Float>(self, z: &[T], out: &mut [f64]) {
        if z.len() < out.len() {
            for (p, out) in z.iter().zip(out.chunks_exact_mut(2)) {
                (out[0], out[1]) = ((T::ONE - *p).to_f64(), p.to_f64());
            }
        } else {
            for (p, out) in z.iter().zip(out) {
                *out = p.to_f64();
            }
        }
    }
}

/// One score: class 1 if positive. More: the first of the largest.
pub fn decide(scores: &[f64]) -> u32 {
    if let &[score] = scores {
        return u32::from(score > 0.0);
    }
    let (mut best, mut at) = (f64::NEG_INFINITY, 0);
    for (i, &score) in (0u32..).zip(scores) {
        if score > best {
            (best, at) = (score, i);
        }
    }
    at
}

/// What the self-test stores: labels or values, then probabilities.
pub fn flat_outputs(predictions: &Predictions) -> Vec<f64> {
    let mut out = match &predictions.output {
        Output::Labels(labels) => labels.iter().map(|&v| f64::from(v)).collect(),
        Output::Values { data, .. } => data.clone(),
    };
    out.extend(predictions.probabilities.iter().flatten());
    out
}
