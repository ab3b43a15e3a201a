"""XGBoost's models as ops, from the JSON that they are saved as."""

import json
from typing import Any

import numpy as np

from ferroflow.deploy._freezing.category import category_columns, numbered
from ferroflow.deploy._freezing.forest import LEFT, MEMBERS_RIGHT, NONE, RIGHT, Tree, forest
from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.tree import scores_of

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
AS_THEY_ARE = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror")
# Rows of an array on which margins are compared.
CHECKED = 500
CLASSES = ("binary:logistic", "multi:softprob", "multi:softmax")


def xgboost(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a model of XGBoost."""
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    gradient, about = learner["gradient_booster"], learner["learner_model_param"]
    classifier = hasattr(model, "classes_")
    objective = learner["objective"]["name"]
    known = CLASSES if classifier else (*AS_THEY_ARE, *EXPONENTIAL, "reg:logistic")
    if objective not in known:
        raise TypeError(f"{where}: the objective {objective!r} cannot be frozen; use one of {known}")
    if gradient["name"] != "gbtree" or int(about.get("num_target", 1)) > 1:
        raise TypeError(f"{where}: only booster='gbtree' with one target can be frozen")
    if model.missing is not None and not np.isnan(model.missing):
        raise TypeError(f"{where} takes {model.missing} as missing; use NaN, and replace it before")
    columns = category_columns(value.sample)
    categories = [list(value.sample.iloc[:, j].cat.categories) for j in columns]
    sample = value.sample
    value, _ = numbered(graph, value, categories, where, refuse_unknown=True)

    packed, groups = gradient["model"]["trees"], np.array(gradient["model"]["tree_info"])
    outputs = max(1, int(about["num_class"]))
    trees = len(packed)
    stages = model._get_iteration_range(None)[1]  # after early stopping the best ones
    if stages > 0:
        trees = stages * outputs * int(gradient["model"]["gbtree_model_param"]["num_parallel_tree"])
    # An output's trees keep their order; the outputs take turns.
    order = np.stack([np.flatnonzero(groups[:trees] == k) for k in range(outputs)], axis=1).ravel()
    sets: list[bytes] = []
    sums = forest(
        graph,
        value,
        [_tree(packed[i], sets) for i in order],
        outputs,
        precision=32,
        compare=32,
        sets=sets,
        start=_start(model, sample, packed[:trees], groups[:trees], about, objective, where),
    )
    if objective in EXPONENTIAL or objective == "reg:logistic":
        op, name = ("activation", "logistic") if objective == "reg:logistic" else ("function", "exp")
        sums = graph.add(op, [NUMBER], None, **{"in": sums.number, "float": 32, "name": name})
    output: dict[str, Any] = {"value": sums.number, "float": 32}
    if not classifier:
        return output | targets(graph, np.zeros(1), 1, y)
    return output | scores_of(graph, model, where)


def _start(
    model: Any, sample: Any, packed: list, groups: np.ndarray, about: dict, objective: str, where: str
) -> np.ndarray:
    """Find the margin that the trees are added to, by the model's own margins.

    The file has a probability or a mean, and the C library's logarithm of it may differ in the last bits from others.
    """
    outputs = max(1, int(about["num_class"]))
    base = np.array(json.loads(about["base_score"]), dtype=np.float32).ravel().astype(np.float64)
    base = np.broadcast_to(base, (outputs,))
    if objective in LOGISTIC:
        base = -np.log(np.float32(1) / base.astype(np.float32) - np.float32(1), dtype=np.float64)
    elif objective in EXPONENTIAL:
        base = np.log(base)
    base = base.astype(np.float32)
    some = sample[:CHECKED] if isinstance(sample, np.ndarray) else sample
    margins = np.asarray(model.predict(some, output_margin=True)).reshape(-1, outputs)
    leaves = np.asarray(model.apply(some)).astype(np.int64).reshape(len(margins), -1)
    values = [np.array(tree["split_conditions"], dtype=np.float32) for tree in packed]
    for ulps in (0, 1, -1, 2, -2, 3, -3):
        start = base
        for _ in range(abs(ulps)):
            start = np.nextafter(start, np.float32(np.inf if ulps > 0 else -np.inf))
        sums = np.tile(start, (len(margins), 1))
        for k, group in enumerate(groups):
            sums[:, group] += values[k][leaves[:, k]]
        if np.array_equal(sums, margins):
            return start
    raise TypeError(f"{where}: the sums of its trees' values are not its margins, so it cannot be frozen")


def _tree(packed: dict, sets: list[bytes]) -> Tree:
    left = np.array(packed["left_children"])
    leaf = left < 0
    conditions = np.array(packed["split_conditions"], dtype=np.float32)
    # Below the threshold is at or below the number before it.
    threshold = np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64)
    members = np.full(len(left), NONE)
    nodes, begins, sizes = (packed[f"categories_{what}"] for what in ("nodes", "segments", "sizes"))
    for node, begin, size in zip(nodes, begins, sizes, strict=True):
        members[node] = MEMBERS_RIGHT
        threshold[node] = len(sets)
        codes = np.array(packed["categories"][begin : begin + size], dtype=np.int64)
        bits = np.zeros(int(codes.max(initial=-1)) + 1, dtype=bool)
        bits[codes] = True
        sets.append(np.packbits(bits, bitorder="little").tobytes())
    return Tree(
        left=left,
        right=np.array(packed["right_children"]),
        column=np.where(leaf, 0, packed["split_indices"]),
        threshold=threshold,
        missing=np.where(np.array(packed["default_left"]) != 0, LEFT, RIGHT),
        members=members,
        values=conditions[:, None],
    )


MODELS = dict.fromkeys(("XGBClassifier", "XGBRegressor"), xgboost)
