"""FunctionTransformer that takes rows part by part, as the other transformers do."""

from sklearn.preprocessing import FunctionTransformer as _FunctionTransformer

from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import validate_data


class FunctionTransformer(_FunctionTransformer):
    __doc__ = _FunctionTransformer.__doc__

    def partial_fit(self, X, y=None):
        """Check X as ``fit`` does; there is nothing to learn.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; of any kind with ``validate=False``.
        y : None
            Ignored.

        Returns
        -------
        self : FunctionTransformer
        """
        if not hasattr(self, "n_features_in_"):
            return self.fit(X, y)
        validate_data(
            self, X, reset=False, accept_sparse=self.accept_sparse, skip_check_array=not self.validate
        )
        return self

    def merge(self, other):
        """Check that `other` was fitted on the same columns; there is nothing to take in.

        Parameters
        ----------
        other : FunctionTransformer
            Fitted.

        Returns
        -------
        self : FunctionTransformer
        """
        check_same_columns(self, other, "transformers")
        return self
