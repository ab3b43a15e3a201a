//! Rows of a table, as bytes, gathered into a new one.

use crate::error::Result;
use crate::exec::Exec;
use crate::simd;
use crate::split::halves::Order;

/// Bytes below which threads cost more than they bring (waking the pool takes some 20 us).
const SERIAL_BELOW: usize = 1 << 22;
/// Bytes of a piece, the unit that a thread takes: a huge page, so that two threads do not wait for the same fresh one.
const PIECE: usize = 1 << 21;
/// Rows that are fetched ahead: far enough to hide a miss to memory behind the copies before it.
const AHEAD: usize = 12;
/// Bytes of a row that are fetched ahead; the CPU follows a longer row by itself.
const LINES: usize = 512;

/// `out[i] = table[order[i]]`, for rows of `width` bytes. `order` is within the table.
///
/// # Errors
/// [`crate::Error::Interrupted`] if the caller asked to stop.
pub fn gather(table: &[u8], width: usize, order: Order<'_>, out: &mut [u8], exec: &Exec<'_>) -> Result<()> {
    if width == 0 {
        return Ok(());
    }
    let rows = (PIECE / width).max(1);
    let exec = exec.only_if(out.len() >= SERIAL_BELOW);
    exec.for_each_piece(out, rows * width, |i, out| match order {
        Order::From(begin) => {
            let begin = (begin + i * rows) * width;
            out.copy_from_slice(&table[begin..begin + out.len()]);
        }
        Order::Rows(order) => {
            let order = &order[i * rows..i * rows + out.len() / width];
            match width {
                1 => fixed::<1>(table, order, out),
                2 => fixed::<2>(table, order, out),
                4 => fixed::<4>(table, order, out),
                8 => fixed::<8>(table, order, out),
                16 => fixed::<16>(table, order, out),
                _ => rows_of(table, width, order, out),
            }
        }
    })
}

/// Rows that are one number each.
fn fixed<const W: usize>(table: &[u8], order: &[u32], out: &mut [u8]) {
    let table = table.as_chunks::<W>().0;
    for (out, &row) in out.as_chunks_mut::<W>().0.iter_mut().zip(order) {
        *out = table[row as usize];
    }
}

fn rows_of(table: &[u8], width: usize, order: &[u32], out: &mut [u8]) {
    for (i, out) in out.chunks_exact_mut(width).enumerate() {
        if let Some(&row) = order.get(i + AHEAD) {
            let begin = row as usize * width;
            simd::prefetch::<false, _>(&table[begin..begin + width.min(LINES)]);
            // A row seldom begins where a line does: its end may lie in one more.
            simd::prefetch::<false, _>(&table[begin + width - 1..begin + width]);
        }
        let begin = order[i] as usize * width;
        out.copy_from_slice(&table[begin..begin + width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_width_are_gathered() {
        for width in [1, 2, 3, 4, 8, 16, 24, 160, 1000] {
            let table: Vec<u8> = (0..100 * width).map(|i| (i * 31 % 251) as u8).collect();
            let order: Vec<u32> = (0..57).map(|i| i * 37 % 100).collect();
            let mut out = vec![0; order.len() * width];
            gather(&table, width, Order::Rows(&order), &mut out, &Exec::serial()).unwrap();
            let expected: Vec<u8> =
                order.iter().flat_map(|&r| &table[r as usize * width..][..width]).copied().collect();
            assert_eq!(out, expected);
            gather(&table, width, Order::From(43), &mut out, &Exec::serial()).unwrap();
            assert_eq!(out, table[43 * width..]);
        }
    }
}
