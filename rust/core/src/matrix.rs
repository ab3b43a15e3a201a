//! Matrices that kernels read some rows at a time: as they lie, or made of numbers of another type.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, Axis, s};

use crate::apart::Apart;
use crate::numbers::Numbers;
use crate::simd;

/// A matrix whose values are read as `T`.
pub trait Matrix<T>: Sync {
    /// Rows and columns.
    fn dim(&self) -> (usize, usize);

    /// `n` rows from `begin` on; in `buffer` unless they lie there as `T`.
    fn some_rows<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> ArrayView2<'b, T>;

    /// The same of one column.
    fn some_of<'b>(&'b self, j: usize, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> ArrayView1<'b, T>;

    /// Bytes of its values.
    fn bytes(&self) -> usize {
        self.dim().0 * self.dim().1 * size_of::<T>()
    }

    /// Do the values of a column lie one after the other, those of a row apart?
    fn by_column(&self) -> bool {
        false
    }

    /// Do values of several columns lie in one line of memory? A column is then not read ahead by itself.
    fn in_lines(&self) -> bool {
        !self.by_column() && self.dim().1 > 1
    }

    /// Asks for values that will be read next.
    fn fetch(&self, _rows: Range<usize>, _columns: Range<usize>) {}
}

impl<T: Copy + Sync> Matrix<T> for ArrayView2<'_, T> {
    fn dim(&self) -> (usize, usize) {
        ArrayView2::dim(self)
    }

    fn some_rows<'b>(&'b self, begin: usize, n: usize, _buffer: &'b mut Vec<T>) -> ArrayView2<'b, T> {
        self.slice(s![begin..begin + n, ..])
    }

    fn some_of<'b>(&'b self, j: usize, begin: usize, n: usize, _buffer: &'b mut Vec<T>) -> ArrayView1<'b, T> {
        self.slice(s![begin..begin + n, j])
    }

    fn by_column(&self) -> bool {
        self.nrows() > 1 && self.ncols() > 1 && self.strides()[0] == 1
    }

    fn fetch(&self, rows: Range<usize>, columns: Range<usize>) {
        for row in self.slice(s![rows, columns]).rows() {
            simd::prefetch::<true, _>(row.to_slice().unwrap_or_default());
        }
    }
}

impl Matrix<f64> for Numbers<'_> {
    fn dim(&self) -> (usize, usize) {
        (self.rows(), self.columns())
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn some_rows<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<f64>) -> ArrayView2<'b, f64> {
        let columns = self.columns();
        buffer.resize(n * columns, 0.0);
        matrix(self.whole_rows(begin, buffer), columns)
    }

    fn some_of<'b>(
        &'b self,
        j: usize,
        begin: usize,
        n: usize,
        buffer: &'b mut Vec<f64>,
    ) -> ArrayView1<'b, f64> {
        buffer.resize(n, 0.0);
        ArrayView1::from(self.column(j, begin, buffer))
    }
}

/// Values row by row; in `copy` unless they lie so.
pub(crate) fn side_by_side<'b, T: Copy>(x: &'b ArrayView2<'_, T>, copy: &'b mut Vec<T>) -> &'b [T] {
    if let Some(values) = x.as_slice() {
        return values;
    }
    copy.clear();
    copy.extend(x.iter().copied());
    copy
}

/// Values as rows of so many.
fn matrix<T>(values: &[T], columns: usize) -> ArrayView2<'_, T> {
    let rows = values.len() / columns.max(1);
    // Neither shape fails: there are as many values as the first has, and none in the second.
    ArrayView2::from_shape((rows, columns), values)
        .unwrap_or_else(|_| ArrayView1::from(&values[..0]).insert_axis(Axis(1)))
}

/// A column that lies apart, as a matrix.
pub struct Single<'a, C>(pub &'a C);

impl<T: Copy, C: Apart<T>> Matrix<T> for Single<'_, C> {
    fn dim(&self) -> (usize, usize) {
        (self.0.len(), 1)
    }

    fn some_rows<'b>(&'b self, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> ArrayView2<'b, T> {
        self.some_of(0, begin, n, buffer).insert_axis(Axis(1))
    }

    fn some_of<'b>(&'b self, _j: usize, begin: usize, n: usize, buffer: &'b mut Vec<T>) -> ArrayView1<'b, T> {
        ArrayView1::from(self.0.block(begin, n, buffer))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};
    use proptest::prelude::*;

    use super::*;
    use crate::exec::Exec;
    use crate::extrema::Extrema;
    use crate::impute::{Fill, Means, Missing, fill, fill_matrix, modes};
    use crate::moments::Moments;
    use crate::quantile::{Sketch, quantiles_of_rows, update_all};
    use crate::scale::{Direction, Mode, Standard, apply, apply_rows};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn whole_numbers_are_what_their_floats_are(
            rows in 1usize..30_000, columns in 1usize..5, apart in any::<bool>(), seed in any::<u32>(),
        ) {
            let mut rng = crate::random::Mt19937::new(seed);
            #[allow(clippy::cast_possible_truncation, reason = "small")]
            let wide = Array2::from_shape_simple_fn((rows, 2 * columns), || (rng.next_f64() * 300.0) as i16 - 100);
            let wholes = if apart { wide.slice(s![.., ..;2]) } else { wide.slice(s![.., ..columns]) };
            let floats = wholes.mapv(f64::from);
            let (x, floats, serial) = (Numbers::from(wholes), floats.view(), Exec::serial());
            let mut buffer = Vec::new();
            prop_assert_eq!(Matrix::dim(&x), floats.dim());
            prop_assert_eq!(Matrix::bytes(&x), 2 * floats.len());
            prop_assert_eq!(x.some_rows(rows / 3, rows / 2, &mut buffer), floats.slice(s![rows / 3..rows / 3 + rows / 2, ..]));
            prop_assert_eq!(x.some_of(columns - 1, 0, rows, &mut buffer), floats.column(columns - 1));
            let (mut a, mut b) = (Moments::new(columns), Moments::new(columns));
            a.update_rows(&x, None, &serial).unwrap();
            b.update(floats, None, &serial).unwrap();
            prop_assert_eq!(a, b);
            let (mut a, mut b) = (Extrema::new(columns), Extrema::new(columns));
            a.update_rows(&x, &serial).unwrap();
            b.update(floats, &serial).unwrap();
            prop_assert_eq!(a, b);
            let (mut a, mut b) = (Means::new(columns), Means::new(columns));
            a.update_rows(&x, Missing::Value(7.0), &serial).unwrap();
            b.update(floats, Missing::Value(7.0), &serial).unwrap();
            prop_assert_eq!(a, b);
            let of = |missing| {
                let a = quantiles_of_rows(&x, missing, &[0.25, 0.5], &serial).unwrap();
                (a, quantiles_of_rows(&floats, missing, &[0.25, 0.5], &serial).unwrap())
            };
            let (a, b) = of(Missing::Nan);
            prop_assert_eq!(a, b);
            prop_assert_eq!(modes(&x, Missing::Nan, &serial).unwrap(), modes(&floats, Missing::Nan, &serial).unwrap());
            let (mut a, mut b) = (vec![Sketch::default(); columns], vec![Sketch::default(); columns]);
            update_all(&mut a, &x, &serial).unwrap();
            update_all(&mut b, &floats, &serial).unwrap();
            prop_assert_eq!(a, b);
            let values: Vec<f64> = (1..=columns).map(|j| j as f64).collect();
            let (mut a, mut b) = (vec![0.0; floats.len()], vec![0.0; floats.len()]);
            let standard = Standard { mean: Some(&values[..]), scale: Some(&values[..]) };
            let mode = || Mode { direction: Direction::Forward, clip: None };
            apply_rows(&x, standard, mode(), &mut a, &serial).unwrap();
            apply(floats, standard, mode(), &mut b, &serial).unwrap();
            prop_assert_eq!(&a, &b);
            let what = Fill { missing: Missing::Value(7.0), values: &values, indicators: &[] };
            fill_matrix(&x, what, &mut a, &serial).unwrap();
            fill(floats, what, false, &mut b, &serial).unwrap();
            prop_assert_eq!(&a, &b);
        }
    }
}
