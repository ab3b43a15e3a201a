"""Classifiers by Bayes' rule as ops: their joint likelihoods are sums of columns, or of columns squared."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import Value
from ferroflow.deploy._freezing.members import classifier, linear_map

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def gaussian(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    compiler.only_numbers(value, where)
    parts = []
    for mean, variance in zip(model.theta_, model.var_, strict=True):
        key = compiler.key
        node = {
            "in": value.number,
            "float": 64,
            "mean": compiler.numbers(f"{key}.mean", mean),
            "scale": compiler.numbers(f"{key}.scale", np.sqrt(variance)),
            "factor": None,
        }
        parts.append(compiler.add("scale", value.kinds, None, **node))
    bias = np.log(model.class_prior_) - 0.5 * np.log(2.0 * np.pi * model.var_).sum(axis=1)
    return _quadratic(compiler, model, parts, bias, where)


def quadratic(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    compiler.only_numbers(value, where)
    parts = []
    for mean, rotation, scaling in zip(model.means_, model.rotations_, model.scalings_, strict=True):
        weights = (rotation * scaling**-0.5).T
        key = compiler.key
        node = {
            "in": value.number,
            "float": 64,
            "mean": compiler.numbers(f"{key}.mean", mean),
            "scale": None,
            "factor": None,
        }
        centred = compiler.add("scale", value.kinds, None, **node)
        parts.append(linear_map(compiler, centred, weights, np.zeros(len(weights))))
    bias = np.log(model.priors_) - 0.5 * np.array([np.log(s).sum() for s in model.scalings_])
    return _quadratic(compiler, model, parts, bias, where)


def _quadratic(
    compiler: "Compiler", model: Any, parts: list[Value], bias: np.ndarray, where: str
) -> dict[str, Any]:
    """Half the squares of each part, taken from its class's bias."""
    whole = compiler.concat(parts, None)
    square = {"in": whole.number, "float": 64, "name": "square"}
    squares = compiler.add("function", whole.kinds, None, **square)
    ends = np.cumsum([len(part.kinds) for part in parts])
    weights = np.zeros((len(parts), len(whole.kinds)))
    for k, part in enumerate(parts):
        weights[k, ends[k] - len(part.kinds) : ends[k]] = -0.5
    likelihoods = linear_map(compiler, squares, weights, bias)
    if type(model).__name__ == "QuadraticDiscriminantAnalysis" and len(parts) == 2:
        score = linear_map(compiler, likelihoods, [[-1.0, 1.0]], [0.0])
        return classifier(compiler, model, score, where, 64, "sigmoid")
    return classifier(compiler, model, likelihoods, where, 64, "softmax")


def counts(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile MultinomialNB, ComplementNB or BernoulliNB."""
    compiler.only_numbers(value, where)
    weights, prior = np.asarray(model.feature_log_prob_), np.asarray(model.class_log_prior_)
    name = type(model).__name__
    bias = prior
    if name == "BernoulliNB":
        if model.binarize is not None:
            threshold = compiler.numbers(f"{compiler.key}.threshold", [model.binarize])
            node = {"in": value.number, "float": 64, "threshold": threshold}
            value = compiler.add("binarize", value.kinds, None, **node)
        absent = np.log(1 - np.exp(weights))
        weights, bias = weights - absent, prior + absent.sum(axis=1)
    elif name == "ComplementNB" and len(model.classes_) > 1:
        bias = np.zeros(len(weights))
    likelihoods = linear_map(compiler, value, weights, bias)
    return classifier(compiler, model, likelihoods, where, 64, "softmax")


MODELS = {
    "BernoulliNB": counts,
    "ComplementNB": counts,
    "GaussianNB": gaussian,
    "MultinomialNB": counts,
    "QuadraticDiscriminantAnalysis": quadratic,
}
