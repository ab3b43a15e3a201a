"""scikit-learn's ``sklearn.feature_extraction`` on the Rust core."""

from ferroflow.feature_extraction._feature_hasher import FeatureHasher

__all__ = ["FeatureHasher"]
