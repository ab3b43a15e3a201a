//! Rows on their way down the trees, some of them in turn, so that one's wait for memory is another's step.

use super::node::Node;
use super::packed::{Sets, Tree};

/// Walks in turn: with 4 they wait for each other's loads, with 16 they do not fit the registers.
const TOGETHER: usize = 8;
/// Steps after which it is asked whether all have arrived.
const ASKED_AFTER: u32 = 4;

/// Calls `arrived(tree, row, leaves)` tree by tree, with the leaves of rows from that one on.
pub fn walk<N: Node>(
    nodes: &[N],
    trees: &[Tree],
    sets: &Sets,
    cells: usize,
    x: &[N::Cell],
    arrived: &mut dyn FnMut(usize, usize, &[u32]),
) {
    if sets.is_empty() {
        walk_all::<N, false>(nodes, trees, sets, cells, x, arrived);
    } else {
        walk_all::<N, true>(nodes, trees, sets, cells, x, arrived);
    }
}

fn walk_all<N: Node, const SETS: bool>(
    nodes: &[N],
    trees: &[Tree],
    sets: &Sets,
    cells: usize,
    x: &[N::Cell],
    arrived: &mut dyn FnMut(usize, usize, &[u32]),
) {
    let rows = x.len() / cells.max(1);
    if rows < TOGETHER {
        // Of few rows each walks down some trees in turn.
        for row in 0..rows {
            let x = &x[row * cells..(row + 1) * cells];
            for (k, group) in trees.chunks(TOGETHER).enumerate() {
                let last = group[group.len() - 1];
                let roots = std::array::from_fn(|l| group.get(l).unwrap_or(&last).root);
                let depth = group.iter().fold(0, |most, tree| tree.depth.max(most));
                let leaves = together::<N, SETS>(nodes, roots, sets, cells, x, 0, depth);
                for l in 0..group.len() {
                    arrived(k * TOGETHER + l, row, &leaves[l..=l]);
                }
            }
        }
        return;
    }
    for (k, tree) in trees.iter().enumerate() {
        let mut row = 0;
        while row < rows {
            // The last group begins early enough to be whole: some rows arrive twice, and are told once.
            let first = row.min(rows - TOGETHER);
            let x = &x[first * cells..(first + TOGETHER) * cells];
            let leaves = together::<N, SETS>(nodes, [tree.root; TOGETHER], sets, cells, x, cells, tree.depth);
            arrived(k, row, &leaves[row - first..]);
            row = first + TOGETHER;
        }
    }
}

/// The leaves at which [`TOGETHER`] walks end. The one of lane `l` begins at `roots[l]`, its cells at `x[l * stride]`.
#[inline(always)]
fn together<N: Node, const SETS: bool>(
    nodes: &[N],
    roots: [u32; TOGETHER],
    sets: &Sets,
    cells: usize,
    x: &[N::Cell],
    stride: usize,
    depth: u32,
) -> [u32; TOGETHER] {
    assert!(x.len() >= (TOGETHER - 1) * stride + cells);
    let mut at = [0u32; TOGETHER];
    let mut before = at;
    for step in 1..=depth {
        for l in 0..TOGETHER {
            // SAFETY: a root and what follows it within its tree lie in `nodes`: packing made `child` so, and the other
            // child lies behind it.
            let node = *unsafe { nodes.get_unchecked((roots[l] + at[l]) as usize) };
            // SAFETY: packing made every node's cell one of `cells`; there are as many from `l * stride` on.
            let cell = *unsafe { x.get_unchecked(l * stride + node.cell()) };
            let right =
                if SETS && node.is_set() { sets.right(node.number(), cell) } else { cell > node.threshold() };
            at[l] = node.child() + u32::from(right);
        }
        if step % ASKED_AFTER == 0 {
            if at == before {
                break;
            }
            before = at;
        }
    }
    // SAFETY: as above.
    std::array::from_fn(|l| unsafe { nodes.get_unchecked((roots[l] + at[l]) as usize) }.number())
}
