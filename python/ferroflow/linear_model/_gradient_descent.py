"""Linear classification and regression by gradient descent on the Rust core."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ferroflow import _core
from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import (
    LinearClassifierMixin,
    StrOptions,
    check_partial_fit_first_call,
    check_sample_weight,
    fit_context,
    validate_data,
)
from ferroflow.linear_model._descent import DescentMixin
from ferroflow.linear_model._plain import are_plain_rows, few_whole_numbers, has_plain_parameters, sums_up
from ferroflow.linear_model._scores import scores

_FLOATS = [np.float64, np.float32]

_PARAMETERS = """penalty : {'l2', 'l1', 'elasticnet'} or None, default='l2'
        ``alpha`` times w^2 / 2, abs(w), or ``l1_ratio`` of this and the rest of that, summed over the weights. L1 steps
        are proximal, so weights become exactly zero. With ``optimizer='adamw'`` the L2 part is no term of the objective:
        weights shrink by ``alpha`` times the rate at each step.
    alpha : float, default=0.0001
        Strength of the penalty.
    l1_ratio : float, default=0.15
        Share of L1, for 'elasticnet' only.
    fit_intercept : bool, default=True
        Whether to learn an intercept. It is not penalised.
    max_iter : int, default=1000
        Passes over the rows (epochs) at most; of no concern to ``partial_fit``, which makes one.
    tol : float or None, default=1e-4
        The fit has converged when the mean objective of an epoch fell by less than ``tol`` in ``n_iter_no_change``
        epochs; under the adaptive schedule, when lowering the rate brings no more than that. In full batch, when no entry
        of the gradient is larger than ``tol``. If None, ``max_iter`` epochs are made.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order. A full batch needs none. Rows of more than 4 MB are shuffled as
        blocks of neighbours, a page each, and then among each other within 64 such blocks, so that memory can follow.
    verbose : int, default=0
        Whether to print a line for each epoch.
    random_state : int, RandomState instance or None, default=None
        Gives the orders, and the validation rows of ``early_stopping``.
    optimizer : {'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adamw'}, default='adam'
        How a step is made of a gradient.
    batch_size : int, 'auto' or None, default='auto'
        Rows of a step: 1 is stochastic descent, None takes all rows, 'auto' is 256. An epoch is cut into batches of nearly
        equal size, none larger.
    learning_rate : {'constant', 'optimal', 'invscaling', 'adaptive'}, default='adaptive'
        The rate at update t: ``eta0``; ``1 / (alpha * (t + t0))``; ``eta0 / t ** power_t``; or ``eta0``, divided by 5
        each time the objective stops falling.
    eta0 : float or 'auto', default='auto'
        The first rate. 'auto' is 0.1 / sqrt(updates per epoch), within 0.001 and 0.1, for 'rmsprop', 'adam' and 'adamw';
        0.5 for 'adagrad'; for the others 1 / L, where L bounds how fast a batch's gradient can change, from the rows' norms
        and the largest eigenvalue of their second moments.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    momentum : float, default=0.9
        Share of the last step that is taken again, for 'momentum' and 'nesterov'.
    beta_1 : float, default=0.9
        Decay of the mean of gradients, for 'adam' and 'adamw'.
    beta_2 : float, default=0.999
        Decay of the mean of squared gradients, for 'rmsprop', 'adam' and 'adamw'.
    epsilon : float, default=1e-8
        Keeps divisors above zero, for 'adagrad', 'rmsprop', 'adam' and 'adamw', as in MLPClassifier. (SGDClassifier's
        ``epsilon``, the threshold of the Huber loss, is ``delta`` here.)
    delta : float, default={delta}
        Residuals up to this size count by their square, larger ones linearly, for ``loss='huber'``.
    early_stopping : bool, default=False
        Whether to set rows aside, to stop when their loss has not fallen by ``tol`` in ``n_iter_no_change`` epochs, and
        to keep the weights of the epoch with the smallest.
    validation_fraction : float, default=0.1
        The share of rows set aside.
    n_iter_no_change : int, default=5
        Epochs without progress to wait for. So few rows that this makes less than 20 updates wait for 20 updates."""

_NOTES = """Gradient descent needs features of similar scale: put a StandardScaler before it. A fit warns where scales differ
    a hundredfold.

    The result does not depend on the number of threads. Sparse rows are used as they are; with ``optimizer='sgd'`` an
    update costs as much as its rows have stored values, with the others as much as there are columns besides.

    A fitted model is not a sum over rows, so two of them cannot be merged; rows that come in parts go through
    ``partial_fit``."""


def _has_probabilities(estimator):
    if estimator.loss != "log_loss":
        raise AttributeError(f"probability estimates are not available for loss={estimator.loss!r}")
    return True


class GradientDescentClassifier(LinearClassifierMixin, DescentMixin):
    __doc__ = f"""Linear classifier by gradient descent.

    Minimises the weighted mean of the rows' losses plus the penalty. Several classes: with 'log_loss' one softmax
    (multinomial logistic regression), otherwise one class against the rest, all in the same pass.

    Parameters
    ----------
    loss : {{'log_loss', 'hinge', 'squared_error', 'huber'}}, default='log_loss'
        Logistic regression, linear support vector machine, or the regression losses on targets -1 and 1.
    {_PARAMETERS.replace("{delta}", "1.35")}
    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes; 'balanced' weighs them inversely to their number of rows.
    warm_start : bool, default=False
        Whether ``fit`` begins with the weights of the last one.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights; one row for two classes. float32 if X was.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    n_iter_ : int
        Epochs made.
    t_ : float
        Updates made, plus one.
    loss_curve_ : list of float
        The mean objective of each epoch: losses before their updates, and the penalty.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if all are strings.

    See Also
    --------
    sklearn.linear_model.SGDClassifier : Stochastic descent by single rows.
    sklearn.linear_model.LogisticRegression : The same objective by second-order solvers.

    Notes
    -----
    {_NOTES}

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from ferroflow.linear_model import GradientDescentClassifier
    >>> from ferroflow.preprocessing import StandardScaler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), GradientDescentClassifier(random_state=0))
    >>> bool(model.fit(X, y).score(X, y) > 0.97)
    True
    """

    _parameter_constraints: dict = {
        **DescentMixin._parameter_constraints,
        "loss": [StrOptions({"log_loss", "hinge", "squared_error", "huber"})],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        loss="log_loss",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        shuffle=True,
        verbose=0,
        random_state=None,
        optimizer="adam",
        batch_size="auto",
        learning_rate="adaptive",
        eta0="auto",
        power_t=0.5,
        momentum=0.9,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        delta=1.35,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        class_weight=None,
        warm_start=False,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.delta = delta
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows. A C-ordered array or CSR matrix of float64 or float32 is used as it is.
        y : array-like of shape (n_samples,)
            Their classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights. Only ratios matter: the objective has the weighted mean of the losses.

        Returns
        -------
        self : GradientDescentClassifier
        """
        X, y = self._validate(X, y, reset=True)
        classes = np.unique(y)
        check_classification_targets(classes)
        if len(classes) < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {len(classes)} class")
        if self.warm_start and hasattr(self, "classes_") and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"y has the classes {list(classes)}, but warm_start goes on from a fit to {list(self.classes_)}; "
                "set warm_start=False to begin anew."
            )
        codes = (y == classes[1]).astype(np.intp) if len(classes) == 2 else np.searchsorted(classes, y)
        by_class = np.ones(len(classes))
        if self.class_weight is not None:
            by_class = compute_class_weight(self.class_weight, classes=classes, y=y)
        return self._learn(X, codes, classes, by_class, sample_weight, incremental=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Make one pass over some rows, going on from the weights so far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, taken as they are: the pass cannot know those of other rows.

        Returns
        -------
        self : GradientDescentClassifier
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all rows. Compute the "
                "weights with sklearn.utils.compute_class_weight('balanced', classes=classes, y=y) and pass them as "
                "a dict in class_weight."
            )
        first = not hasattr(self, "classes_")
        X, y = self._validate(X, y, reset=first)
        check_classification_targets(y)
        check_partial_fit_first_call(self, classes)
        classes = self.classes_
        if len(classes) < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {len(classes)} class")
        codes = np.searchsorted(classes, y)
        unknown = (codes == len(classes)) | (classes[np.minimum(codes, len(classes) - 1)] != y)
        if unknown.any():
            raise ValueError(f"y has the class {y[unknown][0]!r}, which is not among classes={list(classes)}")
        by_class = compute_class_weight(self.class_weight, classes=classes, y=classes)
        return self._learn(X, codes, classes, by_class, sample_weight, incremental=True)

    def _validate(self, X, y, reset):
        return validate_data(self, X, y, accept_sparse="csr", dtype=_FLOATS, order="C", reset=reset)

    def _learn(self, X, codes, classes, by_class, sample_weight, incremental):
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if (by_class != 1).any():
            weights = by_class[codes] if weights is None else weights * by_class[codes]
        outputs = len(classes) if len(classes) > 2 else 1
        targets = codes.astype(np.float64) if outputs > 1 else codes * 2.0 - 1.0
        coef, intercept = self._descend(
            X,
            targets,
            weights,
            outputs,
            max_iter=1 if incremental else self.max_iter,
            incremental=incremental,
        )
        self.coef_, self.intercept_, self.classes_ = coef, intercept, classes
        return self

    def _scaled_parameters(self):
        return self.coef_, self.intercept_

    def decision_function(self, X):
        """Return the scores of rows: ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes, positive for ``classes_[1]``. Dense and sparse rows, and a frozen model, give
            the same bits.
        """
        out = scores(self, X)
        note_rust("GradientDescentClassifier.decision_function")
        return out[:, 0] if out.shape[1] == 1 else out

    def predict(self, X):
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        classes : ndarray of shape (n_samples,)
        """
        out = scores(self, X)
        note_rust("GradientDescentClassifier.predict")
        at = out[:, 0] > 0 if out.shape[1] == 1 else out.argmax(axis=1)
        return self.classes_.take(at)

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Return the probability of each class; for ``loss='log_loss'``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            The sigmoid of the score for two classes, the softmax of the scores for more.
        """
        out = _core.linear_probabilities(scores(self, X))
        note_rust("GradientDescentClassifier.predict_proba")
        return out

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class; for ``loss='log_loss'``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class GradientDescentRegressor(RegressorMixin, DescentMixin):
    __doc__ = f"""Linear regression by gradient descent.

    Minimises the weighted mean of the rows' losses plus the penalty. The target is centred and brought to unit variance
    while it is learned, and the weights are put back on its own scale, so that one rate suits every unit; the objective
    is not changed by this.

    Parameters
    ----------
    loss : {{'squared_error', 'huber'}}, default='squared_error'
        Half the squared residual, or that up to ``delta`` and linear beyond.
    {_PARAMETERS.replace("{delta}", "1.35").replace("for ``loss='huber'``.", "for ``loss='huber'``; in the unit of y.")}
    warm_start : bool, default=False
        Whether ``fit`` begins with the weights of the last one.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights. float32 if X was.
    intercept_ : ndarray of shape (1,)
        The intercept.
    n_iter_ : int
        Epochs made.
    t_ : float
        Updates made, plus one.
    loss_curve_ : list of float
        The mean objective of each epoch: losses before their updates, and the penalty.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if all are strings.

    See Also
    --------
    sklearn.linear_model.SGDRegressor : Stochastic descent by single rows.
    sklearn.linear_model.Ridge : The squared error with L2, solved directly.

    Notes
    -----
    {_NOTES}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from ferroflow.linear_model import GradientDescentRegressor
    >>> from ferroflow.preprocessing import StandardScaler
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), GradientDescentRegressor(random_state=0))
    >>> bool(model.fit(X, y).score(X, y) > 0.5)
    True
    """

    _parameter_constraints: dict = {
        **DescentMixin._parameter_constraints,
        "loss": [StrOptions({"squared_error", "huber"})],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        shuffle=True,
        verbose=0,
        random_state=None,
        optimizer="adam",
        batch_size="auto",
        learning_rate="adaptive",
        eta0="auto",
        power_t=0.5,
        momentum=0.9,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        delta=1.35,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        warm_start=False,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.delta = delta
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows. A C-ordered array or CSR matrix of float64 or float32 is used as it is.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights. Only ratios matter: the objective has the weighted mean of the losses.

        Returns
        -------
        self : GradientDescentRegressor
        """
        return self._learn(X, y, sample_weight, incremental=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Make one pass over some rows, going on from the weights so far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their targets. Mean and deviation of the first call's scale the steps of all.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, taken as they are: the pass cannot know those of other rows.

        Returns
        -------
        self : GradientDescentRegressor
        """
        return self._learn(X, y, sample_weight, incremental=True)

    def _learn(self, X, y, sample_weight, incremental):
        go_on = incremental and hasattr(self, "coef_")
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=_FLOATS, order="C", y_numeric=True, reset=not go_on
        )
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return self._learn_rows(X, np.asarray(y, dtype=np.float64), weights, incremental)

    def _learn_rows(self, X, y, weights, incremental):
        go_on = incremental and hasattr(self, "coef_")
        before: Any = getattr(self, "_target", None)
        centre, scale = before if go_on else _centre_and_scale(y, weights, self.fit_intercept)
        self._target = (centre, scale)
        try:
            coef, intercept = self._descend(
                X,
                (y - centre) / scale,
                weights,
                1,
                max_iter=1 if incremental else self.max_iter,
                incremental=incremental,
                scale=scale,
            )
        except BaseException:
            self._target = before
            raise
        self.coef_ = coef[0] * X.dtype.type(scale)
        self.intercept_ = (intercept.astype(np.float64) * scale + centre).astype(X.dtype)
        return self

    def _scaled_parameters(self):
        centre, scale = self._target
        coef = np.asarray(self.coef_, dtype=np.float64)[None, :] / scale
        return coef, (np.asarray(self.intercept_, dtype=np.float64) - centre) / scale

    def predict(self, X):
        """Return the predicted target of each row, ``X @ coef_ + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        targets : ndarray of shape (n_samples,)
            Dense and sparse rows, and a frozen model, give the same bits.
        """
        out = scores(self, X)[:, 0]
        note_rust("GradientDescentRegressor.predict")
        return out


def _centre_and_scale(y, weights, centred):
    """Return what to subtract from the target and to divide it by."""
    if weights is not None and not weights.any():
        return 0.0, 1.0
    centre = float(np.average(y, weights=weights)) if centred else 0.0
    scale = float(np.sqrt(np.average((y - centre) ** 2, weights=weights)))
    # Of a constant target only rounding is left.
    return (centre, scale) if scale > 1e-12 * abs(centre) and np.isfinite(scale) else (centre, 1.0)


def _fast_fit_classifier(self, X, y, sample_weight=None):
    if sample_weight is not None or self.class_weight is not None or not has_plain_parameters(self):
        return NotImplemented
    if not are_plain_rows(X, y) or (found := few_whole_numbers(y)) is None or len(found[0]) < 2:
        return NotImplemented
    classes, codes = found
    self._n_features(X.shape[1])
    return self._learn(X, codes, classes, np.ones(len(classes)), None, incremental=False)


def _fast_fit_regressor(self, X, y, sample_weight=None):
    if sample_weight is not None or not has_plain_parameters(self) or not are_plain_rows(X, y):
        return NotImplemented
    y = y.astype(np.float64)
    if not sums_up(y):
        return NotImplemented  # scikit-learn's validation words the error, if it is one
    self._n_features(X.shape[1])
    return self._learn_rows(X, y, None, incremental=False)


with_fast_path(GradientDescentClassifier, "fit", _fast_fit_classifier)
with_fast_path(GradientDescentRegressor, "fit", _fast_fit_regressor)
