import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow import preprocessing as ours

ROWS = 3000


def labels(rows=ROWS):
    rng = np.random.RandomState(0)
    few = np.array(["b", "é" * 9, "", "c"], dtype=object)[rng.randint(0, 4, rows)]
    two = np.array(["yes", "no"], dtype=object)[rng.randint(0, 2, rows)]
    ints = rng.randint(-5, 40, rows)
    return {
        "objects": few,
        "two objects": two,
        "one object": np.full(rows, "x", dtype=object),
        "unicode": few.astype(str),
        "int64": ints,
        "int8": (ints % 3).astype(np.int8),
        "uint16": (ints % 7).astype(np.uint16),
        "wide": ints * 10**15,
        "strided": ints[::-2],
        "two ints": ints % 2,
        "bool": ints > 3,
        "floats": ints * 2.0,
        "float32": (ints % 2).astype(np.float32),
        "series": pd.Series(ints),
        "object series": pd.Series(few, dtype=object),
        "one row": np.array(["a"], dtype=object),
        "list": few.tolist(),
        "ints in a list": ints.tolist(),
        "column": ints[:, None],
        "fractions": ints * 0.37,
    }


MORE = {
    "missing objects": np.array(["a", None, "b", np.nan], dtype=object),
    "missing floats": np.array([1.5, np.nan, 0.5, np.nan]),
    "str series": pd.Series(["b", "a", "b"], dtype="str"),
    "category": pd.Series(pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"])),
    "polars": pl.Series(["b", "a", "b"]),
    "polars categorical": pl.Series(["b", "a", "b"], dtype=pl.Categorical),
    "pyarrow": pa.chunked_array([pa.array(["b", "a"]), pa.array(["b"])]),
}
BAD = {
    "mixed": np.array(["a", 1], dtype=object),
    "infinity": np.array([1.0, np.inf]),
    "two columns": np.array([[1, 2], [3, 4]]),
    "empty": np.array([]),
    "none": None,
    "bytes": np.array([b"a", b"b"]),
    "dates": np.array(["2020-01-01", "2019-01-01"], dtype="datetime64[D]"),
}
LABELS = labels()


def outcome(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:
            result = (type(error), str(error))
    return result, [(w.category, str(w.message)) for w in caught]


def assert_same(a, b):
    if isinstance(b, theirs.LabelEncoder | theirs.LabelBinarizer | theirs.MultiLabelBinarizer):
        return
    assert type(a) is type(b)
    if sparse.issparse(b):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert a.indices.dtype == b.indices.dtype
        assert_array_equal(a.indptr, b.indptr)
        assert_array_equal(a.sorted_indices().indices, b.sorted_indices().indices)
        assert_array_equal(a.data, b.data)
    elif isinstance(b, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if b.dtype == object:
            assert [type(v) for v in a] == [type(v) for v in b]
            a, b = a[~pd.isna(a)], b[~pd.isna(b)]
        assert_array_equal(a, b)
    elif isinstance(b, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b


def compare(name, y, others=(), **options):
    """Run fit, transform, fit_transform and inverse in both; results, errors and warnings have to agree."""
    a, b = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    made = [outcome(lambda e=e: e.fit(y)) for e in (a, b)]
    assert_same(*made)
    if isinstance(made[1][0], tuple):
        return
    assert set(vars(a)) == set(vars(b))
    for key in vars(b):
        assert_same(getattr(a, key), getattr(b, key))
    for z in (y, *others):
        mine, yours = outcome(lambda z=z: a.transform(z)), outcome(lambda z=z: b.transform(z))
        assert_same(mine, yours)
        assert_same(outcome(lambda z=z: pickle.loads(pickle.dumps(a)).transform(z)), yours)
        if not isinstance(yours[0], tuple):
            assert_same(
                outcome(lambda o=mine[0]: a.inverse_transform(o)),
                outcome(lambda o=yours[0]: b.inverse_transform(o)),
            )
    c, d = type(a)(**options), type(b)(**options)
    assert_same(outcome(lambda: c.fit_transform(y)), outcome(lambda: d.fit_transform(y)))
    assert_same(c.classes_, d.classes_)


def new_labels(y):
    """Labels of the same type, some of which were not there."""
    if isinstance(y, np.ndarray) and y.dtype == object:
        return np.append(y, np.array(["never seen"], dtype=object))
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iuf":
        return np.append(y, np.array([101], dtype=y.dtype))
    return y[:1]


@pytest.mark.parametrize("case", [*LABELS, *MORE, *BAD])
def test_label_encoder(case):
    y = (LABELS | MORE | BAD)[case]
    compare("LabelEncoder", y, [] if y is None or case in BAD else [y[:1], new_labels(y), y[:0]])


@pytest.mark.parametrize("case", [*LABELS, *MORE, *BAD])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sparse_output": True},
        {"neg_label": -2, "pos_label": 3},
        {"neg_label": -1, "pos_label": 0},
        {"sparse_output": True, "pos_label": 7},
        {"neg_label": 2},
        {"sparse_output": True, "neg_label": -1},
    ],
    ids=str,
)
def test_label_binarizer(case, options):
    y = (LABELS | MORE | BAD)[case]
    compare("LabelBinarizer", y, [] if y is None or case in BAD else [y[:1], new_labels(y), y[:2]], **options)


@pytest.mark.parametrize("sparse_output", [False, True])
def test_label_binarizer_of_several_labels_a_row(sparse_output):
    Y = np.array([[0, 1, 1], [1, 0, 0]])
    compare("LabelBinarizer", Y, [np.array([0, 1, 2])], sparse_output=sparse_output)
    compare("LabelBinarizer", sparse.csr_matrix(Y), sparse_output=sparse_output)
    compare("LabelBinarizer", np.array([0, 1, 2]), [Y], sparse_output=sparse_output)


OTHERS = [
    (np.array([1, 2, 3]), np.array([1.0, 2.0])),
    (np.array([1, 2, 3]), np.array([1, 300], dtype=np.int16)),
    (np.array([1, 2, 300]), np.array([1, 44], dtype=np.int8)),
    (np.array([1, 2, 3]), np.array([True, False])),
    (np.array(["a", "b", "c"]), np.array(["a", "bcd"])),
    (np.array(["a", "b", "c"], dtype=object), np.array(["a", "bcd"])),
    (np.array(["a", "b", "c"], dtype=object), np.array(["a", None], dtype=object)),
    (np.array(["a", "b", "c"], dtype=object), np.array(["a", 1], dtype=object)),
    (np.array(["a", "b", "c"], dtype=object), np.array([1, 2])),
    (np.array([1.0, 2.0, 3.0]), np.array([1.0, np.nan])),
    (np.array([1.0, 2.0, 3.0]), np.array([1.5])),
    (np.array([0, 1]), np.array([0, 2])),
    (np.array([0, 1]), np.array([0, 1, 2])),
    (np.array([0, 0]), np.array([0, 1])),
    (np.array([0, 0]), np.array([0, 1, 2])),
    (np.array(["a\x00", "a"], dtype=object), np.array(["a", "a\x00"], dtype=object)),
]


@pytest.mark.parametrize("name", ["LabelEncoder", "LabelBinarizer"])
@pytest.mark.parametrize("case", range(len(OTHERS)))
def test_other_labels_in_transform(name, case):
    y, z = OTHERS[case]
    compare(name, y, [z])


@pytest.mark.parametrize("sparse_output", [False, True])
@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array([1, 6, 2]), [1, 6, 4, 2]),
        (np.array(["b", "a"], dtype=object), ["b", "a"]),
        (np.array(["b", "a", "c"], dtype=object), ["b", "a"]),
        (np.array(["b", "a", "q"], dtype=object), ["c", "b", "a"]),
        (np.array([0, 0]), [0]),
        (np.array([0, 1]), [1, 1]),
        (np.array([0, 1]), []),
        (np.array([0.5, 1]), [0, 1]),
        ([0, 1, 2], [0, 1, 2]),
        (np.array([[0, 1], [1, 1]]), [0, 1]),
    ],
)
def test_label_binarize(y, classes, sparse_output):
    for options in ({}, {"neg_label": -1}, {"neg_label": 5, "pos_label": 2}):
        made = [
            outcome(
                lambda m=m, o=options: m.label_binarize(y, classes=classes, sparse_output=sparse_output, **o)
            )
            for m in (ours, theirs)
        ]
        assert_same(*made)


SETS = {
    "texts": [["b", "a"], [], ["c", "a", "c"], ["é"]],
    "tuples and sets": [("b", "a"), {"c"}, frozenset({"a", "b"})],
    "ints": [[3, 1], [2], [3, 3]],
    "large ints": [[3, 10**30], [2]],
    "mixed": [["a"], [1]],
    "texts of letters": ["ab", "bc"],
    "floats": [[0.5], [1.5, 0.5]],
    "bools": [[True], [1, 0]],
    "arrays": [np.array([1, 2]), np.array([2])],
    "object array": np.array([["a", "b"], ["c", "a"]], dtype=object),
    "nothing": [],
    "nothing in there": [[], []],
    "unhashable": [[[1]], [[2]]],
}


@pytest.mark.parametrize("case", SETS)
@pytest.mark.parametrize("sparse_output", [False, True])
def test_multi_label_binarizer(case, sparse_output):
    y = SETS[case]
    others = [[["a", "never"]], [["a"]], [[1]], [[]]]
    compare("MultiLabelBinarizer", y, others, sparse_output=sparse_output)
    compare("MultiLabelBinarizer", y, others, sparse_output=sparse_output, classes=["c", "a", "b", "é"])
    made = [outcome(lambda m=m: m.MultiLabelBinarizer().fit_transform(iter(y))) for m in (ours, theirs)]
    assert_same(*made)


@pytest.mark.parametrize(
    "case", [c for c in LABELS if c not in ("list", "ints in a list", "column", "fractions")]
)
def test_they_run_on_the_core(case):
    y = LABELS[case]
    with ferroflow.config(strict=True):
        for name in ("LabelEncoder", "LabelBinarizer"):
            getattr(ours, name)().fit(y).transform(y)
            getattr(ours, name)().fit_transform(y)
        ours.label_binarize(y, classes=np.unique(y))
        ours.MultiLabelBinarizer().fit(SETS["texts"]).transform(SETS["texts"])


@pytest.mark.parametrize("name", ["LabelEncoder", "LabelBinarizer"])
@pytest.mark.parametrize("case", LABELS)
def test_fits_of_parts_merge(name, case):
    y = LABELS[case]
    if case == "fractions" and name == "LabelBinarizer":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, merged = getattr(ours, name)().fit(y), getattr(ours, name)()
        for begin, end in ((0, 1), (1, 700), (700, len(y))):
            if len(y[begin:end]):
                merged.partial_fit(y[begin:end])
        assert_array_equal(merged.classes_, whole.classes_)
        assert merged.classes_.dtype.kind == whole.classes_.dtype.kind
        assert_array_equal(merged.transform(y), whole.transform(y))
    if name == "LabelBinarizer":
        assert merged.y_type_ == whole.y_type_


def test_label_sets_merge():
    a = ours.MultiLabelBinarizer().fit([["b"], ["a", "q"]])
    b = ours.MultiLabelBinarizer().fit([["c", "b"]])
    assert_array_equal(a.merge(b).classes_, ["a", "b", "c", "q"])
    assert_array_equal(a.partial_fit([["A"]]).transform([["A", "c"]]), [[1, 0, 0, 1, 0]])


def test_what_does_not_fit_together_is_not_merged():
    with pytest.raises(ValueError, match="types"):
        ours.LabelEncoder().fit([1, 2]).merge(ours.LabelEncoder().fit(["a"]))
    with pytest.raises(TypeError, match="Cannot merge"):
        ours.LabelEncoder().fit([1, 2]).merge(ours.LabelBinarizer().fit([1, 2]))
    with pytest.raises(ValueError, match="several labels"):
        ours.LabelBinarizer().fit([1, 2]).merge(ours.LabelBinarizer().fit(np.eye(2, dtype=int)))


def test_many_rows_on_threads():
    y = labels(1_000_000)
    for case in ("objects", "int64"):
        expected = theirs.LabelEncoder().fit_transform(y[case])
        for threads in (1, 2, 7):
            with threadpool_limits(threads):
                assert_array_equal(ours.LabelEncoder().fit_transform(y[case]), expected)
