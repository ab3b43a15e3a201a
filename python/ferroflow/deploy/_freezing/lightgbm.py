"""LightGBM's models as ops, from the text that they are saved as."""

from itertools import pairwise
from typing import Any

import numpy as np

from ferroflow.deploy._freezing.category import numbered
from ferroflow.deploy._freezing.forest import (
    LEFT,
    MEMBERS_LEFT,
    NONE,
    RIGHT,
    ZERO,
    ZERO_LEFT,
    ZERO_RIGHT,
    Tree,
    forest,
)
from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.tree import scores_of
from ferroflow.deploy._freezing.values import float_of

EXPONENTIAL = ("poisson", "gamma", "tweedie")
AS_THEY_ARE = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
# A node's flags: does it ask for categories, where do missing cells go, and which are missing.
CATEGORICAL, DEFAULT_LEFT = 1, 2
NEVER, ZEROS, NANS = range(3)


def lightgbm(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a model of LightGBM."""
    booster = model.booster_
    head, *trees = booster.model_to_string(num_iteration=booster.best_iteration or -1).split("\nTree=")
    about = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    objective, *options = about.get("objective", "custom").split()
    classifier = hasattr(model, "classes_")
    known = ("binary", "multiclass") if classifier else (*AS_THEY_ARE, *EXPONENTIAL)
    plain = all(option.startswith("num_class:") or option == "sigmoid:1" for option in options)
    if objective not in known or not plain or (classifier and callable(model.objective)):
        raise TypeError(
            f"{where}: the objective {about.get('objective')!r} cannot be frozen; use one of {known}"
        )
    averages = "average_output" in head.splitlines()
    if averages and classifier:
        raise TypeError(
            f"{where}: a classifier with boosting_type='rf' cannot be frozen; use 'gbdt' or 'dart'"
        )
    compare = float_of(value.sample)
    value, encoded = numbered(graph, value, booster.pandas_categorical or [], where, refuse_unknown=False)
    sets: list[bytes] = []
    packed = [_tree(text, sets, where) for text in trees]
    outputs = int(about["num_tree_per_iteration"])
    sums = forest(
        graph,
        value,
        packed,
        outputs,
        compare=64 if encoded else compare,
        tiny_is_zero=True,
        sets=sets,
        start=np.zeros(outputs),
        divide=len(packed) // outputs if averages else 1,
    )
    if objective in EXPONENTIAL:
        sums = graph.add("function", [NUMBER], None, **{"in": sums.number, "float": 64, "name": "exp"})
    output: dict[str, Any] = {"value": sums.number, "float": 64}
    if not classifier:
        return output | targets(graph, np.zeros(1), 1, y)
    return output | scores_of(graph, model, where)


def _tree(text: str, sets: list[bytes], where: str) -> Tree:
    fields = dict(line.split("=", 1) for line in text.split("\n\n")[0].splitlines() if "=" in line)

    def numbers(name: str, kind: type = np.int64) -> np.ndarray:
        return np.array(fields.get(name, "").split(), dtype=kind)

    if fields.get("is_linear", "0") != "0":
        raise TypeError(f"{where}: linear trees cannot be frozen; use linear_tree=False")
    n = int(fields["num_leaves"])
    # Splits first, then leaves, which LightGBM numbers from -1 down.
    children = [np.where(c >= 0, c, n - 2 - c) for c in (numbers("left_child"), numbers("right_child"))]
    if n == 1:
        children = [np.empty(0, dtype=np.int64)] * 2
    flags = numbers("decision_type")
    threshold = numbers("threshold", np.float64)
    default_left = flags & DEFAULT_LEFT != 0
    kind = flags >> 2 & 3
    missing = np.full(n - 1, ZERO)
    missing[kind == NANS] = np.where(default_left, LEFT, RIGHT)[kind == NANS]
    missing[kind == ZEROS] = np.where(default_left, ZERO_LEFT, ZERO_RIGHT)[kind == ZEROS]
    categorical = flags & CATEGORICAL != 0
    missing[categorical] = RIGHT
    if categorical.any():
        ends, words = numbers("cat_boundaries"), numbers("cat_threshold").astype("<u4")
        threshold[categorical] += len(sets)
        sets += [words[a:b].tobytes() for a, b in pairwise(ends)]
    none = np.full(n, -1)
    values = numbers("leaf_value", np.float64)
    return Tree(
        left=np.concatenate([children[0], none]),
        right=np.concatenate([children[1], none]),
        column=numbers("split_feature"),
        threshold=threshold,
        missing=missing,
        members=np.where(categorical, MEMBERS_LEFT, NONE),
        values=np.concatenate([np.zeros(n - 1), values])[:, None],
    )


MODELS = dict.fromkeys(("LGBMClassifier", "LGBMRegressor"), lightgbm)
