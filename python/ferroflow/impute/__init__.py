"""scikit-learn's ``sklearn.impute`` on the Rust core."""

from ferroflow.impute._simple_imputer import SimpleImputer

__all__ = ["SimpleImputer"]
