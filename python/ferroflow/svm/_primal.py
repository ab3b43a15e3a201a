"""The primal problem of linear machines with squared losses, which are smooth.

Minimises |w|^2 / 2 + (b / bias)^2 / 2 + sum_i c_i max(0, 1 - t_i z_i)^2, or with a tube sum_i c_i max(0, |z_i - t_i| -
tube)^2, z = X w + b; `bias` is 0 for no intercept.
"""

import numpy as np
from scipy import optimize, sparse

from ferroflow import _core
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._logistic import moments_of_columns
from ferroflow.linear_model._scores import as_rows

# The share of the first gradient, beside `tol`, where steps end: at the usual `tol` liblinear leaves a millionth of the
# objective.
SHARE = 1e-2
# Dense rows of more values are sooner read ten times than multiplied with each other five times.
FEW_VALUES = 1 << 16
_ARMIJO = 1e-4


def solve(X, targets, strengths, tube, bias, tol, max_iter):
    """Return the weights, with the intercept over `bias` last, the steps made, and whether they sufficed.

    Parameters
    ----------
    X : C-ordered array or CSR matrix of float64
    targets : ndarray of float64
        -1 and 1, or numbers where there is a tube.
    strengths : ndarray of float64
    tube : float or None
    bias, tol : float
    max_iter : int
    """
    if not strengths.any():
        return np.zeros(X.shape[1] + 1), 0, True
    way = _by_passes if sparse.issparse(X) or X.size > FEW_VALUES else _by_products
    theta, steps = way(X, targets, strengths, tube, bias, tol, max_iter)
    theta[-1] = theta[-1] / bias if bias else 0.0
    return theta, steps, steps < max_iter


def _by_products(X, targets, strengths, tube, bias, tol, max_iter):
    """Newton's steps (Mangasarian: A finite Newton method for classification, 2002).

    Where rows count, the loss is the squared distance to a target, so the whole step is a ridge regression on them, of sums
    of products of columns that one pass gives.
    """
    n, p = X.shape
    penalty = np.full(p + 1, 1.0)
    penalty[p] = 1.0 / bias**2 if bias else 1.0

    def over(z):
        """By how much each row's score is off."""
        if tube is None:
            return np.maximum(1.0 - targets * z, 0.0)
        return np.maximum(np.abs(z - targets) - tube, 0.0)

    def value(z, theta):
        return strengths @ over(z) ** 2 + 0.5 * penalty @ theta**2

    theta, z = np.zeros(p + 1), np.zeros(n)
    now, enough = value(z, theta), None
    for step in range(max_iter):
        aims = targets if tube is None else targets + np.where(z > targets, tube, -tube)
        products, right = _products(X, aims, strengths * (over(z) > 0), bool(bias))
        slope = 2.0 * (products @ theta - right) + penalty * theta
        size = np.abs(slope).max()
        enough = SHARE * tol * size if enough is None else enough
        if size <= enough:
            return theta, step
        curvature = 2.0 * products
        curvature.flat[:: p + 2] += penalty
        scale = 1.0 / np.sqrt(curvature.diagonal())
        scaled = curvature * scale[:, None] * scale
        move = -scale * np.linalg.solve(scaled, scale * slope)
        change = X @ move[:p] + move[p]
        share, fall = 1.0, slope @ move
        while (new := value(z + share * change, theta + share * move)) > now + _ARMIJO * share * fall:
            share *= 0.5
            if share < 1e-10:  # rounding is all that is left
                return theta, step
        theta, z, now = theta + share * move, z + share * change, new
    return theta, max_iter


def _products(X, aims, weights, intercept):
    """Return the weighted products of the columns, with one of ones last, and of these with `aims`."""
    p = X.shape[1]
    products, right = np.zeros((p + 1, p + 1)), np.zeros(p + 1)
    if weights.any():
        weight, mean, about = _core.column_products(X, aims[:, None], weights)
        sums = about + weight * np.outer(mean, mean)
        products[:p, :p], right[:p] = sums[:p, :p], sums[:p, p]
        if intercept:
            products[p, :p] = products[:p, p] = weight * mean[:p]
            products[p, p], right[p] = weight, weight * mean[p]
    return products, right


def _by_passes(X, targets, strengths, tube, bias, tol, max_iter):
    """L-BFGS in columns that are centred and of equal curvature, so that none stalls it."""
    p = X.shape[1]
    rows = as_rows(X)
    loss_name = "squared_hinge" if tube is None else "squared_epsilon_insensitive"
    l2 = 1.0 / strengths.sum()
    strengths = strengths * l2
    of_bias = l2 / bias**2 if bias else 0.0
    mean, var = moments_of_columns(X)
    centre = mean if bias else np.zeros(p)
    unit = np.sqrt(var + (mean - centre) ** 2 + l2)

    def parameters(u):
        w = u[:p] / unit
        return np.append(w, u[p] - w @ centre if bias else 0.0)

    def objective(u):
        theta = parameters(u)
        loss, slopes = _core.loss_gradient(rows, targets, strengths, theta, loss_name, tube or 0.0)
        slopes[:p] += l2 * theta[:p]
        slopes[p] += of_bias * theta[p]
        value = loss + 0.5 * (l2 * theta[:p] @ theta[:p] + of_bias * theta[p] ** 2)
        if not bias:
            return value, slopes[:p] / unit
        return value, np.append((slopes[:p] - slopes[p] * centre) / unit, slopes[p])

    start = np.zeros(p + bool(bias))
    options = {
        "maxiter": max_iter,
        "maxfun": 100 * max_iter,
        "maxls": 50,
        "gtol": SHARE * tol * np.abs(objective(start)[1]).max(),
        "ftol": 4 * np.finfo(float).eps,
    }
    with one_blas_thread():
        result = optimize.minimize(objective, start, method="L-BFGS-B", jac=True, options=options)
    return parameters(result.x), int(result.nit)
