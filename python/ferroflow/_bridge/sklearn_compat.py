"""The one place that knows scikit-learn's versions and its private names."""

from sklearn._config import _get_threadlocal_config
from sklearn.base import _fit_context
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils import metadata_routing
from sklearn.utils._mask import _get_mask
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    validate_data,
)

__all__ = [
    "Interval",
    "LinearClassifierMixin",
    "StrOptions",
    "assume_finite",
    "check_feature_names",
    "check_n_features",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "default_output",
    "fit_context",
    "get_mask",
    "has_callbacks",
    "is_pandas_na",
    "routing_enabled",
    "skips_parameter_validation",
    "validate_data",
]

check_feature_names = _check_feature_names
check_n_features = _check_n_features
get_mask = _get_mask
check_partial_fit_first_call = _check_partial_fit_first_call
check_sample_weight = _check_sample_weight
fit_context = _fit_context


def default_output(estimator) -> bool:
    """Does `estimator.transform` return plain arrays, by its own and by the global setting?"""
    return (
        "_sklearn_output_config" not in estimator.__dict__
        and _get_threadlocal_config()["transform_output"] == "default"
    )


def has_callbacks(estimator) -> bool:
    """Has the user set callbacks (scikit-learn 1.9 and later)?"""
    return "_skl_callbacks" in estimator.__dict__


def assume_finite() -> bool:
    """Has the user promised finite input (``sklearn.set_config(assume_finite=True)``)?"""
    return _get_threadlocal_config()["assume_finite"]


def skips_parameter_validation() -> bool:
    """Has the user switched the validation of constructor parameters off?"""
    return _get_threadlocal_config()["skip_parameter_validation"]


def routing_enabled() -> bool:
    """Is metadata routing on?"""
    return metadata_routing._routing_enabled()


def is_pandas_na(value) -> bool:
    """Is `value` ``pandas.NA``?"""
    return type(value).__name__ == "NAType" and type(value).__module__.startswith("pandas.")
