"""The scalers as functions: of one array, along either axis, also one-dimensional."""

import numpy as np
from sklearn import preprocessing
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix
from ferroflow._bridge.frame_columns import finite_or_nan
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import array_api_dispatch, like_sklearns
from ferroflow.preprocessing._max_abs_scaler import MaxAbsScaler
from ferroflow.preprocessing._min_max_scaler import MinMaxScaler
from ferroflow.preprocessing._robust_scaler import RobustScaler
from ferroflow.preprocessing._scaling import SPARSE

_their_scale = preprocessing.scale  # held here, since accelerate() puts ours there
_DTYPES = (np.float64, np.float32, np.float16)


@like_sklearns(_their_scale, skip_nested=True)
def scale(X, *, axis=0, with_mean=True, with_std=True, copy=True):
    plain = copy and is_plain_float_matrix(X) and X.dtype == FLOATS[0] and not array_api_dispatch()
    if not plain:
        note_sklearn("scale", "not a plain float64 array to be copied")
        return _their_scale(X, axis=axis, with_mean=with_mean, with_std=with_std, copy=copy)
    rows = X if axis == 0 else X.T
    count, mean, var, divisor, _, has_inf = _core.column_moments(rows)
    if has_inf or not _is_calm(count, mean, var):
        note_sklearn("scale", "values that NumPy's means may be wrong about, or infinite ones")
        return _their_scale(X, axis=axis, with_mean=with_mean, with_std=with_std)
    how = False, False, None
    out, _ = _core.scale_columns(rows, mean if with_mean else None, divisor if with_std else None, how)
    note_rust("scale")
    return out if axis == 0 else out.T


def _is_calm(count, mean, var):
    """Would NumPy's means be right to the digits that scikit-learn looks at, so that it corrects nothing?

    Their error is below 20 roundings of the largest sum that pairwise summation has; scikit-learn looks at 1e-8.
    """
    deviation = np.sqrt(var)
    error = 20 * np.finfo(np.float64).eps * np.log2(count + 2) * (np.abs(mean) + deviation)
    return bool((error < 1e-9 * np.minimum(1, deviation)).all())


def _by(scaler, X, axis, accept_sparse):
    X = check_array(
        X,
        accept_sparse=accept_sparse,
        copy=False,
        ensure_2d=False,
        dtype=_DTYPES,
        ensure_all_finite=finite_or_nan(X),
    )
    flat = X.ndim == 1
    if flat:
        X = X.reshape(X.shape[0], 1)
    X = scaler.fit_transform(X) if axis == 0 else scaler.fit_transform(X.T).T
    return X.ravel() if flat else X


@like_sklearns(preprocessing.minmax_scale, skip_nested=False)
def minmax_scale(X, feature_range=(0, 1), *, axis=0, copy=True):
    return _by(MinMaxScaler(feature_range=feature_range, copy=copy), X, axis, False)


@like_sklearns(preprocessing.maxabs_scale, skip_nested=False)
def maxabs_scale(X, *, axis=0, copy=True):
    return _by(MaxAbsScaler(copy=copy), X, axis, SPARSE)


@like_sklearns(preprocessing.robust_scale, skip_nested=False)
def robust_scale(
    X,
    *,
    axis=0,
    with_centering=True,
    with_scaling=True,
    quantile_range=(25.0, 75.0),
    copy=True,
    unit_variance=False,
):
    scaler = RobustScaler(
        with_centering=with_centering,
        with_scaling=with_scaling,
        quantile_range=quantile_range,
        unit_variance=unit_variance,
        copy=copy,
    )
    return _by(scaler, X, axis, SPARSE)
