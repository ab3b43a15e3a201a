//! Linear decision functions, and the maps from scores to probabilities.
//!
//! score = x . w + b, summed in eight lanes: lane `j mod 8` adds column `j`, columns in rising order, and the
//! lanes are added as `((0+4) + (2+6)) + ((1+5) + (3+7))`, then `b`. A zero adds nothing to its lane, so a CSR
//! row gives the same bits as the dense row. No fused multiply-add: the same bits on every target.
//! Weights must be finite (a stored zero times an infinite weight would be NaN in the dense form alone).

use crate::float::Float;

/// Lanes of a sum.
pub const LANES: usize = 8;

/// The sum of the lanes, in its fixed order.
#[inline(always)]
pub fn add_lanes<T: Float>(l: [T; LANES]) -> T {
    ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

/// The same of lanes that are vectors, vector by vector: the compiler would turn a sum of one number after the other.
#[inline(always)]
pub fn add_vectors<T: Float, const V: usize>(l: [[T; V]; LANES]) -> [T; V] {
    let add = |a: [T; V], b: [T; V]| std::array::from_fn(|v| a[v] + b[v]);
    add(add(add(l[0], l[4]), add(l[2], l[6])), add(add(l[1], l[5]), add(l[3], l[7])))
}

/// `x . w + b` of a dense row.
#[inline(always)]
pub fn score<T: Float>(x: &[T], w: &[T], b: T) -> T {
    debug_assert_eq!(x.len(), w.len());
    let mut lanes = [T::ZERO; LANES];
    let (xs, ws) = (x.chunks_exact(LANES), w.chunks_exact(LANES));
    let (xr, wr) = (xs.remainder(), ws.remainder());
    for (x, w) in xs.zip(ws) {
        for k in 0..LANES {
            lanes[k] += x[k] * w[k];
        }
    }
    for k in 0..xr.len().min(wr.len()) {
        lanes[k] += xr[k] * wr[k];
    }
    add_lanes(lanes) + b
}

/// `x . w + b` of a sparse row with rising column `indices`.
#[inline(always)]
pub fn score_sparse<T: Float>(indices: &[i32], values: &[T], w: &[T], b: T) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (&j, &x) in indices.iter().zip(values) {
        let j = j as usize;
        lanes[j % LANES] += x * w[j];
    }
    add_lanes(lanes) + b
}

/// 1 / (1 + exp(-z)), in the form that does not overflow.
#[inline(always)]
pub fn sigmoid<T: Float>(z: T) -> T {
    if z >= T::ZERO {
        T::ONE / (T::ONE + (-z).exp())
    } else {
        let e = z.exp();
        e / (T::ONE + e)
    }
}

/// exp(z_k - max z) / sum, in place, summed from left to right.
pub fn softmax<T: Float>(z: &mut [T]) {
    let Some(&first) = z.first() else { return };
    let max = z.iter().fold(first, |m, &v| if v > m { v } else { m });
    for v in z.iter_mut() {
        *v = (*v - max).exp();
    }
    divide_by_sum(z);
}

/// Values of a block of [`sigmoid_each`].
const BLOCK: usize = 256;

/// [`sigmoid`] of each value, in place, with its bits.
#[inline(always)]
pub fn sigmoid_each<T: Float>(z: &mut [T]) {
    let mut e = [T::ZERO; BLOCK];
    for z in z.chunks_mut(BLOCK) {
        let e = &mut e[..z.len()];
        // Either side of sigmoid is of exp(-|z|).
        for (e, z) in e.iter_mut().zip(&*z) {
            *e = -z.abs();
        }
        T::exp_each(e);
        for (z, e) in z.iter_mut().zip(&*e) {
            *z = (if *z >= T::ZERO { T::ONE } else { *e }) / (T::ONE + *e);
        }
    }
}

/// [`softmax`] of each row of `width` values, in place, with its bits.
#[inline(always)]
pub fn softmax_each<T: Float>(z: &mut [T], width: usize) {
    let width = width.max(1);
    for row in z.chunks_exact_mut(width) {
        let max = row.iter().fold(row[0], |m, &v| if v > m { v } else { m });
        row.iter_mut().for_each(|v| *v -= max);
    }
    T::exp_each(z);
    for row in z.chunks_exact_mut(width) {
        divide_by_sum(row);
    }
}

/// z / sum z, in place, summed from left to right.
#[inline(always)]
pub fn divide_by_sum<T: Float>(z: &mut [T]) {
    let mut sum = T::ZERO;
    for v in &*z {
        sum += *v;
    }
    for v in z {
        *v /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sparse_row_gives_the_bits_of_the_dense_row(
            row in prop::collection::vec(prop_oneof![Just(0.0), -1e3..1e3f64], 0..40),
            seed in -1e3..1e3f64,
        ) {
            let w: Vec<f64> = (0..row.len()).map(|j| seed / (1.0 + j as f64)).collect();
            let (i, v): (Vec<i32>, Vec<f64>) =
                row.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(j, x)| (j as i32, *x)).unzip();
            prop_assert_eq!(score(&row, &w, seed).to_bits(), score_sparse(&i, &v, &w, seed).to_bits());
        }

        #[test]
        fn many_at_once_have_the_bits_of_one_by_one(
            z in prop::collection::vec(prop_oneof![-30.0..30.0f64, -800.0..800.0f64, Just(0.0), Just(-0.0)], 0..600),
            width in 1usize..9,
        ) {
            fn check<T: Float>(z: &[T], width: usize) {
                let bits = |v: &[T]| v.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
                let mut found = z.to_vec();
                sigmoid_each(&mut found);
                assert_eq!(bits(&found), bits(&z.iter().map(|v| sigmoid(*v)).collect::<Vec<_>>()));
                let mut found = z[..z.len() / width * width].to_vec();
                let mut expected = found.clone();
                softmax_each(&mut found, width);
                expected.chunks_exact_mut(width).for_each(softmax);
                assert_eq!(bits(&found), bits(&expected));
            }
            check(&z, width);
            check(&z.iter().map(|v| *v as f32).collect::<Vec<_>>(), width);
        }

        #[test]
        fn probabilities_are_probabilities(z in prop::collection::vec(-800.0..800.0f64, 1..10)) {
            let s = sigmoid(z[0]);
            prop_assert!((0.0..=1.0).contains(&s));
            let mut p = z.clone();
            softmax(&mut p);
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
