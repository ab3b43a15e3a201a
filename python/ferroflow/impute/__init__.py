"""scikit-learn's ``sklearn.impute`` on the Rust core."""

from ferroflow.impute._iterative_imputer import IterativeImputer
from ferroflow.impute._knn_imputer import KNNImputer
from ferroflow.impute._missing_indicator import MissingIndicator
from ferroflow.impute._simple_imputer import SimpleImputer

__all__ = ["IterativeImputer", "KNNImputer", "MissingIndicator", "SimpleImputer"]
