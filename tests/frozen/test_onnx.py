"""Export to ONNX gives onnxruntime the frozen model's numbers; dense networks come in from ONNX."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow.frozen import FrozenModel
from ferroflow.neural_network import MLPClassifier, MLPRegressor
from ferroflow.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "targets"))
from make_golden import GOLDEN
from rows import dicts, random_columns

# Sums in another order and another exponential, relative to the largest value: float64 and float32 (in which ONNX has the
# sums of every forest).
CLOSE = {np.float64: 1e-12, np.float32: 2e-5}


def run(made, columns):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {}
    for one in session.get_inputs():
        if one.name == "X":
            cells = np.column_stack(list(columns.values()))
        else:
            cells = columns[one.name].reshape(-1, 1)
        if one.type == "tensor(string)":
            cells = np.where(pd.isna(cells), "", cells)
        feed[one.name] = cells.astype(
            {"tensor(float)": np.float32, "tensor(double)": np.float64}.get(one.type, object)
        )
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))


def close(theirs, ours, precision, forest=False):
    assert theirs.dtype == ours.dtype and theirs.size == ours.size
    theirs = theirs.reshape(ours.shape)
    size = max(1.0, float(np.nanmax(np.abs(ours))))
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=CLOSE[np.float32 if forest else precision] * size)


def compare(model, made, columns, forest=False):
    found, rows = run(made, columns), dicts(columns)
    if model.task == "classifier":
        if model._has_probabilities:
            ours = model.predict_proba(rows)
            close(found["probabilities"], ours, model._float, forest)
            sure = np.ptp(np.sort(ours, axis=1)[:, -2:], axis=1) > 1e-4
        else:
            ours = np.atleast_2d(model.decision_function(rows).T).T
            close(found["scores"], ours, model._float, forest)
            sure = np.abs(ours).min(axis=1) > 1e-6
        np.testing.assert_array_equal(found["label"][sure], model.predict(rows)[sure])
        assert sure.mean() > 0.5
    else:
        ours = model.transform(rows) if model.task == "transformer" else model.predict(rows)
        close(found["values"], ours, model._float, forest)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ff")), ids=lambda path: path.stem)
def test_onnxruntime_gives_the_frozen_models_numbers(path):
    model = FrozenModel.load(path)
    try:
        made = ferroflow.to_onnx(model)
    except TypeError as error:
        assert "ONNX cannot express" in str(error)
        assert path.stem not in EXPRESSED
        return
    columns = random_columns(model, 500, seed=3)
    for cells in columns.values():
        if cells.dtype != object:  # runtimes may flush subnormal numbers to zero
            cells[(np.abs(cells) < 1e-300) & (cells != 0)] = 1e-300
    compare(model, made, columns, forest=any(n.op_type.startswith("TreeEnsemble") for n in made.graph.node))


EXPRESSED = {
    f"v1-{name}"
    for name in (
        "binary",
        "multiclass",
        "hinge",
        "regressor",
        "poisson",
        "transformer",
        "categories",
        "scalers",
        "network",
        "network32",
        "float32",
    )
}


@pytest.mark.parametrize("classes", [2, 3])
def test_a_forest_of_float32_columns_with_missing_cells(classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.digitize(np.nan_to_num(X[:, 0] + X[:, 1]), [0.0, 1.0][: classes - 1])
    forest = RandomForestClassifier(30, max_depth=7, random_state=0).fit(X, y)
    model = ferroflow.freeze(forest, X)
    fresh = rng.normal(size=(2000, 6))
    fresh[rng.random(fresh.shape) < 0.1] = np.nan
    compare(model, ferroflow.to_onnx(model), {f"x{j}": fresh[:, j] for j in range(6)}, forest=True)


def test_a_forest_of_several_targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    forest = RandomForestRegressor(10, random_state=0).fit(X, X[:, :2] ** 2)
    model = ferroflow.freeze(forest, X)
    compare(model, ferroflow.to_onnx(model), {f"x{j}": X[:, j] for j in range(4)}, forest=True)


def test_what_onnx_cannot_express_is_named():
    model = FrozenModel.load(GOLDEN / "v1-imputers.ff")
    with pytest.raises(TypeError, match="ONNX cannot express the op 'neighbours'"):
        ferroflow.to_onnx(model)


def test_the_file_is_written_whole(tmp_path):
    model = FrozenModel.load(GOLDEN / "v1-binary.ff")
    path = tmp_path / "model.onnx"
    made = ferroflow.to_onnx(model, path)
    assert onnx.load(path) == made
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]
    model.save(tmp_path / "model.ff")
    assert path.stat().st_mode == (tmp_path / "model.ff").stat().st_mode
    assert {p.key: p.value for p in made.metadata_props}["sha256"] == model.sha256


def network(layers, activations, n_inputs, **extra):
    """An ONNX model as frameworks write it: MatMul and Add, or Gemm with a transposed matrix."""
    nodes, constants, at = [], [], "input"
    for i, ((weights, bias), name) in enumerate(zip(layers, activations, strict=True)):
        if i % 2:
            constants += [numpy_helper.from_array(weights, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
            nodes.append(helper.make_node("MatMul", [at, f"w{i}"], [f"m{i}"]))
            nodes.append(helper.make_node("Add", [f"b{i}", f"m{i}"], [f"s{i}"]))
        else:
            constants += [
                numpy_helper.from_array(np.ascontiguousarray(weights.T), f"w{i}"),
                numpy_helper.from_array(bias, f"b{i}"),
            ]
            nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [f"s{i}"], transB=1))
        at = f"s{i}"
        if name:
            nodes.append(
                helper.make_node(name, [at], [f"a{i}"], **({"axis": 1} if name == "Softmax" else {}))
            )
            at = f"a{i}"
    kind = helper.np_dtype_to_tensor_dtype(layers[0][0].dtype)
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", kind, [None, n_inputs])],
        [helper.make_tensor_value_info(at, kind, [None, len(layers[-1][1])])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def random_layers(sizes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(a, b)).astype(dtype), rng.normal(size=b).astype(dtype)) for a, b in pairwise(sizes)
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("sizes", "last", "kind"),
    [
        ([5, 8, 7, 3], "Softmax", MLPClassifier),
        ([5, 8, 2], "Softmax", MLPClassifier),
        ([5, 1], "Sigmoid", MLPClassifier),
        ([5, 9, 2], None, MLPRegressor),
        ([5, 4, 4, 1], None, MLPRegressor),
    ],
)
@pytest.mark.parametrize("hidden", ["Relu", "Tanh", "Sigmoid"])
def test_a_dense_network_comes_in_from_onnx(tmp_path, sizes, last, kind, hidden, dtype):
    made = network(random_layers(sizes, dtype), [hidden] * (len(sizes) - 2) + [last], sizes[0])
    path = tmp_path / "network.onnx"
    onnx.save(made, path)
    model = ferroflow.from_onnx(path)
    assert type(model) is kind
    X = np.random.default_rng(1).normal(size=(200, sizes[0])).astype(dtype)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"input": X})[0]
    ours = model.predict_proba(X) if kind is MLPClassifier else model.predict(X)
    assert ours.dtype == dtype
    theirs = np.column_stack([1 - theirs, theirs]) if last == "Sigmoid" else theirs.reshape(ours.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=CLOSE[dtype] * max(1, np.abs(theirs).max()))
    frozen = ferroflow.freeze(model, X)
    again = frozen.predict_proba(X) if kind is MLPClassifier else frozen.predict(X)
    np.testing.assert_array_equal(again, ours)


def test_a_network_from_onnx_has_the_labels_that_are_given_and_stands_in_a_pipeline():
    made = network(random_layers([4, 6, 3], np.float64), ["Relu", None], 4)
    model = ferroflow.from_onnx(made, classes=["a", "b", "c"])
    X = np.random.default_rng(2).normal(size=(50, 4))
    pipeline = make_pipeline(StandardScaler().fit(X), model)
    frozen = ferroflow.freeze(pipeline, X)
    assert set(frozen.predict(X)) <= {"a", "b", "c"}
    np.testing.assert_array_equal(frozen.predict(X), pipeline.predict(X))


def test_batch_normalization_goes_into_the_layer_before():
    rng = np.random.default_rng(3)
    made = network(random_layers([4, 3], np.float64), [None], 4)
    for name in ("gamma", "beta", "mean"):
        made.graph.initializer.append(numpy_helper.from_array(rng.normal(size=3), name))
    made.graph.initializer.append(numpy_helper.from_array(rng.uniform(0.5, 2, 3), "variance"))
    made.graph.node.append(
        helper.make_node("BatchNormalization", ["s0", "gamma", "beta", "mean", "variance"], ["out"])
    )
    made.graph.output[0].name = "out"
    X = rng.normal(size=(20, 4))
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"input": X})[0]
    np.testing.assert_allclose(ferroflow.from_onnx(made).predict(X), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: network(random_layers([3, 4, 2], np.float32), ["Gelu", None], 3), "Gelu cannot be read"),
        (
            lambda: network(random_layers([3, 4, 4, 2], np.float32), ["Relu", "Tanh", None], 3),
            "different activations",
        ),
        (
            lambda: helper.make_model(
                helper.make_graph(
                    [helper.make_node("Relu", ["X"], ["Y"])],
                    "none",
                    [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 2])],
                    [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 2])],
                )
            ),
            "Relu cannot be read",
        ),
    ],
)
def test_other_networks_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        ferroflow.from_onnx(_unchecked(made))


def _unchecked(made):
    check, onnx.checker.check_model = onnx.checker.check_model, lambda model: None
    try:
        return made()
    finally:
        onnx.checker.check_model = check


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("no model")
    with pytest.raises(ValueError, match="is no ONNX model"):
        ferroflow.from_onnx(path)
    with pytest.raises(FileNotFoundError):
        ferroflow.from_onnx(tmp_path / "nothing.onnx")
