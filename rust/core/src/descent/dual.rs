//! Linear support vector machines by dual coordinate descent with shrinking.
//!
//! Minimises |w|^2 / 2 + sum_i c_i loss(x_i . w, t_i), with the constant `bias` as a last column of x, by its dual
//! sum_i (d_i b_i^2 / 2 - t_i b_i + epsilon |b_i|) + |X' b|^2 / 2 over l_i <= b_i <= u_i, of which w = X' b:
//! - hinge: t_i b_i between 0 and c_i, d_i = 0, epsilon = 0; its square: t_i b_i not below 0, d_i = 1 / (2 c_i);
//! - epsilon-insensitive: b_i between -c_i and c_i, d_i = 0; its square: any b_i, d_i = 1 / (2 c_i).
//!
//! Each coordinate is brought to its own minimum in turn, in a new order each pass; those that stay at a bound or at the
//! kink by more than the last pass's largest violation are left out until the rest has converged (Hsieh, Chang, Lin,
//! Keerthi, Sundararajan: A dual coordinate descent method for large-scale linear SVM, 2008; Ho, Lin: Large-scale linear
//! support vector regression, 2012).

use super::rows::Rows;
use super::shuffle::swap;
use crate::error::Result;
use crate::exec::Exec;
use crate::random::Mt19937;
use crate::simd;

/// Rows between two looks at the clock.
const SEGMENT: usize = 4_096;
/// How far ahead rows are fetched.
const AHEAD: usize = 8;
/// With a tube, violations of rows that were left out count too late: steps go on to this share of `tol`, if they may.
const FURTHER: f64 = 0.25;
/// Violations up to this are rounding: no step is made.
const NOTHING: f64 = 1e-12;

/// Rows, their targets, and how far to go.
pub struct Problem<'a, R> {
    /// The rows.
    pub x: &'a R,
    /// -1 or 1, or numbers with a tube.
    pub targets: &'a [f64],
    /// c, by row; rows of none are left out.
    pub strengths: &'a [f64],
    /// Is the loss squared?
    pub squared: bool,
    /// Epsilon, of a regression.
    pub tube: Option<f64>,
    /// The last column.
    pub bias: f64,
    /// The largest violation at the end, twice; with a tube the sum of all as a share of the first pass's.
    pub tol: f64,
    /// Passes at most.
    pub max_iter: usize,
    /// Of the orders.
    pub seed: u32,
}

/// Weights, that of `bias` last, and the passes made.
pub struct Model {
    /// One a column, and one more.
    pub weights: Vec<f64>,
    /// At most `max_iter`.
    pub passes: usize,
    /// Was `tol` reached?
    pub converged: bool,
}

/// What a pass found.
#[derive(Default)]
struct Found {
    largest: f64,
    total: f64,
}

struct State {
    w: Vec<f64>,
    b: Vec<f64>,
    /// |x_i|^2 + d_i
    curvature: Vec<f64>,
    /// Rows, those left out last.
    rows: Vec<u32>,
    active: usize,
}

impl<R: Rows<f64>> Problem<'_, R> {
    fn diagonal(&self, i: usize) -> f64 {
        if self.squared { 0.5 / self.strengths[i] } else { 0.0 }
    }

    /// The least and the largest value of a coordinate.
    #[inline(always)]
    fn bounds(&self, i: usize) -> (f64, f64) {
        let most = if self.squared { f64::INFINITY } else { self.strengths[i] };
        match self.tube {
            Some(_) => (-most, most),
            None if self.targets[i] > 0.0 => (0.0, most),
            None => (-most, 0.0),
        }
    }

    /// Brings the coordinates from place `at` on, `SEGMENT` at most, to their minima; returns where it stopped.
    #[inline(always)]
    fn sweep(&self, s: &mut State, mut at: usize, threshold: f64, found: &mut Found) -> usize {
        let epsilon = self.tube.unwrap_or(0.0);
        let last = s.w.len() - 1;
        let end = at + SEGMENT;
        while at < s.active.min(end) {
            if let Some(&next) = s.rows.get(at + AHEAD) {
                self.x.prefetch::<false>(next as usize);
            }
            let i = s.rows[at] as usize;
            let (b, (low, high)) = (s.b[i], self.bounds(i));
            let d = self.diagonal(i);
            let g = self.x.dot(i, &s.w[..last]) + self.bias * s.w[last] - self.targets[i] + d * b;
            let up = if b < high { g + if b >= 0.0 { epsilon } else { -epsilon } } else { f64::INFINITY };
            let down = if b > low { -g - if b > 0.0 { epsilon } else { -epsilon } } else { f64::INFINITY };
            // How fast the objective grows either way: by less than nothing, it is to move there.
            let slack = up.min(down);
            if slack > threshold {
                s.active -= 1;
                s.rows.swap(at, s.active);
                continue;
            }
            at += 1;
            let violation = -slack;
            if violation <= NOTHING {
                continue;
            }
            found.largest = found.largest.max(violation);
            found.total += violation;
            let h = s.curvature[i];
            let best = if h > 0.0 {
                let free = b - g / h;
                (free.abs() - epsilon / h).max(0.0).copysign(free).clamp(low, high)
            } else if up < down {
                high
            } else {
                low
            };
            s.b[i] = best;
            self.x.add(i, best - b, &mut s.w[..last]);
            s.w[last] += (best - b) * self.bias;
        }
        at
    }

    /// The minimum.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop.
    pub fn minimise(&self, exec: &Exec<'_>) -> Result<Model> {
        let n = self.x.rows();
        let square = |i: usize| {
            let mut sum = self.bias * self.bias + self.diagonal(i);
            self.x.each(i, |_, x| sum += x * x);
            sum
        };
        let rows: Vec<u32> = (0..).take(n).filter(|&i: &u32| self.strengths[i as usize] > 0.0).collect();
        let mut s = State {
            w: vec![0.0; self.x.columns() + 1],
            b: vec![0.0; n],
            curvature: (0..n).map(square).collect(),
            active: rows.len(),
            rows,
        };
        let mut rng = Mt19937::new(self.seed);
        let (mut threshold, mut first) = (f64::INFINITY, None);
        let (mut passes, mut converged) = (0, false);
        while passes < self.max_iter {
            passes += 1;
            let mut found = Found::default();
            swap(&mut s.rows[..s.active], &mut rng);
            let mut at = 0;
            while at < s.active {
                exec.check()?;
                at = if R::SPARSE {
                    self.sweep(&mut s, at, threshold, &mut found) // vectors are of no use to scattered values
                } else {
                    simd::dispatch!(self.sweep(&mut s, at, threshold, &mut found))
                };
            }
            let first = *first.get_or_insert(found.total);
            let (left, enough, share) = match self.tube {
                Some(_) => (found.total, self.tol * first, FURTHER),
                None => (2.0 * found.largest, self.tol, 1.0),
            };
            threshold = found.largest;
            let all = s.active == s.rows.len();
            converged |= all && left <= enough;
            if left <= share * enough {
                if all {
                    break;
                }
                s.active = s.rows.len();
                threshold = f64::INFINITY;
            }
        }
        Ok(Model { weights: s.w, passes, converged })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descent::Dense;

    #[test]
    fn two_points_have_the_widest_margin_between_them() {
        let x = Dense::new(&[1.0, 0.0, -1.0, 0.0], 2);
        let problem = Problem {
            x: &x,
            targets: &[1.0, -1.0],
            strengths: &[10.0, 10.0],
            squared: false,
            tube: None,
            bias: 1.0,
            tol: 1e-10,
            max_iter: 100,
            seed: 0,
        };
        let model = problem.minimise(&Exec::serial()).unwrap();
        assert!((model.weights[0] - 1.0).abs() < 1e-9 && model.weights[1..].iter().all(|w| w.abs() < 1e-9));
        // Rows of no strength, and rows of zeros without a bias, say nothing.
        let nothing = Problem { strengths: &[0.0, 0.0], ..problem };
        assert_eq!(nothing.minimise(&Exec::serial()).unwrap().weights, [0.0; 3]);
        let zeros = Dense::new(&[0.0; 4], 2);
        let problem = Problem { x: &zeros, bias: 0.0, tube: Some(0.1), ..problem };
        assert_eq!(problem.minimise(&Exec::serial()).unwrap().weights, [0.0; 3]);
    }
}
