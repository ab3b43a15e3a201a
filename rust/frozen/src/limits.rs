//! What a caller is ready to take from a file. Limits come from the caller, never from the file.

/// Upper bounds on a model file's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub max_bytes: usize,
    /// Bytes of its header, which holds the JSON document.
    pub max_header: usize,
    /// Columns of the input, and of every value inside the model.
    pub max_columns: usize,
    /// Nodes of the graph.
    pub max_nodes: usize,
    /// Categories or strings in one list.
    pub max_strings: usize,
    /// Self-test rows.
    pub max_test_rows: usize,
    /// Self-test rows times numbers and texts per row: what a small file may make the reader compute.
    pub max_test_cells: usize,
}

/// Columns of all values together that any file may have.
const FREE_COLUMNS: usize = 1 << 18;

impl Limits {
    /// Columns of all values together that a file of `size` bytes may have.
    ///
    /// Wide values are used: a column costs a weight or a name, 8 bytes or more, and passes a few ops. So what a file makes
    /// its reader hold stays in proportion to its size.
    pub(crate) fn room(&self, size: usize) -> usize {
        self.max_columns.saturating_mul(4).min(FREE_COLUMNS.saturating_add(size / 2))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            max_header: 16 << 20,
            max_columns: 1 << 20,
            max_nodes: 10_000,
            max_strings: 10_000_000,
            max_test_rows: 1_000,
            max_test_cells: 1 << 26,
        }
    }
}
