import warnings

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import metrics as theirs

import ferroflow
from ferroflow import metrics

SCORES = (
    "precision_score",
    "recall_score",
    "f1_score",
    "fbeta_score",
    "jaccard_score",
    "precision_recall_fscore_support",
)
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def exactly(value):
    """A value with its types, down to its bits."""
    if isinstance(value, tuple):
        return tuple(map(exactly, value))
    if value is None or isinstance(value, str | dict):
        return repr(value)  # where NaN equals itself
    return type(value), getattr(value, "dtype", None), np.shape(value), np.asarray(value).tobytes()


def outcome(function, *args, **kwargs):
    """What a call gives: its value with its types, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    return exactly(value), [(w.category, str(w.message)) for w in caught]


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


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_accuracy_is_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    options = {"normalize": data.draw(st.booleans()), "sample_weight": data.draw(weights(len(y_true)))}
    assert_same("accuracy_score", y_true, y_pred, **options)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_confusion_matrix_is_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    options = {
        "labels": data.draw(chosen_labels(y_true, y_pred)),
        "sample_weight": data.draw(weights(len(y_true))),
        "normalize": data.draw(st.sampled_from([None, "true", "pred", "all"])),
    }
    assert_same("confusion_matrix", y_true, y_pred, **options)


@st.composite
def indicators(draw):
    rows, columns = draw(st.integers(1, 30)), draw(st.integers(2, 9))
    values = st.lists(st.sampled_from([0, 1]), min_size=rows * columns, max_size=rows * columns)
    dtype = draw(st.sampled_from([*INTEGERS, np.float64, np.float32, bool]))
    pair = [np.array(draw(values)).reshape(rows, columns).astype(dtype) for _ in range(2)]
    if draw(st.booleans()):
        pair[1] = np.where(np.random.RandomState(draw(st.integers(0, 99))).rand(rows, 1) < 0.5, *pair)
    wraps = [np.asarray, np.asfortranarray, pd.DataFrame, np.ndarray.tolist]
    wraps += [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array]
    if draw(st.booleans()):
        wrap = draw(st.sampled_from(wraps))
        return [wrap(y) for y in pair], columns
    return [draw(st.sampled_from(wraps))(y) for y in pair], columns


@st.composite
def options_of_scores(draw, y_true, y_pred, labels, averages):
    options = {
        "labels": labels,
        "average": draw(st.sampled_from(averages)),
        "sample_weight": draw(weights(y_true.shape[0] if hasattr(y_true, "shape") else len(y_true))),
        "zero_division": draw(st.sampled_from(["warn", 0, 1.0, np.nan])),
    }
    name = draw(st.sampled_from(SCORES))
    if name == "fbeta_score" or (name == SCORES[-1] and draw(st.booleans())):
        options["beta"] = draw(st.sampled_from([0, 0.5, 1, 2.0, np.inf]))
    return name, options


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_precision_recall_f_and_jaccard_are_scikit_learns(data):
    y_true, y_pred = data.draw(targets())
    labels = data.draw(chosen_labels(y_true, y_pred))
    averages = ["binary", "micro", "macro", "weighted", None, "samples"]
    name, options = data.draw(options_of_scores(y_true, y_pred, labels, averages))
    if options["average"] == "binary":
        present = np.asarray(y_true).tolist() + np.asarray(y_pred).tolist()
        options["pos_label"] = data.draw(st.sampled_from([1, *present]))
    assert_same(name, y_true, y_pred, **options)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_scores_of_several_labels_are_scikit_learns(data):
    (y_true, y_pred), columns = data.draw(indicators())
    labels = data.draw(st.none() | st.lists(st.integers(0, columns), min_size=1, max_size=5))
    averages = ["samples", "micro", "macro", "weighted", None]
    name, options = data.draw(options_of_scores(y_true, y_pred, labels, averages))
    assert_same(name, y_true, y_pred, **options)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_other_metrics_are_scikit_learns(data):
    if data.draw(st.booleans()):
        y_true, y_pred = data.draw(targets())
        labels = data.draw(chosen_labels(y_true, y_pred))
        rows = len(y_true)
    else:
        (y_true, y_pred), columns = data.draw(indicators())
        labels = data.draw(st.none() | st.lists(st.integers(0, columns), min_size=1, max_size=5))
        rows = y_true.shape[0] if hasattr(y_true, "shape") else len(y_true)
    boolean = st.booleans()
    of_labels = {"labels": labels, "zero_division": data.draw(st.sampled_from(["warn", 0, 1.0, np.nan]))}
    name, options = data.draw(
        st.sampled_from(
            [
                ("accuracy_score", {"normalize": data.draw(boolean)}),
                ("zero_one_loss", {"normalize": data.draw(boolean)}),
                ("hamming_loss", {}),
                ("balanced_accuracy_score", {"adjusted": data.draw(boolean)}),
                ("matthews_corrcoef", {}),
                (
                    "cohen_kappa_score",
                    {"labels": labels, "weights": data.draw(st.sampled_from([None, "linear", "quadratic"]))},
                ),
                ("class_likelihood_ratios", {"labels": labels}),
                ("multilabel_confusion_matrix", {"labels": labels, "samplewise": data.draw(boolean)}),
                ("classification_report", {**of_labels, "output_dict": data.draw(boolean)}),
                ("classification_report", {**of_labels, "digits": data.draw(st.integers(0, 15))}),
            ]
        )
    )
    assert_same(name, y_true, y_pred, sample_weight=data.draw(weights(rows)), **options)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_plain_indicators_stay_in_rust(data):
    (y, _), _ = data.draw(indicators())
    with ferroflow.config(strict=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert metrics.accuracy_score(y, y) == 1.0
        assert metrics.hamming_loss(y, y) == 0.0
        assert metrics.f1_score(y, y, average="samples", zero_division=1.0) == 1.0
        assert metrics.jaccard_score(y, y, average="macro", zero_division=1.0) == 1.0
        metrics.classification_report(y, y)


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
        assert metrics.jaccard_score(y, y, average="macro") == 1.0
        metrics.multilabel_confusion_matrix(y, y)
        if len(set(np.asarray(y).tolist())) > 1:
            assert metrics.balanced_accuracy_score(y, y) == 1.0
            assert metrics.matthews_corrcoef(y, y) == 1.0
            assert metrics.cohen_kappa_score(y, y) == 1.0
