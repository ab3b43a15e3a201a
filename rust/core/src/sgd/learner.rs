//! One linear model that learns: its weights, its clock, and what it found in the current epoch.

use std::ops::Range;

use super::loss::BLOCK;
use super::rows::{Rows, product, size};
use super::{Loss, Rate, Settings};
use crate::descent::{Csr, Dense};
use crate::float::Float;
use crate::simd;

/// How far ahead rows are fetched.
const AHEAD: usize = 16;

/// What is summed up over an epoch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Objective {
    None,
    Loss,
    Penalised,
}

/// What all learners share.
pub struct Problem<'a, T, R> {
    x: &'a R,
    weights: Option<&'a [T]>,
    held_out: Option<&'a [bool]>,
    settings: &'a Settings,
    objective: Objective,
    /// The rate that the first rows of an optimal schedule get is 1 / (alpha t0).
    t0: f64,
    /// No row's loss has a larger second derivative by the weights, times the row's weight; infinite if nobody asks.
    steepest: f64,
    /// Rows to learn from.
    pub(super) train: usize,
}

impl<'a, T: Float, R: Rows<T>> Problem<'a, T, R> {
    pub(super) fn new(
        x: &'a R,
        weights: Option<&'a [T]>,
        held_out: Option<&'a [bool]>,
        settings: &'a Settings,
        columns: usize,
        train: usize,
    ) -> Self {
        let typical = (1.0 / settings.alpha.sqrt()).sqrt();
        let slope = settings.loss.raw_slope(1.0, -typical);
        let first = typical / if slope > 1.0 { slope } else { 1.0 };
        let t0 = 1.0 / (first * settings.alpha);
        let steepest = match settings.loss.curvature() {
            Some(curvature) if columns >= R::LONG && settings.can_contract() => {
                let weight = |i: usize| weights.map_or(1.0, |w| w[i].to_f64());
                let steep = |i: usize| curvature * weight(i) * (x.squares(i) + 1.0);
                (0..x.rows())
                    .map(steep)
                    .fold(0.0, |most, x| if x < 0.0 { f64::INFINITY } else { x.max(most) })
            }
            _ => f64::INFINITY,
        };
        Self { x, weights, held_out, settings, objective: settings.objective(), t0, steepest, train }
    }
}

/// What a learner is to predict.
#[derive(Clone, Copy)]
pub enum Targets<'a, T> {
    /// One number a row.
    Each(&'a [T]),
    /// 1 where the row's class is this one, the last number where not.
    Class(&'a [i32], i32, T),
}

impl<T: Float> Targets<'_, T> {
    #[inline(always)]
    fn of(&self, i: usize) -> f64 {
        match *self {
            Self::Each(y) => y[i].to_f64(),
            Self::Class(codes, class, other) => {
                if codes[i] == class {
                    1.0
                } else {
                    other.to_f64()
                }
            }
        }
    }

    #[inline(always)]
    fn prefetch(&self, i: usize) {
        match *self {
            Self::Each(y) => simd::prefetch::<false, _>(&y[i..=i]),
            Self::Class(codes, ..) => simd::prefetch::<false, _>(&codes[i..=i]),
        }
    }
}

/// How an epoch went.
pub struct Epoch<'a, T> {
    /// Weights, without their scale.
    pub weights: &'a [T],
    /// The size of the weights, as the steps left it.
    pub norm: f64,
    /// The intercept.
    pub intercept: f64,
    /// Updates so far.
    pub updates: usize,
    /// Mean loss, each row's before its step; 0 if nobody needed it.
    pub loss: f64,
    /// The same and the penalty.
    pub objective: f64,
}

/// One linear model that learns.
pub struct Learner<'a, T> {
    targets: Targets<'a, T>,
    /// Weights of the rows whose target is positive, and of the others.
    class_weights: [f64; 2],
    seed: u32,
    w: Vec<T>,
    averaged: Vec<T>,
    intercept: f64,
    averaged_intercept: f64,
    hot: Hot,
    /// What L1 took from each weight.
    had: Vec<T>,
    updates: usize,
    loss: f64,
    objective: f64,
}

/// What changes with each step.
#[derive(Clone, Copy)]
struct Hot {
    scale: f64,
    squares: f64,
    sizes: f64,
    average: [f64; 2],
    t: f64,
    eta: f64,
    due: f64,
}

impl<'a, T: Float> Learner<'a, T> {
    /// A model before its first step: weights and an intercept, their averages (empty for none), the number of the next
    /// update, the seed of the orders.
    pub fn new(
        targets: Targets<'a, T>,
        class_weights: [f64; 2],
        seed: u32,
        t: f64,
        (w, intercept): (Vec<T>, f64),
        (averaged, averaged_intercept): (Vec<T>, f64),
    ) -> Self {
        let hot = Hot {
            scale: 1.0,
            squares: w.iter().map(|w| (*w * *w).to_f64()).sum(),
            sizes: w.iter().map(|w| w.abs().to_f64()).sum(),
            average: [0.0, 1.0],
            t,
            eta: 0.0,
            due: 0.0,
        };
        Self {
            targets,
            class_weights,
            seed,
            w,
            averaged,
            intercept,
            averaged_intercept,
            hot,
            had: Vec::new(),
            updates: 0,
            loss: 0.0,
            objective: 0.0,
        }
    }

    /// Weights and intercept.
    pub fn model(self) -> ((Vec<T>, f64), (Vec<T>, f64)) {
        ((self.w, self.intercept), (self.averaged, self.averaged_intercept))
    }

    pub(super) fn columns(&self) -> usize {
        self.w.len()
    }

    pub(super) fn seed(&self) -> u32 {
        self.seed
    }

    pub(super) fn begin(&mut self, settings: &Settings) {
        self.hot.eta = settings.eta0;
        if settings.penalty.truncates() {
            self.had.resize(self.w.len(), T::ZERO);
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.hot.eta
    }

    pub(super) fn lower_rate(&mut self) {
        self.hot.eta /= 5.0;
    }

    pub(super) fn is_finite(&self) -> bool {
        self.intercept.is_finite() && self.w.iter().all(|w| w.is_finite())
    }

    /// What the epoch that just ended came to; the next one begins at nothing.
    pub(super) fn take_epoch(&mut self, train: usize) -> Epoch<'_, T> {
        let (loss, objective) = (std::mem::take(&mut self.loss), std::mem::take(&mut self.objective));
        Epoch {
            weights: &self.w,
            norm: T::from_f64(self.hot.squares.sqrt()).to_f64(),
            intercept: self.intercept,
            updates: self.updates,
            loss: loss / train as f64,
            objective: (loss + objective) / train as f64,
        }
    }

    /// Multiplies the scale into the weights.
    pub(super) fn finish(&mut self) {
        reset(&mut self.hot, &mut self.w, &mut self.averaged);
    }

    /// One step for each row of `order[range]`.
    #[inline(always)]
    fn run<R: Rows<T>>(&mut self, p: &Problem<'_, T, R>, order: &[u32], range: Range<usize>) {
        let Problem { x, weights, held_out, settings: s, objective, t0, steepest, .. } = *p;
        let share = s.l1_share();
        let (shrinks, truncates) = (s.penalty.shrinks(), s.penalty.truncates());
        let penalised = objective == Objective::Penalised;
        let classifies = matches!(s.loss, Loss::Hinge(_));
        let [a, b] = self.class_weights;
        let steepest = if a.min(b) < 0.0 { f64::INFINITY } else { steepest * a.max(b) + s.alpha };
        // On the stack, where nothing else can point to them: every step waits for these.
        let (mut hot, mut intercept, mut averaged_intercept) =
            (self.hot, self.intercept, self.averaged_intercept);
        let (w, averaged, had) = (&mut self.w[..], &mut self.averaged[..], &mut self.had[..]);
        let mut seen = Seen::new();
        let mut pace = Pace::new();
        let mut updates = 0;
        for at in range {
            if let Some(&next) = order.get(at + 2 * AHEAD) {
                x.locate(next as usize);
            }
            if let Some(&next) = order.get(at + AHEAD) {
                let next = next as usize;
                x.prefetch(next);
                self.targets.prefetch(next);
                if let Some(weights) = weights {
                    simd::prefetch::<false, _>(&weights[next..=next]);
                }
            }
            let i = order[at] as usize;
            if held_out.is_some_and(|held| held[i]) {
                continue;
            }
            let y = self.targets.of(i);
            match s.rate {
                Rate::Optimal => hot.eta = 1.0 / (s.alpha * (t0 + hot.t - 1.0)),
                Rate::Invscaling(power) => hot.eta = s.eta0 / pace.power(hot.t, power),
                _ => {}
            }
            let score = score(x, (i, y), w, intercept, hot.scale, s, hot.eta * steepest <= 2.0);
            if objective != Objective::None {
                if seen.is_full() {
                    self.loss = seen.loss(self.loss, s.loss);
                    if penalised {
                        self.objective += seen.penalty::<T>(s, share);
                    }
                    seen.count = 0;
                }
                seen.put(y, score, &hot, intercept);
            }
            let class_weight = T::from_f64(self.class_weights[usize::from(y <= 0.0)]);
            let mut update = match s.rate {
                Rate::Pa1 => {
                    let squares = x.squares(i);
                    if squares == 0.0 {
                        continue;
                    }
                    let step = s.loss.value(y, score) / squares;
                    if step < s.eta0 { step } else { s.eta0 }
                }
                Rate::Pa2 => s.loss.value(y, score) / (x.squares(i) + 0.5 / s.eta0),
                _ => -hot.eta * s.loss.slope(y, score),
            };
            if matches!(s.rate, Rate::Pa1 | Rate::Pa2) {
                if classifies {
                    update *= y;
                } else if y - score < 0.0 {
                    update = -update;
                }
            }
            update *= match weights {
                Some(weights) => (class_weight * weights[i]).to_f64(),
                None => class_weight.to_f64(),
            };
            if shrinks {
                let by = 1.0 - (1.0 - share) * hot.eta * s.alpha;
                let by = T::from_f64(if by > 0.0 { by } else { 0.0 }).to_f64();
                hot.scale *= by;
                hot.squares *= by * by;
                hot.sizes *= by.abs();
                if hot.scale < smallest_scale::<T>() {
                    reset(&mut hot, w, averaged);
                }
            }
            if update != 0.0 {
                let scale = T::from_f64(hot.scale);
                let c = T::from_f64(update) / scale;
                let wide = scale.to_f64();
                if penalised && share == 0.0 {
                    let (squares, _) = x.add::<true, false>(i, c, w);
                    hot.squares = squares * (scale * scale).to_f64();
                } else if penalised {
                    let (squares, sizes) = x.add::<true, true>(i, c, w);
                    hot.squares = squares * (scale * scale).to_f64();
                    hot.sizes = sizes * wide;
                } else {
                    x.add::<false, false>(i, c, w);
                }
            }
            if s.intercept {
                let step = if s.one_class { update - hot.eta * s.alpha } else { update };
                if step != 0.0 {
                    intercept += step * s.intercept_decay;
                }
            }
            if s.average > 0.0 && s.average <= hot.t {
                let count = hot.t - s.average + 1.0;
                let number = T::from_f64(count).to_f64();
                if update != 0.0 {
                    let c = -T::from_f64(update).to_f64() / hot.scale;
                    x.add_product(i, hot.average[0], c, averaged);
                }
                let mu = 1.0 / number;
                if number > 1.0 {
                    hot.average[1] /= 1.0 - mu;
                }
                hot.average[0] += mu * hot.average[1] * hot.scale;
                averaged_intercept += (intercept - averaged_intercept) / count;
            }
            if truncates {
                hot.due += share * hot.eta * s.alpha;
                x.truncate(i, hot.due, hot.scale, w, had);
            }
            hot.t += 1.0;
            updates += 1;
        }
        if objective != Objective::None {
            self.loss = seen.loss(self.loss, s.loss);
            if penalised {
                self.objective += seen.penalty::<T>(s, share);
            }
        }
        (self.hot, self.intercept, self.averaged_intercept) = (hot, intercept, averaged_intercept);
        self.updates += updates;
    }
}

/// Steps by rows of one kind. They are compiled here: what is generic is compiled where it is called, in a crate that is to
/// be small rather than fast.
pub trait Steps<R>: Float {
    /// One step for each row of `order[range]`.
    #[doc(hidden)]
    fn steps(learner: &mut Learner<'_, Self>, p: &Problem<'_, Self, R>, order: &[u32], range: Range<usize>);
}

macro_rules! steps {
    ($($t:ty)*) => {$(
        impl Steps<Dense<'_, $t>> for $t {
            fn steps(
                learner: &mut Learner<'_, $t>,
                p: &Problem<'_, $t, Dense<'_, $t>>,
                order: &[u32],
                range: Range<usize>,
            ) {
                simd::dispatch!(learner.run(p, order, range));
            }
        }

        impl Steps<Csr<'_, $t>> for $t {
            fn steps(
                learner: &mut Learner<'_, $t>,
                p: &Problem<'_, $t, Csr<'_, $t>>,
                order: &[u32],
                range: Range<usize>,
            ) {
                learner.run(p, order, range);
            }
        }
    )*};
}
steps!(f32 f64);

/// The score of a row, its dot product summed in lanes where that leaves the weights scikit-learn's: to the last bit where
/// the loss is of straight pieces and rounding does not decide on which one the score lies; else to a rounding, where this
/// step and those to come bring any two sets of weights no further apart (`contracts`). A step that overshoots, as those
/// of high rates do, makes a difference in a last bit larger.
#[inline(always)]
fn score<T: Float, R: Rows<T>>(
    x: &R,
    (i, y): (usize, f64),
    w: &[T],
    intercept: f64,
    scale: f64,
    s: &Settings,
    contracts: bool,
) -> f64 {
    let of = |dot: f64| T::from_f64(dot * scale).to_f64() + intercept;
    if contracts {
        return of(x.in_lanes(i, w, product));
    }
    if s.loss.curvature().is_none() && w.len() >= R::LONG && !s.passive_aggressive() {
        let score = of(x.in_lanes(i, w, product));
        let rounding = 2.0 * (w.len() as f64 * f64::EPSILON + T::EPSILON.to_f64());
        let doubt = rounding * (x.in_lanes(i, w, size) * scale + intercept.abs() + y.abs());
        if s.loss.to_jump(y, score) > doubt {
            return score;
        }
    }
    of(x.dot(i, w))
}

/// Below this scale it is multiplied into the weights.
#[inline(always)]
fn smallest_scale<T>() -> f64 {
    if size_of::<T>() == 4 { 1e-6 } else { 1e-9 }
}

#[cold]
fn reset<T: Float>(hot: &mut Hot, w: &mut [T], averaged: &mut [T]) {
    if !averaged.is_empty() {
        // Fused, as BLAS adds vectors: the two terms may all but cancel.
        let (a, b) = (T::from_f64(hot.average[0]).to_f64(), T::from_f64(1.0 / hot.average[1]));
        for (averaged, w) in averaged.iter_mut().zip(w.iter()) {
            *averaged = T::from_f64(a.mul_add(w.to_f64(), averaged.to_f64())) * b;
        }
        hot.average = [0.0, 1.0];
    }
    let scale = T::from_f64(hot.scale);
    for w in w {
        *w *= scale;
    }
    hot.scale = 1.0;
}

/// Rows whose part of the objective is still to be summed: no step waits for it, so it is taken in vectors.
struct Seen {
    y: [f64; BLOCK],
    score: [f64; BLOCK],
    squares: [f64; BLOCK],
    sizes: [f64; BLOCK],
    intercepts: f64,
    count: usize,
}

impl Seen {
    #[inline(always)]
    fn new() -> Self {
        let zeros = [0.0; BLOCK];
        Self { y: zeros, score: zeros, squares: zeros, sizes: zeros, intercepts: 0.0, count: 0 }
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.count == BLOCK
    }

    #[inline(always)]
    fn put(&mut self, y: f64, score: f64, hot: &Hot, intercept: f64) {
        let k = self.count % BLOCK;
        (self.y[k], self.score[k], self.squares[k], self.sizes[k]) = (y, score, hot.squares, hot.sizes);
        self.intercepts += intercept;
        self.count += 1;
    }

    #[inline(always)]
    fn loss(&self, total: f64, loss: Loss) -> f64 {
        loss.add(total, &self.y[..self.count], &self.score[..self.count])
    }

    #[inline(always)]
    fn penalty<T: Float>(&mut self, s: &Settings, share: f64) -> f64 {
        let mut total = 0.0;
        for k in 0..self.count {
            let norm = T::from_f64(self.squares[k].sqrt());
            let size = T::from_f64(self.sizes[k]).to_f64();
            total += (1.0 - share) * 0.5 * (norm * norm).to_f64() + share * size;
        }
        let own = if s.one_class { self.intercepts } else { 0.0 };
        self.intercepts = 0.0;
        s.alpha * (total + own)
    }
}

/// t^power by the C library for one t after the other; 64 at once, so that no step waits for its own.
struct Pace {
    powers: [f64; BLOCK],
    next: usize,
}

impl Pace {
    #[inline(always)]
    fn new() -> Self {
        Self { powers: [0.0; BLOCK], next: BLOCK }
    }

    #[inline(always)]
    #[allow(
        clippy::disallowed_methods,
        reason = "training, whose bits are to be those of this machine's scikit-learn"
    )]
    fn power(&mut self, t: f64, power: f64) -> f64 {
        if self.next == BLOCK {
            for (k, value) in self.powers.iter_mut().enumerate() {
                *value = (t + k as f64).powf(power);
            }
            self.next = 0;
        }
        self.next += 1;
        self.powers[self.next - 1]
    }
}
