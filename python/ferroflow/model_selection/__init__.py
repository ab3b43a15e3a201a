"""scikit-learn's ``sklearn.model_selection`` on the Rust core."""

from sklearn.model_selection import (
    BaseCrossValidator,
    BaseShuffleSplit,
    FixedThresholdClassifier,
    LearningCurveDisplay,
    LeavePOut,
    ParameterGrid,
    ParameterSampler,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    ValidationCurveDisplay,
)

from ferroflow.model_selection._check_cv import check_cv
from ferroflow.model_selection._cross_validation import (
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from ferroflow.model_selection._diagnose import Diagnosis, Finding, diagnose
from ferroflow.model_selection._folds import KFold, LeaveOneOut, PredefinedSplit, StratifiedKFold
from ferroflow.model_selection._groups import (
    GroupKFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    StratifiedGroupKFold,
)
from ferroflow.model_selection._halving import HalvingGridSearchCV, HalvingRandomSearchCV
from ferroflow.model_selection._loss_curve import LossCurveDisplay
from ferroflow.model_selection._optuna import OptunaSearchCV
from ferroflow.model_selection._purged import PurgedTimeSeriesSplit
from ferroflow.model_selection._repeated import RepeatedKFold, RepeatedStratifiedKFold
from ferroflow.model_selection._search import GridSearchCV, RandomizedSearchCV
from ferroflow.model_selection._shuffled import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit
from ferroflow.model_selection._train_test_split import train_test_split

__all__ = [
    "BaseCrossValidator",
    "BaseShuffleSplit",
    "Diagnosis",
    "Finding",
    "FixedThresholdClassifier",
    "GridSearchCV",
    "GroupKFold",
    "GroupShuffleSplit",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "KFold",
    "LearningCurveDisplay",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "LossCurveDisplay",
    "OptunaSearchCV",
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
    "diagnose",
    "learning_curve",
    "permutation_test_score",
    "train_test_split",
    "validation_curve",
]
