"""A training step of a fully connected network: products by BLAS, what is beside them by the Rust core."""

import numpy as np
from scipy import sparse
from scipy.special import expit

from ferroflow import _core

# What the core leaves to NumPy and SciPy, so that activations have the bits of scikit-learn's.
_FUNCTIONS = {"tanh": np.tanh, "logistic": expit, "softmax": np.exp, "exp": np.exp}


class Step:
    """The work space of a fit: a batch's rows, each layer's values and gradients.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Its ``coefs_`` and ``intercepts_`` are changed in place.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Booleans for a classifier, numbers of X's type for a regressor.
    batch : int
        The most rows of a step.
    """

    def __init__(self, model, X, y, batch):
        self.model, self.X, self.y = model, X, y
        self.coefs, self.intercepts = model.coefs_, model.intercepts_
        widths = [len(bias) for bias in self.intercepts]
        self.rows = None if sparse.issparse(X) else np.empty((batch, X.shape[1]), dtype=X.dtype)
        self.values = [np.empty((batch, width), dtype=X.dtype) for width in widths]
        self.deltas = [np.empty((batch, width), dtype=X.dtype) for width in widths[:-1]]
        self.gradients = [np.empty_like(coef) for coef in self.coefs]
        self.sums = [np.empty_like(bias) for bias in self.intercepts]
        self.parameters = self.coefs + self.intercepts

    def _gather(self, at):
        if isinstance(at, slice) or self.rows is None:
            return self.X[at], self.y[at]
        rows = self.rows[: len(at)]
        np.take(self.X, at, axis=0, out=rows, mode="clip")
        return rows, self.y.take(at, axis=0)

    def loss_and_gradients(self, at, weights):
        """Return the mean loss of the rows `at` positions or a slice, and of these weights, without the penalty.

        Leaves the gradients behind, summed over the rows.
        """
        X, y = self._gather(at)
        values = self._forward(X)
        delta = values[-1]
        loss = _core.network_loss(self._loss(), delta, y, weights)
        activation, before = "identity", None
        for i in reversed(range(len(self.coefs))):
            _core.network_delta(activation, delta, before, self.sums[i])
            _product(values[i].T, delta, self.gradients[i])
            if i:
                delta = np.matmul(delta, self.coefs[i].T, out=self.deltas[i - 1][: len(delta)])
                activation, before = self.model.activation, values[i]
        return loss

    def _forward(self, X):
        values = [X]
        last = len(self.coefs) - 1
        for i, (coef, bias) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            z = _product(values[-1], coef, self.values[i][: X.shape[0]])
            name = self.model.out_activation_ if i == last else self.model.activation
            _core.network_bias(z, bias, name)
            if name in _FUNCTIONS:
                _FUNCTIONS[name](z, out=z)
            values.append(z)
        return values

    def _loss(self):
        return self.model.loss if self.model.loss != "log_loss" else self.model.out_activation_

    def update(self, optimizer, rows):
        """Take a step by the gradients of rows of this weight; returns the penalty's part of their loss."""
        alpha = float(self.model.alpha)
        if hasattr(optimizer, "velocities"):
            first, second = optimizer.velocities, []
            rule: tuple = (float(optimizer.momentum), bool(optimizer.nesterov))
            rate = optimizer.learning_rate
        else:
            first, second = optimizer.ms, optimizer.vs
            rule = (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon)
            optimizer.t += 1
            t = optimizer.t
            rate = optimizer.learning_rate = (
                optimizer.learning_rate_init * np.sqrt(1 - optimizer.beta_2**t) / (1 - optimizer.beta_1**t)
            )
        squares = _core.network_update(
            (self.parameters, self.gradients + self.sums, first, second),
            len(self.coefs),
            ((rate, alpha, 0.0, rows), rule),
        )
        return 0.5 * alpha * squares / rows


def memories(optimizer):
    """Return the arrays of one of scikit-learn's optimizers."""
    return optimizer.velocities if hasattr(optimizer, "velocities") else optimizer.ms + optimizer.vs


def _product(a, b, out):
    if sparse.issparse(a):
        out[:] = a @ b
        return out
    return np.matmul(a, b, out=out)
