//! The order of rows: a Fisher-Yates shuffle by Marsaglia's xorshift generator (Xorshift RNGs, 2003).
//!
//! Every epoch shuffles the last order by the same draws, so each is the last one permuted by the same permutation: it
//! is drawn once, with its divisions, and a later epoch is a gather.

/// Row numbers in the order of the current epoch.
pub(super) struct Order {
    rows: Vec<u32>,
    before: Vec<u32>,
    permutation: Vec<u32>,
    seed: u32,
}

impl Order {
    /// The rows as they lie.
    pub(super) fn new(n: usize, seed: u32) -> Self {
        Self { rows: (0..n as u32).collect(), before: Vec::new(), permutation: Vec::new(), seed }
    }

    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The next epoch's order.
    pub(super) fn next(&mut self) {
        if self.permutation.is_empty() {
            shuffle(&mut self.rows, self.seed);
            self.permutation.clone_from(&self.rows);
            return;
        }
        std::mem::swap(&mut self.rows, &mut self.before);
        self.rows.clear();
        self.rows.extend(self.permutation.iter().map(|&k| self.before[k as usize]));
    }
}

fn shuffle(rows: &mut [u32], seed: u32) {
    let mut state = if seed == 0 { 1 } else { seed };
    let n = rows.len();
    for i in 0..n.saturating_sub(1) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let left = (n - i) as u32;
        rows.swap(i, i + ((state & 0x7fff_ffff) % left) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_shuffling_again_and_again() {
        for (n, seed) in [(0, 3), (1, 3), (2, 0), (7, 1), (100, u32::MAX)] {
            let mut order = Order::new(n, seed);
            let mut expected: Vec<u32> = (0..n as u32).collect();
            for _ in 0..4 {
                order.next();
                shuffle(&mut expected, seed);
                assert_eq!(order.rows(), expected);
            }
        }
    }

    #[test]
    fn the_first_order_is_scikit_learns() {
        // sklearn.utils._seq_dataset.ArrayDataset64(X of 8 rows, ...)._shuffle_py(5), then _next_py() eight times
        let mut order = Order::new(8, 5);
        order.next();
        assert_eq!(order.rows(), [5, 3, 0, 2, 1, 6, 7, 4]);
    }
}
