"""scikit-learn's ``sklearn.metrics`` on the Rust core."""

from ferroflow.metrics._classification import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

__all__ = ["accuracy_score", "confusion_matrix", "f1_score", "precision_score", "recall_score"]
