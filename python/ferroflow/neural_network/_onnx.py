"""Dense networks that others trained, read from ONNX."""

import os
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from ferroflow.neural_network._mlp import MLPClassifier, MLPRegressor

ACTIVATIONS = {"Relu": "relu", "Sigmoid": "logistic", "Tanh": "tanh"}
# What does nothing to rows of numbers when a network only predicts.
NOTHING = ("Cast", "Dropout", "Flatten", "Identity")
READS = "Gemm, MatMul, Add, BatchNormalization, Relu, Tanh, Sigmoid, Softmax, Flatten, Dropout and Identity in a chain"


def from_onnx(source: Any, *, classes: Any = None) -> Any:
    """Read a dense network from an ONNX file as a fitted MLPClassifier or MLPRegressor.

    So a network trained in PyTorch, Keras or elsewhere predicts here, stands behind ferroflow's preprocessing in a
    pipeline, and is frozen with it into one file.

    Parameters
    ----------
    source : str, path-like or onnx.ModelProto
    classes : array-like of shape (n_classes,), default=None
        The labels of a classifier, in the order of its outputs. By default the numbers from 0 where the network ends in
        Softmax, or in one Sigmoid; given, also a network that ends in plain sums (logits) is a classifier.

    Returns
    -------
    MLPClassifier or MLPRegressor
        Fitted; computes in float32 if the file's weights are float32.

    Raises
    ------
    ValueError
        The file is no ONNX model, or the network is none of dense layers with one activation throughout; says what it
        has that cannot be read.
    ImportError
        The package onnx is not installed: ``pip install ferroflow[onnx]``.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("from_onnx needs the package onnx: pip install 'ferroflow[onnx]'") from None
    if isinstance(source, str | os.PathLike):
        try:
            source = onnx.load(os.fspath(source))
        except OSError:
            raise
        except Exception as error:
            raise ValueError(f"{os.fspath(source)} is no ONNX model: {error}") from None
    layers, last = _layers(source.graph)
    hidden = {name for _, _, name in layers[:-1]}
    if len(hidden) > 1:
        raise ValueError(
            f"the hidden layers have different activations ({', '.join(sorted(hidden))}); one is supported"
        )
    n_outputs = len(layers[-1][1])
    classifier = classes is not None or last == "softmax" or (last == "logistic" and n_outputs == 1)
    single = all(array.dtype == np.float32 for layer in layers for array in layer[:2])
    how: dict[str, Any] = {
        "hidden_layer_sizes": tuple(len(bias) for _, bias, _ in layers[:-1]),
        "activation": hidden.pop() if hidden else "identity",
        "dtype": "float32" if single else None,
    }
    model = (MLPClassifier if classifier else MLPRegressor)(**how)
    model.coefs_ = [weights for weights, _, _ in layers]
    model.intercepts_ = [bias for _, bias, _ in layers]
    model.n_features_in_ = len(layers[0][0])
    model.n_layers_ = len(layers) + 1
    model.n_outputs_ = n_outputs
    model.out_activation_ = last
    model.n_iter_ = model.t_ = 0
    if classifier:
        _classify(model, classes, last)
    elif last == "softmax" or (last not in ("identity", "logistic", "exp")):
        raise ValueError(f"a regression network that ends in {last} cannot be read")
    return model


def _classify(model: Any, classes: Any, last: str) -> None:
    n = max(2, model.n_outputs_)
    labels = np.arange(n) if classes is None else np.asarray(classes)
    if labels.shape != (n,):
        raise ValueError(f"the network has {n} classes, `classes` has the shape {labels.shape}")
    if last not in ("identity", "softmax" if n > 2 or model.n_outputs_ > 1 else "logistic"):
        raise ValueError(f"a classifier of {n} classes that ends in {last} cannot be read")
    if model.n_outputs_ == 2:
        # scikit-learn has one output for two classes: the sigmoid of a difference is the softmax of two.
        model.coefs_[-1] = model.coefs_[-1][:, 1:] - model.coefs_[-1][:, :1]
        model.intercepts_[-1] = model.intercepts_[-1][1:] - model.intercepts_[-1][:1]
        model.n_outputs_ = 1
    model.out_activation_ = "softmax" if n > 2 else "logistic"
    binarizer = LabelBinarizer().fit(labels)
    if not np.array_equal(binarizer.classes_, labels):
        raise ValueError("`classes` must be in rising order, as scikit-learn keeps them")
    model.classes_ = labels
    model._label_binarizer = binarizer


def _layers(graph: Any) -> tuple[list, str]:
    """Return (weights, bias, activation) of each layer, and the last one's activation."""
    from onnx import numpy_helper

    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    inputs = [one.name for one in graph.input if one.name not in constants]
    if len(inputs) != 1:
        raise ValueError(f"the network has {len(inputs)} inputs; one matrix is supported")
    at = inputs[0]
    layers: list[list[Any]] = []
    last = "identity"
    for node in graph.node:
        attributes = {a.name: a for a in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(attributes["value"].t)
            continue
        if at not in node.input:
            raise ValueError(
                f"the operator {node.op_type} does not follow from the one before; {READS} are read"
            )
        others: list[Any] = [constants.get(name) for name in node.input if name != at]
        at = node.output[0]
        if node.op_type in NOTHING or (
            node.op_type == "Reshape" and others[0] is not None and len(others[0]) == 2
        ):
            continue
        if node.op_type in ("Softmax", *ACTIVATIONS) and layers and last == "identity":
            last = ACTIVATIONS.get(node.op_type, "softmax")
            layers[-1][2] = last
            continue
        if any(other is None for other in others):
            raise ValueError(f"the operator {node.op_type} combines two computed values; {READS} are read")
        if node.op_type in ("Gemm", "MatMul"):
            if last == "softmax":
                raise ValueError("a Softmax stands before the last layer, which cannot be read")
            layers.append(_linear(node.op_type, attributes, others))
            last = "identity"
        elif node.op_type == "Add" and layers and last == "identity":
            layers[-1][1] = layers[-1][1] + others[0].reshape(-1)
        elif node.op_type == "BatchNormalization" and layers and last == "identity":
            gamma, beta, mean, variance = others
            epsilon = attributes["epsilon"].f if "epsilon" in attributes else 1e-5
            factor = gamma / np.sqrt(variance + np.asarray(epsilon, dtype=variance.dtype))
            layers[-1][0] = layers[-1][0] * factor
            layers[-1][1] = (layers[-1][1] - mean) * factor + beta
        else:
            raise ValueError(f"the operator {node.op_type} cannot be read here; {READS} are")
    if not layers:
        raise ValueError(f"the network has no dense layer; {READS} are read")
    for (before, *_), (after, *_) in pairwise(layers):
        if before.shape[1] != after.shape[0]:
            raise ValueError(f"a layer gives {before.shape[1]} numbers and the next takes {after.shape[0]}")
    return layers, last


def _linear(op: str, attributes: dict, others: list) -> list:
    weights = others[0]
    if op == "Gemm":
        if any(name in attributes and attributes[name].f != 1 for name in ("alpha", "beta")):
            raise ValueError("a Gemm with alpha or beta other than 1 cannot be read")
        if "transA" in attributes and attributes["transA"].i:
            raise ValueError("a Gemm with transA cannot be read")
        if "transB" in attributes and attributes["transB"].i:
            weights = weights.T
    if weights.ndim != 2:
        raise ValueError(f"the weights of a {op} have {weights.ndim} dimensions, 2 are needed")
    bias = others[1].reshape(-1) if len(others) > 1 else np.zeros(1, dtype=weights.dtype)
    return [np.ascontiguousarray(weights), np.broadcast_to(bias, weights.shape[1:]).copy(), "identity"]
