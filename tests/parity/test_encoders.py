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
from sklearn.base import clone

import ferroflow
from ferroflow import preprocessing as ours
from ferroflow._bridge.ledger import entries
from ferroflow.preprocessing import _categories

NAMES = ["OneHotEncoder", "OrdinalEncoder"]
ROWS = 3000  # more than a block of the core's


@pytest.fixture(autouse=True)
def pools_of_any_size(request, monkeypatch):
    """Read polars' pools by number in small tables too, in the tests of pools; all others read them as they come."""
    if "pools" in request.node.name:
        monkeypatch.setattr(_categories, "_POOL_FROM", dict.fromkeys(_categories._POOL_FROM, 0))


def column(n_categories, rows=ROWS, missing=(), seed=0):
    """An object column of texts of many lengths, ASCII or not, with missing ones."""
    rng = np.random.RandomState(seed)
    texts = [("é" * (i % 3) + f"c{i}" * (1 + i % 5)) for i in range(n_categories)] + list(missing)
    return np.array(texts, dtype=object)[rng.randint(0, len(texts), rows)]


def long_texts():
    """More texts than are sorted by comparing; some agree in more bytes than fit a number."""
    rng = np.random.RandomState(3)
    return [f"item {k}" + " and more" * (k % 3) + str(k // 4000) * (k % 2) for k in rng.permutation(6000)]


def tables(rows=ROWS):
    """Tables of each kind that the core reads."""
    rng = np.random.RandomState(1)
    few, many = column(5, rows), column(700, rows, seed=2)
    with_none, with_both = column(4, rows, [None], 3), column(4, rows, [None, np.nan, float("nan")], 4)
    numbers = rng.randint(-5, 5, rows)
    floats = rng.randint(0, 9, rows) * 0.37
    holes = np.where(rng.rand(rows) < 0.1, np.nan, floats)
    codes = rng.randint(-1, 3, rows)
    return {
        "objects": np.c_[few, many],
        "objects missing": np.c_[with_none, with_both],
        "objects F": np.asfortranarray(np.c_[few, with_none, many]),
        "objects strided": np.c_[few, few, many, many][::-1, ::2],
        "distinct objects": np.array([[str(v) + "x"] for v in numbers], dtype=object),
        "unicode": np.c_[few, many].astype(str),
        "int64": np.c_[numbers, rng.randint(0, 1000, rows)],
        "int64 wide": rng.randint(-(2**62), 2**62, (rows, 2)) // 10**15 * 10**15,
        "int8 strided": np.c_[numbers, numbers].astype(np.int8)[:, ::2],
        "uint16": numbers.astype(np.uint16)[:, None],
        "uint64 large": (numbers.astype(np.uint64) * np.uint64(3))[:, None],
        "bool": (numbers > 0)[:, None],
        "float64": np.c_[floats, holes],
        "float32": np.c_[holes, floats].astype(np.float32),
        "negative zero": np.full((3, 1), -0.0),
        "frame": pd.DataFrame(
            {
                "str": few,
                "object": pd.Series(with_both, dtype=object),
                "missing str": with_none,
                "int": numbers,
                "float32": holes.astype(np.float32),
                "bool": numbers > 1,
            }
        ),
        "categories": pd.DataFrame(
            {
                "text": pd.Categorical.from_codes(codes.clip(0), ["z", "é", "a", "unused"]),
                "missing": pd.Categorical.from_codes(codes, ["z", "b", "a", "unused"]),
                "object": pd.Categorical.from_codes(codes, pd.Index(["z", "b", "a"], dtype=object)),
                "int": pd.Categorical.from_codes(codes.clip(0), [30, 10, 20]),
                "int missing": pd.Categorical.from_codes(codes, [30, 10, 20]),
                "float": pd.Categorical.from_codes(codes, [0.5, -1.5, 3.0]),
                "bool": pd.Categorical.from_codes(codes.clip(0, 1), [True, False]),
                "all missing": pd.Categorical.from_codes(np.full(rows, -1), ["a"]),
            }
        ),
        "nullable": pd.DataFrame({"Int64": pd.array(numbers, dtype="Int64")}),
        "polars": pl.DataFrame(
            {
                "string": few.tolist(),
                "missing": with_none.tolist(),
                "categorical": pl.Series(with_none.tolist(), dtype=pl.Categorical),
                "enum": pl.Series(
                    [None if c < 0 else "zba"[c] for c in codes], dtype=pl.Enum(["z", "b", "unused", "a"])
                ),
            }
        ),
        "polars pools": pl.concat(
            [
                pl.DataFrame(
                    {
                        "categorical": pl.Series(part, dtype=pl.Categorical),
                        "of few bytes": pl.Series(
                            part, dtype=pl.Categorical(pl.Categories("few", physical=pl.UInt8))
                        ),
                        "enum": pl.Series(
                            part, dtype=pl.Enum(["none has this", *sorted(set(few), reverse=True)])
                        ),
                    }
                )
                for part in (few[:7].tolist(), few[7:].tolist())
            ],
            rechunk=False,
        ),
        "polars numbers": pl.DataFrame({"a": numbers, "b": numbers % 3}),
        "polars chunks": pl.concat(
            [pl.DataFrame({"a": few[:7]}), pl.DataFrame({"a": few[7:]})], rechunk=False
        ),
        "pyarrow": pa.table(
            {
                "string": few,
                "large": pa.array(with_none, pa.large_string()),
                "view": pa.array(few, pa.string_view()),
            }
        ),
        "pyarrow dictionary": pa.table({"a": pa.array(few).dictionary_encode(), "b": many}),
        "pyarrow dictionary that repeats itself": pa.table(
            {"a": pa.DictionaryArray.from_arrays([0, 1, 2, 3, 0, 4], ["b", "a", "b", "c", "a", "not used"])}
        ),
        "pyarrow long dictionary": pa.table({"a": pa.array(long_texts()).dictionary_encode()}),
        "pyarrow sliced": pa.table({"a": pa.array(few).dictionary_encode(), "b": with_none}).slice(5, 2000),
        "list": [["b", "x"], ["a", "y"], ["b", "x"]],
        "list of numbers": [[1, 2.5], [3, 1.5]],
    }


TABLES = tables()


def outcome(call):
    """What a call gives: its result or its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:
            result = (type(error), str(error))
    return result, [(w.category, str(w.message)) for w in caught]


def assert_same(a, b):
    assert type(a) is type(b)
    if sparse.issparse(a):
        assert a.shape == b.shape
        for part in ("data", "indices", "indptr"):
            assert_same(getattr(a, part), getattr(b, part))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if a.dtype == object:
            assert [type(v) for v in a.ravel()] == [type(v) for v in b.ravel()]
            a, b = a[~pd.isna(a)], b[~pd.isna(b)]  # NaN equals NaN, and the types told them from None
        assert_array_equal(a, b)
        if a.dtype.kind == "f":
            assert_array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b)
    elif isinstance(a, pl.DataFrame):
        assert a.equals(b)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif not isinstance(a, ours.OneHotEncoder | ours.OrdinalEncoder | type):
        assert a == b


def assert_same_fit(a, b):
    for name in (
        "categories_",
        "drop_idx_",
        "infrequent_categories_",
        "n_features_in_",
        "feature_names_in_",
        "_missing_indices",
        "_n_features_outs",
    ):
        assert hasattr(a, name) == hasattr(b, name), name
        if hasattr(a, name):
            assert_same(getattr(a, name), getattr(b, name))


def compare(name, X, others=(), **options):
    """Run fit, transform of X and of the others, fit_transform and inverse in both; all has to agree."""
    a, b = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    made = [outcome(lambda e=e: e.fit(X)) for e in (a, b)]
    if isinstance(made[1][0], tuple):
        assert made[0] == made[1]
        assert outcome(lambda: clone(a).fit_transform(X)) == made[1]
        return None
    assert made[0][1] == made[1][1]
    assert_same_fit(a, b)
    assert_same(a.get_feature_names_out(), b.get_feature_names_out())
    for Z in (X, *others):
        mine, yours = outcome(lambda Z=Z: a.transform(Z)), outcome(lambda Z=Z: b.transform(Z))
        assert_same(mine, yours)
        if not isinstance(yours[0], tuple):
            back = [
                outcome(lambda e=e, Z=Z: e.inverse_transform(Z)) for e, Z in ((a, mine[0]), (b, yours[0]))
            ]
            assert_same(*back)
    c, d = clone(a), clone(b)
    assert_same(outcome(lambda: c.fit_transform(X)), outcome(lambda: d.fit_transform(X)))
    assert_same_fit(c, d)
    assert set(vars(c)) - {_categories.COUNTS} == set(vars(d))  # counts are what others merge
    assert_same(outcome(lambda: pickle.loads(pickle.dumps(a)).transform(X)), outcome(lambda: b.transform(X)))
    return a


def head(X, n):
    return X.slice(0, n) if isinstance(X, pa.Table) else X[:n]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", TABLES)
def test_every_kind_of_table(name, table):
    X = TABLES[table]
    compare(name, X, [head(X, 1), head(X, 2)])
    compare(name, head(X, 1))
    compare(name, X, min_frequency=3, max_categories=4)


OURS = [t for t in TABLES if t not in ("uint64 large",)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", OURS)
def test_they_run_on_the_core(name, table):
    X = TABLES[table]
    with ferroflow.config(strict=True):
        encoder = getattr(ours, name)().fit(X)
        encoder.transform(X)
        getattr(ours, name)(max_categories=3).fit_transform(X)
    ferroflow.explain(clear=True)
    encoder.transform(X)
    assert [entry.engine for entry in entries()] == ["rust"]


ONE_HOT = {
    "sparse_output": [True, False],
    "drop": [None, "first", "if_binary"],
    "handle_unknown": ["error", "ignore", "infrequent_if_exist", "warn"],
    "grouped": [
        {},
        {"min_frequency": 500},
        {"min_frequency": 0.2},
        {"max_categories": 2},
        {"max_categories": 1},
    ],
}


@pytest.mark.parametrize("sparse_output", ONE_HOT["sparse_output"])
@pytest.mark.parametrize("drop", ONE_HOT["drop"])
@pytest.mark.parametrize("handle_unknown", ONE_HOT["handle_unknown"])
@pytest.mark.parametrize("grouped", ONE_HOT["grouped"], ids=str)
def test_one_hot_parameters(sparse_output, drop, handle_unknown, grouped):
    X = np.c_[column(5), column(2, seed=1), column(3, missing=[np.nan], seed=2)]
    strange = X[:50].copy()
    strange[::7, 0], strange[1::9, 2], strange[3, 1], strange[4, 1] = "never", None, "", np.nan
    options = {"sparse_output": sparse_output, "drop": drop, "handle_unknown": handle_unknown, **grouped}
    compare("OneHotEncoder", X, [strange, X[:1]], **options)
    frame = pd.DataFrame(X, columns=list("abc")).astype({"a": "str", "b": "category"})
    odd = pd.DataFrame(strange, columns=list("abc")).astype({"a": "str", "b": "category"})
    compare("OneHotEncoder", frame, [odd, frame[:1]], **options)


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.int64, np.int8, np.uint16, bool, "float32", complex]
)
@pytest.mark.parametrize("sparse_output", [True, False])
def test_one_hot_dtype(dtype, sparse_output):
    compare("OneHotEncoder", np.c_[column(5), column(50)], dtype=dtype, sparse_output=sparse_output)


@pytest.mark.parametrize("drop", [["c1c1", 2], ["c1c1", "never"], ["c1c1"], ["c1c1", np.nan]])
def test_one_hot_drops_what_is_named(drop):
    frame = pd.DataFrame({"a": column(4), "b": np.random.RandomState(0).randint(0, 4, ROWS)})
    compare("OneHotEncoder", frame, drop=drop)
    compare("OneHotEncoder", frame, drop=drop, min_frequency=700)


def test_one_hot_of_one_category_dropped_has_no_column():
    X = np.full((5, 2), "a", dtype=object)
    compare("OneHotEncoder", X, drop="first")
    compare("OneHotEncoder", X, drop="first", sparse_output=False)


def combine(feature, category):
    return f"{feature}={category}"


def test_one_hot_names():
    X = np.c_[column(3), column(2)]
    encoder = compare("OneHotEncoder", X, feature_name_combiner=combine)
    assert encoder.get_feature_names_out(["p", "q"])[0].startswith("p=")


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan},
        {"handle_unknown": "use_encoded_value", "unknown_value": 1},
        {"handle_unknown": "use_encoded_value"},
        {"unknown_value": -1},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.float16, np.int64, np.int8, np.longdouble, object]
)
@pytest.mark.parametrize("missing", [np.nan, -2, 1])
@pytest.mark.parametrize("grouped", [{}, {"min_frequency": 500}, {"max_categories": 3}], ids=str)
def test_ordinal_parameters(unknown, dtype, missing, grouped):
    X = np.c_[column(5), column(3, missing=[np.nan], seed=2), column(2, missing=[None], seed=3)]
    strange = X[:50].copy()
    strange[::7, 0], strange[1::9, 0] = "never", np.nan
    compare(
        "OrdinalEncoder",
        X,
        [strange, X[:1]],
        dtype=dtype,
        encoded_missing_value=missing,
        **unknown,
        **grouped,
    )


CATEGORIES = {
    "objects": (np.c_[column(3), column(3)], [["c1c1", "ccc", "éé2", "", "c0"], column(9, 9)]),
    "given": (np.array([["a", "x"], ["b", "y"]], dtype=object), [["b", "a", "c"], ["y", "x"]]),
    "one unknown": (np.array([["a", "x"], ["b", "z"]], dtype=object), [["b", "a", "c"], ["y", "x"]]),
    "with missing": (np.array([["a"], [None], [np.nan]], dtype=object), [[None, "a", np.nan]]),
    "nan first": (np.array([["a"], [np.nan]], dtype=object), [[np.nan, "a"]]),
    "doubled": (np.array([["a"]], dtype=object), [["a", "a"]]),
    "bytes": (np.array([["a"]], dtype=object), [[b"a"]]),
    "too few": (np.array([["a", "b"]], dtype=object), [["a"]]),
    "numbers": (np.array([[3, 1], [1, 2]]), [[1, 2, 3], [1, 2]]),
    "unsorted": (np.array([[3], [1]]), [[3, 1]]),
    "floats": (np.array([[3.5], [np.nan]]), [[1, 3.5, np.nan]]),
    "unicode": (np.array([["a"], ["b"]]), [["b", "a", "longer"]]),
    "frame": (pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), [["y", "x"], [1, 2, 3]]),
    "category": (pd.DataFrame({"a": pd.Categorical(["x", "y"])}), [["y", "x"]]),
    "category of numbers": (pd.DataFrame({"a": pd.Categorical([1, 1, None])}), [[1, 2, np.nan]]),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", CATEGORIES)
@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("grouped", [{}, {"max_categories": 2}], ids=str)
def test_given_categories(name, given, lenient, grouped):
    X, categories = CATEGORIES[given]
    options = {"categories": categories, **grouped}
    if lenient:
        options |= (
            {"handle_unknown": "ignore"}
            if name == "OneHotEncoder"
            else {"handle_unknown": "use_encoded_value", "unknown_value": -1}
        )
    compare(name, X, [X[:1]], **options)


OTHERS = {
    "floats after ints": (np.array([[1], [2]]), np.array([[1.0], [2.5]])),
    "ints after floats": (np.array([[1.0], [2.0]]), np.array([[1], [3]])),
    "small ints": (np.array([[1], [200]]), np.array([[1], [100]], dtype=np.int8)),
    "unsigned": (np.array([[1], [200]]), np.array([[1], [200]], dtype=np.uint8)),
    "bools after ints": (np.array([[0], [1]]), np.array([[True], [False]])),
    "ints after bools": (np.array([[True], [False]]), np.array([[0], [1]])),
    "objects after ints": (np.array([[1], [2]]), np.array([[1], [2]], dtype=object)),
    "texts after ints": (np.array([[1], [2]]), np.array([["1"], ["2"]], dtype=object)),
    "ints after texts": (np.array([["1"], ["2"]], dtype=object), np.array([[1], [2]])),
    "unicode after objects": (np.array([["a"], ["bc"]], dtype=object), np.array([["a"], ["longer"]])),
    "objects after unicode": (np.array([["a"], ["bc"]]), np.array([["a"], ["longer"], [None]], dtype=object)),
    "doubles after singles": (np.array([[0.5], [0.1]], dtype=np.float32), np.array([[0.5], [0.1]])),
    "singles after doubles": (np.array([[0.5], [0.1]]), np.array([[0.5], [0.1]], dtype=np.float32)),
    "negative zero": (np.array([[0.0], [1.0]]), np.array([[-0.0], [1.0]])),
    "nan unseen": (np.array([[0.5], [0.1]]), np.array([[0.5], [np.nan]])),
    "infinity": (np.array([[0.5], [0.1]]), np.array([[0.5], [np.inf]])),
    "infinity in a frame": (pd.DataFrame({"a": [0.5, 0.1]}), pd.DataFrame({"a": [0.5, -np.inf]})),
    "infinity in a category": (
        pd.DataFrame({"a": pd.Categorical([0.5, 0.1])}),
        pd.DataFrame({"a": pd.Categorical([0.5, np.inf])}),
    ),
    "none unseen": (np.array([["a"], ["b"]], dtype=object), np.array([["a"], [None]], dtype=object)),
    "mixed": (np.array([["a"], ["b"]], dtype=object), np.array([["a"], [1]], dtype=object)),
    "surrogate": (np.array([["a"], ["b"]], dtype=object), np.array([["a"], ["\ud800"]], dtype=object)),
    "width": (np.array([["a", "b"]], dtype=object), np.array([["a"]], dtype=object)),
    "empty": (np.array([["a"]], dtype=object), np.empty((0, 1), dtype=object)),
    "one dimension": (np.array([["a"]], dtype=object), np.array(["a"], dtype=object)),
    "frame after array": (np.array([["a"]], dtype=object), pd.DataFrame({"a": ["a", "q"]})),
    "array after frame": (pd.DataFrame({"a": ["a", "q"]}), np.array([["a"]], dtype=object)),
    "other names": (pd.DataFrame({"a": ["a", "q"]}), pd.DataFrame({"b": ["a", "q"]})),
    "category after str": (pd.DataFrame({"a": ["a", "q"]}), pd.DataFrame({"a": pd.Categorical(["q", "z"])})),
    "category unused": (
        pd.DataFrame({"a": pd.Categorical(["a", "q"])}),
        pd.DataFrame({"a": pd.Categorical(["q"], categories=["z", "q"])}),
    ),
    "category missing": (
        pd.DataFrame({"a": pd.Categorical(["a", "q"])}),
        pd.DataFrame({"a": pd.Categorical(["q", None])}),
    ),
    "polars pools": (
        pl.DataFrame({"a": pl.Series(["a", "q", "z"], dtype=pl.Categorical)}),
        pl.DataFrame({"a": pl.Series(["z", "a"], dtype=pl.Categorical)}),
    ),
    "polars pools, unknown": (
        pl.DataFrame({"a": pl.Series(["a", "q"], dtype=pl.Categorical)}),
        pl.DataFrame({"a": pl.Series(["q", "new", "a"], dtype=pl.Categorical)}),
    ),
    "polars after pandas": (pd.DataFrame({"a": ["a", "q"]}), pl.DataFrame({"a": ["q", None]})),
    "pyarrow nulls": (
        pa.table({"a": pa.array(["a", "b"]).dictionary_encode()}),
        pa.table({"a": pa.array(["b", None, "a"]).dictionary_encode()}),
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("case", OTHERS)
def test_other_tables_in_transform(name, lenient, case):
    X, Z = OTHERS[case]
    options = {}
    if lenient:
        options = (
            {"handle_unknown": "infrequent_if_exist"}
            if name == "OneHotEncoder"
            else {"handle_unknown": "use_encoded_value", "unknown_value": -1}
        )
    compare(name, X, [Z], **options)


BAD = {
    "mixed": np.array([["a"], [1]], dtype=object),
    "mixed with None": np.array([["a"], [1], [None]], dtype=object),
    "infinity": np.array([[1.0], [np.inf]]),
    "both zeros and infinity": np.array([[-0.0], [0.0], [-np.inf]]),
    "empty": np.empty((0, 2), dtype=object),
    "no columns": np.empty((2, 0), dtype=object),
    "one dimension": np.array(["a", "b"], dtype=object),
    "three dimensions": np.empty((2, 2, 2), dtype=object),
    "sparse": sparse.csr_matrix(np.eye(2)),
    "string NA": pd.DataFrame({"a": pd.array(["x", None], dtype="string")}),
    "scalar": np.float64(3.0),
    "empty frame": pd.DataFrame({"a": []}),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_scikit_learns_words(name, case):
    assert compare(name, BAD[case]) is None


RARE = {
    "ints": np.array([[3], [1], [3], [2]], dtype=object),
    "floats": np.array([[0.5], [-1.5], [np.nan], [0.5]], dtype=object),
    "bools": np.array([[True], [False], [True]], dtype=object),
    "bytes": np.array([[b"b"], [b"a\xff"], [b"b"]], dtype=object),
    "byte strings": np.array([["b"], ["a"], ["bc"]], dtype="S2"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", RARE)
def test_objects_of_one_type_and_byte_strings(name, case):
    X = RARE[case]
    others = [X[:1], np.array([["text"]], dtype=object), np.array([[7]], dtype=object), X[:1].astype(str)]
    options = {"handle_unknown": "ignore"}
    if name == "OrdinalEncoder":
        options = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    compare(name, X, others)
    compare(name, X, others, **options)
    compare(name, X, others, max_categories=2)
    with ferroflow.config(strict=True):
        getattr(ours, name)().fit(X).transform(X)


STRANGE = {
    "objects of numbers": np.array([[1], [2], [1]], dtype=object),
    "bytes": np.array([[b"a"], [b"b"]], dtype=object),
    "byte strings": np.array([["a"], ["b"]], dtype="S1"),
    "surrogates": np.array([["\ud800"], ["a"], ["\udfff"]], dtype=object),
    "subclass": np.array([[np.str_("b")], [np.str_("a")]], dtype=object),
    "datetimes": np.array([["2020-01-01"], ["2019-01-01"]], dtype="datetime64[D]"),
    "float16": np.array([[1.5], [0.5]], dtype=np.float16),
    "longdouble": np.array([[1.5], [0.5]], dtype=np.longdouble),
    "big endian": np.array([[3], [1]], dtype=">i4"),
    "complex": np.array([[1j], [0]]),
    "frame of dates": pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2019-01-01"]), "b": ["x", "y"]}),
    "frame of intervals": pd.DataFrame({"a": pd.cut([1, 2, 3], 2), "b": ["x", "y", "x"]}),
    "pyarrow nulls": pa.table({"a": pa.array(["b", None, "a"]).dictionary_encode()}),
    "polars mixed": pl.DataFrame({"a": ["x", "y"], "b": [1, 2]}),
    "unfilled": np.empty((2, 1), dtype=object),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", STRANGE)
def test_what_is_not_ours_goes_to_scikit_learn(name, case):
    compare(name, STRANGE[case])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_output_containers(name, container):
    frame = pd.DataFrame({"a": column(4), "b": np.arange(ROWS) % 3}, index=np.arange(ROWS) * 2)
    options = {"sparse_output": False} if name == "OneHotEncoder" else {}
    a = getattr(ours, name)(**options).set_output(transform=container)
    b = getattr(theirs, name)(**options).set_output(transform=container)
    assert_same(a.fit_transform(frame), b.fit_transform(frame))
    assert_same(a.transform(frame[:3]), b.transform(frame[:3]))
    if name == "OneHotEncoder":
        c, d = clone(a).set_params(sparse_output=True), clone(b).set_params(sparse_output=True)
        assert_same(outcome(lambda: c.fit_transform(frame)), outcome(lambda: d.fit_transform(frame)))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_set_after_the_fit_count(name):
    X = np.c_[column(4), column(3)]
    a, b = getattr(ours, name)().fit(X), getattr(theirs, name)().fit(X)
    changes = [{"dtype": np.float32}, {"dtype": np.int64}]
    strange = np.array([["never", "c0"]], dtype=object)
    if name == "OneHotEncoder":
        changes += [{"handle_unknown": "ignore"}, {"sparse_output": False}]
    else:
        changes += [{"handle_unknown": "use_encoded_value", "unknown_value": -7}, {"unknown_value": 99}]
    for change in changes:
        for encoder in (a, b):
            encoder.transform(X)
            encoder.set_params(**change)
        assert_same(a.transform(X), b.transform(X))
        assert_same(outcome(lambda: a.transform(strange)), outcome(lambda: b.transform(strange)))
    a.categories_ = b.categories_ = [values[::-1].copy() for values in a.categories_]
    assert_same(a.transform(X), b.transform(X))


@pytest.mark.parametrize("name", NAMES)
def test_a_second_fit_forgets_the_first(name):
    encoder = getattr(ours, name)().fit(pd.DataFrame({"a": ["x", "y"]}))
    encoder.transform(pd.DataFrame({"a": ["y"]}))
    X = np.array([[3], [1]])
    encoder.fit(X)
    assert not hasattr(encoder, "feature_names_in_")
    assert_same(encoder.transform(X), getattr(theirs, name)().fit(X).transform(X))


@pytest.mark.parametrize("name", NAMES)
def test_many_rows_in_parts_and_on_threads(name):
    from threadpoolctl import threadpool_limits

    rows, rng = 1_000_000, np.random.RandomState(0)
    numbers = rng.randint(0, 5000, rows)
    texts = np.array([f"é{i}" for i in range(5000)], dtype=object)[numbers]
    for X in (
        pd.DataFrame({"a": texts}),
        pd.DataFrame({"a": numbers * 10**12, "b": numbers, "c": numbers / 7}),
    ):
        expected = getattr(theirs, name)(min_frequency=195).fit_transform(X)
        for threads in (1, 2, 3):
            with threadpool_limits(threads):
                assert_same(getattr(ours, name)(min_frequency=195).fit_transform(X), expected)


@pytest.mark.parametrize("name", NAMES)
def test_fit_transform_in_a_pipeline_and_with_y(name):
    from sklearn.compose import make_column_transformer

    frame = pd.DataFrame({"a": column(4), "b": np.arange(ROWS) % 3, "c": np.arange(ROWS) * 0.5})
    made = [
        make_column_transformer((encoder, ["a", "b"]), remainder="passthrough").fit_transform(
            frame, frame["b"]
        )
        for encoder in (getattr(ours, name)(), getattr(theirs, name)())
    ]
    assert_same(*made)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_scikit_learns(name):
    assert isinstance(getattr(ours, name)(), getattr(theirs, name))
