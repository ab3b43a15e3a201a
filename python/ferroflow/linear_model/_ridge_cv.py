"""Ridge regression whose penalty is chosen by leaving rows out."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn.linear_model
from scipy import linalg
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, check_cv
from sklearn.utils import check_array

from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    BaseRidgeCV,
    RidgeGCV,
    check_sample_weight,
    routing_enabled,
    validate_data,
)
from ferroflow._bridge.sklearn_search import scorer_metadata, with_globals
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._normal_equations import (
    LeastSquaresMixin,
    are_finite,
    as_columns,
    moments_of,
    moments_of_plain,
    parts,
)
from ferroflow.linear_model._ridge import Ridge, RidgeClassifier
from ferroflow.linear_model._scores import DecisionMixin, PredictMixin

# Values of a block of rows, which stay in the second-level cache.
BLOCK = 1 << 16


class _RidgeGCV(LeastSquaresMixin, RidgeGCV):
    """Every row left out once, for all penalties, from one set of sums and one pass over the rows.

    With the eigenvalues L and eigenvectors V of ``X'X``, both centred, a row's error without itself is
    ``(y - z' D z_y) / (1 - z' D z - s / sum(s))``, where ``z = V'x``, ``z_y = V'X'y``, ``D = 1 / (L + alpha)`` and s is
    the row's weight (Rifkin, Lippert: Notes on Regularized Least Squares, 2007, section 4).
    """

    alpha_: Any
    best_score_: Any

    def fit(self, X, y, sample_weight=None, score_params=None):
        name = "RidgeClassifierCV.fit" if self.is_clf else "RidgeCV.fit"
        reason = self._reason_for_sklearn(X, y)
        if reason is None and self._fit_moments(X, y, sample_weight, score_params):
            note_rust(name)
            return self
        note_sklearn(name, reason or "no more rows than columns, or sums that overflow")
        return super().fit(X, y, sample_weight, score_params)

    def _reason_for_sklearn(self, X, y):
        return "gcv_mode='svd'" if self.gcv_mode == "svd" else super()._reason_for_sklearn(X, y)

    def _fit_moments(self, X, y, weights, score_params):
        moments = moments_of_plain(X, y, weights)
        if moments is None:
            X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)
            if weights is not None:
                weights = check_sample_weight(weights, X, dtype=np.float64)
            moments = moments_of(X, check_array(y, dtype=X.dtype, ensure_2d=False), weights)
        if len(X) <= X.shape[1] or moments[0] <= 0 or not are_finite(moments):
            return False
        alphas = np.array(self.alphas, dtype=np.float64).ravel()
        Y = as_columns(y)
        rows = _Rows(X, Y, weights, moments, self.fit_intercept)
        with one_blas_thread():
            if self.scoring is None and not self.store_cv_results:
                sums = np.zeros((len(alphas), Y.shape[1]))
                for _, errors in rows.errors(alphas):
                    sums += np.einsum("rat,rat->at", errors, errors)
                scores = [self._mean_error(s / len(X), y) for s in sums]
            else:
                scores = self._scores_of_all(rows, alphas, y, score_params or {})
        coef = rows.coefficients(alphas)
        if self.alpha_per_target and Y.shape[1] > 1:
            # As in scikit-learn, the first of equals.
            best = [max(range(len(alphas)), key=lambda a: scores[a][t]) for t in range(Y.shape[1])]
            chosen = np.column_stack([coef[:, a, t] for t, a in enumerate(best)])
            self.alpha_ = alphas[best]
            self.best_score_ = np.array([scores[a][t] for t, a in enumerate(best)])
        else:
            first = max(range(len(alphas)), key=scores.__getitem__)
            chosen, self.alpha_, self.best_score_ = coef[:, first], alphas[first].item(), scores[first]
        self.n_features_in_ = X.shape[1]
        self._set_coefficients(chosen.T, rows.x_mean, rows.y_mean, X.dtype, y.ndim == 1, chosen.shape[1] == 1)
        return True

    def _mean_error(self, squares, y):
        if not self.alpha_per_target:
            return -squares.mean()
        return -squares if y.ndim == 2 else -squares[0]

    def _scores_of_all(self, rows, alphas, y, score_params):
        """Return the score of each penalty, and keep ``cv_results_`` if asked to: these need each row's error."""
        n, targets = rows.Y.shape
        if self.store_cv_results:
            self.cv_results_ = np.empty((n, len(alphas)) if y.ndim == 1 else (n, targets, len(alphas)))
        # So many penalties at a time that their errors take no more memory than the rows.
        groups = math.ceil(len(alphas) * targets / rows.X.shape[1])
        scores: list = []
        for group in np.array_split(alphas, groups):
            left_out = np.empty((len(group), n, targets))
            for at, errors in rows.errors(group):
                left_out[:, at] = errors.transpose(1, 0, 2)
            for errors in left_out:
                errors = errors[:, 0] if y.ndim == 1 else errors
                values = errors**2 if self.scoring is None else rows.predictions(errors)
                if self.store_cv_results:
                    self.cv_results_[..., len(scores)] = values
                if self.scoring is None:
                    squares = values.mean(axis=0)
                    scores.append(-squares if self.alpha_per_target else -np.mean(squares))
                else:
                    scores.append(
                        self._score(
                            predictions=values,
                            y=y,
                            n_y=targets,
                            scorer=self.scoring,
                            score_params=score_params,
                        )
                    )
        if self.store_cv_results:
            self.cv_results_ = self.cv_results_.astype(rows.X.dtype, copy=False)
        return scores


class _Rows:
    """Rows in the basis where the sums of products are diagonal."""

    def __init__(self, X, Y, weights, moments, fit_intercept):
        self.X, self.Y, self.fit_intercept = X, Y, fit_intercept
        A, B, _, self.x_mean, self.y_mean = parts(moments, X.shape[1], fit_intercept)
        self.eigenvalues, self.basis = linalg.eigh(A)
        self.target = self.basis.T @ B
        self.root = None if weights is None else np.sqrt(weights)
        self.weight = moments[0]

    def _solutions(self, alphas) -> tuple[np.ndarray, np.ndarray]:
        inverse = 1.0 / (self.eigenvalues[:, None] + alphas)
        return inverse, inverse[:, :, None] * self.target[:, None, :]

    def coefficients(self, alphas) -> np.ndarray:
        """Of shape (n_features, n_alphas, n_targets)."""
        return np.tensordot(self.basis, self._solutions(alphas)[1], axes=1)

    def errors(self, alphas) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield some rows' errors when each is left out, of shape (rows, n_alphas, n_targets), until all had theirs.

        They are multiplied with the root of the row's weight.
        """
        inverse, weights = self._solutions(alphas)
        n, p = self.X.shape
        step = max(BLOCK // p, 1)
        for begin in range(0, n, step):
            at = slice(begin, min(begin + step, n))
            z = (self.X[at] - self.x_mean) @ self.basis
            y = self.Y[at] - self.y_mean
            share: float | np.ndarray = 1.0
            if self.root is not None:
                root = self.root[at, None]
                z *= root
                y = y * root
                share = root**2
            left = y[:, None, :] - (z @ weights.reshape(p, -1)).reshape(len(z), *weights.shape[1:])
            own = 1.0 - np.square(z) @ inverse
            if self.fit_intercept:
                own -= share / self.weight
            left /= own[:, :, None]
            yield at, left

    def predictions(self, errors) -> np.ndarray:
        """Return what is predicted for each row when it is left out."""
        flat = errors.ndim == 1
        y_mean = self.y_mean[0] if flat else self.y_mean
        y = self.Y[:, 0] if flat else self.Y
        if self.root is None:
            return y - errors
        root = self.root if flat else self.root[:, None]
        return ((y - y_mean) * root - errors) / root + y_mean


class _OneFitAFold(GridSearchCV):
    """The search of RidgeCV: a fold's sums of products, made once, give the model of every penalty."""

    def fit(self, X, y, **params):
        name = f"{type(self.estimator).__name__}CV.fit"
        weights = params.get("sample_weight")
        scores = None
        if params.keys() <= {"sample_weight"} and not routing_enabled():
            scores = self._scores(X, y, weights, scorer_metadata(self, params))
        if scores is None or not np.isfinite(scores).all():
            note_sklearn(name, "other rows than a plain array, or a penalty or scorer that fails")
            return super().fit(X, y, **params)
        means = np.average(scores, axis=1)
        best = int(np.argmax(means))
        self.best_score_ = means[best]
        self.best_estimator_ = clone(self.estimator).set_params(alpha=self.param_grid["alpha"][best])
        self.best_estimator_.fit(X, y, weights)
        note_rust(name)
        return self

    def _scores(self, X, y, weights, score_params):
        """Return the scores of shape (n_alphas, n_folds), or None if these rows are not ours."""
        if not is_plain_float_matrix(X) or not (weights is None or np.shape(weights) == (len(X),)):
            return None
        y = np.asarray(y)
        weights = None if weights is None else np.asarray(weights)
        scores = []
        for train, test in check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y):
            model = clone(self.estimator).set_params(alpha=self.param_grid["alpha"][0])
            more = {name: np.asarray(value)[test] for name, value in score_params.items()}
            try:
                model.fit(X[train], y[train], None if weights is None else weights[train])
                scores.append(
                    [self._score(model, alpha, X[test], y[test], more) for alpha in self.param_grid["alpha"]]
                )
            except ValueError:  # the search has its own answer to it
                return None
        return np.array(scores).T

    def _score(self, model, alpha, X, y, more):
        if alpha != model.alpha:
            model.alpha = alpha
            moments = model.__dict__.get("_moments")
            if moments is None or not model._solve_moments(
                moments, X.dtype, np.ndim(model.intercept_) == 0, None
            ):
                return np.nan
        return self.scoring(model, X, y, **more)


class _BaseCV(BaseRidgeCV):
    """Stands between scikit-learn's classes and their base, whose checks it leaves as they are."""

    fit = with_globals(
        BaseRidgeCV.fit,
        _RidgeGCV=_RidgeGCV,
        GridSearchCV=_OneFitAFold,
        Ridge=Ridge,
        RidgeClassifier=RidgeClassifier,
    )


class RidgeCV(PredictMixin, sklearn.linear_model.RidgeCV, _BaseCV):
    __doc__ = sklearn.linear_model.RidgeCV.__doc__


class RidgeClassifierCV(DecisionMixin, sklearn.linear_model.RidgeClassifierCV, _BaseCV):
    __doc__ = sklearn.linear_model.RidgeClassifierCV.__doc__
