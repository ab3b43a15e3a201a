"""scikit-learn's ``sklearn.model_selection`` on the Rust core."""

from typing import Any

from sklearn import model_selection
from sklearn.model_selection import (
    BaseCrossValidator,
    BaseShuffleSplit,
    FixedThresholdClassifier,
    GridSearchCV,
    LearningCurveDisplay,
    LeavePOut,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    ValidationCurveDisplay,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)

from ferroflow.model_selection._check_cv import check_cv
from ferroflow.model_selection._folds import KFold, LeaveOneOut, PredefinedSplit, StratifiedKFold
from ferroflow.model_selection._groups import (
    GroupKFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    StratifiedGroupKFold,
)
from ferroflow.model_selection._purged import PurgedTimeSeriesSplit
from ferroflow.model_selection._repeated import RepeatedKFold, RepeatedStratifiedKFold
from ferroflow.model_selection._shuffled import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit
from ferroflow.model_selection._train_test_split import train_test_split

__all__ = [
    "BaseCrossValidator",
    "BaseShuffleSplit",
    "FixedThresholdClassifier",
    "GridSearchCV",
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LearningCurveDisplay",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "ParameterGrid",
    "ParameterSampler",
    "PredefinedSplit",
    "PurgedTimeSeriesSplit",
    "RandomizedSearchCV",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
    "TunedThresholdClassifierCV",
    "ValidationCurveDisplay",
    "check_cv",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "permutation_test_score",
    "train_test_split",
    "validation_curve",
]


def __getattr__(name: str) -> Any:
    if name in ("HalvingGridSearchCV", "HalvingRandomSearchCV"):
        return getattr(model_selection, name)  # experimental: scikit-learn says what to import before
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
