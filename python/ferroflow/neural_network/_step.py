"""A training step of a fully connected network: products by BLAS, what is beside them by the Rust core."""

import numpy as np
from scipy import sparse
from scipy.special import expit

from ferroflow import _core

# What the core leaves to NumPy and SciPy, so that activations have the bits of scikit-learn's.
FUNCTIONS = {"tanh": np.tanh, "logistic": expit, "softmax": np.exp, "exp": np.exp}


class Step:
    """The work space of a fit: a batch's rows, each layer's values and gradients.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Its ``coefs_``, ``intercepts_`` and ``_norms`` are changed in place.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Booleans for a classifier, numbers for a regressor.
    batch : int
        The most rows of a step.
    """

    def __init__(self, model, X, y, batch):
        self.model, self.X = model, X
        self.coefs, self.intercepts = model.coefs_, model.intercepts_
        self.dtype = dtype = self.coefs[0].dtype
        self.y = np.ascontiguousarray(y, dtype=bool if y.dtype == bool else dtype)
        self.norms = getattr(model, "_norms", [])
        widths = [len(bias) for bias in self.intercepts]
        self.rows = None if sparse.issparse(X) else np.empty((batch, X.shape[1]), dtype=dtype)
        self.values = [np.empty((batch, width), dtype=dtype) for width in widths]
        self.deltas = [np.empty((batch, width), dtype=dtype) for width in widths[:-1]]
        self.masks = [np.empty_like(values) for values in self.deltas] if model.dropout else []
        self.gradients = [np.empty_like(coef) for coef in self.coefs]
        self.sums = [np.empty_like(bias) for bias in self.intercepts]
        self.parameters = parameters_of(model)
        self.all_gradients = self.gradients + self.sums + [norm.gradient for norm in self.norms]

    def _gather(self, at):
        if self.rows is None or (isinstance(at, slice) and self.X.dtype == self.dtype):
            return self.X[at].astype(self.dtype, copy=False), self.y[at]
        y = self.y[at]
        rows = self.rows[: len(y)]
        if isinstance(at, slice) or self.X.dtype != self.dtype:
            rows[:] = self.X[at]
        else:
            np.take(self.X, at, axis=0, out=rows, mode="clip")
        return rows, y

    def loss_and_gradients(self, at, weights):
        """Return the mean loss of the rows `at` positions or a slice, and of these weights, without the penalty.

        Leaves the gradients behind, summed over the rows.
        """
        X, y = self._gather(at)
        inputs, values = self._forward(X)
        delta = values[-1]
        loss = _core.network_loss(self._loss(), delta, y, weights)
        activation, before = "identity", None
        for i in reversed(range(len(self.coefs))):
            _core.network_delta(activation, delta, before, self.sums[i])
            if self.norms and before is not None:
                self.norms[i].backward(delta)
            _product(inputs[i].T, delta, self.gradients[i])
            if i:
                delta = np.matmul(delta, self.coefs[i].T, out=self.deltas[i - 1][: len(delta)])
                if self.masks:
                    delta *= self.masks[i - 1][: len(delta)]
                activation, before = self.model.activation, values[i - 1]
        return loss

    def _forward(self, X):
        """Return what each layer got, and what its activation gave."""
        inputs, values = [X], []
        last = len(self.coefs) - 1
        for i, (coef, bias) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            z = _product(inputs[-1], coef, self.values[i][: X.shape[0]])
            if self.norms and i < last:
                self.norms[i].forward(z)
            name = self.model.out_activation_ if i == last else self.model.activation
            _core.network_bias(z, bias, name)
            if name in FUNCTIONS:
                FUNCTIONS[name](z, out=z)
            values.append(z)
            inputs.append(z * self._mask(i, len(z)) if self.masks and i < last else z)
        return inputs, values

    def _mask(self, i, n):
        """Choose the values that stay; they count more, so that the sums stay as they are on the average."""
        mask, dropout = self.masks[i][:n], self.model.dropout
        self.model._dropout_random.random(out=mask, dtype=mask.dtype)
        np.greater_equal(mask, dropout, out=mask)
        mask *= 1 / (1 - dropout)
        return mask

    def _loss(self):
        return self.model.loss if self.model.loss != "log_loss" else self.model.out_activation_

    def update(self, optimizer, rows, rate=None):
        """Take a step by the gradients of rows of this weight; returns the penalty's part of their loss."""
        alpha = float(self.model.alpha)
        apart = self.model.optimizer == "adamw"
        if hasattr(optimizer, "velocities"):
            first, second = optimizer.velocities, []
            rule: tuple = (float(optimizer.momentum), bool(optimizer.nesterov))
            if rate is not None:
                optimizer.learning_rate = rate
        else:
            first, second = optimizer.ms, optimizer.vs
            rule = (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon)
            rate = optimizer.learning_rate_init if rate is None else rate
            optimizer.t += 1
            t = optimizer.t
            optimizer.learning_rate = rate * np.sqrt(1 - optimizer.beta_2**t) / (1 - optimizer.beta_1**t)
        inside, shrink = (0.0, alpha * rate) if apart else (alpha, 0.0)
        squares = _core.network_update(
            (self.parameters, self.all_gradients, first, second),
            len(self.coefs),
            ((optimizer.learning_rate, inside, shrink, rows), rule),
        )
        return 0.5 * inside * squares / rows


def parameters_of(model):
    """Return all arrays that are learnt."""
    return model.coefs_ + model.intercepts_ + [norm.scale for norm in getattr(model, "_norms", [])]


def memories(optimizer):
    """Return the arrays of one of scikit-learn's optimizers."""
    return optimizer.velocities if hasattr(optimizer, "velocities") else optimizer.ms + optimizer.vs


def _product(a, b, out):
    if isinstance(a, np.ndarray):
        return np.matmul(a, b, out=out)
    out[:] = a @ b
    return out
