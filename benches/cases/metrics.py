"""Scores of predicted labels."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import metrics as theirs
from sklearn.base import BaseEstimator, ClassifierMixin

from ferroflow import metrics as ours
from harness import Case, equal


def integers(rows, classes):
    rng = np.random.RandomState(0)
    y_true = rng.randint(0, classes, rows)
    return y_true, np.where(rng.rand(rows) < 0.8, y_true, rng.randint(0, classes, rows))


def objects(rows, classes):
    names = np.array([f"class {i}" for i in range(classes)], dtype=object)
    return tuple(names[y] for y in integers(rows, classes))


def distinct(rows, classes):
    """An object of its own in every row."""
    return tuple(np.array([f"class {i}" for i in y.tolist()], dtype=object) for y in integers(rows, classes))


def unicode(rows, classes):
    return tuple(y.astype(str) for y in objects(rows, classes))


def categories(rows, classes):
    return tuple(pd.Series(y, dtype="category") for y in objects(rows, classes))


def strings(rows, classes):
    return tuple(pd.Series(y, dtype="str") for y in objects(rows, classes))


def floats(rows, classes):
    return tuple(y.astype(float) for y in integers(rows, classes))


def sets(rows, classes):
    """Rows of several labels."""
    rng = np.random.RandomState(0)
    y_true = (rng.rand(rows, classes) < 0.3).astype(int)
    return y_true, np.where(rng.rand(rows, classes) < 0.8, y_true, rng.rand(rows, classes) < 0.3)


def sparse_sets(rows, classes):
    """Rows of few labels among many."""
    pair = [sparse.random(rows, classes, 0.001, "csr", random_state=seed) for seed in (0, 1)]
    return tuple((y > 0).astype(int) for y in pair)


class Said(ClassifierMixin, BaseEstimator):
    """Predicts what it is given."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return X


def same_scores(a, b):
    assert a == b


def case(row, name, data, rows, classes, must=None, aim=None, reads=0, **options):
    def make():
        y_true, y_pred = data(rows, classes)
        chosen = dict(options)
        if options.get("sample_weight"):
            chosen["sample_weight"] = np.random.RandomState(1).rand(rows)
        call, their_call = getattr(ours, name), getattr(theirs, name)
        return lambda: call(y_true, y_pred, **chosen), lambda: their_call(y_true, y_pred, **chosen)

    return Case(
        f"{name} {row}",
        make,
        same_scores if "report" in name else equal,
        must,
        aim,
        reads=reads,
        n_jobs=False,
    )


M = 1_000_000
I64 = 2 * 8 * M
CASES = [
    case("int 1M x 10", "accuracy_score", integers, M, 10, 80, 115, I64),
    case("int 1000 x 10", "accuracy_score", integers, 1000, 10, 200, 500),
    case("int 1 x 1", "accuracy_score", integers, 1, 1, 200, 500),
    case("object strings 1M x 10", "accuracy_score", objects, M, 10, 120, 200, I64),
    case("object strings, all distinct 1M x 10", "accuracy_score", distinct, M, 10),
    case("unicode 1M x 10", "accuracy_score", unicode, M, 10),
    case("category 1M x 10", "accuracy_score", categories, M, 10),
    case("series of str 1M x 10", "accuracy_score", strings, M, 10),
    case("float 1M x 10", "accuracy_score", floats, M, 10, reads=I64),
    case("int 1M x 10, weights", "accuracy_score", integers, M, 10, sample_weight=True),
]
for score in ("precision_score", "recall_score", "f1_score"):
    CASES += [
        case("binary 1M", score, integers, M, 2, 100, 220, I64),
        case("binary 1000", score, integers, 1000, 2),
        case("10 classes 1M", score, integers, M, 10, 60, 140, I64, average="macro"),
        case("10 classes 1000", score, integers, 1000, 10, average="macro"),
        case("object strings 1M x 10", score, objects, M, 10, 150, 300, I64, average="macro"),
    ]
CASES += [
    case("one row", "f1_score", integers, 1, 1, average="macro"),
    case("100,000 classes 1M", "f1_score", integers, M, 100_000, average="macro"),
    case("10 classes 1M, weights", "f1_score", integers, M, 10, average="macro", sample_weight=True),
    case("object strings, all distinct 1M x 10", "f1_score", distinct, M, 10, average="macro"),
    case("unicode 1M x 10", "f1_score", unicode, M, 10, average="macro"),
    case("category 1M x 10", "f1_score", categories, M, 10, average="macro"),
    case("series of str 1M x 10", "f1_score", strings, M, 10, average="macro"),
    case("10 classes 1M", "confusion_matrix", integers, M, 10, 40, 75, I64),
    case("10 classes 1000", "confusion_matrix", integers, 1000, 10),
    case("one row", "confusion_matrix", integers, 1, 2, labels=[0, 1]),
    case("1000 classes 1M", "confusion_matrix", integers, M, 1000),
    case("object strings 1M x 10", "confusion_matrix", objects, M, 10, 150, 300, I64),
    case("10 classes 1M, weights", "confusion_matrix", integers, M, 10, sample_weight=True),
]
for metric in ("classification_report", "matthews_corrcoef"):
    CASES += [
        case("10 classes 1M", metric, integers, M, 10, 40, 75, I64),
        case("10 classes 1000", metric, integers, 1000, 10),
        case("object strings 1M x 10", metric, objects, M, 10, 150, 300, I64),
    ]
OTHERS = {
    "balanced_accuracy_score": {},
    "class_likelihood_ratios": {},
    "cohen_kappa_score": {},
    "fbeta_score": {"beta": 2.0, "average": "macro"},
    "hamming_loss": {},
    "jaccard_score": {"average": "macro"},
    "multilabel_confusion_matrix": {},
    "precision_recall_fscore_support": {},
    "zero_one_loss": {},
}
for metric, options in OTHERS.items():
    classes = 2 if metric == "class_likelihood_ratios" else 10
    CASES += [
        case(f"{classes} classes 1M", metric, integers, M, classes, reads=I64, **options),
        case(f"{classes} classes 1000", metric, integers, 1000, classes, **options),
    ]
for metric, options in {
    "accuracy_score": {},
    "f1_score": {"average": "macro"},
    "jaccard_score": {"average": "samples"},
    "multilabel_confusion_matrix": {},
    "classification_report": {"zero_division": 0.0},
}.items():
    CASES += [
        case("100,000 rows of 10 labels", metric, sets, 100_000, 10, **options),
        case("100,000 rows of 1 in 1000 labels, sparse", metric, sparse_sets, 100_000, 1000, **options),
        case("1000 rows of 5 labels", metric, sets, 1000, 5, **options),
    ]


def scorers():
    """Four scorers of one prediction, which takes no time itself."""
    y_true, y_pred = objects(100_000, 10)
    model = Said().fit(None, y_true)
    names = ["accuracy", "f1_macro", "precision_macro", "recall_macro"]
    call, their_call = (m.check_scoring(model, names) for m in (ours, theirs))
    return lambda: call(model, y_pred, y_true), lambda: their_call(model, y_pred, y_true)


CASES += [Case("check_scoring, 4 scorers, object strings 100k x 10", scorers, same_scores, n_jobs=False)]
