"""OneHotEncoder on the Rust core."""

import warnings
from functools import cache

import numpy as np
from sklearn import preprocessing
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import csr_class, default_output, dense_output, other_unknown
from ferroflow.preprocessing._categories import (
    BITS,
    FitsAndMerges,
    NotPlain,
    array_columns,
    check_names,
    few_ids,
    find,
    keeping_rows,
    kept_rows,
    prepared,
    read,
    rows_table,
    with_quick_fit,
    write,
)

_INT32 = np.dtype(np.int32)
_MOST = np.iinfo(np.int32).max


class OneHotEncoder(FitsAndMerges, preprocessing.OneHotEncoder):
    __doc__ = preprocessing.OneHotEncoder.__doc__

    def fit_transform(self, X, y=None, **fit_params):
        with keeping_rows(self, X):
            return super().fit_transform(X, y, **fit_params)

    def transform(self, X):
        check_is_fitted(self)
        try:
            if self.sparse_output and dense_output(self) != "default":
                raise NotPlain("sparse output in a frame")
            out = _transform(self, *read(self, X), X)
        except NotPlain as why:
            note_sklearn("OneHotEncoder.transform", str(why))
            return super().transform(X)
        return super().transform(X) if out is None else out

    def _dtype_there(self):
        """The type of the output that :meth:`_encode_there` writes; None if it cannot."""
        dtype = np.dtype(self.dtype)
        return dtype if not self.sparse_output and _can_write(dtype) else None

    def _encode_there(self, X, out):
        """Encode X to its place in a larger output by column; False where scikit-learn has to look."""
        try:
            found = _places(self, *read(self, X), X)
        except NotPlain:
            return False
        if found is None or found[-1] != out.shape[1]:
            return False
        out[:] = 0
        bits = BITS[out.itemsize]
        _core.scatter_ones(found[0], _one(out.dtype), out.view(bits))
        return True


def _tables(self):
    """What :func:`_new_tables` gives, made once per fit and setting."""
    known = prepared(self)
    key = (
        self.handle_unknown,
        self._drop_idx_after_grouping,
        self._infrequent_enabled,
        self._n_features_outs,
    )
    if known.key is None or not all(a is b for a, b in zip(key, known.key, strict=True)):
        known.tables, known.key = _new_tables(self), key
    return known.tables


def _new_tables(self):
    """Return each column's output column by place (the last one for unknown; negative for none), and the width."""
    handle_unknown = "infrequent_if_exist" if self.handle_unknown == "warn" else self.handle_unknown
    drops = self._drop_idx_after_grouping
    tables, begin = [], 0
    for j, categories in enumerate(self.categories_):
        table = np.arange(len(categories) + 1, dtype=_INT32)
        table[-1] = -1
        mapping = self._default_to_infrequent_mappings[j] if self._infrequent_enabled else None
        if mapping is not None:
            table[:-1] = mapping
            if handle_unknown == "infrequent_if_exist":
                table[-1] = mapping[self._infrequent_indices[j][0]]
        drop = None if drops is None else drops[j]
        if drop is not None:
            dropped = table == drop
            table[table > drop] -= 1
            table[dropped] = -1
        if begin:
            table[table >= 0] += begin
        tables.append(table)
        begin += int(self._n_features_outs[j])
        if begin > _MOST:
            raise NotPlain("more output columns than an int32 can number")
    return tables, begin


def _places(self, rows, n, X=None):
    """Return the rows' output columns, and what :func:`_tables` gives; X's names are checked if given.

    None where scikit-learn has to word an error.
    """
    dtype = np.dtype(self.dtype)
    if not _can_write(dtype):
        raise NotPlain(f"dtype {dtype}")
    if n * len(rows) >= _MOST:
        raise NotPlain("more ones than an int32 can number")
    tables, width = _tables(self)
    matrix, unknown = write(rows, tables, n, _INT32)
    if self.handle_unknown == "error" and any(unknown):
        return None
    if any(unknown) and other_unknown(self):
        raise NotPlain("unknown categories, which scikit-learn before 1.8 has otherwise")
    if X is not None:
        check_names(self, X)
    if any(unknown) and (self.handle_unknown == "warn" or self.drop is not None):
        _warn(self, unknown)
    note_rust("OneHotEncoder.transform")
    return matrix, unknown, tables, width


def _transform(self, rows, n, X=None):
    """Return the encoded rows, X's names checked if given; None where scikit-learn has to word an error."""
    found = _places(self, rows, n, X)
    if found is None:
        return None
    matrix, unknown, tables, width = found
    dtype = np.dtype(self.dtype)
    bits = BITS[dtype.itemsize]
    one = _one(dtype)
    if not self.sparse_output:
        out = np.zeros((n, width), dtype=dtype)
        _core.scatter_ones(matrix, one, out.view(bits))
        return out
    whole = all(
        table[:-1].min(initial=0) >= 0 and (table[-1] >= 0 or not some)
        for table, some in zip(tables, unknown, strict=True)
    )
    if whole:
        indices = matrix.reshape(-1)
        data, indptr = empty((matrix.size,), dtype), empty((n + 1,), np.int32)
        _core.one_per_place(one, data.view(bits), len(rows), indptr)
    else:
        indices, indptr = _core.csr_parts(matrix)
        data = np.ones(len(indices), dtype=dtype)
    return csr_class()((data, indices, indptr), shape=(n, width))


def _encode_fitted(self, rows, n):
    """The rows that were just fitted, all of whose categories are known; what is made of them need not be kept."""
    dtype = np.dtype(self.dtype)
    ids = None if self.sparse_output or not _can_write(dtype) else few_ids(rows, n)
    if ids is None:
        return _transform(self, rows, n)
    tables, width = _new_tables(self)
    out = np.zeros((n, width), dtype)
    _core.scatter_ids(ids, rows_table(rows[0], tables[0]), _one(dtype), out.view(BITS[dtype.itemsize]))
    note_rust("OneHotEncoder.transform")
    return out


def _can_write(dtype):
    return dtype.kind in "biuf" and dtype.itemsize <= 8 and dtype != np.float16


@cache
def _one(dtype):
    """Return the number 1 as its bits."""
    return np.ones(1, dtype=dtype).view(BITS[dtype.itemsize])


def _warn(self, unknown):
    columns = [j for j, some in enumerate(unknown) if some]
    if self.handle_unknown in ("infrequent_if_exist", "warn"):
        fate = "the infrequent category."
    else:
        fate = "all zeros"
    warnings.warn(
        f"Found unknown categories in columns {columns} during transform. These unknown categories will be "
        f"encoded as {fate}",
        UserWarning,
        stacklevel=2,
    )


def _fast_transform(self, X):
    state = self.__dict__
    if (
        type(X) is not np.ndarray
        or X.ndim != 2
        or X.dtype.kind not in "Oiufb"
        or "_n_features_outs" not in state
        or "feature_names_in_" in state
        or X.shape[1] != state["n_features_in_"]
        or X.shape[0] == 0
        or not default_output(self)
        or kept_rows(self, X) is not None
    ):
        return NotImplemented
    try:
        known = prepared(self)
        rows = [find(*three) for three in zip(array_columns(X), known.each, known.lookups, strict=True)]
        out = _transform(self, rows, X.shape[0])
    except NotPlain:
        return NotImplemented
    return NotImplemented if out is None else out


with_fast_path(OneHotEncoder, "transform", _fast_transform)


def _is_plain(self):
    return (
        type(self.categories) is str
        and self.categories == "auto"
        and (self.drop is None or (type(self.drop) is str and self.drop in ("first", "if_binary")))
        and type(self.sparse_output) is bool
        and self.handle_unknown in ("error", "ignore", "infrequent_if_exist")
        and self.min_frequency is None
        and self.max_categories is None
        and self.feature_name_combiner == "concat"
    )


with_quick_fit(OneHotEncoder, _is_plain, _encode_fitted)
