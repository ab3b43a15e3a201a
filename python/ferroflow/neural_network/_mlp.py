"""MLPClassifier and MLPRegressor with scikit-learn's parameters and more."""

from inspect import signature
from numbers import Real
from os import PathLike

import numpy as np
from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import Interval, StrOptions
from ferroflow.neural_network._network import Network
from ferroflow.neural_network._schedule import SCHEDULES
from ferroflow.neural_network._values import values

_MORE = """dropout : float, default=0.0
        Share of each hidden layer's values that a training step leaves out, chosen anew in each; the others count more,
        so that predictions need no change.
    batch_norm : bool, default=False
        Whether each hidden layer's sums are normalised over the batch before the intercept is added. Predictions use
        running statistics of the rows, folded into the weights.
    optimizer : {'adamw'} or None, default=None
        With 'adamw' (and ``solver='adam'``), ``alpha`` is no penalty: weights shrink by ``alpha`` times the rate at each
        step.
    dtype : {'float32', 'float64'} or None, default=None
        What weights and training are computed in; None: X's. Rows of another type are converted batch by batch.
    checkpoint : str, path or None, default=None
        A file that ``fit`` writes its state to after epochs, and goes on from if it is called again, with the same
        arguments, after it was killed: the result is the same. A finished fit removes it. Of no concern to
        ``partial_fit``.
    """

_CLASS_WEIGHT = """class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, which multiply ``sample_weight``; 'balanced' weighs them inversely to their number of rows.
    """

_CONSTRAINTS: dict = {
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", *SCHEDULES})],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_norm": ["boolean"],
    "optimizer": [StrOptions({"adamw"}), None],
    "dtype": [StrOptions({"float32", "float64"}), None],
    "checkpoint": [str, PathLike, None],
}


def _signature(theirs, ours):
    """scikit-learn's parameters, then the keywords of ours."""
    more = [p for p in signature(ours).parameters.values() if p.kind is p.KEYWORD_ONLY]
    found = signature(theirs)
    return found.replace(parameters=[*found.parameters.values(), *more])


def _doc(theirs, more):
    """scikit-learn's text with what is beyond it; ``learning_rate`` has more to choose from."""
    before, attributes, after = theirs.partition("    Attributes\n    ----------\n")
    before = before.replace(
        "{'constant', 'invscaling', 'adaptive'}",
        "{'constant', 'invscaling', 'adaptive', 'cosine', \\\n            'one_cycle', 'step'}",
    )
    text = """
        'cosine', 'one_cycle' and 'step' follow the share of ``max_iter`` that is done, also with ``solver='adam'``: down by
        half a cosine to zero; up from a 25th for three tenths of the way, then down; a tenth after a half, a hundredth after
        three quarters.

    learning_rate_init :"""
    before = before.replace("\n    learning_rate_init :", text, 1)
    before = before.replace(
        "Whether to print progress messages to stdout.",
        "Whether to print progress messages to stdout; from 2 on, with the time left.",
    )
    return f"{before.rstrip()}\n\n    {more.rstrip()}\n\n{attributes}{after}"


class MLPClassifier(Network, neural_network.MLPClassifier):
    __doc__ = _doc(neural_network.MLPClassifier.__doc__, _MORE + _CLASS_WEIGHT)

    _parameter_constraints: dict = {
        **neural_network.MLPClassifier._parameter_constraints,
        **_CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        *args,
        dropout=0.0,
        batch_norm=False,
        optimizer=None,
        dtype=None,
        checkpoint=None,
        class_weight=None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.dtype = dtype
        self.checkpoint = checkpoint
        self.class_weight = class_weight

    __init__.__signature__ = _signature(neural_network.MLPClassifier.__init__, __init__)  # type: ignore[attr-defined]

    def predict(self, X):
        """Return the classes of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The class with the largest probability; for several labels a row, which of them it has.
        """
        check_is_fitted(self)
        if self._has_labels() or len(self.classes_) == 1:
            return super().predict(X)
        out = values(self, X, "identity")
        return self.classes_.take(
            (out[:, 0] > 0).astype(np.intp) if out.shape[1] == 1 else out.argmax(axis=1)
        )

    def predict_proba(self, X):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        if self._has_labels():
            return super().predict_proba(X)
        return _core.linear_probabilities(values(self, X, "identity"))

    def _has_labels(self):
        return self.out_activation_ == "logistic" and self.n_outputs_ > 1


class MLPRegressor(Network, neural_network.MLPRegressor):
    __doc__ = _doc(neural_network.MLPRegressor.__doc__, _MORE)

    _parameter_constraints: dict = {**neural_network.MLPRegressor._parameter_constraints, **_CONSTRAINTS}

    def __init__(
        self, *args, dropout=0.0, batch_norm=False, optimizer=None, dtype=None, checkpoint=None, **kwargs
    ):
        super().__init__(*args, **kwargs)
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.dtype = dtype
        self.checkpoint = checkpoint

    __init__.__signature__ = _signature(neural_network.MLPRegressor.__init__, __init__)  # type: ignore[attr-defined]
