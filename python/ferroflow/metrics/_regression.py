"""Errors of predicted numbers on the Rust core.

Each metric is one pass that also tells whether all values were finite; scikit-learn's own functions word every error,
and run what is not plain.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import averages_percentiles
from ferroflow.metrics._numbers import F32, F64, as_numbers, as_weights
from ferroflow.metrics._rust_first import Foreign, rust_first


@rust_first(metrics.mean_squared_error)
def mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("squared", y_true, y_pred, sample_weight, multioutput)


@rust_first(metrics.root_mean_squared_error)
def root_mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("squared", y_true, y_pred, sample_weight, multioutput, root=True)


@rust_first(metrics.mean_absolute_error)
def mean_absolute_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("absolute", y_true, y_pred, sample_weight, multioutput)


@rust_first(metrics.mean_absolute_percentage_error)
def mean_absolute_percentage_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("percentage", y_true, y_pred, sample_weight, multioutput)


@rust_first(metrics.mean_pinball_loss)
def mean_pinball_loss(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    _check_share(alpha)
    return _mean("pinball", y_true, y_pred, sample_weight, multioutput, alpha)


@rust_first(metrics.mean_squared_log_error)
def mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("squared log", y_true, y_pred, sample_weight, multioutput)


@rust_first(metrics.root_mean_squared_log_error)
def root_mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _mean("squared log", y_true, y_pred, sample_weight, multioutput, root=True)


@rust_first(metrics.median_absolute_error)
def median_absolute_error(y_true, y_pred, *, multioutput="uniform_average", sample_weight=None):
    if sample_weight is None:
        medians, dtype = _of_floats(_core.median_errors, y_true, y_pred)
        return _combined(medians, multioutput, dtype)
    t, p, w = _arrays(y_true, y_pred, sample_weight)
    if p.dtype.kind != "f":
        raise Foreign("integers, whose differences may wrap")
    return _combined(_weighted_quantiles(t, p, w, 0.5), multioutput, F64)


@rust_first(metrics.max_error)
def max_error(y_true, y_pred):
    return _of_floats(_core.largest_error, y_true, y_pred)[0]


@rust_first(metrics.r2_score)
def r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    columns, dtype = _explained(y_true, y_pred, sample_weight, force_finite, errors=False)
    shares = [(squared, truth) for _, _, truth, _, squared in columns]
    return _fraction(shares, multioutput, dtype)


@rust_first(metrics.explained_variance_score)
def explained_variance_score(
    y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True
):
    if multioutput is None:
        raise Foreign("parameters to be checked")
    columns, dtype = _explained(y_true, y_pred, sample_weight, force_finite, errors=True)
    shares = [(error / weight, truth / weight) for weight, _, truth, error, _ in columns]
    return _fraction(shares, multioutput, dtype)


@rust_first(metrics.mean_tweedie_deviance)
def mean_tweedie_deviance(y_true, y_pred, *, sample_weight=None, power=0):
    return _deviance(y_true, y_pred, sample_weight, power)


@rust_first(metrics.mean_poisson_deviance)
def mean_poisson_deviance(y_true, y_pred, *, sample_weight=None):
    return _deviance(y_true, y_pred, sample_weight, 1)


@rust_first(metrics.mean_gamma_deviance)
def mean_gamma_deviance(y_true, y_pred, *, sample_weight=None):
    return _deviance(y_true, y_pred, sample_weight, 2)


@rust_first(metrics.d2_tweedie_score)
def d2_tweedie_score(y_true, y_pred, *, sample_weight=None, power=0):
    numerator = _deviance(y_true, y_pred, sample_weight, power)
    y_true, weights = as_numbers(y_true).reshape(-1), as_weights(sample_weight)
    if len(y_true) < 2:
        raise Foreign("a single row")
    mean = np.average(y_true, weights=weights)
    denominator = _deviance(y_true, np.broadcast_to(mean, y_true.shape), weights, power)
    if not denominator > 1e-12 * abs(mean) ** (2 - power):
        raise Foreign("a constant target")
    return 1 - numerator / denominator


@rust_first(metrics.d2_pinball_score)
def d2_pinball_score(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    return _d2_pinball(y_true, y_pred, sample_weight, alpha, multioutput)


@rust_first(metrics.d2_absolute_error_score)
def d2_absolute_error_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    return _d2_pinball(y_true, y_pred, sample_weight, 0.5, multioutput)


def _mean(loss, y_true, y_pred, sample_weight, multioutput, alpha=0.0, root=False):
    """Average a loss over rows, then over outputs."""
    losses, dtype = _losses(loss, y_true, y_pred, sample_weight, alpha)
    return _combined([loss**0.5 for loss in losses] if root else losses, multioutput, dtype)


def _losses(loss, y_true, y_pred, sample_weight, alpha=0.0) -> tuple[list[float], np.dtype]:
    arrays = _arrays(y_true, y_pred, sample_weight)
    losses = _core.mean_losses(*arrays, loss, alpha)
    if losses is None:
        raise Foreign("arrays of different shapes or odd types, or values that the metric is not defined on")
    return losses, _dtype(*arrays)


def _arrays(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    return as_numbers(y_true), as_numbers(y_pred), as_weights(sample_weight)


def _dtype(t: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> np.dtype:
    """Return the type that scikit-learn computes in."""
    a, b = t.dtype, p.dtype
    if a is F64 or b is F64 or (w is not None and w.dtype is F64):
        return F64
    if a is F32 and b is F32 and (w is None or w.dtype is F32):
        return F32
    if a.kind != "f" and b.kind != "f" and (w is None or w.dtype.kind != "f"):
        return F64
    raise Foreign("integers beside float32")


def _of_floats(native: Callable[..., Any], y_true: Any, y_pred: Any) -> tuple[Any, np.dtype]:
    """Call `native` for a metric that scikit-learn computes in the arrays' own types, if these are floats."""
    t, p, _ = _arrays(y_true, y_pred, None)
    dtype = _dtype(t, p, None)
    if t.dtype.kind != "f" and p.dtype.kind != "f":
        raise Foreign("integers, whose differences may wrap")
    found = native(t, p)
    if found is None:
        raise Foreign("arrays of different shapes or odd types, or values that are not finite")
    return found, dtype


def _combined(errors: list[float], multioutput: Any, dtype: np.dtype) -> Any:
    """Put the errors of the outputs together."""
    if type(multioutput) is str:
        if multioutput == "uniform_average":
            return errors[0] if len(errors) == 1 else float(np.mean(errors))
        if multioutput == "raw_values":
            return np.array(errors, dtype)
    return float(np.average(errors, weights=_output_weights(multioutput, len(errors))))


def _output_weights(multioutput: Any, outputs: int) -> np.ndarray:
    if type(multioutput) in (list, tuple, np.ndarray) and outputs > 1:
        weights = as_numbers(multioutput)
        plain = weights.shape == (outputs,) and np.isfinite(weights).all()
        if plain and weights.sum() != 0:
            return weights
    raise Foreign("parameters to be checked")


def _explained(y_true, y_pred, sample_weight, force_finite, *, errors) -> tuple[list[list[float]], np.dtype]:
    if type(force_finite) is not bool:
        raise Foreign("parameters to be checked")
    arrays = _arrays(y_true, y_pred, sample_weight)
    if len(arrays[1]) < 2:
        raise Foreign("a single row")
    columns = _core.explained_squares(*arrays, errors)
    if columns is None:
        raise Foreign("arrays of different shapes or odd types")
    for weight, mean, truth, error, squared in columns:
        if not (weight > 0 and isfinite(squared) and isfinite(truth) and isfinite(error)):
            raise Foreign("values that are not finite, or weights whose sum is not positive")
        # What is left of a constant's variance after rounding is scikit-learn's to say.
        if not truth > 1e-20 * mean * mean * weight:
            raise Foreign("a constant target")
    return columns, _dtype(*arrays)


def _fraction(shares: list[tuple[float, float]], multioutput: Any, dtype: np.dtype) -> Any:
    """1 - numerator / denominator of each output, put together. No denominator is zero."""
    scores = [1 - numerator / denominator for numerator, denominator in shares]
    if multioutput is None:
        multioutput = "uniform_average"
    if type(multioutput) is str and multioutput == "variance_weighted":
        return float(np.average(scores, weights=[denominator for _, denominator in shares]))
    return _combined(scores, multioutput, dtype)


def _weighted_quantiles(
    t: np.ndarray, p: np.ndarray | None, w: np.ndarray | None, share: float
) -> list[float]:
    """Return the weighted quantile of each column of `t`, or of its distances from `p`, as scikit-learn has it."""
    if not averages_percentiles():
        raise Foreign("weighted quantiles, which the installed scikit-learn does not average")
    if t.dtype is not F64 or w is None or w.dtype is F32 or (p is not None and p.dtype is not F64):
        raise Foreign("weighted quantiles of other numbers than float64")
    quantiles = _core.weighted_quantiles(t, p, w, share)
    if quantiles is None:
        raise Foreign(
            "arrays of different shapes, values that are not finite, or a quantile that rounding decides"
        )
    return quantiles


_LOSS_OF_POWER = {0: "squared", 1: "poisson", 1.5: "tweedie 1.5", 2: "gamma"}


def _deviance(y_true, y_pred, sample_weight, power) -> float:
    if type(power) not in (int, float) or not (power <= 0 or 1 <= power < 1000):
        raise Foreign("parameters to be checked")
    loss = _LOSS_OF_POWER.get(power, "tweedie")
    losses, dtype = _losses(loss, y_true, y_pred, sample_weight, float(power))
    if loss == "tweedie" and dtype is not F64:
        raise Foreign("powers of float32")
    if len(losses) > 1:
        raise Foreign("several outputs")
    return losses[0]


def _check_share(alpha: Any) -> None:
    if type(alpha) not in (int, float) or not 0 <= alpha <= 1:
        raise Foreign("parameters to be checked")


def _d2_pinball(y_true, y_pred, sample_weight, alpha, multioutput):
    _check_share(alpha)
    y_true, y_pred, weights = _arrays(y_true, y_pred, sample_weight)
    n = len(y_true)
    if n < 2:
        raise Foreign("a single row")
    numerators, dtype = _losses("pinball", y_true, y_pred, weights, alpha)
    columns = y_true.reshape(n, -1)
    if columns.dtype.kind != "f":
        columns = columns.astype(np.float64)
    if weights is not None:
        quantiles = np.array(_weighted_quantiles(columns, None, weights, alpha))
    elif alpha == 0.5:
        quantiles = _core.column_quantiles(columns, [])[0]
    else:
        rank = alpha * n
        if abs(rank - round(rank)) < 1e-9 * n:
            raise Foreign("a quantile at a step, which rounding decides")
        quantiles = _core.many_quantiles(columns, np.array([alpha]), "averaged_inverted_cdf")[0][0]
    level = np.broadcast_to(quantiles, columns.shape)
    denominators, _ = _losses("pinball", columns, level, weights, alpha)
    if not all(d > 1e-14 * abs(q) for d, q in zip(denominators, quantiles.tolist(), strict=True)):
        raise Foreign("a constant target")
    if type(multioutput) is not str or multioutput not in ("raw_values", "uniform_average"):
        _output_weights(multioutput, len(numerators))
    return _fraction(list(zip(numerators, denominators, strict=True)), multioutput, dtype)
