//! The mean of the weights after each update, from one on (Polyak, Juditsky: Acceleration of stochastic approximation by
//! averaging, 1992): its noise falls as 1 / updates at rates at which the weights themselves keep swinging.

use crate::float::Float;

/// A mean of weights and intercepts.
#[derive(Clone, Debug, Default)]
pub struct Average {
    /// Empty if there is none.
    pub mean: Vec<f64>,
    /// Updates in it.
    pub count: u64,
}

impl Average {
    /// Takes in the weights after an update.
    pub fn take<T: Float>(&mut self, weights: impl Iterator<Item = T>) {
        self.count += 1;
        let share = 1.0 / self.count as f64;
        for (mean, w) in self.mean.iter_mut().zip(weights) {
            *mean += share * (w.to_f64() - *mean);
        }
    }

    /// Takes in the sums of the weights after `count` updates.
    pub fn take_sums(&mut self, count: u64, sums: impl Iterator<Item = f64>) {
        if count == 0 {
            return;
        }
        let before = self.count as f64;
        self.count += count;
        let share = 1.0 / self.count as f64;
        for (mean, sum) in self.mean.iter_mut().zip(sums) {
            *mean = (*mean * before + sum) * share;
        }
    }
}
