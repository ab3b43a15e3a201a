//! The one error of the core.

/// What can go wrong in a kernel. The bindings map each variant to one Python exception.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value that the caller may not pass (`ValueError`).
    #[error("{0}")]
    Invalid(String),
    /// Memory that could not be had, or a size that does not fit (`MemoryError`).
    #[error("{0}")]
    Memory(String),
    /// The caller asked to stop (`KeyboardInterrupt`).
    #[error("interrupted")]
    Interrupted,
}

/// Result with the core's error.
pub type Result<T> = std::result::Result<T, Error>;
