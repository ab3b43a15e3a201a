"""Which estimators draw random numbers that no seed of their own decides, and which change their input in place."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# What draws nothing although its random_state is None, by scikit-learn's name: (estimator, rows) -> bool.
_STILL: dict[str, Callable[[Any, int], bool]] = {
    "ElasticNet": lambda e, rows: e.selection == "cyclic",
    "IterativeImputer": lambda e, rows: (
        e.estimator is None
        and not e.sample_posterior
        and e.imputation_order != "random"
        and e.n_nearest_features is None
    ),
    "KBinsDiscretizer": lambda e, rows: e.subsample is None or rows <= e.subsample,
    "Lasso": lambda e, rows: e.selection == "cyclic",
    "LogisticRegression": lambda e, rows: e.solver in ("lbfgs", "newton-cg", "newton-cholesky"),
    "PCA": lambda e, rows: e.svd_solver in ("full", "covariance_eigh"),
    "QuantileTransformer": lambda e, rows: e.subsample is None or rows <= e.subsample,
    "Ridge": lambda e, rows: e.solver not in ("sag", "saga"),
    "RidgeClassifier": lambda e, rows: e.solver not in ("sag", "saga"),
    "TargetEncoder": lambda e, rows: not e.shuffle,
}
_OURS = ("ferroflow.", "sklearn.")


def parts_of(estimator: Any) -> Iterator[Any]:
    """The estimator, and all estimators among its parameters."""
    yield estimator
    for value in estimator.get_params(deep=True).values():
        if hasattr(value, "get_params") and not isinstance(value, type):
            yield value


def draws(estimator: Any, rows: int) -> bool:
    """Does fitting it on so many rows take numbers from NumPy's own stream, or from one that it was given?"""
    for part in parts_of(estimator):
        state = part.get_params(deep=False).get("random_state", 0)
        if state is None or not isinstance(state, int | np.integer):
            name = next((c.__name__ for c in type(part).__mro__ if c.__module__.startswith("sklearn.")), "")
            still = _STILL.get(name) if type(part).__module__.startswith(_OURS) else None
            if still is None or not still(part, rows):
                return True
    return False


def writes_in_place(estimator: Any) -> bool:
    """Has somebody let it change its input (``copy=False``, ``copy_X=False``)?"""
    return any(
        name.rpartition("__")[2].startswith("copy") and value is False
        for name, value in estimator.get_params(deep=True).items()
    )


def is_trusted(estimator: Any) -> bool:
    """Is it made of scikit-learn's and our estimators alone, which leave their input as it is?"""
    return all(
        type(part).__module__.startswith(_OURS) and getattr(part, "func", None) is None
        for part in parts_of(estimator)
    )


def is_ours(estimator: Any) -> bool:
    """Does all its work run on the Rust core, which needs the interpreter only at the seams?"""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    around = (Pipeline, FeatureUnion, ColumnTransformer)
    return all(
        type(part).__module__.startswith("ferroflow.") or type(part) in around for part in parts_of(estimator)
    )
