"""scikit-learn's ``sklearn.model_selection`` on the Rust core."""

from ferroflow.model_selection._folds import KFold, StratifiedKFold
from ferroflow.model_selection._train_test_split import train_test_split

__all__ = ["KFold", "StratifiedKFold", "train_test_split"]
