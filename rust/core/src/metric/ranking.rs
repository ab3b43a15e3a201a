//! How well scores rank the rows of one class before the others.
//!
//! Keys of the scores (`order`) are parted by class and sorted apart; one merge then counts. The area under the ROC curve
//! is the share of pairs (positive, negative) in the right order, ties by half: counted in integers, so exactly. A curve
//! has a point for each distinct score, with the positives and negatives at or above it.

use crate::error::Result;
use crate::exec::Exec;
use crate::metric::numbers::{BLOCK, Numbers, PIECE, SERIAL_BELOW, lane_sum};
use crate::metric::order::{key, score};
use crate::radix::{Keyed, sorted};

/// Which rows are positive.
#[derive(Clone, Copy)]
pub enum Truth<'a> {
    /// Those of one class.
    Class(&'a [u16], u16),
    /// Those with a 1 in this column; the others have a 0.
    Column(&'a Numbers<'a>, usize),
}

impl Truth<'_> {
    /// Marks positive rows from `begin` on with 1, others with 0; `false` if there is another value.
    fn mark(self, begin: usize, marks: &mut [u8]) -> bool {
        match self {
            Self::Class(codes, positive) => {
                let codes = &codes[begin..begin + marks.len()];
                marks.iter_mut().zip(codes).for_each(|(mark, &code)| *mark = u8::from(code == positive));
                true
            }
            Self::Column(values, column) => {
                let mut scratch = [0.0; BLOCK];
                let values = values.column(column, begin, &mut scratch[..marks.len()]);
                marks.iter_mut().zip(values).for_each(|(mark, &x)| *mark = u8::from(x == 1.0));
                values.iter().fold(true, |all, &x| all & ((x == 0.0) | (x == 1.0)))
            }
        }
    }
}

/// What is sorted: a key, or a key with its row's weight.
trait Item: Keyed + Send + Sync {
    fn new(key: u64, weight: f64) -> Self;
    fn weight(self) -> f64;
}

impl Item for u64 {
    #[inline(always)]
    fn new(key: u64, _: f64) -> Self {
        key
    }
    #[inline(always)]
    fn weight(self) -> f64 {
        1.0
    }
}

impl Item for (u64, f64) {
    #[inline(always)]
    fn new(key: u64, weight: f64) -> Self {
        (key, weight)
    }
    #[inline(always)]
    fn weight(self) -> f64 {
        self.1
    }
}

/// One column of scores, which rows are positive, and what rows weigh.
#[derive(Clone, Copy)]
pub struct Ranked<'a> {
    /// The scores.
    pub scores: &'a Numbers<'a>,
    /// Which of their columns.
    pub column: usize,
    /// The positive rows.
    pub truth: Truth<'a>,
    /// Weights of the rows; those that weigh nothing are left out.
    pub weights: Option<&'a Numbers<'a>>,
}

/// Rows of a piece, the positive ones and the negative ones.
type Parted<K> = (Vec<K>, Vec<K>);

impl Ranked<'_> {
    /// The rows of one piece, parted; `None` if a value may not occur.
    fn part<K: Item>(&self, rows: std::ops::Range<usize>) -> Option<Parted<K>> {
        let n = rows.len();
        let (mut positive, mut negative) = (vec![K::default(); n], vec![K::default(); n]);
        let (mut p, mut q) = (0, 0);
        let (mut room, mut weigh, mut marks) = ([0.0; BLOCK], [1.0; BLOCK], [0_u8; BLOCK]);
        for begin in rows.clone().step_by(BLOCK) {
            let m = (rows.end - begin).min(BLOCK);
            let values = self.scores.column(self.column, begin, &mut room[..m]);
            let weights = match self.weights {
                Some(weights) => weights.column(0, begin, &mut weigh[..m]),
                None => &weigh[..m],
            };
            let marks = &mut marks[..m];
            let finite = values.iter().chain(weights).fold(true, |all, x| all & x.is_finite());
            if !self.truth.mark(begin, marks) || !finite {
                return None;
            }
            for ((&x, &weight), &mark) in values.iter().zip(weights).zip(&*marks) {
                // Both are written, one of them is kept: no branch to guess wrong.
                let item = K::new(key(x), weight);
                (positive[p], negative[q]) = (item, item);
                let kept = usize::from(weight != 0.0);
                p += usize::from(mark) & kept;
                q += usize::from(1 - mark) & kept;
            }
        }
        positive.truncate(p);
        negative.truncate(q);
        Some((positive, negative))
    }

    /// Positive and negative rows by descending scores; `None` if a value may not occur.
    fn sorted<K: Item>(&self, exec: &Exec<'_>) -> Result<Option<Parted<K>>> {
        let n = self.scores.rows();
        let exec = exec.only_if(n >= SERIAL_BELOW / 10);
        let parts = exec.map(n.div_ceil(PIECE), |i| self.part::<K>(i * PIECE..((i + 1) * PIECE).min(n)))?;
        let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let mut halves = exec.map(2, |half| {
            let pieces: Vec<&[K]> =
                parts.iter().map(|part| if half == 0 { &*part.0 } else { &*part.1 }).collect();
            sorted(&pieces)
        })?;
        let (negative, positive) = (halves.pop().unwrap_or_default(), halves.pop().unwrap_or_default());
        Ok(Some((positive, negative)))
    }
}

/// Twice the pairs `(a, b)` with a key of `a` below one of `b`, equal ones counted once: the better score is the lesser key.
fn doubled_wins(a: &[u64], b: &[u64]) -> u64 {
    count_below(a, b, |a, b| a < b) + count_below(a, b, |a, b| a <= b)
}

/// Pairs `(a, b)` with `before(a, b)`, of sorted keys.
#[inline(always)]
fn count_below(a: &[u64], b: &[u64], before: impl Fn(u64, u64) -> bool) -> u64 {
    let (mut i, mut j, mut pairs) = (0, 0, 0_u64);
    while i < a.len() && j < b.len() {
        let ahead = before(a[i], b[j]);
        pairs += if ahead { 0 } else { i as u64 };
        i += usize::from(ahead);
        j += usize::from(!ahead);
    }
    pairs + (a.len() as u64) * (b.len() - j) as u64
}

/// The area under the ROC curve; `None` if a value may not occur, NaN if one class has no row.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn area(ranked: &Ranked<'_>, exec: &Exec<'_>) -> Result<Option<f64>> {
    let Some((positive, negative)) = ranked.sorted::<u64>(exec)? else { return Ok(None) };
    let wins = exec.only_if(ranked.scores.rows() >= SERIAL_BELOW).map(2, |ties| {
        if ties == 0 {
            count_below(&positive, &negative, |a, b| a < b)
        } else {
            count_below(&positive, &negative, |a, b| a <= b)
        }
    })?;
    let pairs = 2.0 * positive.len() as f64 * negative.len() as f64;
    Ok(Some(wins.iter().sum::<u64>() as f64 / pairs))
}

/// `areas[c][d]`: the area under the ROC curve of class `c` against class `d` by the scores of column `columns[c]`.
/// `None` if a score is not finite.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn areas_of_pairs(
    scores: &Numbers<'_>,
    codes: &[u16],
    counts: &[u64],
    exec: &Exec<'_>,
) -> Result<Option<Vec<Vec<f64>>>> {
    let classes = counts.len();
    let exec = exec.only_if(codes.len() * classes >= SERIAL_BELOW / 10);
    let areas = exec.map(classes, |c| {
        let lists = by_class(scores, c, codes, counts)?;
        let own = &lists[c];
        let wins =
            |list: &Vec<u64>| doubled_wins(own, list) as f64 / (2.0 * own.len() as f64 * list.len() as f64);
        Some(lists.iter().map(wins).collect())
    })?;
    Ok(areas.into_iter().collect())
}

/// The sorted keys of a column, class by class; `None` if a score is not finite.
fn by_class(scores: &Numbers<'_>, column: usize, codes: &[u16], counts: &[u64]) -> Option<Vec<Vec<u64>>> {
    let mut ends = vec![0; counts.len()];
    let mut end = 0;
    for (place, &count) in ends.iter_mut().zip(counts) {
        *place = end;
        end += count as usize;
    }
    let mut keys = crate::memory::zeroed_space(codes.len());
    let mut room = [0.0; BLOCK];
    for (i, codes) in codes.chunks(BLOCK).enumerate() {
        let values = scores.column(column, i * BLOCK, &mut room[..codes.len()]);
        if !values.iter().fold(true, |all, x| all & x.is_finite()) {
            return None;
        }
        for (&x, &code) in values.iter().zip(codes) {
            let end = &mut ends[code as usize];
            keys[*end] = key(x);
            *end += 1;
        }
    }
    let list = |(&end, &count): (&usize, &u64)| sorted(&[&keys[end - count as usize..end]]);
    Some(ends.iter().zip(counts).map(list).collect())
}

/// Average precision: the sum over distinct scores of (recall gained there) x (precision there). `None` if a value may
/// not occur, NaN without positive rows.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn average_precision(ranked: &Ranked<'_>, exec: &Exec<'_>) -> Result<Option<f64>> {
    let Some((positive, negative)) = ranked.sorted::<u64>(exec)? else { return Ok(None) };
    let parts = positive.len().div_ceil(PIECE);
    let sums = exec.only_if(ranked.scores.rows() >= SERIAL_BELOW).map(parts, |part| {
        precision_of_part(&positive, &negative, part * PIECE..((part + 1) * PIECE).min(positive.len()))
    })?;
    Ok(Some(sums.iter().sum::<f64>() / positive.len() as f64))
}

/// The part of the sum that groups of equal scores ending in these positive rows give.
fn precision_of_part(positive: &[u64], negative: &[u64], rows: std::ops::Range<usize>) -> f64 {
    let (first, part) = (rows.start, &positive[rows.clone()]);
    let Some(&lowest) = part.first() else { return 0.0 };
    // Negative rows at or above each positive one: the loop has no branch to guess wrong.
    let mut above = vec![0_u32; part.len()];
    let (mut i, mut j) = (0, negative.partition_point(|&key| key <= lowest));
    while i < part.len() && j < negative.len() {
        let passed = negative[j] <= part[i];
        above[i] = j as u32;
        j += usize::from(passed);
        i += usize::from(!passed);
    }
    above[i..].fill(negative.len() as u32);
    // A group may begin before this part, and its end may lie behind.
    let mut begin = positive.partition_point(|&key| key < lowest);
    let mut sum = 0.0;
    for (k, &negatives) in above.iter().enumerate() {
        let end = first + k + 1;
        let ends = positive.get(end) != Some(&part[k]);
        let share = (end - begin) as f64 * (end as f64 / (end as f64 + f64::from(negatives)));
        sum += if ends { share } else { 0.0 };
        begin = if ends { end } else { begin };
    }
    sum
}

/// The area under a line through points by the trapezoidal rule; does x rise somewhere, and fall somewhere?
#[must_use]
pub fn trapezoids(x: &[f64], y: &[f64]) -> (f64, bool, bool) {
    let pieces = x.len().min(y.len()).saturating_sub(1);
    let (mut rises, mut falls) = (false, false);
    for pair in x.windows(2) {
        rises |= pair[1] > pair[0];
        falls |= pair[1] < pair[0];
    }
    let area = lane_sum(pieces, |i| (x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2.0);
    (area, rises, falls)
}

/// Which points of a curve are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// None.
    Nothing,
    /// Those on the straight line between their neighbours.
    Straight,
    /// Those whose neighbours have as many positives.
    Flat,
}

/// Points by descending scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// The distinct scores.
    pub thresholds: Vec<f64>,
    /// Weights of the positive rows at or above each.
    pub positives: Vec<f64>,
    /// The same of the negative rows.
    pub negatives: Vec<f64>,
}

/// The points of a curve; `None` if a value may not occur.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn curve(ranked: &Ranked<'_>, drop: Drop, exec: &Exec<'_>) -> Result<Option<Curve>> {
    let points = if ranked.weights.is_some() {
        ranked.sorted::<(u64, f64)>(exec)?.map(|(p, n)| points(&p, &n, drop))
    } else {
        ranked.sorted::<u64>(exec)?.map(|(p, n)| points(&p, &n, drop))
    };
    Ok(points)
}

/// Merges the rows of both classes.
fn points<K: Item>(positive: &[K], negative: &[K], drop: Drop) -> Curve {
    let most = positive.len() + negative.len();
    let room = || Vec::with_capacity(most);
    let mut curve = Curve { thresholds: room(), positives: room(), negatives: room() };
    let (mut i, mut j, mut up, mut down) = (0, 0, 0.0, 0.0);
    let mut threshold = None;
    // A point is written once a row with another score comes.
    let mut take = |key: u64, before: [f64; 2]| {
        if let Some(last) = threshold
            && last != key
        {
            curve.push(score(last), before);
        }
        threshold = Some(key);
    };
    while i < positive.len() && j < negative.len() {
        let (a, b) = (positive[i], negative[j]);
        let first = a.key() <= b.key();
        take(if first { a.key() } else { b.key() }, [up, down]);
        up += if first { a.weight() } else { 0.0 };
        down += if first { 0.0 } else { b.weight() };
        i += usize::from(first);
        j += usize::from(!first);
    }
    for item in &positive[i..] {
        take(item.key(), [up, down]);
        up += item.weight();
    }
    for item in &negative[j..] {
        take(item.key(), [up, down]);
        down += item.weight();
    }
    if let Some(last) = threshold {
        curve.push(score(last), [up, down]);
    }
    curve.thin(drop);
    curve
}

impl Curve {
    #[inline(always)]
    fn push(&mut self, threshold: f64, [up, down]: [f64; 2]) {
        self.thresholds.push(threshold);
        self.positives.push(up);
        self.negatives.push(down);
    }

    /// Leaves points between the ends out.
    fn thin(&mut self, drop: Drop) {
        let n = self.thresholds.len();
        if drop == Drop::Nothing || n < 3 {
            return;
        }
        let (up, down) = (&mut self.positives[..n], &mut self.negatives[..n]);
        let mut before = (up[0], down[0]);
        let mut to = 1;
        for k in 1..n - 1 {
            let (here, after) = ((up[k], down[k]), (up[k + 1], down[k + 1]));
            let bends = |a: f64, b: f64, c: f64| (c - b) - (b - a) != 0.0;
            let keep = match drop {
                Drop::Straight => bends(before.0, here.0, after.0) | bends(before.1, here.1, after.1),
                _ => (here.0 != before.0) | (after.0 != here.0),
            };
            // Always written, kept only if it stays: no branch to guess wrong.
            (up[to], down[to]) = here;
            self.thresholds[to] = self.thresholds[k];
            to += usize::from(keep);
            before = here;
        }
        (up[to], down[to]) = (up[n - 1], down[n - 1]);
        self.thresholds[to] = self.thresholds[n - 1];
        for values in [&mut self.thresholds, &mut self.positives, &mut self.negatives] {
            values.truncate(to + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView2;
    use proptest::prelude::*;

    fn by_hand(scores: &[f64], codes: &[u16]) -> f64 {
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (a, _) in scores.iter().zip(codes).filter(|(_, c)| **c == 1) {
            for (b, _) in scores.iter().zip(codes).filter(|(_, c)| **c == 0) {
                wins += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
                pairs += 1.0;
            }
        }
        wins / pairs
    }

    proptest! {
        #[test]
        fn areas_and_curves_agree_with_counting(
            rows in prop::collection::vec((-3_i32..4, 0_u16..2), 1..80),
            scale in prop_oneof![Just(1.0), Just(1e300), Just(1e-320)],
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) * scale).collect();
            let codes: Vec<u16> = rows.iter().map(|row| row.1).collect();
            let view = Numbers::F64(ArrayView2::from_shape((scores.len(), 1), &scores).unwrap());
            let ones = vec![1.0; scores.len()];
            let weights = Numbers::F64(ArrayView2::from_shape((scores.len(), 1), &ones).unwrap());
            let exec = Exec::serial();
            let mut ranked = Ranked { scores: &view, column: 0, truth: Truth::Class(&codes, 1), weights: None };
            let (found, expected) = (area(&ranked, &exec).unwrap().unwrap(), by_hand(&scores, &codes));
            prop_assert!((found - expected).abs() < 1e-12 || (found.is_nan() && expected.is_nan()));
            let plain = curve(&ranked, Drop::Nothing, &exec).unwrap().unwrap();
            for (k, t) in plain.thresholds.iter().enumerate() {
                let above = |code| scores.iter().zip(&codes).filter(|(s, c)| **s >= *t && **c == code).count() as f64;
                prop_assert_eq!((plain.positives[k], plain.negatives[k]), (above(1), above(0)));
            }
            ranked.weights = Some(&weights);
            for drop in [Drop::Nothing, Drop::Straight, Drop::Flat] {
                ranked.weights = None;
                let plain = curve(&ranked, drop, &exec).unwrap();
                ranked.weights = Some(&weights);
                prop_assert_eq!(curve(&ranked, drop, &exec).unwrap(), plain);
            }
        }
    }

    #[test]
    fn pairs_of_classes_are_those_of_two() {
        let n = 60_000;
        let scores: Vec<f64> = (0..3 * n).map(|i| f64::from(i % 10_007 * 31 % 1_009)).collect();
        let codes: Vec<u16> = (0..n).map(|i| (i % 7 * i % 5 % 3) as u16).collect();
        let counts: Vec<u64> =
            (0..3).map(|c| codes.iter().filter(|code| **code == c).count() as u64).collect();
        let view = Numbers::F64(ArrayView2::from_shape((codes.len(), 3), &scores).unwrap());
        let areas = areas_of_pairs(&view, &codes, &counts, &Exec::serial()).unwrap().unwrap();
        let rest: f64 = [0, 2].iter().map(|&d| areas[1][d] * counts[d] as f64).sum::<f64>()
            / (counts[0] + counts[2]) as f64;
        let ranked = Ranked { scores: &view, column: 1, truth: Truth::Class(&codes, 1), weights: None };
        let whole = area(&ranked, &Exec::serial()).unwrap().unwrap();
        assert!((rest - whole).abs() < 1e-12);
    }
}
