"""The number of threads, and a fork, change no result of any transformer."""

import os
from contextlib import suppress

import numpy as np
import pytest
from public import estimator_classes
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits

# Enough for every kernel's work to be split; fewer where it grows faster than the rows.
ROWS = 60_000
FEWER = {"KNNImputer": 1_000, "IterativeImputer": 5_000}


def transformers():
    for cls in estimator_classes():
        # One that needs arguments holds other transformers, which are here by themselves.
        with suppress(TypeError):
            if hasattr(estimator := cls(), "transform"):
                yield estimator


def data(estimator):
    rng = np.random.RandomState(0)
    tags = get_tags(estimator)
    name = type(estimator).__name__
    rows = FEWER.get(name, ROWS)
    y = rng.randint(3, size=rows)
    words = np.array([f"word {k}" for k in range(300)], dtype=object)
    if name == "FeatureHasher":
        return [{"a": float(v), "b": w} for v, w in zip(y, words[y], strict=True)], y
    if name == "MultiLabelBinarizer":
        return [list(words[i : i + 2]) for i in y], None
    if not tags.input_tags.two_d_array:
        return words[rng.randint(300, size=rows)], None
    if tags.input_tags.categorical or "Encoder" in name or "Category" in name:
        return words[rng.randint(300, size=(rows, 3))], y
    X = rng.randn(rows, 20)
    if tags.input_tags.allow_nan:
        X[rng.rand(*X.shape) < 0.1] = np.nan
    return X, y


def results(estimator, X, y):
    """All numbers of the fitted state and of the transformed rows, as bytes."""
    estimator = clone(estimator)
    out = estimator.fit_transform(X, y) if y is not None else estimator.fit_transform(X)
    parts = [out.data, out.indices] if sparse.issparse(out) else [out]
    state = vars(estimator)
    parts += [state[k] for k in sorted(state) if isinstance(state[k], np.ndarray)]
    return [part.tobytes() if part.dtype != object else plain(part) for part in map(np.asarray, parts)]


def plain(part):
    """The objects of an array, those that are arrays themselves as bytes: lists of arrays cannot be compared."""
    return [v.tobytes() if isinstance(v, np.ndarray) else v for v in part.ravel().tolist()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", list(transformers()), ids=lambda e: type(e).__name__)
def test_results_do_not_depend_on_threads_or_a_fork(estimator):
    X, y = data(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    with threadpool_limits(1):
        expected = results(estimator, X, y)
    for n in (2, 7):
        with threadpool_limits(n):
            assert results(estimator, X, y) == expected
    child = os.fork()
    if child == 0:
        # No word of the child's reaches the parent but its exit code.
        os._exit(0 if results(estimator, X, y) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
