"""Linear classification by gradient descent on the Rust core."""

import numpy as np
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
from ferroflow.linear_model._descent import FLOATS, DescentMixin
from ferroflow.linear_model._descent_docs import ATTRIBUTES, NOTES, PARAMETERS
from ferroflow.linear_model._plain import are_plain_rows, few_whole_numbers, has_plain_parameters
from ferroflow.linear_model._scores import scores


def _has_probabilities(estimator):
    if estimator.loss not in ("log_loss", "modified_huber"):
        raise AttributeError(f"probability estimates are not available for loss={estimator.loss!r}")
    return True


def _one_by_one(scores, loss):
    """Return the probabilities of scores of one class against the rest."""
    if loss == "log_loss":
        own = _core.linear_probabilities(scores.reshape(-1, 1))[:, 1].reshape(scores.shape)
    else:
        own = (np.clip(scores, -1, 1) + 1) / 2
    if own.shape[1] == 1:
        return np.hstack([1 - own, own])
    total = own.cumsum(axis=1)[:, -1:]  # from left to right, as a frozen model sums
    return np.divide(own, total, out=np.full_like(own, 1 / own.shape[1]), where=total > 0)


class GradientDescentClassifier(LinearClassifierMixin, DescentMixin):
    __doc__ = f"""Linear classifier by gradient descent.

    Minimises the weighted mean of the rows' losses plus the penalty. Several classes: one softmax (multinomial logistic
    regression), or one class against the rest, all in the same pass.

    Parameters
    ----------
    loss : {{'log_loss', 'modified_huber', 'hinge', 'squared_hinge', 'perceptron', 'squared_error', 'huber', \
            'epsilon_insensitive', 'squared_epsilon_insensitive'}}, default='log_loss'
        As SGDClassifier's: logistic regression; the squared hinge, linear for margins below -1; linear support vector
        machine; its square; perceptron; or the regression losses on targets -1 and 1.
    {PARAMETERS.replace("{unit}", "").replace("{clip}", "")}
    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes; 'balanced' weighs them inversely to their number of rows.
    multi_class : {{'auto', 'multinomial', 'ovr'}}, default='auto'
        What is learned of several classes: one softmax, for 'log_loss' only, or one class against the rest. 'auto' is
        softmax where it can be.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights; one row for two classes. float32 if X was.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    {ATTRIBUTES}

    See Also
    --------
    sklearn.linear_model.SGDClassifier : Stochastic descent by single rows.
    sklearn.linear_model.LogisticRegression : The same objective by second-order solvers.

    Notes
    -----
    {NOTES}

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
        "loss": [
            StrOptions(
                {
                    "log_loss",
                    "modified_huber",
                    "hinge",
                    "squared_hinge",
                    "perceptron",
                    "squared_error",
                    "huber",
                    "epsilon_insensitive",
                    "squared_epsilon_insensitive",
                }
            )
        ],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "multi_class": [StrOptions({"auto", "multinomial", "ovr"})],
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
        step_size=10,
        gamma=0.1,
        momentum=0.9,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        delta=1.35,
        tube=0.1,
        average=False,
        clip_norm=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        callback=None,
        warm_start=False,
        class_weight=None,
        multi_class="auto",
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
        self.step_size = step_size
        self.gamma = gamma
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.delta = delta
        self.tube = tube
        self.average = average
        self.clip_norm = clip_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callback = callback
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.multi_class = multi_class

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
        return validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, order="C", reset=reset)

    def _is_softmax(self):
        return self.loss == "log_loss" and self.multi_class != "ovr"

    def _learn(self, X, codes, classes, by_class, sample_weight, incremental):
        if self.multi_class == "multinomial" and not self._is_softmax():
            raise ValueError(f"multi_class='multinomial' needs loss='log_loss'; got loss={self.loss!r}")
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
            loss="softmax" if outputs > 1 and self._is_softmax() else self.loss,
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
        """Return the probability of each class; for ``loss='log_loss'`` and ``'modified_huber'``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Of 'log_loss', the sigmoid of the score for two classes, the softmax of the scores for more, or the sigmoids
            divided by their sum for one class against the rest. Of 'modified_huber', ``(clip(score, -1, 1) + 1) / 2``,
            divided by the sum for several classes, and all alike where all are zero (Zadrozny, Elkan: Transforming
            classifier scores into multiclass probability estimates, 2002).
        """
        out = scores(self, X)
        if self.loss == "modified_huber" or (out.shape[1] > 1 and not self._is_softmax()):
            out = _one_by_one(out, self.loss)
        else:
            out = _core.linear_probabilities(out)
        note_rust("GradientDescentClassifier.predict_proba")
        return out

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class; where there is `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


def _fast_fit_classifier(self, X, y, sample_weight=None):
    if sample_weight is not None or self.class_weight is not None or not has_plain_parameters(self):
        return NotImplemented
    if not are_plain_rows(X, y) or (found := few_whole_numbers(y)) is None or len(found[0]) < 2:
        return NotImplemented
    classes, codes = found
    self._n_features(X.shape[1])
    return self._learn(X, codes, classes, np.ones(len(classes)), None, incremental=False)


with_fast_path(GradientDescentClassifier, "fit", _fast_fit_classifier)
