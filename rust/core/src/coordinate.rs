//! The elastic net by coordinate descent on products of columns.
//!
//! Minimises `w' Q w / 2 - q' w + y'y / 2 + l1 |w| + l2 w'w / 2` one coordinate after the other, in scikit-learn's order
//! and with its rules for stopping (the duality gap) and for leaving columns out (Ndiaye, Fercoq, Gramfort, Salmon: Gap
//! safe screening rules, 2017), so that both do the same steps.

use crate::error::Result;
use crate::exec::Exec;
use crate::simd;

/// What is minimised, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// `X'X`, row by row.
    pub products: &'a [f64],
    /// `X'y`
    pub target: &'a [f64],
    /// `y'y`
    pub target_square: f64,
    /// Weight of the sum of absolute values.
    pub l1: f64,
    /// Weight of half the sum of squares.
    pub l2: f64,
    /// Weights below zero are not allowed.
    pub positive: bool,
    /// Share of `y'y` that the duality gap may be at the end.
    pub tol: f64,
    /// Most passes over the coordinates.
    pub max_iter: usize,
    /// Coordinates are drawn, from this state, instead of taken in turn.
    pub random: Option<u32>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// The duality gap.
    pub gap: f64,
    /// What it was to be below.
    pub tolerance: f64,
    /// Passes made.
    pub passes: usize,
    /// Was the gap reached?
    pub converged: bool,
}

struct State<'a> {
    problem: Problem<'a>,
    w: &'a mut [f64],
    /// `Q w`
    image: Vec<f64>,
    active: Vec<usize>,
    excluded: Vec<bool>,
}

/// Descends from `w`, in place.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn descend(problem: Problem<'_>, w: &mut [f64], exec: &Exec<'_>) -> Result<End> {
    let n = w.len();
    let image = (0..n).map(|j| dot(&problem.products[j * n..(j + 1) * n], w)).collect();
    let mut state = State { problem, w, image, active: (0..n).collect(), excluded: vec![false; n] };
    let tolerance = problem.tol * problem.target_square;
    let screening = problem.l1 != 0.0;
    let (mut gap, mut norm) = state.gap();
    if (0.0..=tolerance).contains(&gap) {
        return Ok(End { gap, tolerance, passes: 0, converged: true });
    }
    if screening {
        for j in 0..n {
            if problem.products[j * n + j] == 0.0 {
                state.w[j] = 0.0;
                state.excluded[j] = true;
            }
        }
        state.screen(gap, norm);
    }
    let mut draw = problem.random;
    for pass in 0..problem.max_iter {
        if pass % 64 == 63 {
            exec.check()?;
        }
        let (mut largest, mut largest_step) = (0.0f64, 0.0f64);
        for k in 0..state.active.len() {
            let at = draw.as_mut().map_or(k, |draw| next(draw) % state.active.len());
            let j = state.active[at];
            let own = problem.products[j * n + j];
            if own == 0.0 {
                continue;
            }
            let before = state.w[j];
            let pull = problem.target[j] - state.image[j] + before * own;
            let after = if problem.positive && pull < 0.0 {
                0.0
            } else {
                sign(pull) * (pull.abs() - problem.l1).max(0.0) / (own + problem.l2)
            };
            state.set(j, after);
            largest_step = largest_step.max((after - before).abs());
            largest = largest.max(after.abs());
        }
        if largest == 0.0 || largest_step / largest <= problem.tol || pass + 1 == problem.max_iter {
            (gap, norm) = state.gap();
            if gap <= tolerance {
                return Ok(End { gap, tolerance, passes: pass + 1, converged: true });
            }
            if screening {
                state.screen(gap, norm);
            }
        }
    }
    Ok(End { gap, tolerance, passes: problem.max_iter, converged: false })
}

impl State<'_> {
    fn set(&mut self, j: usize, to: f64) {
        let step = to - self.w[j];
        if step != 0.0 {
            let n = self.w.len();
            simd::dispatch!(add(step, &self.problem.products[j * n..(j + 1) * n], &mut self.image));
            self.w[j] = to;
        }
    }

    /// What pulls at coordinate `j` beside the L1 penalty.
    fn pull(&self, j: usize) -> f64 {
        let rest = self.problem.target[j] - self.image[j];
        if self.problem.l1 == 0.0 { rest } else { rest - self.problem.l2 * self.w[j] }
    }

    /// The duality gap, and the largest pull.
    fn gap(&self) -> (f64, f64) {
        let Problem { target, target_square, l1, l2, positive, .. } = self.problem;
        let along = dot(self.w, target);
        let square = target_square + dot(self.w, &self.image) - 2.0 * along;
        let on_target = target_square - along;
        let size = if l2 > 0.0 { dot(self.w, self.w) } else { 0.0 };
        let pulls = (0..self.w.len()).map(|j| self.pull(j));
        if l1 == 0.0 {
            let norm: f64 = pulls.map(|p| p * p).sum();
            let gap = if l2 == 0.0 { norm } else { square + 0.5 * l2 * size - on_target + norm / (2.0 * l2) };
            return (gap, norm);
        }
        let norm =
            if positive { pulls.fold(f64::MIN, f64::max) } else { pulls.fold(0.0f64, |m, p| m.max(p.abs())) };
        let primal = 0.5 * (square + l2 * size) + l1 * self.w.iter().map(|w| w.abs()).sum::<f64>();
        let scale = if norm > l1 { l1 / norm } else { 1.0 };
        let dual = -0.5 * scale * scale * (square + l2 * size) + scale * on_target;
        (primal - dual, norm)
    }

    /// Leaves out what is zero at the optimum for sure.
    fn screen(&mut self, gap: f64, norm: f64) {
        let (n, Problem { products, l1, l2, .. }) = (self.w.len(), self.problem);
        // Rounding can make the gap negative.
        let radius = (2.0 * gap.abs()).sqrt() / l1;
        self.active.clear();
        let pulls: Vec<f64> = (0..n).map(|j| self.pull(j)).collect();
        for (j, pull) in pulls.into_iter().enumerate() {
            if self.excluded[j] {
                continue;
            }
            let distance = (1.0 - (pull / l1.max(norm)).abs()) / (products[j * n + j] + l2).sqrt();
            if distance <= radius {
                self.active.push(j);
            } else {
                self.set(j, 0.0);
                self.excluded[j] = true;
            }
        }
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    simd::dispatch!(crate::linear::score(a, b, 0.0))
}

#[inline(always)]
fn add(step: f64, row: &[f64], image: &mut [f64]) {
    for (image, q) in image.iter_mut().zip(row) {
        *image += step * q;
    }
}

/// Marsaglia's 32-bit xorshift, 31 bits of it.
fn next(state: &mut u32) -> usize {
    if *state == 0 {
        *state = 1;
    }
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    (*state & 0x7fff_ffff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_column_is_thresholded_in_one_pass() {
        let problem = Problem {
            products: &[2.0],
            target: &[3.0],
            target_square: 10.0,
            l1: 1.0,
            l2: 0.5,
            positive: false,
            tol: 1e-12,
            max_iter: 10,
            random: None,
        };
        let mut w = [0.0];
        let end = descend(problem, &mut w, &Exec::serial()).unwrap();
        assert!(end.converged);
        assert_eq!(w, [2.0 / 2.5]);
        let mut w = [0.0];
        assert_eq!(descend(Problem { l1: 4.0, ..problem }, &mut w, &Exec::serial()).unwrap().passes, 0);
        assert_eq!(w, [0.0]);
    }
}
