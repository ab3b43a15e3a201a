//! A node of 8 or of 16 bytes.
//!
//! The children lie side by side behind their parent, so that a step is `child + (cell > threshold)`. A leaf is its own
//! child, and its threshold a NaN, which nothing is above: a row that has arrived stays, and rows walk together without
//! asking which of them are there. The NaN's payload is the leaf's number. A node that tests for a set of categories has
//! a negative NaN, with the set's number.

use crate::Float;

/// Bits of a narrow node's link that say which cell it looks at.
const CELL_BITS: u32 = 11;

pub trait Node: Copy {
    /// What cells and thresholds are.
    type Cell: Float;
    /// Most cells, nodes of a tree, and leaves or sets.
    const MOST: [usize; 3];

    /// Makes a node. Numbers have to be below [`Node::MOST`].
    fn new(threshold: Self::Cell, child: u32, cell: u32) -> Self;
    /// A threshold that says a leaf's number, or a set's.
    fn label(number: u32, set: bool) -> Self::Cell;
    fn threshold(self) -> Self::Cell;
    fn child(self) -> u32;
    fn cell(self) -> usize;
    /// Whatever [`Node::label`] was given.
    fn number(self) -> u32;
    fn is_set(self) -> bool;
}

#[derive(Debug, Clone, Copy)]
pub struct Narrow {
    threshold: f32,
    link: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Wide {
    threshold: f64,
    child: u32,
    cell: u32,
}

impl Node for Narrow {
    type Cell = f32;
    const MOST: [usize; 3] = [1 << CELL_BITS, 1 << (32 - CELL_BITS), 1 << 22];

    #[inline]
    fn new(threshold: f32, child: u32, cell: u32) -> Self {
        Self { threshold, link: child << CELL_BITS | cell }
    }
    #[inline]
    fn label(number: u32, set: bool) -> f32 {
        f32::from_bits(u32::from(set) << 31 | 0x7fc0_0000 | number)
    }
    #[inline(always)]
    fn threshold(self) -> f32 {
        self.threshold
    }
    #[inline(always)]
    fn child(self) -> u32 {
        self.link >> CELL_BITS
    }
    #[inline(always)]
    fn cell(self) -> usize {
        (self.link & ((1 << CELL_BITS) - 1)) as usize
    }
    #[inline(always)]
    fn number(self) -> u32 {
        self.threshold.to_bits() & 0x3f_ffff
    }
    #[inline(always)]
    fn is_set(self) -> bool {
        self.threshold.to_bits() >= 0xffc0_0000
    }
}

impl Node for Wide {
    type Cell = f64;
    const MOST: [usize; 3] = [u32::MAX as usize; 3];

    #[inline]
    fn new(threshold: f64, child: u32, cell: u32) -> Self {
        Self { threshold, child, cell }
    }
    #[inline]
    fn label(number: u32, set: bool) -> f64 {
        f64::from_bits(u64::from(set) << 63 | 0x7ff8_0000_0000_0000 | u64::from(number))
    }
    #[inline(always)]
    fn threshold(self) -> f64 {
        self.threshold
    }
    #[inline(always)]
    fn child(self) -> u32 {
        self.child
    }
    #[inline(always)]
    fn cell(self) -> usize {
        self.cell as usize
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is what was put there")]
    fn number(self) -> u32 {
        self.threshold.to_bits() as u32
    }
    #[inline(always)]
    fn is_set(self) -> bool {
        self.threshold.to_bits() >= 0xfff8_0000_0000_0000
    }
}
