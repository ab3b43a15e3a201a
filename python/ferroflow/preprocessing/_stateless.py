"""What transformers that learn nothing share: every row is a part that merges."""

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import validate_data
from ferroflow.preprocessing._scaling import forget_names


class Stateless(BaseEstimator):
    """Gives ``partial_fit`` and ``merge`` to a transformer whose ``fit`` only looks at the columns."""

    def partial_fit(self, X, y=None):
        """Check X as ``fit`` does; there is nothing to learn.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        if hasattr(self, "n_features_in_"):
            validate_data(self, X, accept_sparse=True, reset=False)
            return self
        return self.fit(X, y)

    def merge(self, other):
        """Check that `other` was fitted on the same columns; there is nothing to take in.

        Parameters
        ----------
        other : object
            Of the same class, fitted.

        Returns
        -------
        self : object
        """
        check_same_columns(self, other, "scalers")
        return self


def with_fast_paths(cls: type, fast: Callable[[Any, Any], Any]) -> None:
    """Give `cls` its fast ways: ``fast(estimator, X)`` is the result, or NotImplemented."""

    def fast_transform(self, X, copy=None):
        state = self.__dict__
        if copy is not None or "feature_names_in_" in state:
            return NotImplemented
        shape: tuple[int, ...] = getattr(X, "shape", ())
        if len(shape) == 2 and shape[1] != state.get("n_features_in_", shape[1]):
            return NotImplemented
        out = fast(self, X)
        if out is not NotImplemented:
            note_rust(f"{cls.__name__}.transform")
        return out

    def fast_fit_transform(self, X, y=None, **fit_params):
        out = NotImplemented if fit_params else fast(self, X)
        if out is not NotImplemented:
            forget_names(self, X)
            note_rust(f"{cls.__name__}.fit_transform")
        return out

    with_fast_path(cls, "fit_transform", fast_fit_transform)
    with_fast_path(cls, "transform", fast_transform)
