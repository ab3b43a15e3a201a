//! How metrics walk through numbers: blocks, pieces, and sums by lanes.

pub use crate::numbers::Numbers;

/// Rows of a block, small enough for the first-level cache with a few columns beside each other.
pub(crate) const BLOCK: usize = 1024;
/// Rows of a piece, the unit that a thread takes.
pub(crate) const PIECE: usize = 1 << 16;
/// Values below which one thread is quicker: waking the pool takes some 20 us.
pub(crate) const SERIAL_BELOW: usize = 150_000;

/// Sums by sixteen lanes, so that they fill vectors and round less.
#[inline(always)]
pub(crate) fn lane_sum(n: usize, f: impl Fn(usize) -> f64) -> f64 {
    let [sum] = lane_sums(
        n,
        #[inline(always)]
        |i| [f(i)],
    );
    sum
}

/// Several sums over the same rows in one pass.
#[inline(always)]
pub(crate) fn lane_sums<const K: usize>(n: usize, f: impl Fn(usize) -> [f64; K]) -> [f64; K] {
    const LANES: usize = 16;
    let mut lanes = [[0.0; LANES]; K];
    let whole = n / LANES * LANES;
    for begin in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            let each = f(begin + lane);
            for k in 0..K {
                lanes[k][lane] += each[k];
            }
        }
    }
    let mut sums = lanes.map(|mut lanes| {
        let mut width = LANES / 2;
        while width > 0 {
            for k in 0..width {
                lanes[k] += lanes[k + width];
            }
            width /= 2;
        }
        lanes[0]
    });
    for i in whole..n {
        let each = f(i);
        for k in 0..K {
            sums[k] += each[k];
        }
    }
    sums
}
