"""Projections as ops: weighted sums of columns."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import Value
from ferroflow.deploy._freezing.linear import linear, targets
from ferroflow.deploy._freezing.members import linear_map, precision_of
from ferroflow.deploy._freezing.values import float_of

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def _centred(compiler: "Compiler", value: Value, mean: Any, precision: int) -> Value:
    if mean is None:
        return value
    key = compiler.key
    stored = compiler.numbers(f"{key}.mean", mean)
    node = {"in": value.number, "float": precision, "mean": stored, "scale": None, "factor": None}
    return compiler.add("scale", value.kinds, None, **node)


def _projected(compiler: "Compiler", value: Value, out: Any, where: str, mean: Any, weights: Any) -> Value:
    compiler.only_numbers(value, where)
    precision = float_of(out)
    centred = _centred(compiler, value, mean, precision)
    return linear_map(compiler, centred, weights, np.zeros(len(weights)), precision == 32)


def principal_components(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    weights = np.asarray(step.components_)
    if step.whiten:
        scale = np.sqrt(step.explained_variance_)
        least = np.finfo(scale.dtype).eps
        weights = weights / np.where(scale < least, least, scale)[:, None]
    return _projected(compiler, value, out, where, step.mean_, weights)


def truncated(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    return _projected(compiler, value, out, where, None, step.components_)


def independent_components(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    return _projected(compiler, value, out, where, step.mean_ if step.whiten else None, step.components_)


def factors(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    scaled = step.components_ / step.noise_variance_
    n_components = len(step.components_)
    covariance = np.linalg.inv(np.eye(n_components) + scaled @ step.components_.T)
    return _projected(compiler, value, out, where, step.mean_, covariance @ scaled)


def random_projection(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    weights = step.components_
    weights = weights.toarray() if hasattr(weights, "toarray") else weights
    return _projected(compiler, value, out, where, None, weights)


def discriminant_step(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    if step.solver == "lsqr":
        raise TypeError(f"{where}: LinearDiscriminantAnalysis(solver='lsqr') transforms nothing")
    mean = step.xbar_ if step.solver == "svd" else None
    return _projected(compiler, value, out, where, mean, step.scalings_.T[: step._max_components])


def partial_least_squares(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    compiler.only_numbers(value, where)
    raw = model.predict(value.sample)
    single = precision_of(raw) == 32
    centred = _centred(compiler, value, model._x_mean, 32 if single else 64)
    whole = linear_map(compiler, centred, model.coef_, np.ravel(model.intercept_), single)
    return {
        "value": whole.number,
        "float": 32 if single else 64,
        **targets(compiler, raw, len(model.coef_), y),
    }


STEPS = {
    "FactorAnalysis": factors,
    "FastICA": independent_components,
    "GaussianRandomProjection": random_projection,
    "IncrementalPCA": principal_components,
    "LinearDiscriminantAnalysis": discriminant_step,
    "NeighborhoodComponentsAnalysis": truncated,
    "PCA": principal_components,
    "SparseRandomProjection": random_projection,
    "TruncatedSVD": truncated,
}
MODELS = {
    "LinearDiscriminantAnalysis": linear,
    "CCA": partial_least_squares,
    "PLSCanonical": partial_least_squares,
    "PLSRegression": partial_least_squares,
}
