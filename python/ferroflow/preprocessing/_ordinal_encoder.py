"""OrdinalEncoder on the Rust core."""

from functools import partial

import numpy as np
from sklearn import preprocessing
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import default_output
from ferroflow.preprocessing._categories import (
    FitsAndMerges,
    NotPlain,
    array_columns,
    check_names,
    find,
    keeping_rows,
    kept_rows,
    prepared,
    read,
    with_quick_fit,
    write,
)


class OrdinalEncoder(FitsAndMerges, preprocessing.OrdinalEncoder):
    __doc__ = preprocessing.OrdinalEncoder.__doc__

    def fit_transform(self, X, y=None, **fit_params):
        with keeping_rows(self, X):
            return super().fit_transform(X, y, **fit_params)

    def transform(self, X):
        check_is_fitted(self, "categories_")
        try:
            out = _transform(self, *read(self, X), X)
        except NotPlain as why:
            note_sklearn("OrdinalEncoder.transform", str(why))
            return super().transform(X)
        return super().transform(X) if out is None else out


def _tables(self, dtype):
    """What :func:`_new_tables` gives, made once per fit and setting."""
    known = prepared(self)
    key = (
        self.handle_unknown,
        self.unknown_value,
        self.encoded_missing_value,
        dtype,
        self._missing_indices,
        self._infrequent_enabled,
    )
    if known.key is None or not all(a is b for a, b in zip(key, known.key, strict=True)):
        known.tables, known.key = _new_tables(self, dtype), key
    return known.tables


def _new_tables(self, dtype):
    """Return each column's output by place, the last one for unknown."""
    tables = []
    for j, categories in enumerate(self.categories_):
        places = np.arange(len(categories) + 1)
        mapping = self._default_to_infrequent_mappings[j] if self._infrequent_enabled else None
        if mapping is not None:
            places[: len(mapping)] = mapping
        table = places.astype(dtype)
        if j in self._missing_indices:
            table[self._missing_indices[j]] = self.encoded_missing_value
        if self.handle_unknown == "use_encoded_value":
            table[-1] = self.unknown_value
        tables.append(table)
    return tables


def _transform(self, rows, n, X=None, fitted=False):
    """Return the encoded rows, X's names checked if given; None where scikit-learn has to word an error."""
    dtype = np.dtype(self.dtype)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise NotPlain(f"dtype {dtype}")
    # What is made of rows that were just fitted need not be kept.
    tables = _new_tables(self, dtype) if fitted else _tables(self, dtype)
    out, unknown = write(rows, tables, n, dtype)
    if self.handle_unknown == "error" and any(unknown):
        return None
    if X is not None:
        check_names(self, X)
    note_rust("OrdinalEncoder.transform")
    return out


def _fast_transform(self, X):
    state = self.__dict__
    if (
        type(X) is not np.ndarray
        or X.ndim != 2
        or X.dtype.kind not in "Oiufb"
        or "_missing_indices" not in state
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


with_fast_path(OrdinalEncoder, "transform", _fast_transform)


def _is_plain(self):
    return (
        type(self.categories) is str
        and self.categories == "auto"
        and self.min_frequency is None
        and self.max_categories is None
        and self.handle_unknown in ("error", "use_encoded_value")
        and (self.unknown_value is None or type(self.unknown_value) in (int, float))
        and type(self.encoded_missing_value) in (int, float)
    )


with_quick_fit(OrdinalEncoder, _is_plain, partial(_transform, fitted=True))
