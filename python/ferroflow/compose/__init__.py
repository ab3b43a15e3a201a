"""scikit-learn's ``sklearn.compose``, with less between the steps."""

from sklearn.compose import TransformedTargetRegressor, make_column_selector

from ferroflow.compose._column_transformer import ColumnTransformer, make_column_transformer

__all__ = [
    "ColumnTransformer",
    "TransformedTargetRegressor",
    "make_column_selector",
    "make_column_transformer",
]
