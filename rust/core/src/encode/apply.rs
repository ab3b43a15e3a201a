//! From ids to outputs: one pass over the rows, each output written once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::BLOCK;
use crate::error::Result;
use crate::exec::Exec;

/// Values below which threads cost more than they bring (waking the pool takes some 20 us, a value 1 to 2 ns).
const SERIAL_BELOW: usize = 50_000;
/// Rows of a piece, the unit that a thread takes.
const PIECE: usize = 16 * BLOCK;

/// A column as ids, block by block.
pub trait Source: Sync {
    /// The ids of the rows from `begin` on, at most [`BLOCK`] of them.
    fn ids(&self, begin: usize, out: &mut [u32]);
}

/// Codes that are there already; what is negative or not below `n` is `n`.
pub struct Codes<'a, T> {
    /// The column.
    pub codes: ndarray::ArrayView1<'a, T>,
    /// How many codes there are.
    pub n: u32,
}

impl<T: Copy + Sync + TryInto<u32>> Source for Codes<'_, T> {
    fn ids(&self, begin: usize, out: &mut [u32]) {
        let codes = self.codes.slice(ndarray::s![begin..begin + out.len()]);
        if let Some(codes) = codes.as_slice() {
            for (code, id) in codes.iter().zip(out) {
                *id = (*code).try_into().unwrap_or(self.n).min(self.n);
            }
        } else {
            for (code, id) in codes.iter().zip(out) {
                *id = (*code).try_into().unwrap_or(self.n).min(self.n);
            }
        }
    }
}

/// How often each code below `n` appears, and last how often what is negative or larger does.
#[must_use]
pub fn count_codes<T: Copy + TryInto<u32>>(codes: ndarray::ArrayView1<'_, T>, n: u32) -> Vec<u64> {
    let place = |code: T| code.try_into().unwrap_or(n).min(n) as usize;
    let mut total = vec![0; n as usize + 1];
    let Some(codes) = codes.as_slice() else {
        codes.iter().for_each(|code| total[place(*code)] += 1);
        return total;
    };
    // Four tables in turn, so that equal neighbours do not wait on each other; they pay off if they are small.
    let mut tables = vec![[0_u64; 4]; n as usize + 1];
    let fours = codes.chunks_exact(4);
    fours.remainder().iter().for_each(|code| total[place(*code)] += 1);
    for four in fours {
        for (k, code) in four.iter().enumerate() {
            tables[place(*code)][k] += 1;
        }
    }
    total.iter_mut().zip(tables).for_each(|(total, counts)| *total += counts.iter().sum::<u64>());
    total
}

/// A column and what its ids become.
pub struct Column<'a, T> {
    /// Gives the ids.
    pub source: &'a dyn Source,
    /// The output of each id.
    pub table: &'a [T],
    /// Ids from here on are not among the categories.
    pub unknown: u32,
}

/// `out[i, j] = table of column j [id of row i in column j]`, row by row; returns which columns had unknown ids.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn encode<T: Copy + Send + Sync>(
    columns: &[Column<'_, T>],
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<Vec<bool>> {
    let k = columns.len().max(1);
    let found: Vec<AtomicBool> = columns.iter().map(|_| AtomicBool::new(false)).collect();
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let piece = (PIECE / k).max(BLOCK) * k;
    exec.for_each_piece(out, piece, |i, out| {
        let mut ids = [0_u32; BLOCK];
        for (b, out) in out.chunks_mut(BLOCK * k).enumerate() {
            let begin = i * (piece / k) + b * BLOCK;
            let rows = out.len() / k;
            for (j, column) in columns.iter().enumerate() {
                let ids = &mut ids[..rows];
                column.source.ids(begin, ids);
                if ids.iter().fold(0, |a, &b| a.max(b)) >= column.unknown {
                    found[j].store(true, Ordering::Relaxed);
                }
                let table = column.table;
                if k == 1 {
                    for (id, out) in ids.iter().zip(out.iter_mut()) {
                        *out = table[*id as usize];
                    }
                } else {
                    for (id, row) in ids.iter().zip(out.chunks_exact_mut(k)) {
                        row[j] = table[*id as usize];
                    }
                }
            }
        }
    })?;
    Ok(found.into_iter().map(AtomicBool::into_inner).collect())
}

/// The CSR parts (indices, indptr) of a matrix of column numbers with `k` entries a row, negative ones left out.
#[must_use]
pub fn compact(matrix: &[i32], k: usize) -> (Vec<i32>, Vec<i32>) {
    let mut indices = vec![0; matrix.len()];
    let mut indptr = Vec::with_capacity(matrix.len() / k.max(1) + 1);
    indptr.push(0);
    let mut n = 0;
    for row in matrix.chunks_exact(k.max(1)) {
        for &at in row {
            // Written always and counted if wanted: no branch to guess.
            indices[n] = at;
            n += usize::from(at >= 0);
        }
        indptr.push(n as i32);
    }
    indices.truncate(n);
    (indices, indptr)
}

/// The other two parts of a CSR matrix that has `k` ones in every row: `data` and `indptr`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn one_per_place<T: Copy + Send + Sync>(
    one: T,
    data: &mut [T],
    k: usize,
    indptr: &mut [i32],
    exec: &Exec<'_>,
) -> Result<()> {
    // Fresh pages are the price, and two threads touch them in half the time.
    let exec = exec.only_if(data.len() >= SERIAL_BELOW);
    exec.for_each_piece(data, PIECE, |_, data| data.fill(one))?;
    exec.for_each_piece(indptr, PIECE, |piece, indptr| {
        for (row, at) in (piece * PIECE..).zip(indptr) {
            *at = (row * k) as i32;
        }
    })
}

/// Writes `one` into each row of `out` (zeros, `width` a row) at the `k` column numbers of its row in `matrix`.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn scatter<T: Copy + Send + Sync>(
    matrix: &[i32],
    k: usize,
    one: T,
    out: &mut [T],
    width: usize,
    exec: &Exec<'_>,
) -> Result<()> {
    if width == 0 || k == 0 {
        return Ok(());
    }
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    let rows = (PIECE / width).max(64);
    exec.for_each_piece(out, rows * width, |i, out| {
        let matrix = &matrix[i * rows * k..];
        for (at, row) in matrix.chunks_exact(k).zip(out.chunks_exact_mut(width)) {
            for &at in at {
                if let Some(cell) = usize::try_from(at).ok().and_then(|at| row.get_mut(at)) {
                    *cell = one;
                }
            }
        }
    })
}

/// The same where `out` lies column by column.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn scatter_by_column<T: Copy>(
    matrix: &[i32],
    k: usize,
    one: T,
    out: &mut [T],
    exec: &Exec<'_>,
) -> Result<()> {
    let k = k.max(1);
    let rows = matrix.len() / k;
    for (part, matrix) in matrix.chunks(PIECE * k).enumerate() {
        exec.check()?;
        for (row, at) in (part * PIECE..).zip(matrix.chunks_exact(k)) {
            for &at in at {
                let cell = usize::try_from(at).ok().and_then(|at| out.get_mut(at * rows + row));
                if let Some(cell) = cell {
                    *cell = one;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView1;

    #[test]
    fn columns_are_mapped_and_the_unknown_told() {
        let rows = 5000;
        let a: Vec<i8> = (0..rows).map(|i| (i % 3) as i8).collect();
        let b: Vec<u32> = (0..rows).map(|i| (i % 4) as u32).collect();
        let columns = [
            Column {
                source: &Codes { codes: ArrayView1::from(&a), n: 3 },
                table: &[10, 11, 12, -1],
                unknown: 3,
            },
            Column {
                source: &Codes { codes: ArrayView1::from(&b), n: 3 },
                table: &[5, 6, -1, -2],
                unknown: 3,
            },
        ];
        let mut out = vec![0_i32; 2 * rows];
        assert_eq!(encode(&columns, &mut out, &Exec::serial()).unwrap(), [false, true]);
        assert_eq!(out[..8], [10, 5, 11, 6, 12, -1, 10, -2]);
        let (indices, indptr) = compact(&out[..8], 2);
        assert_eq!(indices, [10, 5, 11, 6, 12, 10]);
        assert_eq!(indptr, [0, 2, 4, 5, 6]);
        let (mut ones, mut starts) = (vec![0_u8; 8], vec![7; 5]);
        one_per_place(1, &mut ones, 2, &mut starts, &Exec::serial()).unwrap();
        assert_eq!((ones, starts), (vec![1; 8], vec![0, 2, 4, 6, 8]));
        let mut dense = vec![0_u8; 4 * 13];
        scatter(&out[..8], 2, 1, &mut dense, 13, &Exec::serial()).unwrap();
        assert_eq!(dense.iter().sum::<u8>(), 6);
        assert_eq!((dense[10], dense[5], dense[13 + 11], dense[26 + 12], dense[39 + 10]), (1, 1, 1, 1, 1));
        let mut across = vec![0_u8; 4 * 13];
        scatter_by_column(&out[..8], 2, 1, &mut across, &Exec::serial()).unwrap();
        assert!((0..52).all(|i| across[i % 13 * 4 + i / 13] == dense[i]));
    }
}
