"""What the scalers of columns share: handing arrays to the core's scaling, and not dividing by nothing."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.frame_columns import (
    agrees,
    finite_or_nan,
    finite_table,
    float_table,
    framed,
    learn_names,
)
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    array_api_dispatch,
    is_dispatched,
    validate_data,
)

FLOATS = [np.float64, np.float32]
SPARSE = ("csr", "csc")
DISPATCHED = "another library's arrays, computed on there"


class Steps(NamedTuple):
    """What is done to each column: ``(x - shift) / scale`` or, going back, ``x * scale + shift``; then clipped."""

    shift: np.ndarray | None
    scale: np.ndarray | None
    back: bool
    clip: tuple[float, float] | None = None
    rounded: bool = False
    """Are shift and scale rounded to the type of the data first?"""

    def arguments(self) -> tuple[Any, Any, tuple[bool, bool, tuple[float, float] | None]]:
        return self.shift, self.scale, (self.back, self.rounded, self.clip)


StepsOf = Callable[[Any, bool], Steps]
"""``steps(estimator, inverse)`` of a fitted scaler."""


def foreign(X: Any, *fitted: Any) -> str | None:
    """Why X is scikit-learn's to work on, or None."""
    if is_dispatched(X, *fitted):
        return DISPATCHED
    dtype = getattr(X, "dtype", None)  # of a frame, a column of that name
    return "float16 input" if isinstance(dtype, np.dtype) and dtype == np.float16 else None


def taken_in(estimator: Any, X: Any, first: bool, accept_sparse: Any = False) -> Any:
    """What the core learns from X: the columns of a frame where they lie, else what scikit-learn's validation makes of it."""
    if (table := finite_table(X)) is not None:
        validate_data(estimator, X, reset=first, skip_check_array=True)  # names and width
        return table
    return validate_data(
        estimator,
        X,
        reset=first,
        accept_sparse=accept_sparse,
        dtype=FLOATS,
        ensure_all_finite="allow-nan",
    )


def is_converted(X: Any) -> bool:
    """Does scikit-learn's validation make another array of X, an array of whole numbers, which is then ours to write to?"""
    return type(X) is np.ndarray and X.dtype.kind in "iub"


def without_zeros(scale: np.ndarray) -> np.ndarray:
    """Divisors: 1 where the scale is next to nothing."""
    scale = scale.copy()
    scale[scale < 10 * np.finfo(scale.dtype).eps] = 1  # for few columns quicker than np.where
    return scale


def warn_of_empty(values: np.ndarray) -> None:
    """Warn as NumPy does of columns of NaN only."""
    if np.isnan(values).any():
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=4)


def forget_names(estimator: Any, X: np.ndarray) -> None:
    """Note the width of a plain array that the estimator is fitted on."""
    estimator.__dict__.pop("feature_names_in_", None)
    estimator.n_features_in_ = X.shape[1]


def scaled(estimator: Any, X: Any, inverse: bool, steps: StepsOf, theirs: type, sparse_too: bool) -> Any:
    """Do the work of `theirs`, scikit-learn's class: its ``transform`` or ``inverse_transform``."""
    method = "inverse_transform" if inverse else "transform"
    call = f"{theirs.__name__}.{method}"
    if reason := foreign(X, getattr(estimator, "scale_", None)):
        note_sklearn(call, reason)
        return getattr(theirs, method)(estimator, X)
    check_is_fitted(estimator)
    options = {
        "accept_sparse": SPARSE if sparse_too else False,
        "copy": estimator.copy and sparse.issparse(X),  # dense input is copied while it is scaled
        "dtype": FLOATS,
        "force_writeable": not estimator.copy or sparse.issparse(X),
        "ensure_all_finite": finite_or_nan(X),
    }
    copy = estimator.copy and not is_converted(X)
    X = check_array(X, **options) if inverse else validate_data(estimator, X, reset=False, **options)
    if X.shape[1] != estimator.n_features_in_:
        note_sklearn(call, "the width differs from the fitted one")
        return getattr(theirs, method)(estimator, X)
    todo = steps(estimator, inverse)
    if sparse.issparse(X):
        _scale_stored(X, todo)
    elif copy:
        X, _ = _core.scale_columns(X, *todo.arguments())
    else:
        _core.scale_columns_in_place(X, *todo.arguments())
    note_rust(call)
    return X


def _scale_stored(X: Any, todo: Steps) -> None:
    if todo.scale is not None:
        factor = todo.scale if todo.back else 1.0 / todo.scale
        by_column = X.format == "csc"
        places = X.indptr if by_column else X.indices
        _core.multiply_sparse_columns(X.data, places, by_column, factor.astype(np.float64, copy=False))
    if todo.clip is not None:
        np.clip(X.data, *todo.clip, out=X.data)


def with_fast_paths(cls: type, learn: Callable[..., Any], steps: StepsOf) -> None:
    """Give the scaler `cls` its fast ways, without scikit-learn's validation, also that in place for a ColumnTransformer.

    ``learn(estimator, table)`` fits all but the columns' names, or returns NotImplemented having changed nothing.
    """

    def fitted(self, X, table):
        if table is None or learn(self, table) is NotImplemented:
            return NotImplemented
        if table is X:
            forget_names(self, X)
        else:
            learn_names(self, X)
            self.n_features_in_ = X.shape[1]
        note_rust(f"{cls.__name__}.fit")
        return self

    def transformed(self, X, table):
        state = self.__dict__
        if (
            table is None
            or self.copy is not True
            or "scale_" not in state
            or not agrees(state, X)
            or array_api_dispatch()
        ):
            return NotImplemented
        out, infinite = _core.scale_columns(table, *steps(self, False).arguments())
        if infinite:
            return NotImplemented  # scikit-learn's validation words the error
        note_rust(f"{cls.__name__}.transform")
        return framed(out, X, self, same_names=True)

    def fast_fit(self, X, y=None, *rest, **params):
        return NotImplemented if rest or params else fitted(self, X, float_table(X))

    def fast_transform(self, X, copy=None):
        return NotImplemented if copy is not None else transformed(self, X, float_table(X))

    def fast_fit_transform(self, X, y=None, **params):
        table = float_table(X)
        if params or fitted(self, X, table) is NotImplemented:
            return NotImplemented
        return transformed(self, X, table)

    def transform_there(self, X):
        return not _core.scale_columns_in_place(X, *steps(self, False).arguments())

    with_fast_path(cls, "fit", fast_fit)
    with_fast_path(cls, "fit_transform", fast_fit_transform)
    with_fast_path(cls, "transform", fast_transform)
    cls._transform_there = transform_there  # type: ignore[attr-defined]
