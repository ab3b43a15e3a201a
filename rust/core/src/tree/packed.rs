//! Packing: trees written root first, left before right, become nodes level by level.

use super::node::{Narrow, Node, Wide};
use super::walk;
use crate::Float;

/// What a node asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// Right if the cell is above the threshold.
    Above(f64),
    /// Left or right if the cell's whole part is in the set of this number, else the other way. Infinite cells go left
    /// below and right above.
    Member {
        /// The set's number.
        set: usize,
        /// Members go right.
        right: bool,
    },
}

/// Trees end to end, each node before its left part, that before its right part.
pub struct Preorder<'a> {
    /// Number of nodes of all trees.
    pub nodes: usize,
    /// Is the node of this number a split, rather than a leaf?
    pub is_split: &'a dyn Fn(usize) -> bool,
    /// The cell that a split looks at and what it asks; splits are numbered in their order.
    pub split: &'a dyn Fn(usize) -> (usize, Test),
    /// The number that a leaf stands for; leaves are numbered in their order.
    pub leaf: &'a dyn Fn(usize) -> usize,
    /// Cells of a row.
    pub cells: usize,
    /// Sets of categories: bits, the lowest first, and where each set ends among them, in bytes.
    pub sets: (&'a [u8], &'a [usize]),
}

/// Rows of cells.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'a> {
    /// As `f32`.
    Narrow(&'a [f32]),
    /// As `f64`.
    Wide(&'a [f64]),
}

/// Where a tree's nodes begin, and how many steps its longest way takes.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    pub root: u32,
    pub depth: u32,
}

/// Sets of categories.
#[derive(Debug, Clone, Default)]
pub struct Sets {
    bits: Vec<u8>,
    /// Where each set begins and ends.
    ranges: Vec<(usize, usize)>,
}

impl Sets {
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Does the cell go right at a node with this number of [`Node::label`]?
    #[inline]
    pub fn right<T: Float>(&self, number: u32, cell: T) -> bool {
        if !cell.is_finite() {
            return cell > T::ZERO;
        }
        let (begin, end) = self.ranges.get(number as usize >> 1).copied().unwrap_or_default();
        let code = cell.to_f64();
        // Not a number that could be cut to a place would be cut to the nearest end: so below 0 is told apart.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut as the libraries do")]
        let code = if code > -1.0 { code as usize } else { usize::MAX };
        let byte = self.bits[begin..end].get(code / 8);
        let member = byte.is_some_and(|byte| byte >> (code % 8) & 1 == 1);
        member == (number & 1 == 1)
    }
}

#[derive(Debug, Clone)]
enum Nodes {
    Narrow(Vec<Narrow>),
    Wide(Vec<Wide>),
}

/// Trees, ready to be walked.
#[derive(Debug, Clone)]
pub struct Forest {
    nodes: Nodes,
    trees: Vec<Tree>,
    sets: Sets,
    cells: usize,
}

impl Forest {
    /// Packs trees; `single` if cells are compared as `f32`, when thresholds have to be of that precision too.
    ///
    /// # Errors
    /// What is wrong with the trees, as a text.
    pub fn new(trees: &Preorder<'_>, single: bool) -> Result<Self, &'static str> {
        if trees.cells == 0 {
            return Err("it looks at no cells");
        }
        let (bits, ends) = trees.sets;
        let mut sets = Sets { bits: bits.to_vec(), ranges: Vec::with_capacity(ends.len()) };
        let mut begin = 0;
        for &end in ends {
            if end < begin || end > bits.len() {
                return Err("a set ends before it begins, or outside");
            }
            sets.ranges.push((begin, end));
            begin = end;
        }
        if begin != bits.len() {
            return Err("the sets go on after their last end");
        }
        let packed = if single { pack::<Narrow>(trees)? } else { None };
        let (nodes, trees_packed) = match packed {
            Some((nodes, list)) => (Nodes::Narrow(nodes), list),
            None => match pack::<Wide>(trees)? {
                Some((nodes, list)) => (Nodes::Wide(nodes), list),
                None => return Err("it is too large"),
            },
        };
        Ok(Self { nodes, trees: trees_packed, sets, cells: trees.cells })
    }

    /// Number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Are cells to be given as `f32`?
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        matches!(self.nodes, Nodes::Narrow(_))
    }

    /// Steps that a row takes at most, and one more for each tree.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.trees.iter().map(|tree| tree.depth as usize + 1).fold(0, usize::saturating_add)
    }

    /// Calls `arrived(tree, row, leaves)` with the leaves of some rows from `row` on, for each row tree by tree. `cells`
    /// are those of all rows, row by row.
    /// Those of the wrong kind walk nowhere.
    pub fn walk(&self, cells: Cells<'_>, arrived: &mut dyn FnMut(usize, usize, &[u32])) {
        match (&self.nodes, cells) {
            (Nodes::Narrow(nodes), Cells::Narrow(x)) => {
                walk::walk(nodes, &self.trees, &self.sets, self.cells, x, arrived);
            }
            (Nodes::Wide(nodes), Cells::Wide(x)) => {
                walk::walk(nodes, &self.trees, &self.sets, self.cells, x, arrived);
            }
            _ => debug_assert!(false, "cells of the wrong kind"),
        }
    }
}

type Packed<N> = Option<(Vec<N>, Vec<Tree>)>;

/// `None` if nodes of this kind do not hold the numbers.
fn pack<N: Node>(trees: &Preorder<'_>) -> Result<Packed<N>, &'static str> {
    let [most_cells, most_nodes, most_labels] = N::MOST;
    if trees.cells > most_cells || trees.nodes > u32::MAX as usize {
        return Ok(None);
    }
    let mut nodes: Vec<N> = Vec::with_capacity(trees.nodes);
    let mut list = Vec::new();
    let (mut begin, mut splits, mut leaves) = (0, 0, 0);
    let (mut rights, mut waiting, mut order, mut ranks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while begin < trees.nodes {
        // How long the tree is, where its nodes' right parts begin, and their numbers among splits or leaves.
        rights.clear();
        ranks.clear();
        waiting.clear();
        let mut open = 1usize;
        while open > 0 {
            let i = rights.len();
            if begin + i >= trees.nodes {
                return Err("a tree is cut");
            }
            rights.push(0usize);
            if (trees.is_split)(begin + i) {
                ranks.push(Some(splits));
                splits += 1;
                waiting.push(i);
                open += 1;
            } else {
                ranks.push(None);
                open -= 1;
                if let Some(split) = waiting.pop() {
                    rights[split] = i + 1;
                }
            }
        }
        let n = rights.len();
        if n > most_nodes {
            return Ok(None);
        }
        let mut leaf_numbers = Vec::with_capacity(n / 2 + 1);
        for rank in &ranks {
            leaf_numbers.push(leaves);
            leaves += usize::from(rank.is_none());
        }
        let root = nodes.len();
        order.clear();
        order.push(0usize);
        let (mut at, mut level_end, mut depth) = (0usize, 1usize, 0usize);
        while at < order.len() {
            if at == level_end {
                level_end = order.len();
                depth += 1;
            }
            let i = order[at];
            let node = match ranks[i] {
                Some(split) => {
                    let child = order.len();
                    order.push(i + 1);
                    order.push(rights[i]);
                    let (cell, test) = (trees.split)(split);
                    if cell >= trees.cells {
                        return Err("a node looks at a cell that is not there");
                    }
                    let threshold = match test {
                        Test::Above(x) => {
                            let threshold = N::Cell::from_f64(x);
                            // By value: no threshold is NaN.
                            if threshold.to_f64() != x {
                                return Err("a threshold is not of the precision of the cells");
                            }
                            threshold
                        }
                        Test::Member { set, right } => {
                            if set >= trees.sets.1.len() {
                                return Err("a node asks for a set that is not there");
                            }
                            if set >= most_labels / 2 {
                                return Ok(None);
                            }
                            N::label((set as u32) << 1 | u32::from(right), true)
                        }
                    };
                    N::new(threshold, child as u32, cell as u32)
                }
                None => {
                    let leaf = (trees.leaf)(leaf_numbers[i]);
                    if leaf >= most_labels {
                        return Ok(None);
                    }
                    N::new(N::label(leaf as u32, false), at as u32, 0)
                }
            };
            nodes.push(node);
            at += 1;
        }
        list.push(Tree { root: root as u32, depth: depth as u32 });
        begin += n;
    }
    Ok(Some((nodes, list)))
}
