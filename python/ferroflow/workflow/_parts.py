# mypy: ignore-errors
"""The estimators, measures and splitters that the workflow is built of."""

from ferroflow.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score
from ferroflow.model_selection import KFold, StratifiedKFold, train_test_split

try:
    from ferroflow.preprocessing import OneHotEncoder
except ImportError:
    from sklearn.preprocessing import OneHotEncoder

__all__ = [
    "KFold",
    "OneHotEncoder",
    "StratifiedKFold",
    "accuracy_score",
    "confusion_matrix",
    "f1_score",
    "precision_score",
    "recall_score",
    "train_test_split",
]
