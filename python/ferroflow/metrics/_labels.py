"""Targets and weights as the core takes them: contiguous NumPy arrays of numbers or strings."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ferroflow.metrics._rust_first import Foreign


def count(native: Callable[..., Any], y_true: Any, y_pred: Any, *rest: Any) -> Any:
    """Call `native` with two targets as they are, or else as plain arrays of theirs."""
    counted = native(y_true, y_pred, *rest)
    if counted is None:
        counted = native(*plain_pair(y_true, y_pred), *rest)
        if counted is None:
            raise Foreign("targets that are not two columns of integers, or of strings, of one length")
    return counted


def plain_pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two targets as plain arrays; strings of fixed width become objects where the other's are."""
    t, p = plain(y_true), plain(y_pred)
    if {t.dtype.kind, p.dtype.kind} == {"O", "U"}:
        t, p = t.astype(object), p.astype(object)
    return t, p


def plain(y: Any) -> np.ndarray:
    """One target as an array that scikit-learn would make of it, contiguous and in native byte order."""
    kind = type(y)
    if kind is np.ndarray:
        array = y
    elif kind is list or kind is tuple:
        try:
            array = np.asarray(y)
        except ValueError as error:
            raise Foreign("targets of ragged lists") from error
    elif (pandas := sys.modules.get("pandas")) and kind is pandas.Series:
        array = _of_pandas(y, pandas)
    elif (polars := sys.modules.get("polars")) and kind is polars.Series:
        array = y.to_numpy()
    else:
        raise Foreign(f"targets of type {kind.__name__}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative:
        return array
    return np.require(array, array.dtype.newbyteorder("="), ("C", "A"))


_MASKED = {
    *("boolean", "Float32", "Float64"),
    *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
}


def _of_pandas(y: Any, pandas: Any) -> np.ndarray:
    dtype = y.dtype
    if isinstance(dtype, np.dtype):
        return y.to_numpy()
    if isinstance(dtype, pandas.CategoricalDtype | pandas.StringDtype):
        # One object per label instead of one per row.
        if isinstance(dtype, pandas.CategoricalDtype):
            codes, labels = y.cat.codes.to_numpy(), y.cat.categories
        else:
            codes, labels = y.factorize()
        if codes.size and codes.min() >= 0:
            return labels.to_numpy()[codes]
    elif dtype.name in _MASKED and not y.hasnans:
        return y.to_numpy(dtype=dtype.numpy_dtype)
    raise Foreign(f"targets of pandas' type {dtype}")


def weights_of(sample_weight: Any, rows: int) -> np.ndarray:
    """Sample weights as an array that needs none of scikit-learn's checks."""
    kind = type(sample_weight)
    if kind is list or ((pandas := sys.modules.get("pandas")) and kind is pandas.Series):
        sample_weight = np.asarray(sample_weight)
    if (
        type(sample_weight) is np.ndarray
        and sample_weight.shape == (rows,)
        and sample_weight.dtype.kind in "biuf"
        and sample_weight.dtype.itemsize <= 8
        and sample_weight.any()
        and np.isfinite(sample_weight).all()
    ):
        return sample_weight
    raise Foreign("weights that are not a column of finite numbers")


def wanted_labels(labels: Any, found: Sequence[Any]) -> list[Any]:
    """Return the caller's `labels`, of the kind of those `found`, as a list."""
    if type(labels) in (list, tuple):
        try:
            labels = np.asarray(labels)
        except ValueError as error:
            raise Foreign("labels of ragged lists") from error
    if type(labels) is np.ndarray and labels.ndim == 1 and labels.size:
        text = isinstance(found[0], str)
        kind = labels.dtype.kind
        if kind == "U" if text else kind in "iu":
            return labels.tolist()
        if kind == "O" and text and all(type(label) is str for label in labels):
            return labels.tolist()
    raise Foreign("labels of another kind than the targets")
