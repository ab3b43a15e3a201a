"""Everything is compared exactly: indices, arrays, errors, warnings, and where the random state stands afterwards."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from both_modules import SEEDS, assert_same, assert_same_outcome, labels
from scipy import sparse
from sklearn import model_selection as theirs

import ferroflow
import ferroflow.model_selection as ours

KINDS = list(labels(9))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [2, 3, 10, 257, 300])
def test_kfold(k, seed):
    for n in (2, 3, 10, 63, 64, 65, 300, 1000, 4097):
        X = np.zeros((n, 1))
        assert_same_outcome(lambda m, s, X=X: list(m.KFold(k, shuffle=True, random_state=s).split(X)), seed)
        assert_same_outcome(lambda m, s, X=X: list(m.KFold(k).split(X)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_stratified_kfold(kind, seed):
    for n in (2, 3, 10, 65, 300, 1000):
        y = labels(n)[kind]
        for k in (2, 5, 257):
            assert_same_outcome(
                lambda m, s, k=k, y=y, n=n: list(
                    m.StratifiedKFold(k, shuffle=True, random_state=s).split(np.zeros(n), y)
                ),
                seed,
            )
            assert_same_outcome(lambda m, s, k=k, y=y, n=n: list(m.StratifiedKFold(k).split(np.zeros(n), y)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_stratified_train_test_split(kind, seed):
    for n in (2, 3, 10, 65, 300, 1000):
        y = labels(n)[kind]
        X = np.arange(n * 3.0).reshape(n, 3)
        for sizes in (
            {},
            {"test_size": 0.3},
            {"train_size": 3, "test_size": 5},
            {"train_size": 0.5, "test_size": 0.1},
        ):
            assert_same_outcome(
                lambda m, s, sizes=sizes, X=X, y=y: m.train_test_split(
                    X, y, stratify=y, random_state=s, **sizes
                ),
                seed,
            )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_train_test_split_sizes(shuffle, seed):
    sizes = [
        None,
        0.01,
        0.25,
        0.5,
        0.999999,
        1.0,
        0.0,
        -0.5,
        np.float64(0.3),
        1,
        3,
        9,
        10,
        0,
        -1,
        np.int32(4),
        "a",
        True,
    ]
    for n in (1, 2, 10, 1000):
        X = np.arange(n)
        for test_size in sizes:
            for train_size in sizes if n == 10 else (None, 0.5):
                assert_same_outcome(
                    lambda m, s, X=X, a=test_size, b=train_size: m.train_test_split(
                        X, test_size=a, train_size=b, shuffle=shuffle, random_state=s
                    ),
                    seed,
                )


def tables(n):
    X = np.arange(n * 6.0).reshape(n, 6)
    frame = pd.DataFrame({"a": X[:, 0], "b": np.arange(n).astype(str)}, index=np.arange(n)[::-1])
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": X[:, ::2],
        "read-only": np.frombuffer(X.tobytes()).reshape(n, 6),
        "f32": X.astype(np.float32),
        "one number": X[:, 0].copy(),
        "bytes": X[:, 0].astype(np.uint8),
        "bool": X[:, 0] > 5,
        "f16": X[:, 0].astype(np.float16),
        "complex": X[:, 0] * 1j,
        "longdouble": X[:, 0].astype(np.longdouble),
        "big endian": X.astype(">f8"),
        "str": X[:, 0].astype(str),
        "S": X[:, 0].astype(str).astype("S"),
        "datetime": np.arange(n).astype("M8[s]"),
        "structured": np.rec.fromarrays([X[:, 0], X[:, 1].astype(np.int8)]).view(np.ndarray),
        "object": X[:, 0].astype(object),
        "3-d": X.reshape(n, 3, 2),
        "no columns": X[:, :0],
        "masked": np.ma.masked_less(X, 7),
        "list": X.tolist(),
        "range": range(n),
        "tuple": tuple(range(n)),
        "text": "x" * n,
        "csr": sparse.csr_matrix(X),
        "coo": sparse.coo_array(X),
        "frame": frame,
        "series": frame["b"],
        "polars": pl.DataFrame(X),
        "polars series": pl.Series(X[:, 0]),
    }


@pytest.mark.parametrize("kind", list(tables(3)))
@pytest.mark.parametrize("n", [5, 4000])
@pytest.mark.parametrize(
    "options", [{}, {"shuffle": False}, {"stratify": True}, {"train_size": 2, "test_size": 3}]
)
def test_train_test_split_takes_the_rows_of_anything(kind, n, options):
    table = tables(n)[kind]
    if options.get("stratify"):
        options = {"stratify": np.arange(n) % 2, "test_size": 2}

    def call(module, seed):
        result = module.train_test_split(table, np.arange(n), table, random_state=seed, **options)
        return [np.ma.filled(part, -1) if isinstance(part, np.ma.MaskedArray) else part for part in result]

    assert_same_outcome(call, 0 if options.get("shuffle", True) else None)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, s: m.train_test_split(),
        lambda m, s: m.train_test_split(np.arange(3), np.arange(4)),
        lambda m, s: m.train_test_split(np.arange(3), None),
        lambda m, s: m.train_test_split(np.array(3)),
        lambda m, s: m.train_test_split(np.arange(3), random_state=-1),
        lambda m, s: m.train_test_split(np.arange(3), random_state="a"),
        lambda m, s: m.train_test_split(np.arange(3), shuffle="a"),
        lambda m, s: m.train_test_split(np.arange(30), shuffle=np.bool_(False), random_state=0),
        lambda m, s: m.train_test_split(np.arange(4), stratify=[0, 1, 0, 1], shuffle=False),
        lambda m, s: m.train_test_split(np.arange(4), stratify=3),
        lambda m, s: m.train_test_split(np.arange(4), stratify=np.array([])),
        lambda m, s: list(m.KFold(3).split(np.zeros(2))),
        lambda m, s: list(m.KFold(3).split(np.zeros((0, 2)))),
        lambda m, s: list(m.KFold(3).split(np.array(1))),
        lambda m, s: list(m.KFold(3).split(np.zeros(5), np.zeros(4))),
        lambda m, s: list(m.KFold(3).split(np.zeros(5), groups=np.zeros(5))),
        lambda m, s: list(m.KFold(3).split(np.zeros(5), groups=np.zeros(4))),
        lambda m, s: list(m.KFold(3, shuffle=True, random_state="a").split(np.zeros(5))),
        lambda m, s: list(m.KFold(3, shuffle=True, random_state=-1).split(np.zeros(5))),
        lambda m, s: list(m.KFold(3).split(sparse.coo_array(np.eye(5)))),
        lambda m, s: list(m.KFold(3).split(pd.DataFrame(np.eye(5)), [1, 2, 3, 4, 5])),
        lambda m, s: m.KFold(1),
        lambda m, s: m.KFold(2.0),
        lambda m, s: m.KFold(2, shuffle=1),
        lambda m, s: m.KFold(2, random_state=1),
        lambda m, s: m.StratifiedKFold(3).split(np.zeros(5), None),
        lambda m, s: m.StratifiedKFold(3).split(np.zeros(0), np.zeros(0)),
        lambda m, s: list(m.StratifiedKFold(3).split(np.zeros(5), np.zeros(4))),
        lambda m, s: list(m.StratifiedKFold(3).split(np.zeros(5), np.zeros(5), groups=np.zeros(5))),
        lambda m, s: list(
            m.StratifiedKFold(2, shuffle=True, random_state="a").split(np.zeros(5), np.zeros(5))
        ),
        lambda m, s: next(m.StratifiedKFold(2).split(np.zeros(5), np.arange(5) / 2)),
    ],
)
def test_errors_and_warnings_are_scikit_learns(call):
    assert_same_outcome(call)


@pytest.mark.parametrize("name", ["KFold", "StratifiedKFold"])
def test_nothing_is_drawn_before_the_first_fold(name):
    y = np.arange(20) % 2
    rngs = []
    for module in (ours, theirs):
        rng = np.random.RandomState(0)
        folds = getattr(module, name)(2, shuffle=True, random_state=rng).split(y, y)
        rngs.append([rng.get_state()[2]])
        next(folds)
        rngs[-1].append(rng.get_state()[2])
        next(folds)
        rngs[-1].append(rng.get_state()[2])
    assert rngs[0] == rngs[1]


def test_large_inputs():
    n = 300_000
    y, X = np.random.RandomState(0).randint(0, 9, n), np.arange(n * 4.0).reshape(n, 4)
    names = np.array(list("abcdefghi"), dtype=object)[y]
    for call in (
        lambda m, s: list(m.KFold(5, shuffle=True, random_state=s).split(X)),
        lambda m, s: list(m.StratifiedKFold(5, shuffle=True, random_state=s).split(X, y)),
        lambda m, s: list(m.StratifiedKFold(5, shuffle=True, random_state=s).split(X, names)),
        lambda m, s: m.train_test_split(X, y, names, random_state=s),
        lambda m, s: m.train_test_split(X, y, stratify=y, random_state=s),
        lambda m, s: m.train_test_split(X, y, shuffle=False),
    ):
        assert_same_outcome(call, 1)


def test_other_generators_are_scikit_learns_to_draw_from(capsys):
    ferroflow.explain(clear=True)
    y = np.arange(100) % 3
    for call in (
        lambda m: list(m.KFold(3, shuffle=True, random_state=generator()).split(y)),
        lambda m: list(m.StratifiedKFold(3, shuffle=True, random_state=generator()).split(y, y)),
        lambda m: m.train_test_split(y, random_state=generator()),
    ):

        def generator():
            return np.random.RandomState(np.random.PCG64(0))

        assert_same(call(ours), call(theirs))
    capsys.readouterr()
    ferroflow.explain()
    assert capsys.readouterr().out.count("draws from another generator") == 3


def test_subclasses_keep_their_folds():
    def evens(self, X=None, y=None, groups=None):
        yield np.arange(0, len(X), 2)

    for name in ("KFold", "StratifiedKFold"):
        kinds = [
            type(
                "Evens",
                (getattr(m, name),),
                {"_iter_test_indices": evens, "_iter_test_masks": theirs.BaseCrossValidator._iter_test_masks},
            )
            for m in (ours, theirs)
        ]
        y = np.arange(9) % 2
        assert_same(*(list(kind(3).split(y, y)) for kind in kinds))


@pytest.mark.parametrize("name", ["KFold", "StratifiedKFold"])
def test_the_splitters_are_scikit_learns_otherwise(name):
    mine, other = (
        getattr(ours, name)(3, shuffle=True, random_state=1),
        getattr(theirs, name)(3, shuffle=True, random_state=1),
    )
    assert isinstance(mine, getattr(theirs, name))
    assert repr(mine) == repr(other)
    assert str(mine.get_metadata_routing()) == str(other.get_metadata_routing())
    assert hasattr(mine, "set_split_request") == hasattr(other, "set_split_request")
    y = np.arange(30) % 3
    assert_same(list(pickle.loads(pickle.dumps(mine)).split(y, y)), list(other.split(y, y)))
    assert mine.get_n_splits() == 3


def test_the_function_is_scikit_learns_otherwise():
    import inspect

    assert pickle.loads(pickle.dumps(ours.train_test_split)) is ours.train_test_split
    assert inspect.signature(ours.train_test_split) == inspect.signature(theirs.train_test_split)
    assert ours.train_test_split.__doc__ == theirs.train_test_split.__doc__


def test_results_do_not_depend_on_the_number_of_threads():
    from threadpoolctl import threadpool_limits

    X = np.arange(800_000.0).reshape(-1, 8)
    results = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            results.append(ours.train_test_split(X, random_state=0))
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])
