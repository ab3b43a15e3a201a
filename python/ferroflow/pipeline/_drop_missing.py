"""Rows or columns with missing values left out."""

from numbers import Integral

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import Interval, StrOptions, check_feature_names_in, safe_indexing
from ferroflow.pipeline._row_filter import RowFilter, checked, columns_of, is_frame, places_of


class DropMissing(TransformerMixin, RowFilter):
    """Leave out rows, or columns, that have missing values.

    Rows (``axis="rows"``) are left out while a :class:`~ferroflow.pipeline.Pipeline` is fitted, together with their
    ``y`` and their ``sample_weight``, and never at predict time: such a step has ``fit_resample``, and neither
    ``transform`` nor ``partial_fit``. Columns (``axis="columns"``) are chosen in ``fit`` and left out by ``transform``, as every
    transformer does it.

    Parameters
    ----------
    axis : {"rows", "columns"}, default="rows"
        What is left out.
    how : {"any", "all"}, default="any"
        Whether one missing value is enough, or all have to be missing.
    thresh : int, default=None
        Keep what has at least so many values that are not missing; instead of `how`.
    subset : list of str or int, default=None
        The columns that are looked at: for rows, those whose missing values count; for columns, those that may be
        left out. All if None.
    missing_values : int, float, str, np.nan or None, default=np.nan
        What marks a missing value. NaN stands for every mark that frames have: NaN, None, NaT and ``pandas.NA``.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows of the last ``fit`` that are kept, for ``axis="rows"``.
    features_ : ndarray of shape (n_kept,)
        The columns that are kept, for ``axis="columns"``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from ferroflow.pipeline import DropMissing
    >>> X = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    >>> DropMissing().fit_resample(X, [0, 1, 1])
    (array([[1., 2.],
           [4., 5.]]), [0, 1])
    >>> DropMissing(axis="columns").fit_transform(X)
    array([[2.],
           [3.],
           [5.]])
    """

    _parameter_constraints: dict = {
        "axis": [StrOptions({"rows", "columns"})],
        "how": [StrOptions({"any", "all"})],
        "thresh": [Interval(Integral, 0, None, closed="left"), None],
        "subset": ["array-like", None],
        "missing_values": "no_validation",
    }

    def __init__(self, *, axis="rows", how="any", thresh=None, subset=None, missing_values=np.nan):
        self.axis = axis
        self.how = how
        self.thresh = thresh
        self.subset = subset
        self.missing_values = missing_values

    def fit(self, X, y=None):
        """Learn which rows or columns are left out.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : DropMissing
        """
        if self.axis == "rows":
            return super().fit(X, y)
        self._validate_params()
        return self._learn(*self._counted(X, reset=True))

    def partial_fit(self, X, y=None):
        """Count the missing values of more rows, and choose the columns of all rows so far.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)
            More rows of the same columns.
        y : Ignored

        Returns
        -------
        self : DropMissing
        """
        if not hasattr(self, "features_"):
            return self.fit(X)
        rows, missing = self._counted(X, reset=False)
        return self._learn(self._rows + rows, self._missing + missing)

    def merge(self, other):
        """Take in what another one has counted, as if both had seen their rows together.

        Parameters
        ----------
        other : DropMissing
            Fitted on rows of the same columns.

        Returns
        -------
        self : DropMissing
        """
        check_same_columns(self, other, "steps")
        return self._learn(self._rows + other._rows, self._missing + other._missing)

    def _counted(self, X, reset):
        """How many rows there are, and missing values in each column; none in columns that are not looked at."""
        X = checked(self, X, reset=reset)
        places = places_of(self.subset, X)
        missing = np.zeros(self.n_features_in_, dtype=np.int64)
        missing[places] = [mask.sum() for mask in _masks(X, places, self.missing_values)]
        self._looked_at = places
        return X.shape[0], missing

    def _learn(self, rows, missing):
        self._rows, self._missing = rows, missing
        kept = np.ones(self.n_features_in_, dtype=bool)
        kept[self._looked_at] = self._enough(missing[self._looked_at], rows)
        self.features_ = np.flatnonzero(kept)
        return self

    def transform(self, X):
        """Leave out the columns that had missing values in ``fit``.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)

        Returns
        -------
        X : of shape (n_samples, n_kept)
            In the container that it came in.
        """
        check_is_fitted(self)
        X = checked(self, X, reset=False)
        if len(self.features_) == self.n_features_in_:
            return X
        return X[:, self.features_] if not is_frame(X) else safe_indexing(X, self.features_, axis=1)

    def fit_transform(self, X, y=None):
        """Learn which columns are left out, and leave them out.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None

        Returns
        -------
        X : of shape (n_samples, n_kept)
        """
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that are kept.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X, if ``fit`` saw none.

        Returns
        -------
        feature_names_out : ndarray of str objects
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return names if self.axis == "rows" else names[self.features_]

    def _enough(self, missing, n):
        """Are there enough values, of `n`, where so many are missing?"""
        if self.thresh is not None:
            return n - missing >= self.thresh
        return missing == 0 if self.how == "any" else missing < max(n, 1)

    def _kept(self, X, y):
        places = places_of(self.subset, X)
        missing = np.zeros(X.shape[0], dtype=np.int64)
        for mask in _masks(X, places, self.missing_values):
            missing += mask
        return self._enough(missing, len(places))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        if self.axis == "rows":
            tags.transformer_tags = None
        else:
            tags.transformer_tags.preserves_dtype = []
        return tags


def _drops_columns(self):
    return self.axis == "columns"


def _drops_rows(self):
    return self.axis == "rows"


# Here, since scikit-learn wraps transform when the class is made. Who only leaves out rows has no transform, so that no
# pipeline that cannot leave out rows takes the step and does nothing.
for _name, _check in (
    ("transform", _drops_columns),
    ("fit_transform", _drops_columns),
    ("partial_fit", _drops_columns),
    ("merge", _drops_columns),
    ("fit_resample", _drops_rows),
):
    setattr(DropMissing, _name, available_if(_check)(getattr(DropMissing, _name)))


def _masks(X, places, missing_values):
    """Where each of the columns has a missing value."""
    any_kind = missing_values is None or missing_values is pd.NA or missing_values != missing_values
    if sparse.issparse(X):
        X = X.tocsc()
        for j in places:
            stored = slice(X.indptr[j], X.indptr[j + 1])
            mask = np.zeros(X.shape[0], dtype=bool)
            values = X.data[stored]
            mask[X.indices[stored]] = np.isnan(values) if any_kind else values == missing_values
            yield mask
        return
    columns = columns_of(X)
    for j in places:
        yield np.asarray(pd.isna(columns[j]) if any_kind else columns[j] == missing_values, dtype=bool)
