//! Centred sums of products of columns, which is all that least squares needs of its rows.
//!
//! A block of rows is laid out in panels of eight columns as `f64`, less the mean of the block before, beside a column of
//! ones, and multiplied panel by panel in registers, one triangle only: the products with the ones are the sums. How far
//! the means of two blocks lie apart is part of the whole's spread, so what centring about the wrong one costs is
//! rounding. Blocks are merged by Chan, Golub, LeVeque: Algorithms for computing the sample variance (1983). One pass
//! over memory.

use ndarray::{ArrayView1, ArrayView2, s};

use crate::error::Result;
use crate::exec::Exec;
use crate::float::Float;
use crate::simd;

/// Columns of a panel.
const LANES: usize = 8;
/// Panels that a tile is wide: 24 vectors of sums and what they are made of fill AVX-512's registers.
const WIDE: usize = 3;
/// Rows of a block, unless it would be lower than wide: then merging it would cost as much as making it.
const BLOCK: usize = 256;
/// Parts that threads share, each with its own sums. Few if they are large.
const PARTS: usize = 64;
const FEW_PARTS: usize = 8;
const LARGE: usize = 1 << 18;
/// Bytes of panels that stay in the second-level cache.
const CACHE: usize = 1 << 20;
/// Products below which threads cost more than they bring.
const SERIAL_BELOW: usize = 4 << 20;

type Lanes = [f64; LANES];

/// Sums of products of the deviations from the mean, for `width` columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// Rows, or the sum of their weights.
    pub weight: f64,
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// `width` x `width`; of the lower triangle nothing is to be read before [`Gram::mirror`].
    pub products: Vec<f64>,
}

impl Gram {
    /// Of no rows.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { weight: 0.0, mean: vec![0.0; width], products: vec![0.0; width * width] }
    }

    /// Takes in the rows that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        let width = self.mean.len();
        let sum = self.weight + other.weight;
        if other.weight == 0.0 {
            return;
        }
        let delta: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        let share = self.weight / sum * other.weight;
        for (i, d) in delta.iter().enumerate() {
            let (row, theirs) = (i * width + i..(i + 1) * width, &other.products[i * width + i..]);
            for ((sum, p), e) in self.products[row].iter_mut().zip(theirs).zip(&delta[i..]) {
                *sum += p + d * share * e;
            }
        }
        for (mean, d) in self.mean.iter_mut().zip(&delta) {
            *mean += d * (other.weight / sum);
        }
        self.weight = sum;
    }

    /// Of a block's `products` about `origin` with a column of ones, which becomes the block's mean.
    fn center(&mut self, products: &[f64], origin: &mut [f64]) {
        let width = self.mean.len();
        let sum = |j: usize| products[j * (width + 1) + width];
        self.weight = sum(width);
        if self.weight == 0.0 {
            return;
        }
        for (j, (mean, origin)) in self.mean.iter_mut().zip(&mut *origin).enumerate() {
            *mean = *origin + sum(j) / self.weight;
            *origin = *mean;
        }
        for i in 0..width {
            let d = sum(i) / self.weight;
            for j in i..width {
                self.products[i * width + j] = products[i * (width + 1) + j] - d * sum(j);
            }
            // Of a column whose values differ from the origin alone, only rounding is left.
            let own = &mut self.products[i * width + i];
            if *own < 0.0 {
                *own = 0.0;
            }
        }
    }

    /// Copies the upper triangle to the lower.
    pub fn mirror(&mut self) {
        let width = self.mean.len();
        for i in 0..width {
            for j in 0..i {
                self.products[i * width + j] = self.products[j * width + i];
            }
        }
    }

    /// Takes in rows of `x` and `y`, side by side.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] if the caller asked to stop; `self` is then as it was.
    pub fn update<T: Float>(&mut self, rows: Rows<'_, T>, exec: &Exec<'_>) -> Result<()> {
        let (n, width) = (rows.x.nrows(), rows.width());
        let block = BLOCK.max(width);
        let blocks = n.div_ceil(block);
        let parts = blocks.min(if width * width > LARGE { FEW_PARTS } else { PARTS });
        let exec = exec.only_if(n.saturating_mul(width * width / 2) >= SERIAL_BELOW);
        let sums = exec.map(parts, |k| {
            let (begin, end) = (blocks * k / parts * block, (blocks * (k + 1) / parts * block).min(n));
            let mut sum = Self::new(width);
            let mut work = Block::new(block.min(n), width);
            let mut one = Self::new(width);
            let mut products = vec![0.0; (width + 1) * (width + 1)];
            work.begin_at(rows, begin);
            for from in (begin..end).step_by(block) {
                work.fill(rows, from, end.min(from + block));
                work.multiply(&mut products);
                one.center(&products, &mut work.origin);
                sum.merge(&one);
            }
            sum
        })?;
        for sum in &sums {
            self.merge(sum);
        }
        Ok(())
    }
}

/// Rows of inputs and targets, with a weight each or none.
#[derive(Clone, Copy)]
pub struct Rows<'a, T> {
    /// Inputs.
    pub x: ArrayView2<'a, T>,
    /// Targets, as many rows.
    pub y: ArrayView2<'a, T>,
    /// Not negative.
    pub weights: Option<ArrayView1<'a, f64>>,
}

impl<T: Float> Rows<'_, T> {
    fn width(&self) -> usize {
        self.x.ncols() + self.y.ncols()
    }
}

/// `X' W (Y - X B)` of deviations from `mean` (of inputs, then targets), for `coef` of shape (inputs, targets): zero
/// at the least-squares solution, and small beside its terms near it.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn normal_residual<T: Float>(
    rows: Rows<'_, T>,
    mean: &[f64],
    coef: ArrayView2<'_, f64>,
    exec: &Exec<'_>,
) -> Result<Vec<f64>> {
    let (n, width) = (rows.x.nrows(), rows.width());
    let (inputs, targets) = coef.dim();
    let panels = inputs.div_ceil(LANES);
    let padded: Vec<Vec<Lanes>> = (0..targets)
        .map(|t| {
            let at = |j| if j < inputs { coef[(j, t)] } else { 0.0 };
            (0..panels).map(|p| std::array::from_fn(|l| at(p * LANES + l))).collect()
        })
        .collect();
    let blocks = n.div_ceil(BLOCK);
    let parts = blocks.min(PARTS);
    let exec = exec.only_if(n.saturating_mul(width) >= SERIAL_BELOW / 8);
    let sums = exec.map(parts, |k| {
        let (begin, end) = (blocks * k / parts * BLOCK, (blocks * (k + 1) / parts * BLOCK).min(n));
        let mut work = Block::new(BLOCK.min(n), width);
        work.origin[..width].copy_from_slice(mean);
        let mut residual = vec![0.0; BLOCK];
        let mut sum = vec![[0.0; LANES]; targets * panels];
        for from in (begin..end).step_by(BLOCK) {
            work.fill(rows, from, end.min(from + BLOCK));
            for (t, (coef, sum)) in padded.iter().zip(sum.chunks_mut(panels)).enumerate() {
                let residual = &mut residual[..work.rows];
                simd::dispatch!(work.residual(inputs + t, coef, residual));
                simd::dispatch!(work.add_weighted(residual, sum));
            }
        }
        sum
    })?;
    let mut out = vec![0.0; inputs * targets];
    for sum in &sums {
        for (k, v) in sum.iter().flatten().enumerate() {
            let (t, j) = (k / (panels * LANES), k % (panels * LANES));
            if j < inputs {
                out[j * targets + t] += v;
            }
        }
    }
    Ok(out)
}

/// A block of rows in panels: panel, row, lane. After the columns comes one of ones, and zeros to the panel's end; with
/// weights, all are times the root of the row's.
struct Block {
    panels: Vec<Lanes>,
    /// Room for rows.
    height: usize,
    rows: usize,
    /// Columns, with that of ones.
    width: usize,
    /// What is subtracted from each column, zero beyond the last.
    origin: Vec<f64>,
    roots: Vec<f64>,
}

impl Block {
    fn new(height: usize, columns: usize) -> Self {
        let width = columns + 1;
        let panels = width.div_ceil(LANES);
        Self {
            panels: vec![[0.0; LANES]; panels * height],
            height,
            rows: 0,
            width,
            origin: vec![0.0; panels * LANES],
            roots: Vec::new(),
        }
    }

    /// Takes a row's values to subtract: of a constant column nothing at all is left then.
    fn begin_at<T: Float>(&mut self, rows: Rows<'_, T>, row: usize) {
        let values = rows.x.row(row).into_iter().chain(rows.y.row(row));
        for (origin, v) in self.origin.iter_mut().zip(values) {
            *origin = v.to_f64();
        }
    }

    fn panel(&self, p: usize) -> &[Lanes] {
        &self.panels[p * self.height..][..self.rows]
    }

    fn fill<T: Float>(&mut self, from: Rows<'_, T>, begin: usize, end: usize) {
        self.rows = end - begin;
        let x = from.x.slice(s![begin..end, ..]);
        let y = from.y.slice(s![begin..end, ..]);
        let height = self.height;
        match x.as_slice() {
            Some(values) => {
                let columns = x.ncols();
                simd::dispatch!(place_rows(values, columns, &self.origin, &mut self.panels, height));
            }
            None => self.place(x, 0),
        }
        self.place(y, x.ncols());
        let (p, lane) = ((self.width - 1) / LANES, (self.width - 1) % LANES);
        for row in &mut self.panels[p * height..][..self.rows] {
            row[lane] = 1.0;
        }
        if let Some(w) = from.weights {
            self.roots.clear();
            self.roots.extend(w.slice(s![begin..end]).iter().map(|w| w.sqrt()));
            for panel in self.panels.chunks_mut(height) {
                for (row, root) in panel.iter_mut().zip(&self.roots) {
                    *row = row.map(|v| v * root);
                }
            }
        }
    }

    fn place<T: Float>(&mut self, values: ArrayView2<'_, T>, first: usize) {
        for (j, column) in values.columns().into_iter().enumerate() {
            let (p, lane) = ((first + j) / LANES, (first + j) % LANES);
            let origin = self.origin[first + j];
            for (to, v) in self.panels[p * self.height..].iter_mut().zip(column) {
                to[lane] = v.to_f64() - origin;
            }
        }
    }

    /// The products of every column with itself and those after it: group by group of panels that stay in the second-level
    /// cache while all before them pass by.
    fn multiply(&self, out: &mut [f64]) {
        let panels = self.width.div_ceil(LANES);
        let group = (CACHE / (self.height * size_of::<Lanes>()) / WIDE * WIDE).max(WIDE);
        for begin in (0..panels).step_by(group) {
            let end = panels.min(begin + group);
            for i in 0..end {
                let (a, mut j) = (self.panel(i), i.max(begin));
                while j < end {
                    if j + WIDE <= end {
                        let b: [_; WIDE] = std::array::from_fn(|k| self.panel(j + k));
                        self.put(&simd::products(a, b), i, j, out);
                        j += WIDE;
                    } else {
                        self.put(&simd::products(a, [self.panel(j)]), i, j, out);
                        j += 1;
                    }
                }
            }
        }
    }

    fn put<const N: usize>(&self, tile: &[[Lanes; N]; LANES], i: usize, j: usize, out: &mut [f64]) {
        for (row, tile) in (i * LANES..self.width).zip(tile) {
            let begin = j * LANES;
            let end = self.width.min(begin + N * LANES);
            out[row * self.width + begin..row * self.width + end]
                .copy_from_slice(&tile.as_flattened()[..end - begin]);
        }
    }

    /// The column minus the inputs times `coef`.
    #[inline(always)]
    fn residual(&self, column: usize, coef: &[Lanes], out: &mut [f64]) {
        let (target, lane) = (self.panel(column / LANES), column % LANES);
        let mut sums = [[0.0; LANES]; BLOCK];
        for (p, w) in coef.iter().enumerate() {
            for (sum, x) in sums.iter_mut().zip(self.panel(p)) {
                for l in 0..LANES {
                    sum[l] += x[l] * w[l];
                }
            }
        }
        for ((out, sum), y) in out.iter_mut().zip(&sums).zip(target) {
            *out = y[lane] - crate::linear::add_lanes(*sum);
        }
    }

    #[inline(always)]
    fn add_weighted(&self, residual: &[f64], sums: &mut [Lanes]) {
        for (p, sum) in sums.iter_mut().enumerate() {
            let mut lanes = [[0.0; LANES]; 4];
            let panel = self.panel(p);
            let (xs, rs) = (panel.chunks_exact(4), residual.chunks_exact(4));
            for (x, r) in xs.remainder().iter().zip(rs.remainder()) {
                for l in 0..LANES {
                    lanes[0][l] += x[l] * r;
                }
            }
            for (x, r) in xs.zip(rs) {
                for k in 0..4 {
                    for l in 0..LANES {
                        lanes[k][l] += x[k][l] * r[k];
                    }
                }
            }
            for l in 0..LANES {
                sum[l] += (lanes[0][l] + lanes[1][l]) + (lanes[2][l] + lanes[3][l]);
            }
        }
    }
}

#[inline(always)]
fn place_rows<T: Float>(values: &[T], columns: usize, origin: &[f64], panels: &mut [Lanes], height: usize) {
    let (origins, _) = origin.as_chunks::<LANES>();
    for (r, row) in values.chunks_exact(columns).enumerate() {
        let (whole, rest) = row.as_chunks::<LANES>();
        for (p, (values, origin)) in whole.iter().zip(origins).enumerate() {
            let to = &mut panels[p * height + r];
            for l in 0..LANES {
                to[l] = values[l].to_f64() - origin[l];
            }
        }
        let at = whole.len();
        for (l, v) in rest.iter().enumerate() {
            panels[at * height + r][l] = v.to_f64() - origins[at][l];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, ShapeBuilder};
    use proptest::prelude::*;

    fn gram(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, w: Option<ArrayView1<'_, f64>>) -> Gram {
        let mut gram = Gram::new(x.ncols() + y.ncols());
        gram.update(Rows { x, y, weights: w }, &Exec::serial()).unwrap();
        gram.mirror();
        gram
    }

    /// By the definition.
    fn plain(x: &Array2<f64>, w: &Array1<f64>) -> (f64, Array1<f64>, Array2<f64>) {
        let sum = w.sum();
        let mean = x.t().dot(w) / sum;
        let off = x - &mean;
        (sum, mean, (&off * &w.view().insert_axis(ndarray::Axis(1))).t().dot(&off))
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_definition_in_every_layout_and_order_of_rows(
            rows in 1usize..700, columns in 1usize..40, targets in 0usize..3, seed in any::<u32>(), cut in 0.0..1.0f64,
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            let all = Array2::from_shape_fn((rows, columns + targets), |_| rng.next_f64() + 5.0);
            let (x, y) = (all.slice(s![.., ..columns]).to_owned(), all.slice(s![.., columns..]).to_owned());
            let weights = Array1::from_shape_fn(rows, |_| rng.next_f64());
            for w in [None, Some(weights.view())] {
                let one = gram(x.view(), y.view(), w);
                let (sum, mean, products) = plain(&all, &w.map_or(Array1::ones(rows), |w| w.to_owned()));
                // Sums of at most 700 rounded terms of size one.
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-11 * (1.0 + b.abs());
                prop_assert!(near(one.weight, sum));
                prop_assert!(one.mean.iter().zip(&mean).all(|(a, b)| near(*a, *b)));
                prop_assert!(one.products.iter().zip(&products).all(|(a, b)| near(*a, *b)));
                let mut f = Array2::zeros((rows, columns).f());
                f.assign(&x);
                prop_assert_eq!(&gram(f.view(), y.view(), w), &one);
                let at = (rows as f64 * cut) as usize;
                let part = |range: std::ops::Range<usize>| {
                    let w = w.map(|w| w.slice_move(s![range.clone()]));
                    gram(x.slice(s![range.clone(), ..]), y.slice(s![range, ..]), w)
                };
                let mut merged = part(0..at);
                merged.merge(&part(at..rows));
                merged.mirror();
                prop_assert!(merged.products.iter().zip(&one.products).all(|(a, b)| near(*a, *b)));
            }
        }
    }

    #[test]
    fn many_columns_are_multiplied_group_by_group() {
        let x = Array2::from_shape_fn((700, 610), |(i, j)| ((i * 7 + j * j * 3 + i * j) % 13) as f64);
        let one = gram(x.view(), x.slice(s![.., ..0]), None);
        let (_, _, products) = plain(&x, &Array1::ones(700));
        // Sums of 700 products of about 10.
        assert!(one.products.iter().zip(&products).all(|(a, b)| (a - b).abs() <= 1e-8));
    }

    #[test]
    fn a_constant_column_has_no_products_at_all() {
        let x = Array2::from_shape_fn((3000, 2), |(i, j)| if j == 0 { 0.1 } else { i as f64 });
        let gram = gram(x.view(), x.slice(s![.., ..0]), None);
        assert_eq!(gram.products[..3], [0.0; 3]);
    }

    #[test]
    fn the_residual_is_what_the_products_leave_over() {
        let x = Array2::from_shape_fn((700, 11), |(i, j)| ((i * 7 + j * j * 3) % 13) as f64);
        let y = Array2::from_shape_fn((700, 2), |(i, j)| ((i * 5 + j) % 11) as f64);
        let coef = Array2::from_shape_fn((11, 2), |(i, j)| (i + j) as f64 - 4.0);
        let gram = gram(x.view(), y.view(), None);
        let rows = Rows { x: x.view(), y: y.view(), weights: None };
        let left = normal_residual(rows, &gram.mean, coef.view(), &Exec::serial()).unwrap();
        for j in 0..11 {
            for t in 0..2 {
                let products = &gram.products[j * 13..];
                let expected = products[11 + t] - (0..11).map(|i| products[i] * coef[(i, t)]).sum::<f64>();
                // Products of up to a million, summed.
                assert!((left[j * 2 + t] - expected).abs() < 1e-8);
            }
        }
    }
}
