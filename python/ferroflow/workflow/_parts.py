# mypy: ignore-errors
"""The estimators, measures and splitters that the workflow is built of."""

from ferroflow.impute import SimpleImputer
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor

try:
    from ferroflow.preprocessing import OneHotEncoder, StandardScaler
except ImportError:
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
try:
    from ferroflow.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score
except ImportError:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score
try:
    from ferroflow.model_selection import KFold, StratifiedKFold, train_test_split
except ImportError:
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

__all__ = [
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "KFold",
    "OneHotEncoder",
    "SimpleImputer",
    "StandardScaler",
    "StratifiedKFold",
    "accuracy_score",
    "confusion_matrix",
    "f1_score",
    "precision_score",
    "recall_score",
    "train_test_split",
]
