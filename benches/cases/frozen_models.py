"""Frozen kernel machines and neighbours against scikit-learn's own; expressions against pandas."""

import functools
import warnings

import numpy as np
from sklearn.datasets import make_classification
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import ferroflow
from cases.frozen import table
from ferroflow.preprocessing import ExpressionTransformer
from harness import Case

EQUAL = np.testing.assert_array_equal


@functools.cache
def fitted(kind, **options):
    X, y = make_classification(5_000, 20, n_informative=10, random_state=0)
    model = kind(**options).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sums in another order
        return model, ferroflow.freeze(model, X)


def predict(n, kind, **options):
    def make():
        model, frozen = fitted(kind, **options)
        X = make_classification(n, 20, n_informative=10, random_state=1)[0]
        return lambda: frozen.predict(X), lambda: model.predict(X)

    return make


def expressions(n):
    def make():
        frame = table(n)
        ours = ExpressionTransformer(
            {"ratio": "n1 / (1 + n2 ** 2)", "warm": "1 if t0 == 'red' and n3 > 0 else 0", "word": "upper(t1)"}
        ).fit(frame)

        def theirs():
            warm = np.where((frame["t0"] == "red") & (frame["n3"] > 0), 1.0, 0.0)
            return frame.assign(
                ratio=frame["n1"] / (1 + frame["n2"] ** 2), warm=warm, word=frame["t1"].str.upper()
            )[["ratio", "warm", "word"]]

        return lambda: ours.transform(frame), theirs

    return make


def same(ours, theirs):
    for name in theirs:
        assert (ours[name].to_numpy() == theirs[name].to_numpy()).all()


CASES = [
    *(Case(f"frozen predict {n:,} rows, SVC", predict(n, SVC), EQUAL) for n in (1, 1_000)),
    *(
        Case(f"frozen predict {n:,} rows, 5 neighbours of 5,000", predict(n, KNeighborsClassifier), EQUAL)
        for n in (1, 1_000)
    ),
    Case(
        "frozen predict 1,000 rows, 5 neighbours by Minkowski's distance of 3",
        predict(1_000, KNeighborsClassifier, p=3),
        EQUAL,
    ),
    *(Case(f"ExpressionTransformer {n:,} rows", expressions(n), same) for n in (1, 1_000, 1_000_000)),
]
