//! Counts and sums of weights over numbered labels.
//!
//! Weights are added row after row, as NumPy's `bincount` does, so that sums have its bits; hence one thread.

use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::metric::{Joint, Label, Pairs, encode, joint};

/// Rows between two looks at whether the caller wants to stop.
const PIECE: usize = 1 << 16;

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A square table, a row for each true label and a column for each predicted one.
    Table,
    /// Three rows with a column for each label: rows that agree, rows predicted so, rows truly so.
    Sums,
}

/// What is added up: counts and integer weights, which wrap as NumPy's do, or floating weights.
pub trait Weight: Copy {
    /// 0
    const ZERO: Self;
    /// The weight of a row without one.
    const ONE: Self;
    /// `self += x`
    fn add(&mut self, x: Self);
}

impl Weight for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    #[inline(always)]
    fn add(&mut self, x: Self) {
        *self = self.wrapping_add(x);
    }
}

impl Weight for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn add(&mut self, x: Self) {
        *self += x;
    }
}

/// Counts of labels numbered `0..width`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells<W> {
    what: What,
    width: usize,
    values: Vec<W>,
}

impl<W: Weight> Cells<W> {
    fn new(what: What, width: usize) -> Result<Self> {
        let too_large =
            || Error::Memory(format!("counts of {width} x {width} labels do not fit into memory"));
        let rows = if what == What::Table { width } else { 3 };
        let n = rows.checked_mul(width).ok_or_else(too_large)?;
        let mut values = Vec::new();
        values.try_reserve_exact(n).map_err(|_| too_large())?;
        values.resize(n, W::ZERO);
        Ok(Self { what, width, values })
    }

    /// The values for the labels numbered `order` alone, in that order, row by row.
    #[must_use]
    pub fn arranged(&self, order: &[usize]) -> Vec<W> {
        let row = |i: usize| order.iter().map(move |&j| self.values[i * self.width + j]);
        match self.what {
            What::Table => order.iter().flat_map(|&i| row(i)).collect(),
            What::Sums => (0..3).flat_map(row).collect(),
        }
    }
}

impl Cells<i64> {
    fn of_joint(joint: &Joint, what: What) -> Result<Self> {
        let width = joint.width;
        let mut cells = Self::new(what, width)?;
        for (i, &n) in joint.counts.iter().enumerate() {
            let (n, t, p) = (n as i64, i / width, i % width);
            match what {
                What::Table => cells.values[i] = n,
                What::Sums => {
                    cells.values[t] += if t == p { n } else { 0 };
                    cells.values[width + p] += n;
                    cells.values[2 * width + t] += n;
                }
            }
        }
        Ok(cells)
    }
}

/// Counts integers: the labels that occur, in order, and the values for them. `None` if not all are integers.
///
/// # Errors
/// [`Error::Interrupted`] if the caller asked to stop, [`Error::Memory`] if the table is too large.
pub fn count_integers<T: Label>(
    t: &[T],
    p: &[T],
    what: What,
    exec: &Exec<'_>,
) -> Result<Option<(Vec<i64>, Vec<i64>)>> {
    match joint(t, p, exec)? {
        Pairs::Close(joint) => {
            let cells = Cells::of_joint(&joint, what)?;
            let order = joint.occurring();
            Ok(Some((order.iter().map(|&i| joint.lo + i as i64).collect(), cells.arranged(&order))))
        }
        Pairs::Apart => {
            let Some(codes) = encode(t, p, exec)? else { return Ok(None) };
            let order = codes.order();
            let cells = add_up(&codes.t, &codes.p, codes.labels.len(), None, what, exec)?;
            Ok(Some((order.iter().map(|&i| codes.labels[i]).collect(), cells.arranged(&order))))
        }
        Pairs::NotIntegers => Ok(None),
    }
}

/// Counts labels numbered `0..width`, all of which occur.
///
/// # Errors
/// As [`count_integers`].
pub fn count_numbered(t: &[u32], p: &[u32], width: usize, what: What, exec: &Exec<'_>) -> Result<Cells<i64>> {
    match joint(t, p, exec)? {
        Pairs::Close(joint) => Cells::of_joint(&joint, what),
        Pairs::Apart | Pairs::NotIntegers => add_up(t, p, width, None, what, exec),
    }
}

/// Adds up the rows' weights for labels numbered `0..width`; without weights, counts.
///
/// # Errors
/// As [`count_integers`].
pub fn add_up<W: Weight>(
    t: &[u32],
    p: &[u32],
    width: usize,
    weights: Option<&[W]>,
    what: What,
    exec: &Exec<'_>,
) -> Result<Cells<W>> {
    let mut cells: Cells<W> = Cells::new(what, width)?;
    let values = &mut cells.values;
    match what {
        What::Table => for_each_row(t, p, weights, exec, |t, p, w| values[t * width + p].add(w))?,
        What::Sums => {
            let (hits, rest) = values.split_at_mut(width);
            let (predicted, truly) = rest.split_at_mut(width);
            for_each_row(t, p, weights, exec, |t, p, w| {
                if t == p {
                    hits[t].add(w);
                }
                predicted[p].add(w);
                truly[t].add(w);
            })?;
        }
    }
    Ok(cells)
}

/// Calls `f(t, p, weight)` for each row, in order.
fn for_each_row<W: Weight>(
    t: &[u32],
    p: &[u32],
    weights: Option<&[W]>,
    exec: &Exec<'_>,
    mut f: impl FnMut(usize, usize, W),
) -> Result<()> {
    for (i, (t, p)) in t.chunks(PIECE).zip(p.chunks(PIECE)).enumerate() {
        exec.check()?;
        let pairs = t.iter().zip(p).map(|(&t, &p)| (t as usize, p as usize));
        match weights {
            Some(w) => pairs.zip(&w[i * PIECE..]).for_each(|((t, p), &w)| f(t, p, w)),
            None => pairs.for_each(|(t, p)| f(t, p, W::ONE)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_table_agree_on_every_way() {
        let (t, p) = ([0_u32, 1, 2, 1, 0, 1], [0_u32, 2, 2, 1, 1, 1]);
        let exec = Exec::serial();
        let all = [0, 1, 2];
        let (table, sums) = (vec![1, 1, 0, 0, 2, 1, 0, 0, 1], vec![1, 2, 1, 1, 3, 2, 2, 3, 1]);
        for (what, expected) in [(What::Table, table), (What::Sums, sums)] {
            let counted = add_up::<i64>(&t, &p, 3, None, what, &exec).unwrap();
            assert_eq!(counted.arranged(&all), expected);
            assert_eq!(count_numbered(&t, &p, 3, what, &exec).unwrap(), counted);
            for step in [1_i64, 1000, 1 << 40] {
                let spread = |v: &[u32]| v.iter().map(|&x| i64::from(x) * step).collect::<Vec<_>>();
                let labels = vec![0, step, 2 * step];
                let found = count_integers(&spread(&t), &spread(&p), what, &exec).unwrap().unwrap();
                assert_eq!(found, (labels, expected.clone()));
            }
        }
    }

    #[test]
    fn weights_are_added_and_labels_put_in_order() {
        let (t, p) = ([0_u32, 1, 2, 1, 0, 1], [0_u32, 2, 2, 1, 1, 1]);
        let w = [1.0, 0.5, 2.0, 0.25, 4.0, 8.0];
        let exec = Exec::serial();
        let table = add_up(&t, &p, 3, Some(&w), What::Table, &exec).unwrap();
        assert_eq!(table.arranged(&[0, 1, 2]), [1.0, 4.0, 0.0, 0.0, 8.25, 0.5, 0.0, 0.0, 2.0]);
        assert_eq!(table.arranged(&[2, 0]), [2.0, 0.0, 0.0, 1.0]);
        let sums = add_up(&t, &p, 3, Some(&w), What::Sums, &exec).unwrap();
        assert_eq!(sums.arranged(&[2, 1, 0]), [2.0, 8.25, 1.0, 2.5, 12.25, 1.0, 2.0, 8.75, 5.0]);
    }
}
