"""Sparse blocks side by side."""

from typing import Any

import numpy as np
from scipy import sparse

# Values above which SciPy's way through coordinates is as quick.
_FEW = 100_000


def stack_csr(parts: list[Any]) -> Any | None:
    """Return small CSR blocks, and dense ones between them, as one CSR matrix; None for others.

    What SciPy's ``hstack`` gives, whose checks and conversions take longer than the work on a few rows.
    """
    if sum(part.nnz if sparse.issparse(part) else np.size(part) for part in parts) > _FEW:
        return None
    blocks = []
    for part in parts:
        if type(part) is np.ndarray and part.ndim == 2 and part.dtype.kind in "fiub":
            blocks.append(sparse.csr_array(part))
        elif sparse.issparse(part) and part.format == "csr" and part.has_canonical_format:
            blocks.append(part)
        else:
            return None
    rows, width = blocks[0].shape[0], sum(block.shape[1] for block in blocks)
    stored = sum(block.nnz for block in blocks)
    if any(block.shape[0] != rows for block in blocks) or max(stored, width) >= np.iinfo(np.int32).max:
        return None
    indptr = np.zeros(rows + 1, dtype=np.int32)
    for block in blocks:
        indptr += block.indptr
    data = np.empty(stored, dtype=np.result_type(*[block.dtype for block in blocks]))
    indices = np.empty(stored, dtype=np.int32)
    ahead = indptr[:-1].copy()  # where the next block's values of each row go
    begin = 0
    for block in blocks:
        counts = np.diff(block.indptr)
        at = np.arange(block.nnz, dtype=np.int32)
        at += np.repeat(ahead - block.indptr[:-1], counts)
        data[at] = block.data
        indices[at] = block.indices + np.int32(begin)
        ahead += counts
        begin += block.shape[1]
    new = any(isinstance(part, sparse.sparray) for part in parts)
    whole = (sparse.csr_array if new else sparse.csr_matrix)((data, indices, indptr), shape=(rows, width))
    whole.has_canonical_format = True
    return whole
