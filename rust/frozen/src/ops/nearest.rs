//! The mean of what the nearest of the file's rows have.

use std::collections::BinaryHeap;

use ferroflow_core::{Float, linear, logarithm, simd};

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;

/// Rows of the file that are compared at once, one in each lane.
const LANES: usize = 8;
/// Numbers of the file's rows that stay in the nearest cache while all rows of a block pass by.
const NEAR: usize = 2_048;
/// Rows that are found at once, for all rows that look for theirs: a megabyte.
const MOST_FOUND: usize = 1 << 16;
/// The least exponent whose power [`Float::exp_each`] computes in vectors.
const LEAST: f64 = -708.0;

#[derive(Debug, Clone, Copy)]
enum Metric {
    Manhattan,
    Euclidean,
    Minkowski(f64),
    Chebyshev,
}

#[derive(Debug)]
struct Nearest {
    metric: Metric,
    k: usize,
    by_distance: bool,
    n_rows: usize,
    width: usize,
    /// Eight rows after eight rows, each eight column by column; the last row fills the last eight up.
    tiles: Vec<[f64; LANES]>,
    values: Vec<f64>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let (k, by_distance) = (r.fields.size("k")?, r.fields.bool("by_distance")?);
    let metric = match r.fields.text("metric")?.as_str() {
        "manhattan" => Metric::Manhattan,
        "euclidean" => Metric::Euclidean,
        "chebyshev" => Metric::Chebyshev,
        "minkowski" => match r.tensors.numbers(&r.fields.text("p")?, false)?.as_slice() {
            &[p] if p > 0.0 => Metric::Minkowski(p),
            _ => return invalid(format!("{} has not one power above 0", r.place())),
        },
        other => return invalid(format!("{} has the metric '{other}'", r.place())),
    };
    let (n_rows, width, rows) = r.tensors.matrix(&r.fields.text("rows")?)?;
    r.fits("rows", width, r.input.len())?;
    let (of, outputs, values) = r.tensors.matrix(&r.fields.text("values")?)?;
    r.fits("values", of, n_rows)?;
    if width == 0 || outputs == 0 || k == 0 || k > n_rows {
        return invalid(format!("{} wants {k} of {n_rows} rows", r.place()));
    }
    r.compiler.work(rows.len());
    let tiles = tiled(&rows, width);
    r.whole(outputs, Box::new(Nearest { metric, k, by_distance, n_rows, width, tiles, values }))
}

fn tiled(rows: &[f64], width: usize) -> Vec<[f64; LANES]> {
    let last = rows.len() / width - 1;
    (0..=last)
        .step_by(LANES)
        .flat_map(|first| {
            (0..width).map(move |j| std::array::from_fn(|l| rows[(first + l).min(last) * width + j]))
        })
        .collect()
}

type Tile = [[f64; LANES]];

/// Squares summed as [`linear::score`] sums: each eighth column by itself, then the eight sums as its lanes.
#[inline(always)]
fn squared(x: &[f64], tile: &Tile) -> [f64; LANES] {
    let sums = |first: usize| {
        let mut sums = [0.0; LANES];
        for (x, tile) in x.chunks(linear::LANES).zip(tile.chunks(linear::LANES)) {
            if let (Some(x), Some(tile)) = (x.get(first), tile.get(first)) {
                for l in 0..LANES {
                    sums[l] += (x - tile[l]) * (x - tile[l]);
                }
            }
        }
        sums
    };
    linear::add_vectors([sums(0), sums(1), sums(2), sums(3), sums(4), sums(5), sums(6), sums(7)])
}

/// What `add` makes of the gaps, from left to right.
#[inline(always)]
fn folded(x: &[f64], tile: &Tile, add: impl Fn(f64, f64) -> f64) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (x, tile) in x.iter().zip(tile) {
        for l in 0..LANES {
            sums[l] = add(sums[l], (x - tile[l]).abs());
        }
    }
    sums
}

/// Sums of powers. Where a sum is above `bound` for sure, it is near the sum only: musl's powers take twenty times as
/// long as those of vectors, and few rows are near. `slack` is what gaps of zero may add, in vectors.
#[inline(always)]
fn powers(x: &[f64], tile: &Tile, (p, slack): (f64, f64), bound: f64, gaps: &mut [f64]) -> [f64; LANES] {
    // Within these the logarithms and powers below are off by 1e-12 at most, relatively, but for the slack.
    const SAFE: std::ops::Range<f64> = 1e-290..1e290;
    const SURELY: f64 = 1.0 + 1e-9;
    let mut far = [false; LANES];
    let mut sums = [0.0; LANES];
    if SAFE.contains(&bound) {
        for ((x, tile), gaps) in x.iter().zip(tile).zip(gaps.as_chunks_mut::<LANES>().0) {
            for l in 0..LANES {
                gaps[l] = (x - tile[l]).abs().max(f64::MIN_POSITIVE);
            }
        }
        logarithm::ln_each(gaps);
        gaps.iter_mut().for_each(|gap| *gap = (*gap * p).max(LEAST));
        f64::exp_each(gaps);
        for gaps in gaps.as_chunks::<LANES>().0 {
            for l in 0..LANES {
                sums[l] += gaps[l];
            }
        }
        far = sums.map(|sum| sum > bound * SURELY + slack && SAFE.contains(&sum));
    }
    for l in (0..LANES).filter(|&l| !far[l]) {
        sums[l] = x.iter().zip(tile).map(|(x, tile)| libm::pow((x - tile[l]).abs(), p)).sum();
    }
    sums
}
/// The nearest rows so far of one row, the farthest of them on top: the bits of what orders as the distance does (which
/// order as it does, since it is never negative), and the row's number, so that of equally near rows the first stay.
type Found = BinaryHeap<(u64, usize)>;

impl Nearest {
    fn bound(&self, found: &Found) -> f64 {
        match found.peek() {
            Some(last) if found.len() == self.k => f64::from_bits(last.0),
            _ => f64::INFINITY,
        }
    }

    #[inline(never)]
    fn put(&self, found: &mut Found, d: f64, row: usize) {
        if found.len() < self.k {
            found.push((d.to_bits(), row));
        } else if let Some(mut last) = found.peek_mut() {
            *last = (d.to_bits(), row);
        }
    }

    /// For each row of `x`, the `k` nearest rows to `found`. `false` if a distance is not finite.
    #[inline(always)]
    fn search(
        &self,
        x: &[f64],
        found: &mut [Found],
        mut distances: impl FnMut(&[f64], &Tile, f64) -> [f64; LANES],
    ) -> bool {
        let at_once = (NEAR / (self.width * LANES)).max(1);
        for (part, tiles) in self.tiles.chunks(at_once * self.width).enumerate() {
            for (x, found) in x.chunks_exact(self.width).zip(&mut *found) {
                let mut bound = self.bound(found);
                for (tile, columns) in tiles.chunks_exact(self.width).enumerate() {
                    let d = distances(x, columns, bound);
                    if !d.iter().fold(true, |all, d| all & d.is_finite()) {
                        return false;
                    }
                    if d.iter().fold(false, |any, d| any | (*d < bound)) {
                        let first = (part * at_once + tile) * LANES;
                        for (l, d) in d.iter().enumerate().take(self.n_rows - first) {
                            if *d < bound {
                                self.put(found, *d, first + l);
                                bound = self.bound(found);
                            }
                        }
                    }
                }
            }
        }
        true
    }

    #[inline(always)]
    fn find(&self, x: &[f64], found: &mut [Found]) -> bool {
        match self.metric {
            Metric::Euclidean => self.search(
                x,
                found,
                #[inline(always)]
                |x, tile, _| squared(x, tile),
            ),
            Metric::Manhattan => self.search(
                x,
                found,
                #[inline(always)]
                |x, tile, _| folded(x, tile, |sum, gap| sum + gap),
            ),
            Metric::Chebyshev => self.search(
                x,
                found,
                #[inline(always)]
                |x, tile, _| folded(x, tile, |most, gap| if gap > most { gap } else { most }),
            ),
            Metric::Minkowski(p) => {
                let mut gaps = vec![0.0; self.width * LANES];
                let least = libm::exp((libm::log(f64::MIN_POSITIVE) * p).max(LEAST));
                let slack = 1.001 * least * self.width as f64;
                self.search(
                    x,
                    found,
                    #[inline(always)]
                    |x, tile, bound| powers(x, tile, (p, slack), bound, &mut gaps),
                )
            }
        }
    }

    /// The weighted mean of what the rows found have, the nearest first.
    fn mean(&self, found: Found, out: &mut [f64]) -> bool {
        let found = found.into_sorted_vec();
        let exact = self.by_distance && found.first().is_some_and(|nearest| nearest.0 == 0);
        let (mut sum, width) = (0.0, out.len());
        out.fill(0.0);
        for (d, row) in found {
            let weight = match (self.by_distance, exact) {
                (false, _) => 1.0,
                (true, true) => f64::from(u8::from(d == 0)),
                (true, false) => 1.0 / self.metric.distance(f64::from_bits(d)),
            };
            sum += weight;
            for (out, value) in out.iter_mut().zip(&self.values[row * width..(row + 1) * width]) {
                *out += weight * value;
            }
        }
        out.iter_mut().for_each(|v| *v /= sum);
        out.iter().all(|v| v.is_finite())
    }
}

impl Metric {
    fn distance(self, reduced: f64) -> f64 {
        match self {
            Self::Euclidean => reduced.sqrt(),
            Self::Manhattan | Self::Chebyshev => reduced,
            Self::Minkowski(p) => libm::pow(reduced, 1.0 / p),
        }
    }
}

impl Function for Nearest {
    fn of(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool {
        self.of_each(1, x, work, out)
    }

    fn of_each(&self, rows: usize, x: &[f64], _: &mut Vec<f64>, out: &mut [f64]) -> bool {
        let outputs = out.len() / rows;
        let at_once = (MOST_FOUND / self.k).max(1);
        x.chunks(at_once * self.width).zip(out.chunks_mut(at_once * outputs)).all(|(x, out)| {
            let mut found = vec![Found::with_capacity(self.k); x.len() / self.width];
            let done = simd::run(
                #[inline(always)]
                || self.find(x, &mut found),
            );
            done && found.into_iter().zip(out.chunks_mut(outputs)).all(|(found, out)| self.mean(found, out))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The `k` nearest rows of `x`, what orders them first; summed as the format says.
    fn sorted(metric: Metric, x: &[f64], rows: &[f64], k: usize) -> Vec<(u64, usize)> {
        let one = |s: &[f64]| {
            let gaps = x.iter().zip(s).map(|(x, s)| (x - s).abs());
            match metric {
                Metric::Euclidean => {
                    let gaps: Vec<f64> = gaps.collect();
                    linear::score(&gaps, &gaps, 0.0)
                }
                Metric::Manhattan => gaps.sum(),
                Metric::Chebyshev => gaps.fold(0.0, f64::max),
                Metric::Minkowski(p) => gaps.map(|gap| libm::pow(gap, p)).sum(),
            }
        };
        let mut all: Vec<(f64, usize)> = rows.chunks(x.len()).map(one).zip(0..).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0)); // a stable sort
        all.truncate(k);
        all.into_iter().map(|(d, row)| (d.to_bits(), row)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn the_nearest_are_those_of_a_sort(
            width in 1_usize..20,
            n_rows in 1_usize..60,
            k in 1_usize..8,
            power in prop_oneof![Just(1.5), Just(3.0), 0.1..40.0_f64],
            // Few different values, so that distances are zero and equal; and of all sizes.
            cells in prop::collection::vec(prop_oneof![4 => (-3..3_i32).prop_map(f64::from), 2 => -9.0..9.0_f64,
                1 => prop_oneof![Just(1e-300), Just(5e-324), Just(1e9)]], 1..400),
        ) {
            let k = k.min(n_rows);
            let cell = |i: usize| cells[i * 7 % cells.len()];
            let rows: Vec<f64> = (0..n_rows * width).map(cell).collect();
            let x: Vec<f64> = (0..9 * width).map(|i| cell(i + 31)).collect();
            for metric in [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Minkowski(power)] {
                let nearest = Nearest {
                    metric, k, by_distance: true, n_rows, width, tiles: tiled(&rows, width), values: vec![1.0; n_rows]
                };
                let mut found = vec![Found::new(); 9];
                let finite = nearest.find(&x, &mut found);
                // 1e9 to the 40th power is no number.
                let is_finite = |d: &(u64, usize)| f64::from_bits(d.0).is_finite();
                let all = |x: &[f64]| sorted(metric, x, &rows, n_rows).iter().all(is_finite);
                prop_assert_eq!(finite, x.chunks(width).all(all));
                if finite {
                    for (x, found) in x.chunks(width).zip(found) {
                        prop_assert_eq!(found.into_sorted_vec(), sorted(metric, x, &rows, k));
                    }
                }
            }
        }
    }
}
