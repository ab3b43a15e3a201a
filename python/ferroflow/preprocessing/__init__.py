"""scikit-learn's ``sklearn.preprocessing`` on the Rust core."""

from ferroflow.preprocessing._one_hot_encoder import OneHotEncoder
from ferroflow.preprocessing._ordinal_encoder import OrdinalEncoder
from ferroflow.preprocessing._standard_scaler import StandardScaler

__all__ = ["OneHotEncoder", "OrdinalEncoder", "StandardScaler"]
