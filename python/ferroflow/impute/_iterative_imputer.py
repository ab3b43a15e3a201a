"""IterativeImputer on the Rust core."""

import numpy as np
from sklearn.base import clone
from sklearn.impute._iterative import IterativeImputer as _IterativeImputer
from sklearn.linear_model import BayesianRidge
from sklearn.utils._missing import is_scalar_nan

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_kept, take_over
from ferroflow._bridge.sklearn_compat import array_api_dispatch, validate_data

_WIDE = 64
"""Inputs above which LAPACK's singular values take less time than ours."""


class IterativeImputer(_IterativeImputer):
    __doc__ = _IterativeImputer.__doc__

    def fit_transform(self, X, y=None, **params):
        self.__dict__.pop("_rows", None)
        _note(self, "IterativeImputer.fit_transform", bool(params))
        return super().fit_transform(X, y, **params)

    def partial_fit(self, X, y=None):
        """Take in more rows: they are kept, and all rows so far are fitted together.

        The regressions of a round need the values of the round before, so nothing less than the rows would do.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.
        y : Ignored

        Returns
        -------
        self : IterativeImputer
        """
        rows = vars(self).get("_rows")
        marked = "allow-nan" if is_scalar_nan(self.missing_values) else True
        more = validate_data(
            self, X, reset=rows is None, dtype=list(FLOATS), copy=True, ensure_all_finite=marked
        )
        return self._fit_rows(more if rows is None else np.concatenate([rows, more]))

    def merge(self, other):
        """Take in the rows of another imputer, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : IterativeImputer
            Learned by ``partial_fit``, as this one: ``fit`` keeps no rows.

        Returns
        -------
        self : IterativeImputer
        """
        check_kept(self, other, "imputers", lost="rows", kept="_rows")
        return self._fit_rows(np.concatenate([self._rows, other._rows]))

    def _fit_rows(self, rows):
        # As a clone, whose draws begin anew; and an error leaves this one as it was. Of a copy, since scikit-learn writes
        # into empty columns that are kept.
        take_over(self, clone(self).fit(rows.copy()))
        self._rows = rows
        return self

    def transform(self, X):
        _note(self, "IterativeImputer.transform", False)
        return super().transform(X)

    def _initial_imputation(self, X, in_fit=False):
        X, filled, mask, complete = super()._initial_imputation(X, in_fit)
        if not in_fit and mask.all():
            # Here scikit-learn stops; but a row is filled alike whichever rows come with it.
            for step in self.imputation_sequence_:
                filled, _ = self._impute_one_feature(
                    filled, mask, step.feat_idx, step.neighbor_feat_idx, step.estimator, fit_mode=False
                )
        return X, filled, mask, complete

    # scikit-learn's fit_transform and transform call this for one column after another.

    def _impute_one_feature(
        self,
        X_filled,
        mask_missing_values,
        feat_idx,
        neighbor_feat_idx,
        estimator=None,
        fit_mode=True,
        params=None,
    ):
        if (
            _foreign(self, bool(params))
            or (estimator is None) != fit_mode
            or not is_plain_float_matrix(X_filled)
            or not X_filled.flags.writeable
            or not 0 < len(neighbor_feat_idx) <= _WIDE
        ):
            return super()._impute_one_feature(
                X_filled, mask_missing_values, feat_idx, neighbor_feat_idx, estimator, fit_mode, params
            )
        missing = mask_missing_values[:, feat_idx]
        inputs = np.asarray(neighbor_feat_idx).tolist()
        if fit_mode:
            estimator = _learn(self._estimator, X_filled, missing, int(feat_idx), inputs)
        if estimator is None or self.sample_posterior:
            # The draws are SciPy's; so are the words of errors.
            fit_mode = estimator is None
            return super()._impute_one_feature(
                X_filled, mask_missing_values, feat_idx, neighbor_feat_idx, estimator, fit_mode, {}
            )
        if missing.any():
            limits = float(self._min_value[feat_idx]), float(self._max_value[feat_idx])
            coef = np.ascontiguousarray(estimator.coef_, dtype=np.float64)
            intercept = float(estimator.intercept_)
            _core.fill_linear(X_filled, missing, int(feat_idx), inputs, coef, intercept, limits)
        return X_filled, estimator


def _foreign(self, routed):
    """Why the regressions are scikit-learn's to make, or None."""
    estimator = self.estimator
    if estimator is not None and type(estimator) is not BayesianRidge:
        return f"regressions by {type(estimator).__name__}"
    if routed:
        return "parameters for the regressions"
    if estimator is not None and (
        estimator.compute_score or estimator.verbose or not estimator.fit_intercept
    ):
        return "BayesianRidge with scores, talk or without an intercept"
    if array_api_dispatch():
        return "another library's arrays may come"
    return None


def _note(self, call, routed):
    if reason := _foreign(self, routed):
        note_sklearn(call, reason)
    else:
        note_rust(call)


def _learn(blank, X, missing, target, inputs):
    """Return a fitted BayesianRidge; None where scikit-learn has something to say about a value."""
    blank._validate_params()
    priors = (
        blank.max_iter,
        blank.tol,
        (blank.alpha_1, blank.alpha_2),
        (blank.lambda_1, blank.lambda_2),
        blank.alpha_init,
        blank.lambda_init,
    )
    found = _core.bayesian_ridge(X, missing, target, inputs, priors)
    if found is None:
        return None
    coef, intercept, offset, alpha, lambda_, sigma, n_iter = found
    width, dtype = len(inputs), X.dtype
    regression = BayesianRidge(**blank.get_params(deep=False))
    regression.__dict__.update(
        n_features_in_=width,
        X_offset_=offset.astype(dtype, copy=False),
        X_scale_=np.ones(width, dtype=dtype),
        scores_=[],
        n_iter_=n_iter,
        alpha_=dtype.type(alpha),
        lambda_=dtype.type(lambda_),
        coef_=coef.astype(dtype, copy=False),
        sigma_=sigma.reshape(width, width).astype(dtype, copy=False),
        intercept_=dtype.type(intercept),
    )
    return regression
