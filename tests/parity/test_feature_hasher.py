"""FeatureHasher on samples of every kind, those that are gathered before they are hashed and those that are not."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import feature_extraction as theirs

from ferroflow import feature_extraction as ours


class Three:
    def __float__(self):
        return 3.0


SAMPLES = {
    "numbers and texts": ("dict", [{"a": 1, "b": 2.5, "c": "x"}, {}, {"a": True, "ü": np.float64(3)}]),
    "large and negative": ("dict", [{"a": 10**20, "b": -1, "c": -1.0, "d": 0}]),
    "more than a float": ("dict", [{"a": 1.0}, {"a": 10**400}]),
    "bytes": ("dict", [{b"a": 1.0, b"b": 2}]),
    "names that are numbers": ("dict", [{1: 1.0}]),
    "no value": ("dict", [{"a": 1.0}, {"a": None}]),
    "lists as values": ("dict", [{"a": ["x", "y"], "b": 1.0}]),
    "a lone surrogate": ("dict", [{"\ud800": 1.0}]),
    "a lone surrogate as a value": ("dict", [{"a": "\ud800"}]),
    "objects with a number": ("pair", [[("a", 1), ("a", 2.0)], (("b", Three()), ("c", 0)), []]),
    "three of a pair": ("pair", [[("a", 1.0)], [("a", 1, 2)]]),
    "pairs that are no tuples": ("pair", [["ab", ("c", 2)], [["a", 1]]]),
    "texts": ("string", [["a", "b", "a"], ("x",), [b"raw"], [""]]),
    "single texts": ("string", ["abc", "d"]),
    "numbers for texts": ("string", [["a"], [1]]),
    "many": ("string", [[f"w{i * j}" for j in range(i % 9)] for i in range(9_000)]),
    "many of several kinds": (
        "dict",
        [
            {f"w{j}": (f"v{i % 7}" if i % 5 == 0 else j if i % 3 else float(j)) for j in range(i % 9)}
            for i in range(9_000)
        ],
    ),
}


def outcome(hasher, samples):
    try:
        return hasher.transform(samples)
    except (TypeError, ValueError, OverflowError, UnicodeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("options", [{}, {"n_features": 7, "alternate_sign": False}, {"dtype": np.float32}])
@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_of_every_kind(kind, options):
    input_type, samples = SAMPLES[kind]
    for given in (samples, tuple(samples), (sample for sample in samples)):
        mine = outcome(ours.FeatureHasher(input_type=input_type, **options), given)
        yours = outcome(theirs.FeatureHasher(input_type=input_type, **options), samples)
        assert type(mine) is type(yours)
        if isinstance(yours, tuple):
            assert mine == yours
            continue
        assert_array_equal(mine.indptr, yours.indptr)
        assert_array_equal(mine.indices, yours.indices)
        # Small whole and half numbers, whose sums are exact in any order.
        assert_array_equal(mine.data, yours.data)


def test_a_value_may_change_its_sample():
    class Clears:
        def __float__(self):
            sample.clear()
            return 1.0

    sample = [("a", 1.0), ("b", Clears()), ("c", 2.0)]
    X = ours.FeatureHasher(input_type="pair").transform([[("x", 1.0)] * 3, sample])
    assert X.shape[0] == 2
