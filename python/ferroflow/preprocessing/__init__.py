"""scikit-learn's ``sklearn.preprocessing`` on the Rust core."""

from ferroflow.preprocessing._standard_scaler import StandardScaler

__all__ = ["StandardScaler"]
