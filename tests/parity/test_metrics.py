import inspect
import io
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import metrics as theirs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow import metrics

SCORES = ("f1_score", "jaccard_score", "precision_recall_fscore_support", "precision_score", "recall_score")
NAMES = (
    *SCORES,
    "accuracy_score",
    "balanced_accuracy_score",
    "class_likelihood_ratios",
    "classification_report",
    "cohen_kappa_score",
    "confusion_matrix",
    "hamming_loss",
    "matthews_corrcoef",
    "multilabel_confusion_matrix",
    "zero_one_loss",
)


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
    expected = outcome(getattr(theirs, name), *args, **kwargs)
    assert outcome(getattr(metrics, name), *args, **kwargs) == expected


def assert_all_same(y_true, y_pred):
    for name in NAMES:
        assert_same(name, y_true, y_pred)
    for name in ("jaccard_score", "precision_recall_fscore_support"):
        for average in ("micro", "macro", "weighted", "samples", "binary"):
            assert_same(name, y_true, y_pred, average=average)


def integers(rows, classes, seed=0):
    rng = np.random.RandomState(seed)
    y_true = rng.randint(0, classes, rows)
    return y_true, np.where(rng.rand(rows) < 0.7, y_true, rng.randint(0, classes, rows))


WORDS = np.array([f"klasse {c}" for c in "äbcdefghijkl"], dtype=object)
CONTAINERS = {
    "int64": lambda y: y,
    "int8": lambda y: y.astype(np.int8),
    "uint64": lambda y: y.astype(np.uint64),
    "float64": lambda y: y.astype(float),
    "float32": lambda y: y.astype(np.float32),
    "float16": lambda y: y.astype(np.float16),
    "longdouble": lambda y: y.astype(np.longdouble),
    "bool": lambda y: y > 0,
    "strided": lambda y: np.repeat(y, 2)[::2],
    "reversed": lambda y: y[::-1],
    "swapped": lambda y: y.astype(y.dtype.newbyteorder()),
    "unaligned": lambda y: np.frombuffer(b"\0" + y.tobytes(), dtype=np.uint8)[1:].view(y.dtype),
    "read-only": lambda y: np.frombuffer(y.tobytes(), dtype=y.dtype),
    "column": lambda y: y[:, None],
    "list": lambda y: y.tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "masked": np.ma.masked_array,
    "matrix": lambda y: np.asmatrix(y).T,
    "object integers": lambda y: y.astype(object),
    "objects": lambda y: WORDS[y],
    "object column": lambda y: WORDS[y][:, None],
    "unicode": lambda y: WORDS[y].astype(str),
    "unicode swapped": lambda y: WORDS[y].astype(str).astype(WORDS.astype(str).dtype.newbyteorder()),
    "unicode strided": lambda y: np.repeat(WORDS[y].astype(str), 2)[::2],
    "list of strings": lambda y: WORDS[y].tolist(),
    "numpy strings": lambda y: np.array([np.str_(w) for w in WORDS[y]], dtype=object),
    "StringDType": lambda y: (
        WORDS[y].astype(np.dtypes.StringDType()) if hasattr(np.dtypes, "StringDType") else y
    ),
    "bytes": lambda y: y.astype("S"),
    "series": pd.Series,
    "series of objects": lambda y: pd.Series(WORDS[y], dtype=object),
    "series of str": lambda y: pd.Series(WORDS[y], dtype="str"),
    "series of string": lambda y: pd.Series(WORDS[y], dtype="string"),
    "series of pyarrow strings": lambda y: pd.Series(WORDS[y], dtype="string[pyarrow]"),
    "category": lambda y: pd.Series(WORDS[y], dtype="category"),
    "category, unordered": lambda y: pd.Series(pd.Categorical(WORDS[y], WORDS[::-1])),
    "category of integers": lambda y: pd.Series(y, dtype="category"),
    "Categorical": lambda y: pd.Categorical(WORDS[y]),
    "Int64": lambda y: pd.Series(y, dtype="Int64"),
    "boolean": lambda y: pd.Series(y > 0, dtype="boolean"),
    "Float32": lambda y: pd.Series(y, dtype="Float32"),
    "index": pd.Index,
    "frame": lambda y: pd.DataFrame({"y": y}),
    "polars": pl.Series,
    "polars strings": lambda y: pl.Series(WORDS[y].tolist()),
    "polars categorical": lambda y: pl.Series(WORDS[y].tolist(), dtype=pl.Categorical),
    "polars enum": lambda y: pl.Series(WORDS[y].tolist(), dtype=pl.Enum(WORDS.tolist())),
    "pyarrow": lambda y: pytest.importorskip("pyarrow").array(y),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container(container, classes):
    wrap = CONTAINERS[container]
    y_true, y_pred = integers(40, classes)
    assert_all_same(wrap(y_true), wrap(y_pred))


@pytest.mark.parametrize(
    "other", ["float64", "float32", "bool", "int8", "uint64", "list", "series", "Int64", "objects"]
)
@pytest.mark.parametrize("one", ["int64", "bool", "float64", "uint64", "unicode", "list of strings"])
def test_two_containers(one, other):
    y_true, y_pred = integers(40, 2)
    assert_all_same(CONTAINERS[one](y_true), CONTAINERS[other](y_pred))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("category", "objects"),
        ("polars enum", "unicode"),
        ("series of str", "category"),
        ("objects", "unicode"),
    ],
)
def test_strings_of_two_kinds(one, other):
    y_true, y_pred = integers(60, 5)
    assert_all_same(CONTAINERS[one](y_true), CONTAINERS[other](y_pred))


IN_RUST = [
    c for c in CONTAINERS if c.split()[0] in ("int64", "int8", "float32", "bool", "strided", "column", "list")
]
IN_RUST += [
    "objects",
    "unicode",
    "series",
    "series of str",
    "category",
    "polars",
    "polars strings",
    "polars enum",
]


@pytest.mark.parametrize("container", IN_RUST)
def test_common_targets_stay_in_rust(container):
    y_true, y_pred = map(CONTAINERS[container], integers(40, 2))
    with ferroflow.config(strict=True):
        metrics.accuracy_score(y_true, y_pred)
        metrics.confusion_matrix(y_true, y_pred)
        metrics.recall_score(y_true, y_pred, average="macro")


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 64, 65, 300])
@pytest.mark.parametrize("kind", ["close", "apart", "two apart", "objects"])
def test_many_rows(classes, kind):
    # Enough for several pieces on several threads.
    y_true, y_pred = integers(310_000, classes)
    if kind == "apart":
        y_true, y_pred = y_true * 2**33, y_pred * 2**33
    elif kind == "two apart":
        y_true, y_pred = y_true * 3 - 5, y_pred * 3 - 5
    elif kind == "objects":
        words = np.array([f"k{i}" for i in range(classes)], dtype=object)
        y_true, y_pred = words[y_true], words[y_pred]
    with ferroflow.config(strict=True):
        for threads in (1, 4):
            with threadpool_limits(threads):
                matrix = metrics.confusion_matrix(y_true, y_pred)
                # The classes that occur, in order, are those of the codes.
                expected = np.zeros((classes, classes), dtype=int)
                np.add.at(expected, integers(310_000, classes), 1)
                if kind == "objects":
                    order = np.argsort(words.astype(str))
                    expected = expected[np.ix_(order, order)]
                np.testing.assert_array_equal(matrix, expected)
                hits, predicted, truly = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
                score = metrics.precision_score(y_true, y_pred, average=None)
                np.testing.assert_array_equal(score, hits / predicted)
                assert metrics.recall_score(y_true, y_pred, average="macro") == (hits / truly).mean()
                assert metrics.accuracy_score(y_true, y_pred) == hits.sum() / len(y_true)


MULTILABEL = np.random.RandomState(0).randint(0, 2, (2, 30, 4))


def doubled(y):
    """Stored twice, half of it each time."""
    rows, columns = np.nonzero(y)
    values = np.full(2 * len(rows), 0.5)
    return sparse.coo_array((values, (np.tile(rows, 2), np.tile(columns, 2))), shape=y.shape)


def with_zeros(y):
    """All stored, zeros too."""
    rows, columns = np.indices(y.shape).reshape(2, -1)
    return sparse.csr_array((y.ravel(), (rows, columns)), shape=y.shape)


@pytest.mark.parametrize(
    "wrap",
    [
        np.asarray,
        np.asfortranarray,
        sparse.csr_matrix,
        sparse.csc_array,
        sparse.coo_array,
        sparse.lil_array,
        doubled,
        with_zeros,
        pd.DataFrame,
        np.ndarray.tolist,
        lambda y: y.astype(bool),
        lambda y: y + 1,
        lambda y: y * 2 - 1,
        lambda y: y / 2,
        lambda y: y.astype(object),
        lambda y: y.astype("U1"),
        lambda y: y[:, :1],
        lambda y: y[:, :1].tolist(),
        lambda y: sparse.csr_array(y[:, :1]),
        lambda y: y[:0],
        lambda y: y * 0,
        np.asmatrix,
    ],
)
def test_multilabel(wrap):
    y_true, y_pred = map(wrap, MULTILABEL)
    assert_all_same(y_true, y_pred)
    assert_all_same(y_true, MULTILABEL[1])
    for average in ("samples", "macro"):
        weights = np.arange(30) / 7
        assert_same("f1_score", y_true, y_pred, average=average, labels=[0, 2], sample_weight=weights)
    assert_same("zero_one_loss", y_true, y_pred, normalize=False)


INPUTS = {
    "empty": ([], []),
    "lengths": ([0, 1], [0, 1, 1]),
    "one row": ([1], [1]),
    "one row, wrong": ([1], [0]),
    "one label": ([2, 2, 2], [2, 2, 2]),
    "one string": (["a", "a"], ["a", "a"]),
    "fractions": ([0.5, 1.0], [0.0, 1.0]),
    "NaN": ([np.nan, 1.0], [0.0, 1.0]),
    "infinity": ([np.inf, 1.0], [0.0, 1.0]),
    "too large a float": ([1e300, 1.0], [1.0, 1.0]),
    "beyond int64": (np.array([2**64 - 1, 1], np.uint64), np.array([1, 1], np.uint64)),
    "int64 beside float": (np.array([2**53 + 1, 1]), np.array([2.0**53, 1.0])),
    "uint64 beside int64": (np.array([2**63 + 5, 1], np.uint64), np.array([-1, 1])),
    "the ends of int64": (np.array([-(2**63), 2**63 - 1]), np.array([2**63 - 1, 2**63 - 1])),
    "minus zero": (np.array([-0.0, 1.0]), np.array([0.0, 1.0])),
    "strings and numbers": (["a", "b"], [0, 1]),
    "objects and numbers": (np.array(["a", "b"], dtype=object), np.array([0, 1])),
    "mixed list": (["a", 1], ["a", 1]),
    "None among strings": (np.array(["a", None], dtype=object), np.array(["a", "a"], dtype=object)),
    "NaN among strings": (pd.Series(["a", None, "b"]), pd.Series(["a", "a", "b"])),
    "missing category": (pd.Series(["a", None, "b"], dtype="category"), pd.Series(["a", "a", "b"])),
    "missing integer": (pd.Series([1, None], dtype="Int64"), pd.Series([1, 0])),
    "null in polars": (pl.Series(["a", None]), pl.Series(["a", "b"])),
    "lone surrogate": (np.array(["a", "\ud800"], dtype=object), np.array(["a", "a"], dtype=object)),
    "lone surrogate, unicode": (np.array(["a", "\ud800"]), np.array(["a", "a"])),
    "trailing NUL": (["a\0", "b"], ["a", "b"]),
    "trailing NUL in objects": (np.array(["a\0", "b"], object), np.array(["a", "b"], object)),
    "empty strings": (np.array(["", ""]), np.array(["", ""])),
    "ragged": ([[1], [1, 2]], [[1], [1, 2]]),
    "two columns": ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    "a string": ("abc", "abc"),
    "scalars": (1, 1),
    "None": (None, None),
    "dates": (
        np.array(["2020-01-01", "2021-01-01"], "M8[D]"),
        np.array(["2020-01-01", "2020-01-01"], "M8[D]"),
    ),
    "complex": (np.array([1j, 1]), np.array([1j, 1])),
    "three dimensions": (np.zeros((2, 1, 1)), np.zeros((2, 1, 1))),
    "sparse column": (sparse.csr_matrix([[1], [0]]), sparse.csr_matrix([[1], [0]])),
    "multilabel of two widths": ([[1, 0], [0, 1]], [[1, 0, 0], [0, 1, 1]]),
    "multilabel of two lengths": ([[1, 0], [0, 1]], [[1, 0]]),
    "list of lists of one": ([[1], [0]], [[1], [0]]),
    "multilabel with NaN": (np.array([[1, 0], [0, np.nan]]), np.array([[1, 0], [0, 1.0]])),
    "multilabel beside binary": ([[1, 0], [0, 1]], [0, 1]),
}


@pytest.mark.parametrize("case", INPUTS)
def test_odd_targets(case):
    assert_all_same(*INPUTS[case])


Y = ([0, 1, 2, 2, 0, 1], [0, 2, 2, 1, 0, 0])
B = ([0, 1, 1, 1, 0, 1], [0, 0, 1, 1, 1, 0])
S = (["a", "b", "c", "a"], ["a", "c", "c", "b"])
T = (["a", "b", "b", "a"], ["a", "a", "b", "b"])
W = np.array([0.5, 1.25, 3.0, 0.0, 2.0, 1.1])


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("y", "options"),
    [
        (B, {"pos_label": 0}),
        (B, {"pos_label": True}),
        (B, {"pos_label": 1.0}),
        (B, {"pos_label": np.int64(0)}),
        (B, {"pos_label": 2}),
        (B, {"pos_label": "a"}),
        (B, {"pos_label": None}),
        (B, {"pos_label": [1]}),
        (B, {"labels": [0, 1]}),
        (B, {"labels": 5}),
        (B, {"average": "micro", "pos_label": 0}),
        (B, {"average": "macro", "pos_label": "a"}),
        (B, {"average": None, "pos_label": None}),
        (B, {"average": "nonsense"}),
        (B, {"average": ["macro"]}),
        (B, {"average": np.str_("macro")}),
        (B, {"average": "samples"}),
        (B, {"zero_division": 2}),
        (B, {"zero_division": "nonsense"}),
        (B, {"zero_division": True}),
        (B, {"zero_division": np.float32(1)}),
        (B, {"zero_division": np.float64(1)}),
        (Y, {}),
        (Y, {"average": "macro", "labels": [2, 0]}),
        (Y, {"average": None, "labels": [7, 2, 2]}),
        (Y, {"average": "weighted", "labels": [7]}),
        (Y, {"average": "weighted", "labels": [7, 8], "zero_division": np.nan}),
        (Y, {"average": "macro", "labels": [0, 1, 7], "zero_division": np.nan}),
        (Y, {"average": "macro", "labels": [0, 7], "zero_division": 1}),
        (Y, {"average": "micro", "labels": [1, 2]}),
        (Y, {"average": "macro", "labels": []}),
        (Y, {"average": "macro", "labels": ["a"]}),
        (Y, {"average": "macro", "labels": [1.0, 2.0]}),
        (Y, {"average": "macro", "labels": [0.5]}),
        (Y, {"average": "macro", "labels": np.array([True])}),
        (Y, {"average": "macro", "labels": pd.Series([0, 1])}),
        (Y, {"average": "macro", "labels": [[0, 1]]}),
        (Y, {"average": "macro", "labels": 1}),
        (Y, {"average": None, "sample_weight": W}),
        (Y, {"average": "micro", "sample_weight": W}),
        (Y, {"average": "weighted", "sample_weight": W, "labels": [2, 1]}),
        (Y, {"average": "macro", "sample_weight": W.tolist()}),
        (Y, {"average": "macro", "sample_weight": pd.Series(W)}),
        (Y, {"average": "macro", "sample_weight": W > 1}),
        (Y, {"average": "macro", "sample_weight": -W}),
        (Y, {"average": "macro", "sample_weight": W.astype(np.longdouble)}),
        (B, {"sample_weight": W}),
        (B, {"sample_weight": W.astype(np.float32)}),
        (B, {"sample_weight": W[:3]}),
        (B, {"sample_weight": W * 0}),
        (B, {"sample_weight": W * np.nan}),
        (B, {"sample_weight": W[:, None]}),
        (B, {"sample_weight": 2.0}),
        (B, {"sample_weight": "a"}),
        (S, {}),
        (S, {"average": "macro"}),
        (S, {"average": None, "labels": ["c", "d"]}),
        (S, {"average": None, "labels": np.array(["c", "d"], dtype=object)}),
        (S, {"average": None, "labels": [1, 2]}),
        (T, {}),
        (T, {"pos_label": "b"}),
        (T, {"pos_label": "c"}),
        (([1, 1], [1, 1]), {"pos_label": 0}),
        (([0, 0], [0, 0]), {}),
        (([0, 0], [0, 0]), {"zero_division": np.nan}),
        (([0, 0], [0, 0]), {"zero_division": 1}),
        ((["a", "a"], ["a", "a"]), {"pos_label": "b"}),
        ((["a", "a"], ["a", "a"]), {}),
        (([True, False], [True, True]), {}),
        (([True, False], [True, True]), {"average": "macro", "labels": [True]}),
    ],
)
def test_parameters_of_scores(name, y, options):
    assert_same(name, *y, **options)
    assert_same(name, np.array(y[0]), np.array(y[1]), **options)


@pytest.mark.parametrize(
    ("y", "options"),
    [
        (Y, {"labels": [2, 0]}),
        (Y, {"labels": [2, 0, 9]}),
        (Y, {"labels": [1, 1]}),
        (Y, {"labels": [9]}),
        (Y, {"labels": [1]}),
        (Y, {"labels": []}),
        (Y, {"labels": ["a"]}),
        (Y, {"labels": np.array([0.0, 1.0])}),
        (Y, {"labels": [[0, 1]]}),
        (Y, {"labels": 1}),
        (Y, {"sample_weight": W}),
        (Y, {"sample_weight": W, "labels": [3, 1]}),
        (Y, {"sample_weight": [0, 0, 0, 1, 0, 0], "labels": [0, 1]}),
        (Y, {"sample_weight": [3, 1, 2, 1, 2, 1]}),
        (Y, {"sample_weight": np.array([3, 1, 2, 1, 2, 1], np.uint8)}),
        (Y, {"sample_weight": W > 1}),
        (Y, {"sample_weight": W[:2]}),
        (Y, {"sample_weight": W * 0}),
        (Y, {"sample_weight": [1.0, -1.0, 1.0, -1.0, 0.0, 0.0], "normalize": "all"}),
        (Y, {"sample_weight": W, "normalize": "true"}),
        (Y, {"normalize": "true"}),
        (Y, {"normalize": "pred"}),
        (Y, {"normalize": "all"}),
        (Y, {"normalize": "pred", "labels": [0, 1, 5]}),
        (Y, {"normalize": "nonsense"}),
        (Y, {"normalize": True}),
        (S, {"labels": ["c", "a"]}),
        (S, {"labels": ["z"]}),
        (S, {"labels": np.array(["c", "a"], dtype=object), "normalize": "all"}),
        (([-1, 0, 1], [0, 1, 1]), {"labels": [0, 1]}),
        (([5, 6, 5], [5, 5, 5]), {"labels": [0, 1, 5]}),
        (([0.0, 1.0, 2.0], [0.0, 2.0, 2.0]), {"labels": [0, 1]}),
        (([True, False], [True, True]), {"labels": [0, 1]}),
        (([True, False], [True, True]), {"labels": [True]}),
    ],
)
def test_parameters_of_the_confusion_matrix(y, options):
    assert_same("confusion_matrix", *y, **options)
    assert_same("confusion_matrix", np.array(y[0]), np.array(y[1]), **options)


@pytest.mark.parametrize(
    "options",
    [
        {"normalize": False},
        {"normalize": 1},
        {"normalize": "yes"},
        {"normalize": np.True_},
        {"sample_weight": W},
        {"sample_weight": W, "normalize": False},
        {"sample_weight": W.astype(np.float32), "normalize": False},
        {"sample_weight": [1, 2, 3, 4, 5, 6], "normalize": False},
        {"sample_weight": W > 1},
        {"sample_weight": W > 1, "normalize": False},
        {"sample_weight": np.array([1, -1, 1, -1, 1, -1])},
        {"sample_weight": W * 0},
        {"sample_weight": W[:2]},
    ],
)
def test_parameters_of_accuracy(options):
    assert_same("accuracy_score", *Y, **options)
    assert_same("accuracy_score", *map(np.array, Y), **options)
    assert_same("accuracy_score", WORDS[Y[0]], WORDS[Y[1]], **options)


I = MULTILABEL[0][:6].tolist(), MULTILABEL[1][:6].tolist()


@pytest.mark.parametrize(
    ("name", "y", "options"),
    [
        ("fbeta_score", B, {"beta": 0.5}),
        ("fbeta_score", B, {"beta": 0}),
        ("fbeta_score", Y, {"beta": np.inf, "average": "macro"}),
        ("fbeta_score", Y, {"beta": -1.0, "average": "macro"}),
        ("fbeta_score", Y, {"beta": np.nan, "average": "macro"}),
        ("fbeta_score", Y, {"beta": np.float32(2), "average": "macro"}),
        ("fbeta_score", Y, {"beta": "a"}),
        ("precision_recall_fscore_support", Y, {"labels": [7, 0]}),
        ("precision_recall_fscore_support", Y, {"labels": [7, 0], "warn_for": ("recall",)}),
        ("precision_recall_fscore_support", Y, {"labels": [7, 0], "warn_for": []}),
        ("precision_recall_fscore_support", Y, {"warn_for": "recall"}),
        ("precision_recall_fscore_support", ([0, 0, 1], [1, 1, 0]), {}),
        ("precision_recall_fscore_support", ([0, 0, 1], [1, 1, 0]), {"beta": 0, "average": "weighted"}),
        ("precision_recall_fscore_support", I, {"average": "samples", "sample_weight": W.astype(np.float32)}),
        ("precision_recall_fscore_support", I, {"average": "samples", "sample_weight": [1, 0, 2, 3, 1, 1]}),
        ("precision_recall_fscore_support", I, {"average": "samples", "labels": [3, 0]}),
        ("jaccard_score", B, {"zero_division": np.nan}),
        ("jaccard_score", Y, {"average": "weighted", "labels": [7]}),
        ("jaccard_score", Y, {"average": "weighted", "sample_weight": W}),
        ("multilabel_confusion_matrix", Y, {"labels": [2, 7, 2]}),
        ("multilabel_confusion_matrix", Y, {"samplewise": True}),
        ("multilabel_confusion_matrix", Y, {"samplewise": "yes"}),
        ("multilabel_confusion_matrix", ([0, 0, 1], [1, 1, 0]), {}),
        ("multilabel_confusion_matrix", Y, {"sample_weight": [1, 2, 3, 4, 5, 6]}),
        ("multilabel_confusion_matrix", I, {"labels": [2, 0]}),
        ("multilabel_confusion_matrix", I, {"labels": [4]}),
        ("multilabel_confusion_matrix", I, {"labels": [-1]}),
        ("multilabel_confusion_matrix", I, {"labels": ["a"]}),
        ("multilabel_confusion_matrix", I, {"labels": [2, 2], "samplewise": True}),
        ("multilabel_confusion_matrix", I, {"sample_weight": W, "samplewise": True}),
        ("classification_report", Y, {"target_names": ["x", "longer than others", "z"]}),
        ("classification_report", Y, {"target_names": ["x"]}),
        ("classification_report", Y, {"target_names": [1, 2, 3]}),
        ("classification_report", Y, {"labels": [2, 0], "target_names": ["x"]}),
        ("classification_report", Y, {"labels": [2, 0]}),
        ("classification_report", Y, {"labels": [2, 0, 1, 9]}),
        ("classification_report", Y, {"labels": [2, 0], "output_dict": True}),
        ("classification_report", Y, {"digits": 4}),
        ("classification_report", Y, {"digits": 0}),
        ("classification_report", Y, {"digits": -1}),
        ("classification_report", Y, {"digits": 2.0}),
        ("classification_report", Y, {"sample_weight": W}),
        ("classification_report", Y, {"output_dict": "yes"}),
        ("classification_report", S, {}),
        ("classification_report", S, {"output_dict": True, "zero_division": 1}),
        ("classification_report", ([0, 0, 1], [1, 1, 0]), {}),
        ("classification_report", ([True, False], [True, True]), {}),
        ("classification_report", ([1.0, 2.0], [1.0, 1.0]), {}),
        ("classification_report", I, {"labels": [1, 3], "target_names": ["one", "three"]}),
        ("classification_report", I, {"sample_weight": W}),
        ("cohen_kappa_score", Y, {"weights": "linear"}),
        ("cohen_kappa_score", Y, {"weights": "nonsense"}),
        ("cohen_kappa_score", Y, {"labels": [2, 0], "weights": "quadratic"}),
        ("cohen_kappa_score", Y, {"labels": [7]}),
        ("cohen_kappa_score", Y, {"labels": [0, 7], "replace_undefined_by": 0.0}),
        ("cohen_kappa_score", Y, {"replace_undefined_by": 2.0}),
        ("cohen_kappa_score", ([1, 1], [1, 1]), {"replace_undefined_by": -1.0}),
        ("cohen_kappa_score", Y, {"sample_weight": W}),
        ("class_likelihood_ratios", B, {}),
        ("class_likelihood_ratios", B, {"replace_undefined_by": 1.0}),
        ("class_likelihood_ratios", B, {"replace_undefined_by": {"LR+": 1.0, "LR-": 0.0}}),
        ("class_likelihood_ratios", B, {"replace_undefined_by": 0.5}),
        ("class_likelihood_ratios", B, {"labels": [1, 0], "sample_weight": W}),
        ("class_likelihood_ratios", Y, {"labels": [1, 0]}),
        ("class_likelihood_ratios", ([0, 0, 1], [0, 0, 1]), {}),
        ("class_likelihood_ratios", ([0, 0, 0], [0, 0, 1]), {"replace_undefined_by": 1.0}),
        ("balanced_accuracy_score", ([0, 0, 1], [0, 2, 1]), {"adjusted": True}),
        ("balanced_accuracy_score", Y, {"adjusted": 1}),
        ("balanced_accuracy_score", Y, {"sample_weight": W}),
        ("matthews_corrcoef", Y, {"sample_weight": W}),
        ("matthews_corrcoef", ([0, 1], [1, 1]), {}),
        ("zero_one_loss", Y, {"normalize": False, "sample_weight": W.tolist()}),
        ("zero_one_loss", Y, {"normalize": 1}),
        ("zero_one_loss", I, {"normalize": False}),
        ("hamming_loss", I, {"sample_weight": W}),
        ("hamming_loss", S, {"sample_weight": W[:4]}),
    ],
)
def test_parameters_of_the_other_metrics(name, y, options):
    assert_same(name, *y, **options)
    assert_same(name, np.array(y[0]), np.array(y[1]), **options)


@pytest.mark.parametrize("name", NAMES)
def test_the_functions_look_like_scikit_learns(name):
    ours, sklearn = getattr(metrics, name), getattr(theirs, name)
    # As text, since NaN, a default of some, is not equal to itself.
    assert str(inspect.signature(ours)) == str(inspect.signature(sklearn))
    assert ours.__doc__ == sklearn.__doc__
    assert ours.__name__ == name
    assert pickle.loads(pickle.dumps(ours)) is ours


def test_scorers_take_them():
    X = np.random.RandomState(0).randn(90, 3)
    y = np.array(["no", "yes"], dtype=object)[(X[:, 0] + X[:, 1] > 0).astype(int)]
    for name, options in [
        ("f1_score", {"pos_label": "yes"}),
        ("accuracy_score", {}),
        ("recall_score", {"pos_label": "no"}),
    ]:
        ours, sklearn = (theirs.make_scorer(getattr(m, name), **options) for m in (metrics, theirs))
        model = LogisticRegression()
        np.testing.assert_array_equal(
            cross_val_score(model, X, y, scoring=ours), cross_val_score(model, X, y, scoring=sklearn)
        )


def test_accelerated_functions_still_reach_scikit_learns():
    sklearn = theirs.f1_score
    ferroflow.accelerate()
    try:
        assert theirs.f1_score is metrics.f1_score
        y_true, y_pred = MULTILABEL
        assert theirs.f1_score(y_true, y_pred, average="samples") == sklearn(
            y_true, y_pred, average="samples"
        )
    finally:
        ferroflow.restore()
    assert theirs.f1_score is sklearn


def test_the_ledger_says_what_ran_where():
    from ferroflow._bridge.ledger import entries

    ferroflow.explain(clear=True, file=io.StringIO())
    metrics.accuracy_score([0, 1], [0, 1])
    metrics.f1_score(*MULTILABEL.astype(np.longdouble), average="samples")
    assert [(e.call, e.engine) for e in entries()] == [
        ("accuracy_score", "rust"),
        ("f1_score", "scikit-learn"),
    ]
