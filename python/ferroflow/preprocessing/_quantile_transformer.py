"""QuantileTransformer on the Rust core."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils import resample
from sklearn.utils._param_validation import Options
from sklearn.utils.validation import check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge import quantile_sketch
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, with_fast_path
from ferroflow._bridge.frame_columns import finite_or_nan
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_kept
from ferroflow._bridge.quantile_sketch import merge_sketches, sketch_rows
from ferroflow._bridge.random_state import with_stream
from ferroflow._bridge.sklearn_compat import default_output, validate_params


class QuantileTransformer(preprocessing.QuantileTransformer):
    __doc__ = preprocessing.QuantileTransformer.__doc__

    def fit(self, X, y=None):
        self.__dict__.pop("_sketch", None)
        return super().fit(X, y)

    def _dense_fit(self, X, random_state):
        if X.dtype not in FLOATS:
            note_sklearn("QuantileTransformer.fit", f"{X.dtype} input")
            return super()._dense_fit(X, random_state)
        if self.ignore_implicit_zeros:
            warnings.warn(
                "'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no effect.",
                stacklevel=4,
            )
        if self.subsample is not None and self.subsample < X.shape[0]:
            X = _sample(X, self.subsample, random_state)
        shares = self.references_ * 100
        found, has_nan, has_infinity = _core.many_quantiles(X, shares / 100, "linear")
        if has_infinity or (has_nan and np.isnan(found[0]).any()):
            note_sklearn("QuantileTransformer.fit", "a column of NaN or with an infinity, NumPy's to warn of")
            found = np.nanpercentile(X, shares, axis=0)
        else:
            note_rust("QuantileTransformer.fit")
        self.quantiles_ = found
        return None

    def _sparse_fit(self, X, random_state):
        if X.dtype not in FLOATS:
            note_sklearn("QuantileTransformer.fit", f"sparse {X.dtype} input")
            super()._sparse_fit(X, random_state)
            return
        found, shares = [], self.references_ * 100 / 100  # as percentages are rounded
        for begin, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
            column = _drawn(self, X.data[begin:end], X.shape[0], random_state)
            found.append(_quantiles_of(column, shares) if column.size else [0] * len(shares))
        note_rust("QuantileTransformer.fit")
        self.quantiles_ = np.transpose(found)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn the quantiles of more rows, all rows so far taken together.

        Every row counts (`subsample` is for `fit`), in a sketch whose size does not grow with their number: quantiles
        are exact up to 4,095 values a column, and their ranks are wrong by at most 0.22% of a million, 0.46% of a
        billion values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.
        y : None
            Ignored.

        Returns
        -------
        self : QuantileTransformer
        """
        if sparse.issparse(X):
            raise TypeError(
                "QuantileTransformer.partial_fit takes dense rows; convert sparse ones with toarray()."
            )
        before = self.__dict__.get("_sketch")
        X = self._check_inputs(X, in_fit=before is None)
        rows = 0 if before is None else before[1]
        X = np.asarray(X, dtype=X.dtype if X.dtype in FLOATS else np.float32)
        sketch, _ = sketch_rows(X, None if before is None else before[0])
        self._take(sketch, rows + X.shape[0])
        note_rust("QuantileTransformer.partial_fit")
        return self

    def _take(self, sketch, rows):
        self._sketch = sketch, rows
        self.n_quantiles_ = max(1, min(self.n_quantiles, rows))
        self.references_ = np.linspace(0, 1, self.n_quantiles_, endpoint=True)
        self.quantiles_ = quantile_sketch.quantiles(sketch, self.references_)

    def merge(self, other):
        """Take in what `other` has seen, as if the rows of both had been seen together.

        Parameters
        ----------
        other : QuantileTransformer
            Fitted by `partial_fit`, as `self`, on rows of the same columns: `fit` keeps no more than the quantiles.

        Returns
        -------
        self : QuantileTransformer
        """
        check_kept(self, other, "quantiles")
        (a, n), (b, m) = self._sketch, other._sketch
        self._take(merge_sketches(a, b), n + m)
        return self

    def transform(self, X):
        check_is_fitted(self)
        if not self.copy:
            note_sklearn("QuantileTransformer.transform", "copy=False works in place, by NumPy")
            return super().transform(X)
        X = self._check_inputs(X, in_fit=False, copy=sparse.issparse(X))
        out = _map(self, X)
        if out is None:
            note_sklearn("QuantileTransformer.transform", "float16 input, or quantiles that are NaN or fall")
            return super()._transform(X.copy())
        note_rust("QuantileTransformer.transform")
        return out

    def inverse_transform(self, X):
        check_is_fitted(self)
        if not self.copy:
            note_sklearn("QuantileTransformer.inverse_transform", "copy=False works in place, by NumPy")
            return super().inverse_transform(X)
        checked = check_array(
            X,
            accept_sparse="csc",
            copy=sparse.issparse(X),
            dtype=[np.float64, np.float32, np.float16],
            ensure_all_finite=finite_or_nan(X),
        )
        out = _map(self, checked, inverse=True) if checked.shape[1] == self.n_features_in_ else None
        if out is None:
            note_sklearn(
                "QuantileTransformer.inverse_transform",
                "another width, float16 input, or quantiles that fall",
            )
            return super().inverse_transform(X)
        note_rust("QuantileTransformer.inverse_transform")
        return out


def _sample(X, size, random_state):
    """The rows that scikit-learn's ``resample(replace=False)`` draws."""
    parts = None
    if len(X) < 2**32:
        parts = with_stream(random_state, lambda source: _core.halves(len(X), 1, size, source))
    if parts is None:
        return resample(X, replace=False, n_samples=size, random_state=random_state)
    return X[parts.rows()[1]]


def _drawn(self, stored, rows, random_state):
    """The values of a sparse column, or a sample of them, zeros included unless they are ignored."""
    zeros = not self.ignore_implicit_zeros
    if self.subsample is not None and len(stored) > self.subsample:
        size = self.subsample
        drawn = size * len(stored) // rows if zeros else size
        stored = random_state.choice(stored, size=drawn, replace=False)
    else:
        size = rows if zeros else len(stored)
    column = np.zeros(size, dtype=stored.dtype)
    column[: len(stored)] = stored
    return column


def _quantiles_of(column, shares):
    found, has_nan, _ = _core.many_quantiles(column.reshape(-1, 1), shares, "linear")
    if has_nan and np.isnan(found[0, 0]):
        return np.nanpercentile(column, shares * 100)  # which warns
    return found[:, 0]


def _map(self, X, inverse=False):
    """X mapped or brought back, in place if it is sparse; None if that is scikit-learn's to do."""
    if X.dtype not in FLOATS:
        return None
    normal = self.output_distribution == "normal"
    # Beside a column of NaN, NumPy gives the quantiles of float32 rows in float32.
    quantiles = np.asarray(self.quantiles_, dtype=np.float64)
    if not sparse.issparse(X):
        found = _core.map_quantiles(X, quantiles, self.references_, normal, inverse)
        return None if found is None else found[0]
    columns = []
    for j in range(X.shape[1]):
        stored = slice(X.indptr[j], X.indptr[j + 1])
        values = X.data[stored].reshape(-1, 1)
        found = _core.map_quantiles(values, quantiles[:, j : j + 1], self.references_, normal, inverse)
        if found is None:
            return None
        columns.append((stored, found[0]))
    for stored, values in columns:
        X.data[stored] = values[:, 0]
    return X


def _fast_transform(self, X):
    state = self.__dict__
    if (
        self.copy is not True
        or "quantiles_" not in state
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state.get("n_features_in_")
        or state["quantiles_"].dtype != np.float64
        or not default_output(self)
    ):
        return NotImplemented
    found = _core.map_quantiles(
        X, state["quantiles_"], state["references_"], self.output_distribution == "normal", False
    )
    if found is None or found[1]:
        return NotImplemented
    note_rust("QuantileTransformer.transform")
    return found[0]


with_fast_path(QuantileTransformer, "transform", _fast_transform)


@validate_params(
    {"X": ["array-like", "sparse matrix"], "axis": [Options(Integral, {0, 1})]},
    prefer_skip_nested_validation=False,
)
def quantile_transform(
    X,
    *,
    axis=0,
    n_quantiles=1000,
    output_distribution="uniform",
    ignore_implicit_zeros=False,
    subsample=int(1e5),
    random_state=None,
    copy=True,
):
    transformer = QuantileTransformer(
        n_quantiles=n_quantiles,
        output_distribution=output_distribution,
        subsample=subsample,
        ignore_implicit_zeros=ignore_implicit_zeros,
        random_state=random_state,
        copy=copy,
    )
    return transformer.fit_transform(X) if axis == 0 else transformer.fit_transform(X.T).T


quantile_transform.__doc__ = preprocessing.quantile_transform.__doc__
