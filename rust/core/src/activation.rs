//! What the layers of a neural network do to their sums.
//!
//! The same bits on every target: `exp` is that of `libm`, and tanh |z| = -t / (t + 2) with t = exp(-2 |z|) - 1, of which
//! neither side cancels, is computed in f64 for both types.

use crate::exp_minus_one;
use crate::float::Float;
use crate::linear::{sigmoid, sigmoid_each};

/// A function of one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(z, 0)
    Relu,
    /// tanh(z)
    Tanh,
    /// 1 / (1 + exp(-z))
    Logistic,
    /// exp(z)
    Exp,
}

impl Activation {
    /// The one that scikit-learn calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "identity" => Self::Identity,
            "relu" => Self::Relu,
            "tanh" => Self::Tanh,
            "logistic" => Self::Logistic,
            "exp" => Self::Exp,
            _ => return None,
        })
    }

    /// Its value.
    #[inline(always)]
    pub fn of<T: Float>(self, z: T) -> T {
        match self {
            Self::Identity => z,
            Self::Relu => relu(z),
            Self::Tanh => tanh(z),
            Self::Logistic => sigmoid(z),
            Self::Exp => z.exp(),
        }
    }

    /// [`Activation::of`] of each value, in place, with its bits.
    pub fn each<T: Float>(self, values: &mut [T]) {
        match self {
            Self::Identity => {}
            Self::Relu => values.iter_mut().for_each(|z| *z = relu(*z)),
            Self::Tanh => values.iter_mut().for_each(|z| *z = tanh(*z)),
            Self::Logistic => sigmoid_each(values),
            Self::Exp => T::exp_each(values),
        }
    }
}

/// NaN stays.
#[inline(always)]
pub(crate) fn relu<T: Float>(z: T) -> T {
    if z < T::ZERO { T::ZERO } else { z }
}

#[inline(always)]
fn tanh<T: Float>(z: T) -> T {
    let z = z.to_f64();
    let t = exp_minus_one::one(-2.0 * z.abs());
    T::from_f64((-t / (t + 2.0)).copysign(z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_at_once_have_the_bits_of_one_by_one_and_are_right(
            z in prop::collection::vec(prop_oneof![-3.0..3.0f64, -800.0..800.0f64, Just(0.0), Just(-0.0)], 0..300),
        ) {
            for name in ["identity", "relu", "tanh", "logistic", "exp"] {
                let f = Activation::named(name).unwrap();
                let mut found = z.clone();
                f.each(&mut found);
                for (z, found) in z.iter().zip(&found) {
                    prop_assert_eq!(found.to_bits(), f.of(*z).to_bits());
                }
                let mut narrow: Vec<f32> = z.iter().map(|z| *z as f32).collect();
                f.each(&mut narrow);
                for (z, found) in z.iter().zip(&narrow) {
                    prop_assert_eq!(found.to_bits(), f.of(*z as f32).to_bits());
                }
            }
            for z in z {
                let (found, right) = (Activation::Tanh.of(z), libm::tanh(z));
                prop_assert!((found - right).abs() <= 1e-15 * right.abs(), "{found} {right}");
            }
        }
    }
}
