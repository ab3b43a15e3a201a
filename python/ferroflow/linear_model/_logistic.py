"""Logistic regression."""

import numpy as np
import sklearn.linear_model
from scipy import linalg, optimize, sparse, special
from sklearn.utils.multiclass import check_classification_targets

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    LBFGS_ADVICE,
    check_optimize_result,
    check_sample_weight,
    class_weights,
    fit_context,
    has_callbacks,
    is_dispatched,
    validate_data,
)
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._plain import few_whole_numbers
from ferroflow.linear_model._quasi_newton import minimise
from ferroflow.linear_model._scores import DecisionMixin, as_rows, scores

# A column's size over another's spread, from which steps in the columns as they are take many times more passes.
STALLING_RATIO = 30.0
# Rows from which some of them, so many at least, give a first answer; and columns up to which that pays.
MANY_ROWS = 1 << 16
SOME_ROWS = 1 << 13
FEW_COLUMNS = 256
# Parameters of which other values change the problem, or make scikit-learn warn; versions differ in them.
_DEFAULTS = {
    name: value
    for name, value in sklearn.linear_model.LogisticRegression().get_params().items()
    if name in ("penalty", "l1_ratio", "dual", "n_jobs", "multi_class", "verbose")
}


class LogisticRegression(DecisionMixin, sklearn.linear_model.LogisticRegression):
    __doc__ = sklearn.linear_model.LogisticRegression.__doc__
    coef_: np.ndarray
    intercept_: np.ndarray

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model according to the given training data.

        ``solver="lbfgs"`` reads the rows once a step. Where columns differ much in scale it takes its steps in columns
        that are centred (if there is an intercept) and of equal curvature: the objective is scikit-learn's, but such
        columns do not stall it. Of 65,536 dense rows of two classes or more, one in about 16 gives a first answer and the
        curvature there; a few steps over all rows (``n_iter_``) then end below ``tol`` and within a ten millionth of the
        least objective. ``tol`` bounds the mean loss's gradient by these columns; its largest entry at the end
        is kept in ``gradient_norm_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training vectors.
        y : array-like of shape (n_samples,)
            Target vector relative to X.
        sample_weight : array-like of shape (n_samples,), default=None
            Array of weights that are assigned to individual samples.

        Returns
        -------
        self
            Fitted estimator.
        """
        reason = self._reason_for_sklearn(X, y)
        if reason is not None:
            note_sklearn("LogisticRegression.fit", reason)
            return super().fit(X, y, sample_weight)
        found = self._plain(X, y)
        if found is None or not self._learn(X, y, sample_weight, *found):
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order="C")
            check_classification_targets(y)
            classes, codes = np.unique(y, return_inverse=True)
            if len(classes) < 2:
                raise ValueError(
                    "This solver needs samples of at least 2 classes"
                    f" in the data, but the data contains only one class: {classes[0]!r}"
                )
            if sparse.issparse(X) and not X.has_canonical_format:
                X = X.copy()
                X.sum_duplicates()
            self._learn(X, y, sample_weight, classes, codes, moments_of_columns(X))
        note_rust("LogisticRegression.fit")
        return self

    def _learn(self, X, y, sample_weight, classes, codes, moments):
        """Fit rows; return whether there is a result in numbers."""
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight is not None:
            by_class = class_weights(self.class_weight, classes, y, weights)
            weights = by_class[codes] if weights is None else weights * by_class[codes]
        objective = Objective(X, codes, len(classes), weights, moments, self.fit_intercept)
        start = None
        if self.warm_start and getattr(self, "coef_", None) is not None:
            start = self.coef_, self.intercept_
        found = objective.minimise(self.C, self.tol, self.max_iter, start)
        if found is None or not np.isfinite(found[-1]):
            return False
        w, b, n_iter, slope = found
        self.classes_ = classes
        self.coef_, self.intercept_ = w.astype(X.dtype), b.astype(X.dtype)
        self.n_iter_ = np.array([n_iter], dtype=np.int32)
        self.gradient_norm_ = slope
        return True

    def _reason_for_sklearn(self, X, y):
        if self.solver != "lbfgs":
            return f"solver={self.solver!r}"
        for name, value in _DEFAULTS.items():
            if getattr(self, name) != value:
                return f"{name}={getattr(self, name)!r}"
        if self.max_iter == 0:
            return "max_iter=0"
        if has_callbacks(self):
            return "callbacks"
        if is_dispatched(X, y):
            return "an array of another library"
        return None

    def _plain(self, X, y):
        """Return classes, codes and moments of arrays that validation would leave as they are, or None."""
        if not (
            is_plain_float_matrix(X)
            and X.flags.c_contiguous
            and type(y) is np.ndarray
            and y.shape == (len(X),)
            and y.dtype.kind in "biu"
            and y.dtype.isnative
        ):
            return None
        found = few_whole_numbers(y)
        if found is None or len(found[0]) < 2:
            return None
        moments = None  # of many rows, whose loss shows values that are not finite
        if len(found[0]) > 2 or not are_many(X):
            _, *moments, _, has_nan, has_inf = _core.column_moments(X)
            if has_nan or has_inf:
                return None
        self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_ = X.shape[1]
        return *found, moments

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        others = self.solver == "liblinear" or getattr(self, "multi_class", "") == "ovr"
        if (others and len(self.classes_) > 2) or is_dispatched(X, getattr(self, "coef_", None)):
            return super().predict_proba(X)
        return _core.linear_probabilities(scores(self, X))


class Objective:
    """The logistic loss of rows, beside a penalty.

    `moments` are the columns' means and variances; made when they are needed if None.
    """

    def __init__(self, X, codes, n_classes, weights, moments, fit_intercept):
        n, self.p = X.shape
        self.X, self.codes, self.weights = X, codes, weights
        self.outputs = 1 if n_classes == 2 else n_classes
        self.y = codes * 2.0 - 1.0 if self.outputs == 1 else codes.astype(np.float64)
        self.rows = as_rows(X)
        self.total = n if weights is None else weights.sum()
        self.moments, self.fit_intercept = moments, fit_intercept

    def minimise(self, C, tol, max_iter, start=None):
        """Return weights, intercepts, steps and the largest slope where the loss and ``1 / C`` of the penalty are least.

        `start` is where to begin, weights and intercepts; at zero if None. Nothing is returned if no moments were given and
        these are not finite.
        """
        with one_blas_thread():
            result = self._from_some(C, tol, max_iter) if start is None and self._is_large() else None
            if result is None:
                moments = self.moments
                if moments is None:
                    moments = moments_of_columns(self.X)
                    if not np.isfinite(moments).all():
                        return None
                result = _Penalised(self, C, moments).by_lbfgs(tol, max_iter, start)
        n_iter = check_optimize_result("lbfgs", result, max_iter, extra_warning_msg=LBFGS_ADVICE)
        return *result.parameters, n_iter, float(np.abs(result.jac).max())

    def _is_large(self):
        return self.outputs == 1 and are_many(self.X)

    def _from_some(self, C, tol, max_iter):
        """Go on from the answer of some of the rows by the curvature there: most steps then read these alone."""
        n = len(self.X)
        some = slice(None, None, n // max(SOME_ROWS, n // 16) | 1)  # odd: columns may have a period
        weights = None if self.weights is None else self.weights[some].copy()
        X, codes = np.ascontiguousarray(self.X[some]), self.codes[some]
        moments = moments_of_columns(X)
        part = Objective(X, codes, 2, weights, moments, self.fit_intercept)
        if not (part.total > 0 and codes.min() < codes.max() and np.isfinite(moments).all()):
            return None
        of_some = _Penalised(part, C * self.total / part.total, moments)
        begin = of_some.by_lbfgs(tol, max_iter, None)
        of_all = _Penalised(self, C, moments)
        try:
            result = minimise(of_all, begin.x, of_some.curvature(begin.x), tol, max_iter)
        except linalg.LinAlgError:
            return None
        result.parameters = of_all.parameters(result.x)
        return result


class _Penalised:
    """Loss and penalty together by variables of which none stalls, called with a point for value and gradient."""

    def __init__(self, of, C, moments):
        self.of, self.l2 = of, 1.0 / (C * of.total)
        mean, var = moments
        # Unweighted moments serve: the change of variables decides the path alone, not where it ends.
        centre = mean if of.fit_intercept else np.zeros(of.p)
        curvature = 0.25 if of.outputs == 1 else 0.5
        unit = np.sqrt(curvature * (var + (mean - centre) ** 2) + self.l2)
        unit[~(unit > 0)] = 1.0
        unit /= np.sqrt(curvature)
        varied = var > 0
        if not varied.any() or np.sqrt((var + mean**2).max()) <= STALLING_RATIO * np.sqrt(var[varied].min()):
            # Where no column stalls scikit-learn's steps, ours are the same.
            centre, unit = np.zeros(of.p), np.ones(of.p)
        self.centre, self.unit = centre, unit

    def parameters(self, u):
        """Return weights and intercepts at a point."""
        u = u.reshape(self.of.outputs, -1)
        w = u[:, : self.of.p] / self.unit
        return w, u[:, self.of.p] - w @ self.centre if self.of.fit_intercept else np.zeros(self.of.outputs)

    def __call__(self, u):
        of = self.of
        w, b = self.parameters(u)
        loss, gradient = _core.logistic_gradient(
            of.rows, of.y, of.weights, of.outputs, np.concatenate([w.ravel(), b])
        )
        gradient /= of.total
        gw, gb = gradient[: -of.outputs].reshape(w.shape), gradient[-of.outputs :]
        slopes = (gw - np.outer(gb, self.centre) + self.l2 * w) / self.unit
        if of.fit_intercept:
            slopes = np.column_stack([slopes, gb])
        return loss / of.total + 0.5 * self.l2 * np.vdot(w, w), slopes.ravel()

    def curvature(self, u):
        """Return the Hessian at a point, for two classes."""
        of = self.of
        w, b = self.parameters(u)
        share = special.expit(of.X @ w[0] + b[0])
        bend = share * (1.0 - share) * (1.0 if of.weights is None else of.weights)
        total, mean, products = _core.column_products(of.X, of.X[:, :0], bend.astype(np.float64))
        mean = (mean - self.centre) / self.unit
        of_weights = products / np.outer(self.unit, self.unit) + total * np.outer(mean, mean)
        of_weights[np.diag_indices(of.p)] += of.total * self.l2 / self.unit**2
        if of.fit_intercept:
            of_weights = np.block([[of_weights, total * mean[:, None]], [total * mean, total]])
        return of_weights / of.total

    def by_lbfgs(self, tol, max_iter, start):
        """Return what SciPy's L-BFGS-B finds, and the `parameters` there."""
        of = self.of
        u = np.zeros((of.outputs, of.p + bool(of.fit_intercept)))
        if start is not None:
            u[:, : of.p] = start[0] * self.unit
            if of.fit_intercept:
                u[:, of.p] = start[1] + start[0] @ self.centre
        result = optimize.minimize(
            self,
            u.ravel(),
            method="L-BFGS-B",
            jac=True,
            # scikit-learn's own choice but for the variables.
            options={"maxiter": max_iter, "maxls": 50, "gtol": tol, "ftol": 64 * np.finfo(float).eps},
        )
        result.parameters = self.parameters(result.x)
        return result


def are_many(X):
    """Are so many rows given, and so few columns, that a first answer from some of the rows saves passes over all?"""
    return type(X) is np.ndarray and len(X) >= MANY_ROWS and X.shape[1] <= FEW_COLUMNS


def moments_of_columns(X):
    """Return the mean and variance of each column, NaN if there are values that are not finite."""
    if sparse.issparse(X):
        n = X.shape[0]
        mean = np.asarray(X.sum(axis=0, dtype=np.float64)).ravel() / n
        square = np.asarray(X.multiply(X).sum(axis=0, dtype=np.float64)).ravel() / n
        return mean, np.maximum(square - mean**2, 0.0)
    _, mean, var, _, has_nan, has_inf = _core.column_moments(X)
    return mean, np.full_like(var, np.nan) if has_nan or has_inf else var
