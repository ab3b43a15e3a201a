# mypy: ignore-errors
"""The estimators, measures and splitters that the workflow is built of."""

from ferroflow.impute import SimpleImputer

try:
    from ferroflow.preprocessing import OneHotEncoder, StandardScaler
except ImportError:
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
try:
    from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
except ImportError:
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    class GradientDescentClassifier(SGDClassifier):
        def __init__(
            self,
            loss="log_loss",
            penalty="l2",
            l1_ratio=0.15,
            alpha=1e-4,
            eta0=0.01,
            max_iter=100,
            tol=1e-4,
            random_state=None,
            optimizer="adam",
            batch_size=32,
            learning_rate="constant",
            early_stopping=False,
            validation_fraction=0.1,
            n_iter_no_change=5,
            class_weight=None,
        ):
            super().__init__(
                loss=loss,
                penalty=penalty,
                l1_ratio=l1_ratio,
                alpha=alpha,
                eta0=eta0,
                max_iter=max_iter,
                tol=tol,
                random_state=random_state,
                learning_rate=learning_rate,
                early_stopping=early_stopping,
                validation_fraction=validation_fraction,
                n_iter_no_change=n_iter_no_change,
                class_weight=class_weight,
            )
            self.optimizer = optimizer
            self.batch_size = batch_size

    class GradientDescentRegressor(SGDRegressor):
        def __init__(
            self,
            loss="squared_error",
            penalty="l2",
            l1_ratio=0.15,
            alpha=1e-4,
            eta0=0.001,
            max_iter=100,
            tol=1e-4,
            random_state=None,
            optimizer="adam",
            batch_size=32,
            learning_rate="constant",
            early_stopping=False,
            validation_fraction=0.1,
            n_iter_no_change=5,
        ):
            super().__init__(
                loss=loss,
                penalty=penalty,
                l1_ratio=l1_ratio,
                alpha=alpha,
                eta0=eta0,
                max_iter=max_iter,
                tol=tol,
                random_state=random_state,
                learning_rate=learning_rate,
                early_stopping=early_stopping,
                validation_fraction=validation_fraction,
                n_iter_no_change=n_iter_no_change,
            )
            self.optimizer = optimizer
            self.batch_size = batch_size


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
