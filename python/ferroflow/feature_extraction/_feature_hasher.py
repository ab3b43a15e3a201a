"""FeatureHasher on the Rust core."""

import numpy as np
from sklearn import feature_extraction

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import csr_class

_MOST = np.iinfo(np.int32).max


class FeatureHasher(feature_extraction.FeatureHasher):
    __doc__ = feature_extraction.FeatureHasher.__doc__

    def transform(self, raw_X):
        # A generator is read once; a single text goes to scikit-learn, which words the error.
        samples = raw_X if isinstance(raw_X, str) or type(raw_X) is list else list(raw_X)
        why = self._why_not(samples)
        if why is None and isinstance(samples, list):
            single = np.dtype(self.dtype) == np.float32
            parts = _core.hash_features(
                samples, self.input_type, int(self.n_features), bool(self.alternate_sign), single
            )
            if parts is not None:
                note_rust("FeatureHasher.transform")
                return self._matrix(*parts)
            why = "samples that are not of plain containers, texts and numbers"
        note_sklearn("FeatureHasher.transform", why)
        return super().transform(samples)

    def _why_not(self, samples):
        """Why the samples are scikit-learn's to hash, or None."""
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            return "no dtype"
        if dtype not in (np.float64, np.float32):
            return f"the dtype {dtype}"
        if self.input_type not in ("dict", "pair", "string") or not _is_count(self.n_features):
            return "parameters that were not validated"
        if isinstance(samples, str) or not samples:
            return "no samples"
        return None

    def _matrix(self, values, indices, ends):
        if ends[-1] <= _MOST:
            ends = ends.astype(np.int32)
        else:
            indices = indices.astype(np.int64)
        X = csr_class()((values, indices, ends), shape=(len(ends) - 1, self.n_features))
        X.has_canonical_format = True
        return X

    def partial_fit(self, X=None, y=None):
        """Do nothing: there is no state. Only for pipelines that call it.

        Parameters
        ----------
        X : Ignored
        y : Ignored

        Returns
        -------
        self : FeatureHasher
        """
        return self.fit(X, y)

    def merge(self, other):
        """Do nothing: there is no state.

        Parameters
        ----------
        other : FeatureHasher
            Of the same parameters.

        Returns
        -------
        self : FeatureHasher
        """
        if not isinstance(other, FeatureHasher) or other.get_params() != self.get_params():
            raise ValueError("Cannot merge hashers of other parameters.")
        return self


def _is_count(n):
    return isinstance(n, int | np.integer) and 0 < n <= _MOST
