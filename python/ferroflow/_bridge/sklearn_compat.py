"""The one place that knows scikit-learn's versions and its private names."""

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import __version__ as sklearn_version
from sklearn._config import _get_threadlocal_config
from sklearn.base import _fit_context
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.linear_model._coordinate_descent import LinearModelCV
from sklearn.linear_model._glm.glm import _GeneralizedLinearRegressor
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.linear_model._logistic import (
    _LOGISTIC_SOLVER_CONVERGENCE_MSG,
    _log_reg_scoring_path,
    _logistic_regression_path,
)
from sklearn.linear_model._ridge import _BaseRidge, _BaseRidgeCV, _RidgeGCV
from sklearn.linear_model._stochastic_gradient import BaseSGDClassifier
from sklearn.metrics._scorer import _SCORERS, _MultimetricScorer
from sklearn.preprocessing._encoders import _BaseEncoder
from sklearn.utils import _safe_indexing, metadata_routing
from sklearn.utils._encode import _unique
from sklearn.utils._mask import _get_mask
from sklearn.utils._missing import is_scalar_nan
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils._set_output import _get_output_config, _wrap_data_with_container
from sklearn.utils._user_interface import _print_elapsed_time
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.fixes import parse_version
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import (
    _check_feature_names,
    _check_feature_names_in,
    _check_method_params,
    _check_n_features,
    _check_sample_weight,
    _num_samples,
    validate_data,
)

__all__ = [
    "LBFGS_ADVICE",
    "BaseEncoder",
    "BaseRidge",
    "BaseRidgeCV",
    "BaseSGDClassifier",
    "GeneralizedLinearRegressor",
    "Interval",
    "LinearClassifierMixin",
    "LinearModelCV",
    "LinearModelLoss",
    "MultimetricScorer",
    "RidgeGCV",
    "StrOptions",
    "array_api_dispatch",
    "as_counts",
    "assume_finite",
    "averages_percentiles",
    "check_feature_names",
    "check_feature_names_in",
    "check_method_params",
    "check_n_features",
    "check_optimize_result",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "class_weights",
    "consumed",
    "csc_class",
    "csr_class",
    "csr_of_labels",
    "default_output",
    "dense_output",
    "fill_dtype",
    "fit_context",
    "get_mask",
    "has_callbacks",
    "is_dispatched",
    "is_pandas_na",
    "keep_dtype",
    "like_sklearns",
    "logistic_path",
    "logistic_scoring_path",
    "map_infrequent",
    "name_estimators",
    "named_scorers",
    "num_samples",
    "other_constants",
    "other_unknown",
    "print_elapsed_time",
    "routing_enabled",
    "safe_indexing",
    "sgd_before_1_9",
    "skips_parameter_validation",
    "target_encoder_shuffling",
    "transformer_list",
    "unique_values",
    "validate_data",
    "validate_params",
    "validate_shuffle_split",
    "warn_of_shuffling",
    "warn_prf",
    "wrap_output",
]

_BEFORE_1_9 = parse_version(sklearn_version) < parse_version("1.9")
_BEFORE_1_8 = parse_version(sklearn_version) < parse_version("1.8")

BaseEncoder = _BaseEncoder
BaseRidge = _BaseRidge
BaseRidgeCV = _BaseRidgeCV
MultimetricScorer = _MultimetricScorer
RidgeGCV = _RidgeGCV
GeneralizedLinearRegressor = _GeneralizedLinearRegressor
check_feature_names = _check_feature_names
check_feature_names_in = _check_feature_names_in
check_method_params = _check_method_params
check_n_features = _check_n_features
get_mask = _get_mask
check_partial_fit_first_call = _check_partial_fit_first_call
check_optimize_result = _check_optimize_result
check_sample_weight = _check_sample_weight
LBFGS_ADVICE = _LOGISTIC_SOLVER_CONVERGENCE_MSG
fit_context = _fit_context
logistic_path = _logistic_regression_path
logistic_scoring_path = _log_reg_scoring_path
named_scorers = _SCORERS
num_samples = _num_samples
print_elapsed_time = _print_elapsed_time
safe_indexing = _safe_indexing
wrap_output = _wrap_data_with_container


def default_output(estimator) -> bool:
    """Does `estimator.transform` return plain arrays, by its own and by the global setting?"""
    config = _get_threadlocal_config()
    return (
        "_sklearn_output_config" not in estimator.__dict__
        and config["transform_output"] == "default"
        and not config["array_api_dispatch"]
    )


def array_api_dispatch() -> bool:
    """Has the user let arrays of other libraries be computed on by their own functions?"""
    return _get_threadlocal_config()["array_api_dispatch"]


def class_weights(
    class_weight: Any, classes: np.ndarray, y: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Return each class's weight; since 1.8 "balanced" counts rows by their weights."""
    more = {"sample_weight": weights} if "sample_weight" in signature(compute_class_weight).parameters else {}
    return compute_class_weight(class_weight, classes=classes, y=y, **more)


def is_dispatched(*arrays) -> bool:
    """Is one of them another library's array, that scikit-learn computes on there?"""
    return array_api_dispatch() and any(
        hasattr(x, "__array_namespace__") and not isinstance(x, np.ndarray | np.generic) for x in arrays
    )


def as_counts(count: np.ndarray, weighted: bool) -> np.ndarray:
    """Numbers of rows that a scaler saw, in the type that scikit-learn has for them: before 1.8, integers if unweighted."""
    return count if weighted or not _BEFORE_1_8 else count.astype(np.int64)


def fill_dtype(imputer) -> np.dtype:
    """The dtype of a fitted imputer's filled values; before 1.8 it was that of the fitted array."""
    return imputer._fit_dtype if _BEFORE_1_8 else imputer._fill_dtype


def keep_dtype(imputer, dtype: np.dtype) -> None:
    """Note the dtype of the array that an imputer is fitted on."""
    imputer._fit_dtype = dtype
    if not _BEFORE_1_8:
        imputer._fill_dtype = dtype


def sgd_before_1_9() -> bool:
    """Does this scikit-learn (before 1.9) stop stochastic descent by the loss without the penalty?"""
    return _BEFORE_1_9


def other_constants() -> bool:
    """Has this scikit-learn (before 1.8) constants for empty columns otherwise than later ones?"""
    return _BEFORE_1_8


def other_unknown(encoder) -> bool:
    """Has this scikit-learn (before 1.8) rows of unknown categories otherwise than later ones?"""
    return _BEFORE_1_8 and (
        encoder.handle_unknown == "warn"
        or (encoder.handle_unknown == "infrequent_if_exist" and encoder.drop is not None)
    )


def has_callbacks(estimator) -> bool:
    """Has the user set callbacks (scikit-learn 1.9 and later)?"""
    return "_skl_callbacks" in estimator.__dict__


def averages_percentiles() -> bool:
    """Are weighted quantiles means of two values where weights part evenly? From scikit-learn 1.8 on."""
    return parse_version(sklearn_version) >= parse_version("1.8")


def assume_finite() -> bool:
    """Has the user promised finite input (``sklearn.set_config(assume_finite=True)``)?"""
    return _get_threadlocal_config()["assume_finite"]


def skips_parameter_validation() -> bool:
    """Has the user switched the validation of constructor parameters off?"""
    return _get_threadlocal_config()["skip_parameter_validation"]


def routing_enabled() -> bool:
    """Is metadata routing on?"""
    return metadata_routing._routing_enabled()


def consumed(estimator, method: str, params: dict) -> dict:
    """The metadata that `estimator` or a part of it has asked for in `method`."""
    routing = metadata_routing.get_routing_for_object(estimator)
    return {name: params[name] for name in routing.consumes(method=method, params=params.keys())}


def name_estimators(estimators) -> list[tuple]:
    """Name estimators by their classes, in lower case, as ``make_pipeline`` does."""
    from sklearn.pipeline import _name_estimators  # what else is in there takes a while to import

    return _name_estimators(estimators)


def is_pandas_na(value) -> bool:
    """Is `value` ``pandas.NA``?"""
    return type(value).__name__ == "NAType" and type(value).__module__.startswith("pandas.")


def dense_output(estimator) -> str:
    """In what container does `estimator.transform` return dense results: "default", "pandas" or "polars"?"""
    if "_sklearn_output_config" not in estimator.__dict__:
        wish = _get_threadlocal_config()["transform_output"]
        if wish == "default":  # without a copy of all settings
            return wish
    return _get_output_config("transform", estimator=estimator)["dense"]


def csr_class():
    """What is the class of sparse results (a setting since scikit-learn 1.9)?"""
    wish = _get_threadlocal_config().get("sparse_interface", "spmatrix")
    return sparse.csr_array if wish == "sparray" else sparse.csr_matrix


def csr_of_labels(data, indices, indptr, shape):
    """Return LabelBinarizer's sparse result; since scikit-learn 1.9 its indices have 64 bits."""
    if _BEFORE_1_9:
        return csr_class()((data, indices, indptr), shape=shape)
    wide = sparse.csr_array((data, indices.astype(np.int64), indptr.astype(np.int64)), shape=shape)
    return wide if csr_class() is sparse.csr_array else sparse.csr_matrix(wide)


def csc_class():
    """What is the class of sparse results that are stored by column?"""
    wish = _get_threadlocal_config().get("sparse_interface", "spmatrix")
    return sparse.csc_array if wish == "sparray" else sparse.csc_matrix


def map_infrequent(encoder, n_samples, counts, options) -> dict:
    """Do what `encoder._fit` does once categories are counted; returns what it returns."""
    result = {"n_samples": n_samples}
    if options["return_counts"]:
        result["category_counts"] = counts
    missing = {}
    if options["return_and_ignore_missing_for_infrequent"]:
        last = [categories[-1] for categories in encoder.categories_]
        missing = {j: len(encoder.categories_[j]) - 1 for j, value in enumerate(last) if is_scalar_nan(value)}
        result["missing_indices"] = missing
    if encoder._infrequent_enabled:
        encoder._fit_infrequent_category_mapping(n_samples, counts, missing)
    return result


def like_sklearns(
    theirs: Callable[..., Any], *, skip_nested: bool
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function scikit-learn's docstring and its validation of parameters."""

    def dress(ours: Callable[..., Any]) -> Callable[..., Any]:
        ours.__doc__ = theirs.__doc__
        constraints = theirs._skl_parameter_constraints  # type: ignore[attr-defined]
        return validate_params(constraints, prefer_skip_nested_validation=skip_nested)(ours)

    return dress


def transformer_list(pairs) -> list:
    """Name transformers as ``make_column_transformer`` does."""
    from sklearn.compose._column_transformer import _get_transformer_list

    return _get_transformer_list(pairs)


def validate_shuffle_split(n_samples, test_size, train_size, default_test_size) -> tuple[int, int]:
    """Return the numbers of rows to learn from and to test, checked as ``train_test_split`` checks them."""
    # Not at the top: importing all of model_selection takes longer than the other estimators need to start.
    from sklearn.model_selection._split import _validate_shuffle_split

    return _validate_shuffle_split(n_samples, test_size, train_size, default_test_size=default_test_size)


def warn_prf(average: str | None, modifier: str, start: str, size: int) -> None:
    """Warn, in scikit-learn's words, of a precision, recall or F-score that is undefined."""
    from sklearn.metrics._classification import _warn_prf

    _warn_prf(average, modifier, start, size)


def unique_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted distinct values as encoders have them, missing ones last, and the place of each value."""
    return _unique(values, return_inverse=True)


def target_encoder_shuffling(encoder) -> tuple[bool, object]:
    """Return ``(shuffle, random_state)`` of a TargetEncoder whose `cv` is a number."""
    shuffle, random_state = encoder.shuffle, encoder.random_state
    shuffle = True if shuffle == "deprecated" else shuffle
    return shuffle, None if isinstance(random_state, str) else random_state


def warn_of_shuffling(encoder) -> None:
    """Warn, as scikit-learn 1.9 does, of a TargetEncoder's `shuffle` and `random_state`."""
    if not _BEFORE_1_9 and not (encoder.shuffle == "deprecated" and isinstance(encoder.random_state, str)):
        warnings.warn(
            "`TargetEncoder.shuffle` and `TargetEncoder.random_state` are "
            "deprecated in version 1.9 and will be removed in version 1.11. Pass a "
            "cross-validation generator as `cv` argument to specify the shuffling "
            "behaviour instead.",
            FutureWarning,
            stacklevel=3,
        )
