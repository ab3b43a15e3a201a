import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as theirs
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow import metrics

RNG = np.random.RandomState(0)
ROWS = 70
BINARY = RNG.randint(0, 2, ROWS)
SEVERAL = RNG.randint(0, 4, ROWS)
ONE = BINARY + RNG.normal(size=ROWS)
MANY = RNG.dirichlet(np.ones(4), ROWS)
LABELS = RNG.randint(0, 2, (ROWS, 4))
SCORES = RNG.normal(size=(ROWS, 4))
WEIGHTS = np.where(RNG.rand(ROWS) < 0.2, 0.0, RNG.rand(ROWS))
WORDS = np.array(["ant", "bee", "cat", "dog"], dtype=object)

CURVES = ("roc_curve", "precision_recall_curve", "det_curve")
AREAS = ("roc_auc_score", "average_precision_score")
PER_ROW = ("coverage_error", "label_ranking_loss", "label_ranking_average_precision_score")
GAINS = ("dcg_score", "ndcg_score")


def outcome(function, *args, **kwargs):
    """What a call gives: its value, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    return value, [(w.category, str(w.message)) for w in caught]


def assert_same(name, *args, rtol=1e-12, **kwargs):
    ours, expected = (outcome(getattr(module, name), *args, **kwargs) for module in (metrics, theirs))
    assert ours[1] == expected[1]
    if isinstance(expected[0], type):
        assert ours[0] is expected[0]
    elif isinstance(expected[0], tuple):
        for mine, yours in zip(ours[0], expected[0], strict=True):
            assert mine.dtype == yours.dtype
            np.testing.assert_array_equal(mine, yours)
    else:
        assert isinstance(ours[0], float) == isinstance(expected[0], float)
        np.testing.assert_allclose(ours[0], expected[0], rtol=rtol, atol=0)


SCORED = {
    "smooth": ONE,
    "ties": np.round(ONE),
    "float32": ONE.astype(np.float32),
    "integers": np.round(ONE * 3).astype(int),
    "int8": np.round(ONE * 3).astype(np.int8),
    "large integers": np.round(ONE * 3).astype(int) + 2**60,
    "booleans": ONE > 0,
    "constant": np.ones(ROWS),
    "signed zeros": np.where(ONE > 0, 0.0, -0.0),
    "tiny": ONE * 1e-320,
    "huge": ONE * 1e307,
    "strided": np.repeat(ONE, 2)[::2],
    "column": ONE[:, None],
    "list": ONE.tolist(),
    "series": pd.Series(ONE),
    "perfect": BINARY.astype(float),
    "reversed": -ONE,
    "NaN": np.where(ONE > 1, np.nan, ONE),
    "infinite": np.where(ONE > 1, np.inf, ONE),
    "short": ONE[:-1],
    "two columns": MANY[:, :2],
    "text": "a",
}


@pytest.mark.parametrize("scores", SCORED)
@pytest.mark.parametrize("name", (*CURVES, *AREAS))
def test_every_kind_of_scores(name, scores):
    assert_same(name, BINARY, SCORED[scores])
    assert_same(name, BINARY, SCORED[scores], sample_weight=WEIGHTS)
    if name in CURVES:
        for drop in (True, False, 1):
            assert_same(name, BINARY, SCORED[scores], drop_intermediate=drop)
            assert_same(name, BINARY, SCORED[scores], drop_intermediate=drop, sample_weight=WEIGHTS)


TARGETS = {
    "integers": BINARY,
    "booleans": BINARY > 0,
    "signs": 2 * BINARY - 1,
    "floats": BINARY.astype(float),
    "other numbers": BINARY + 1,
    "words": WORDS[BINARY],
    "unicode": WORDS[BINARY].astype(str),
    "category": pd.Series(WORDS[BINARY], dtype="category"),
    "list": BINARY.tolist(),
    "column": BINARY[:, None],
    "several": SEVERAL,
    "several words": WORDS[SEVERAL],
    "zeros": np.zeros(ROWS, int),
    "ones": np.ones(ROWS, int),
    "fractions": BINARY + 0.5,
    "NaN": np.where(BINARY == 1, np.nan, 0.0),
    "empty": [],
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pos_label", ["unset", None, 0, 1, 2, True, 1.0, "bee", "emu"])
def test_every_kind_of_target(target, pos_label):
    options = {} if pos_label == "unset" else {"pos_label": pos_label}
    for name in (*CURVES, "average_precision_score"):
        assert_same(name, TARGETS[target], ONE, **options)
    if pos_label == "unset":
        assert_same("roc_auc_score", TARGETS[target], ONE)
        assert_same("roc_auc_score", TARGETS[target], ONE, sample_weight=WEIGHTS)


@pytest.mark.parametrize(
    "weights",
    [
        WEIGHTS.tolist(),
        pd.Series(WEIGHTS),
        WEIGHTS.astype(np.float32),
        RNG.randint(0, 3, ROWS),
        WEIGHTS * 0,
        WEIGHTS * np.nan,
        -WEIGHTS,
        WEIGHTS[:-1],
        WEIGHTS[:, None],
        WEIGHTS * BINARY,
        2.0,
        "a",
    ],
)
def test_weights(weights):
    for name in (*CURVES, *AREAS):
        assert_same(name, BINARY, ONE, sample_weight=weights)
        assert_same(name, BINARY, np.round(ONE), sample_weight=weights)


@pytest.mark.parametrize("max_fpr", [1e-3, 0.1, 0.5, 1 / 3, 1, 1.0, 0, 1.5, "a"])
def test_partial_areas(max_fpr):
    for scores in (ONE, np.round(ONE), -ONE, np.ones(ROWS)):
        assert_same("roc_auc_score", BINARY, scores, max_fpr=max_fpr)
        assert_same("roc_auc_score", BINARY, scores, max_fpr=max_fpr, sample_weight=WEIGHTS)


@pytest.mark.parametrize("multi_class", ["ovr", "ovo", "raise", "other"])
@pytest.mark.parametrize("average", ["macro", "weighted", "micro", "samples", None, "other"])
def test_several_classes(multi_class, average):
    options = {"multi_class": multi_class, "average": average}
    rounded = np.array([[0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])[SEVERAL % 3]
    for p in (MANY, rounded, MANY.astype(np.float32), MANY.tolist(), pd.DataFrame(MANY), SCORES, MANY[:, :3]):
        rtol = 1e-6 if getattr(p, "dtype", None) == np.float32 else 1e-12
        for y in (SEVERAL, WORDS[SEVERAL], SEVERAL + 5, np.minimum(SEVERAL, 2)):
            assert_same("roc_auc_score", y, p, rtol=rtol, **options)
            assert_same("average_precision_score", y, p, average=average, rtol=rtol)
    assert_same("roc_auc_score", SEVERAL, MANY, labels=[0, 1, 2, 3], **options)
    assert_same("roc_auc_score", SEVERAL, MANY, labels=[3, 1, 2, 0], **options)
    assert_same("roc_auc_score", BINARY, MANY, labels=[0, 1, 2, 3], **options)
    assert_same("roc_auc_score", SEVERAL, MANY, sample_weight=WEIGHTS, **options)
    assert_same("average_precision_score", SEVERAL, MANY, sample_weight=WEIGHTS, average=average)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", "samples", None, "other"])
def test_several_labels_a_row(average):
    for name in AREAS:
        for y in (
            LABELS,
            LABELS > 0,
            LABELS.tolist(),
            LABELS.astype(float),
            pd.DataFrame(LABELS),
            LABELS * 2,
        ):
            for scores in (
                SCORES,
                np.round(SCORES),
                SCORES.astype(np.float32),
                SCORES[:, :3],
                SCORES * np.nan,
            ):
                assert_same(name, y, scores, average=average)
        assert_same(name, LABELS, SCORES, average=average, sample_weight=WEIGHTS)
        assert_same(name, LABELS * [1, 1, 0, 1], SCORES, average=average)
        assert_same(name, LABELS[:, :1], SCORES[:, :1], average=average)


@pytest.mark.parametrize("name", PER_ROW)
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS.tolist(), -WEIGHTS, WEIGHTS * 0, WEIGHTS[:-1]])
def test_metrics_of_each_row(name, weights):
    for y in (
        LABELS,
        LABELS > 0,
        LABELS.tolist(),
        LABELS.astype(float),
        LABELS * 0,
        LABELS * 0 + 1,
        LABELS * 2,
    ):
        for scores in (
            SCORES,
            np.round(SCORES),
            np.round(SCORES).astype(int),
            SCORES.tolist(),
            SCORES * np.nan,
        ):
            assert_same(name, y, scores, sample_weight=weights)
    assert_same(name, LABELS[:, :1], SCORES[:, :1], sample_weight=weights)
    assert_same(name, LABELS, SCORES[:, :3], sample_weight=weights)
    assert_same(name, BINARY, ONE, sample_weight=weights)


@pytest.mark.parametrize("name", GAINS)
@pytest.mark.parametrize("k", [None, 1, 2, 10, 0, 2.5])
@pytest.mark.parametrize("ignore_ties", [False, True])
def test_gains(name, k, ignore_ties):
    gains = RNG.randint(0, 5, (ROWS, 4))
    for y in (LABELS, gains, gains.tolist(), SCORES**2, LABELS * 0, SCORES, SCORES[:, :1]):
        for weights in (None, WEIGHTS):
            assert_same(name, y, SCORES, k=k, ignore_ties=ignore_ties, sample_weight=weights)
            if not ignore_ties:
                assert_same(name, y, np.round(SCORES), k=k, sample_weight=weights)
    if name == "dcg_score":
        for base in (2, 3.5, 1, 0, -1):
            assert_same(name, gains, SCORES, k=k, log_base=base)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 0, 1.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_top_k(k, normalize):
    ties = np.round(SCORES)
    for scores in (SCORES, ties, ties.astype(int), SCORES.tolist(), SCORES * np.nan, SCORES[:, :3]):
        for weights in (None, WEIGHTS):
            options = {"k": k, "normalize": normalize, "sample_weight": weights}
            assert_same("top_k_accuracy_score", SEVERAL, scores, **options)
            assert_same("top_k_accuracy_score", WORDS[SEVERAL], scores, **options)
            assert_same("top_k_accuracy_score", BINARY, scores, labels=[0, 1, 2, 3], **options)
            assert_same("top_k_accuracy_score", BINARY, scores, **options)
    assert_same("top_k_accuracy_score", BINARY, ONE, k=k, normalize=normalize)
    assert_same("top_k_accuracy_score", SEVERAL, SCORES, k=k, labels=[3, 2, 1, 0])


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0, 1], [0, 1]),
        (np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.3, 0.9])),
        (np.array([1.0, 0.5, 0.0]), np.array([0.2, 0.3, 0.9])),
        (np.array([1.0, 0.5, 0.7]), np.array([0.2, 0.3, 0.9])),
        (np.array([1.0, 1.0]), np.array([0.2, 0.3])),
        (np.array([1.0]), np.array([0.2])),
        (np.array([1.0, 2.0]), np.array([0.2])),
        (np.array([np.nan, 2.0]), np.array([0.2, 0.1])),
        (np.array([1.0, np.inf]), np.array([0.2, 0.1])),
        (np.linspace(0, 1, 1000), np.linspace(0, 1, 1000) ** 2),
        (np.linspace(0, 1, 1000)[::2], np.linspace(0, 1, 500) ** 2),
    ],
)
def test_area_under_a_line(x, y):
    assert_same("auc", x, y)


@pytest.mark.parametrize("kind", ["smooth", "ties", "rare", "common"])
def test_many_rows_on_any_number_of_threads(kind):
    rng = np.random.RandomState(1)
    n = 300_007
    y = (rng.rand(n) < {"rare": 1e-4, "common": 0.999}.get(kind, 0.4)).astype(int)
    scores = y + rng.normal(size=n)
    if kind == "ties":
        scores = np.round(scores, 1)
    classes = rng.randint(0, 5, n)
    many = rng.dirichlet(np.ones(5), n)
    results = []
    for threads in (1, 3):
        with threadpool_limits(threads), ferroflow.config(strict=True):
            areas = [getattr(metrics, name)(y, scores) for name in AREAS]
            areas += [metrics.roc_auc_score(classes, many, multi_class=m) for m in ("ovr", "ovo")]
            curves = [getattr(metrics, name)(y, scores) for name in CURVES]
        results.append((areas, curves))
    assert results[0][0] == results[1][0]
    expected = [getattr(theirs, name)(y, scores) for name in AREAS]
    expected += [theirs.roc_auc_score(classes, many, multi_class=m) for m in ("ovr", "ovo")]
    np.testing.assert_allclose(results[0][0], expected, rtol=1e-12)
    for name, *found in zip(CURVES, results[0][1], results[1][1], strict=True):
        for one, three, their in zip(*found, getattr(theirs, name)(y, scores), strict=True):
            np.testing.assert_array_equal(one, their)
            np.testing.assert_array_equal(three, their)


def test_common_scores_stay_in_rust():
    with ferroflow.config(strict=True):
        for name in (*CURVES, *AREAS):
            getattr(metrics, name)(BINARY, ONE)
            getattr(metrics, name)(BINARY.tolist(), MANY[:, 1], sample_weight=WEIGHTS)
        metrics.average_precision_score(WORDS[BINARY], ONE, pos_label="bee")
        metrics.roc_auc_score(WORDS[SEVERAL], MANY, multi_class="ovr")
        metrics.roc_auc_score(SEVERAL, MANY, multi_class="ovr", sample_weight=WEIGHTS)
        for name in AREAS:
            getattr(metrics, name)(
                np.tile([[0, 1, 0], [1, 0, 1]], (9, 1)), SCORES[:18, :3], average="samples"
            )
        metrics.roc_auc_score(SEVERAL, MANY, multi_class="ovo", average="weighted")
        metrics.roc_auc_score(BINARY, ONE, max_fpr=0.3)
        metrics.average_precision_score(SEVERAL, MANY)
        for name in AREAS:
            getattr(metrics, name)(LABELS, SCORES, average="micro")
        for name in (*PER_ROW, *GAINS):
            getattr(metrics, name)(LABELS, SCORES)
        metrics.top_k_accuracy_score(SEVERAL, MANY)
