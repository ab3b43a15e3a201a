import warnings

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

import ferroflow
from ferroflow import metrics

SCORES = ("precision_score", "recall_score", "f1_score")
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def outcome(function, *args, **kwargs):
    """What a call gives: its value with its types, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    told = [(w.category, str(w.message)) for w in caught]
    return type(value), getattr(value, "dtype", None), np.shape(value), np.asarray(value).tobytes(), told


def assert_same(name, *args, **kwargs):
    assert outcome(getattr(metrics, name), *args, **kwargs) == outcome(getattr(theirs, name), *args, **kwargs)


@st.composite
def numbers(draw, rows):
    dtype = draw(st.sampled_from([*INTEGERS, np.float64, np.float32, bool]))
    info = np.iinfo(dtype) if dtype in INTEGERS else None
    low = draw(st.sampled_from([0, 1, -3, 100, -(2**40), 2**62]))
    width = draw(st.sampled_from([1, 2, 3, 10, 70, 2**17]))
    values = low + np.array(draw(st.lists(st.integers(0, width - 1), min_size=rows, max_size=rows)))
    return np.clip(values, info.min, info.max).astype(dtype) if info else values.astype(dtype)


@st.composite
def strings(draw, rows):
    alphabet = draw(
        st.sampled_from([["a", "b"], ["", "é", "z", "aé"], ["x", "\U0001f600", "ÿ", "zz", "\uffff"]])
    )
    values = draw(st.lists(st.sampled_from(alphabet), min_size=rows, max_size=rows))
    kind = draw(st.sampled_from(["object", "apart", "U", "list", "series", "category"]))
    if kind == "object":
        return np.array(values, dtype=object)
    if kind == "apart":  # an object of its own in every row
        return np.array([(v + "-")[:-1] for v in values], dtype=object)
    if kind == "U":
        return np.array(values)
    if kind == "list":
        return values
    return pd.Series(values, dtype="category" if kind == "category" else None)


@st.composite
def targets(draw):
    rows = draw(st.integers(1, 60))
    part = draw(st.sampled_from([numbers, strings]))
    y_true, y_pred = draw(part(rows)), draw(part(rows))
    if isinstance(y_true, np.ndarray) and draw(st.booleans()):
        y_pred = np.where(
            np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows))), y_true, y_pred
        )
    return y_true, y_pred


@st.composite
def weights(draw, rows):
    kind = draw(st.sampled_from([None, None, "float", "float32", "integer"]))
    if kind is None:
        return None
    if kind == "integer":
        return np.array(draw(st.lists(st.integers(-2, 5), min_size=rows, max_size=rows)))
    some = st.floats(-1, 10, width=32)
    values = draw(st.lists(some, min_size=rows, max_size=rows))
    return np.array(values, dtype=np.float64 if kind == "float" else np.float32) * 1.1


@st.composite
def chosen_labels(draw, y_true, y_pred):
    if draw(st.booleans()):
        return None
    present = sorted(set(np.asarray(y_true).tolist()) | set(np.asarray(y_pred).tolist()), key=str)
    other = ["other"] if isinstance(present[0], str) else [3, 5]
    return draw(st.lists(st.sampled_from(present + other), min_size=1, max_size=6))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_accuracy_is_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    options = {"normalize": data.draw(st.booleans()), "sample_weight": data.draw(weights(len(y_true)))}
    assert_same("accuracy_score", y_true, y_pred, **options)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_confusion_matrix_is_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    options = {
        "labels": data.draw(chosen_labels(y_true, y_pred)),
        "sample_weight": data.draw(weights(len(y_true))),
        "normalize": data.draw(st.sampled_from([None, "true", "pred", "all"])),
    }
    assert_same("confusion_matrix", y_true, y_pred, **options)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_precision_recall_and_f1_are_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    present = np.asarray(y_true).tolist() + np.asarray(y_pred).tolist()
    options = {
        "labels": data.draw(chosen_labels(y_true, y_pred)),
        "pos_label": data.draw(st.sampled_from([1, *present])),
        "average": data.draw(st.sampled_from(["binary", "micro", "macro", "weighted", None])),
        "sample_weight": data.draw(weights(len(y_true))),
        "zero_division": data.draw(st.sampled_from(["warn", 0, 1.0, np.nan])),
    }
    if options["average"] != "binary":
        options["pos_label"] = 1
    assert_same(data.draw(st.sampled_from(SCORES)), y_true, y_pred, **options)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_plain_targets_stay_in_rust(data):
    rows = data.draw(st.integers(1, 40))
    part = data.draw(st.sampled_from([numbers, strings]))
    y = data.draw(part(rows))
    # Unsigned integers that float64 cannot hold are scikit-learn's to mix with `pos_label`.
    assume(getattr(y, "dtype", None) != np.uint64 or y.max() <= 2**53)
    with ferroflow.config(strict=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert metrics.accuracy_score(y, y) == 1.0
        assert metrics.confusion_matrix(y, y).sum() == rows
        assert metrics.f1_score(y, y, average="macro") == 1.0
