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
