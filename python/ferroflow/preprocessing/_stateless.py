"""What transformers that learn nothing share: every row is a part that merges."""

from sklearn.base import BaseEstimator

from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import validate_data


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
