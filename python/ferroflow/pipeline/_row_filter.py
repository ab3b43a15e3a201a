"""What the steps that leave rows out have in common."""

from abc import ABCMeta, abstractmethod

import narwhals.stable.v1 as nw
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from ferroflow._bridge.sklearn_compat import num_samples, safe_indexing, validate_data


class RowFilter(BaseEstimator, metaclass=ABCMeta):
    """A step that leaves rows out while fitting, and none at any other time."""

    @abstractmethod
    def _kept(self, X, y) -> np.ndarray:
        """Learn from a frame or checked rows; return a mask of the rows to keep."""

    def fit(self, X, y=None):
        """Learn which rows are left out.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None

        Returns
        -------
        self
        """
        self._validate_params()
        X = checked(self, X)
        kept = self._kept(X, y)
        if not kept.any():
            raise ValueError(f"{type(self).__name__} leaves none of the {len(kept)} rows to learn from.")
        self.sample_indices_ = np.flatnonzero(kept)
        return self

    def fit_resample(self, X, y=None):
        """Learn which rows are left out, and leave them out.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None

        Returns
        -------
        X, y
            The rows that are kept, in the container that they came in; y is None if none was given.
        """
        self.fit(X, y)
        if sparse.issparse(X):
            X = X.tocsr()
        kept = self.sample_indices_
        return safe_indexing(X, kept), None if y is None else safe_indexing(y, kept)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


def is_frame(X) -> bool:
    """Is X a frame of columns with names?"""
    return nw.dependencies.is_into_dataframe(X)


def checked(estimator, X, reset=True):
    """Return X as it is if it is a frame, otherwise as checked rows; note or compare its width and names."""
    if is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if num_samples(X) == 0 or len(nw.from_native(X).columns) == 0:
            validate_data(estimator, X, reset=reset)  # scikit-learn words the error
        return X
    return validate_data(
        estimator, X, reset=reset, dtype=None, accept_sparse=("csr", "csc"), ensure_all_finite="allow-nan"
    )


def columns_of(X) -> list:
    """Return the columns of a frame or of rows, as NumPy arrays or what pandas has for them."""
    if not is_frame(X):
        return list(X.T)
    if nw.dependencies.is_pandas_dataframe(X):
        return [X.iloc[:, j] for j in range(X.shape[1])]
    return [column.to_numpy() for column in nw.from_native(X).iter_columns()]


def places_of(subset, X) -> np.ndarray:
    """Return the places of the columns that `subset` names: all of them if it is None."""
    names = nw.from_native(X).columns if is_frame(X) else list(range(X.shape[1]))
    if subset is None:
        return np.arange(len(names))
    places = []
    for one in subset:
        if isinstance(one, str):
            if one not in names:
                raise ValueError(
                    f"subset has a column {one!r} that X has not; its columns are {list(names)}."
                )
            places.append(names.index(one))
        elif -len(names) <= one < len(names):
            places.append(int(one) % len(names))
        else:
            raise ValueError(f"subset has column {one}, but X has only {len(names)} columns.")
    return np.array(places, dtype=int)
