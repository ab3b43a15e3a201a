"""Minimising a smooth function whose curvature is roughly known from the start."""

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

# What may be left of the way down, as a share of the value, by the curvature.
GAP = 1e-7
# How little of what the slope promises a step has to bring.
ENOUGH = 1e-4
# Steps are not halved further: what they bring is lost in rounding.
SHORTEST = 2.0**-20


def minimise(objective, start, curvature, tol, max_iter):
    """Find where the slope is nearly zero by steps of BFGS.

    Parameters
    ----------
    objective : callable
        Gives value and gradient at a point.
    start : ndarray of shape (n,)
    curvature : ndarray of shape (n, n)
        About the Hessian; positive definite. The better it is, the fewer calls.
    tol : float
        For the gradient's largest entry. Half its square in the metric of the curvature, which is about how far the value
        is above the least one, has to be below a ten millionth of the value too.
    max_iter : int

    Returns
    -------
    result : OptimizeResult
        With ``x``, ``fun``, ``jac``, ``nit``, ``nfev``, ``status`` (0 or 1 as L-BFGS-B has them) and ``message``. A value
        or gradient that is not finite at the start ends the search there.
    """
    factor = linalg.cho_factor(curvature, lower=True)
    inverse = linalg.cho_solve(factor, np.eye(len(start)))
    x, calls = start, 1
    value, slope = objective(x)
    for steps in range(max_iter + 1):
        result = OptimizeResult(
            x=x, fun=value, jac=slope, nit=steps, nfev=calls, status=0, message="CONVERGENCE"
        )
        if not np.isfinite(value) or not np.isfinite(slope).all():
            return result
        step = -inverse @ slope
        promised, size = slope @ step, 1.0
        if np.abs(slope).max() <= tol and -promised <= 2 * GAP * abs(value):
            return result
        if steps == max_iter:
            break
        while True:
            after = x + size * step
            value_after, slope_after = objective(after)
            calls += 1
            if value_after <= value + ENOUGH * size * promised:
                break
            size /= 2
            if size < SHORTEST:
                return result
        moved, turned = after - x, slope_after - slope
        product = moved @ turned
        if product > 0:
            left = np.eye(len(x)) - np.outer(moved, turned) / product
            inverse = left @ inverse @ left.T + np.outer(moved, moved) / product
        fell = value - value_after
        x, value, slope = after, value_after, slope_after
        if fell <= 64 * np.finfo(float).eps * max(abs(value), 1.0):
            return OptimizeResult(result, x=x, fun=value, jac=slope, nit=steps + 1, nfev=calls)
    return OptimizeResult(result, status=1, message="TOTAL NO. OF ITERATIONS REACHED LIMIT")
