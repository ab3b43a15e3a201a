"""What encoders by counted categories share: the fit, and merging."""

from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from ferroflow._bridge.sklearn_compat import BaseEncoder, fit_context
from ferroflow.preprocessing._categories import FitsAndMerges
from ferroflow.preprocessing._merge import add_counts, check_mergeable, united


class CountsCategories(FitsAndMerges, OneToOneFeatureMixin, BaseEncoder):
    """The part of fitting that needs each category's number of rows."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the categories of each column, and how often each appears.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.
        """
        result = self._fit(X, handle_unknown="ignore", ensure_all_finite="allow-nan", return_counts=True)
        self._counted(result["category_counts"], result["n_samples"])
        return self

    def merge(self, other):
        check_mergeable(self, other)
        pairs = [united(a, b) for a, b in zip(self.categories_, other.categories_, strict=True)]
        self.categories_ = [values for values, _, _ in pairs]
        self._counted(
            add_counts(pairs, self.counts_, other.counts_), self.n_samples_seen_ + other.n_samples_seen_
        )
        return self

    merge.__doc__ = FitsAndMerges.merge.__doc__

    def _check_infrequent_enabled(self):
        self._infrequent_enabled = False  # what is rare is for the encoder itself to say

    def _counted(self: Any, counts: list[np.ndarray], n: int) -> None:
        """Keep the counts; to be extended by what follows from them."""
        self.counts_ = [np.asarray(count, dtype=np.int64) for count in counts]
        self.n_samples_seen_ = int(n)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags
