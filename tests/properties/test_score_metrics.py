"""Metrics of scores, probabilities and numbers, against scikit-learn's on small inputs of every kind."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import calibration as their_calibration
from sklearn import metrics as theirs

from ferroflow import calibration, metrics

few = settings(max_examples=200, deadline=None)


def outcome(function, *args, **kwargs):
    """What a call gives: its value, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    return value, [(w.category, str(w.message)) for w in caught]


def assert_same(name, *args, modules=(metrics, theirs), atol=0.0, **kwargs):
    ours, expected = (outcome(getattr(module, name), *args, **kwargs) for module in modules)
    assert ours[1] == expected[1]
    if isinstance(expected[0], type):
        assert ours[0] is expected[0]
    elif isinstance(expected[0], tuple):
        for mine, yours in zip(ours[0], expected[0], strict=True):
            np.testing.assert_array_equal(mine, yours)
    else:
        np.testing.assert_allclose(ours[0], expected[0], rtol=1e-12, atol=atol)


LABELS = st.sampled_from([[0, 1], [-1, 1], [1, 2], [0, 1, 2], [5, 900, 10**12], ["a", "b"], ["x", "é", "zz"]])


@st.composite
def targets(draw, rows, labels=LABELS):
    names = draw(labels)
    codes = draw(st.lists(st.integers(0, len(names) - 1), min_size=rows, max_size=rows))
    kind = draw(st.sampled_from(["array", "list", "object", "float"]))
    y = [names[code] for code in codes]
    if kind == "list":
        return y
    if isinstance(names[0], str):
        return np.array(y, dtype=object if kind == "object" else None)
    return np.array(y, dtype=np.float64 if kind == "float" else np.int64)


def scores(rows):
    """Smooth, with many ties, and of every size."""
    some = st.one_of(
        st.floats(-1e3, 1e3), st.sampled_from([0.0, -0.0, 0.5, 1.0, 1e300, -1e300, 5e-324, 0.1 + 0.2, 0.3])
    )
    ties = st.integers(-2, 2).map(float)
    return st.one_of(
        hnp.arrays(np.float64, rows, elements=some),
        hnp.arrays(np.float64, rows, elements=ties),
        hnp.arrays(np.float32, rows, elements=st.floats(-8, 8, width=32)),
    )


def weights(rows):
    some = st.floats(0, 10, width=16)
    return st.one_of(
        st.none(),
        hnp.arrays(np.float64, rows, elements=some),
        hnp.arrays(np.int64, rows, elements=st.integers(0, 3)),
    )


@st.composite
def probabilities(draw, rows, classes):
    shape = (rows,) if classes == 1 else (rows, classes)
    p = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    if classes > 1:
        p = p + 1e-3
        p /= p.sum(axis=1, keepdims=True)
    if draw(st.booleans()):
        p = np.asfortranarray(p)
    return p


@few
@given(st.data())
def test_curves_and_areas(data):
    rows = data.draw(st.integers(1, 40))
    y, s, w = data.draw(targets(rows)), data.draw(scores(rows)), data.draw(weights(rows))
    pos_label = data.draw(st.sampled_from([None, 1, 2, "b"]))
    drop = data.draw(st.booleans())
    for name in ("roc_curve", "precision_recall_curve", "det_curve"):
        assert_same(name, y, s, pos_label=pos_label, sample_weight=w, drop_intermediate=drop)
    max_fpr = data.draw(st.sampled_from([None, None, 0.1, 0.5, 1.0]))
    # Theirs goes through rounded rates, which do not quite cancel where the area is 0.
    assert_same("roc_auc_score", y, s, sample_weight=w, max_fpr=max_fpr, atol=1e-14)
    options = {} if pos_label is None else {"pos_label": pos_label}
    assert_same("average_precision_score", y, s, sample_weight=w, atol=1e-14, **options)


@few
@given(st.data())
def test_areas_of_several_classes(data):
    rows, classes = data.draw(st.integers(2, 30)), data.draw(st.integers(3, 5))
    y = data.draw(targets(rows, st.just(list(range(classes)))))
    p = data.draw(probabilities(rows, classes))
    average = data.draw(st.sampled_from(["macro", "weighted", None]))
    for multi_class in ("ovr", "ovo"):
        assert_same("roc_auc_score", y, p, multi_class=multi_class, average=average, atol=1e-14)
    assert_same("average_precision_score", y, p, average=average, atol=1e-14)
    k = data.draw(st.integers(1, classes))
    assert_same(
        "top_k_accuracy_score", y, p, k=k, labels=data.draw(st.sampled_from([None, list(range(classes))]))
    )


@few
@given(st.data())
def test_losses_of_probabilities(data):
    rows, classes = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 4))
    y = data.draw(targets(rows))
    p, w = data.draw(probabilities(rows, classes)), data.draw(weights(rows))
    labels = data.draw(st.sampled_from([None, None, list(range(max(2, classes)))]))
    for name in ("log_loss", "brier_score_loss", "d2_log_loss_score"):
        # 1 less a fraction of nearly 1 keeps only the digits that differ, and theirs takes 1 - (1 - p) for small p.
        atol = {"log_loss": 0.0, "brier_score_loss": 1e-15, "d2_log_loss_score": 1e-13}[name]
        assert_same(name, y, p, sample_weight=w, labels=labels, atol=atol)
    assert_same("hinge_loss", y, p * 6 - 3, sample_weight=w)
    if p.ndim == 1:
        n_bins = data.draw(st.integers(1, 40))
        strategy = data.draw(st.sampled_from(["uniform", "quantile"]))
        modules = (calibration, their_calibration)
        assert_same("calibration_curve", y, p, n_bins=n_bins, strategy=strategy, modules=modules)


@few
@given(st.data())
def test_metrics_of_rows(data):
    rows, labels = data.draw(st.integers(1, 8)), data.draw(st.integers(2, 7))
    y = data.draw(hnp.arrays(np.int64, (rows, labels), elements=st.integers(0, 1)))
    s = data.draw(scores((rows, labels)))
    w = data.draw(weights(rows))
    for name in ("coverage_error", "label_ranking_loss", "label_ranking_average_precision_score"):
        assert_same(name, y, s, sample_weight=w)
    gains = data.draw(hnp.arrays(np.float64, (rows, labels), elements=st.floats(0, 5, width=16)))
    k = data.draw(st.sampled_from([None, 1, 3, 20]))
    for name in ("dcg_score", "ndcg_score"):
        assert_same(name, gains, s, k=k, sample_weight=w)
    for name in ("roc_auc_score", "average_precision_score"):
        average = data.draw(st.sampled_from(["macro", "micro", "weighted", None]))
        assert_same(name, y, s, average=average, atol=1e-14)


@few
@given(st.data())
def test_errors_of_numbers(data):
    rows, outputs = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 3))
    shape = (rows,) if outputs == 1 else (rows, outputs)
    kind = data.draw(st.sampled_from([np.float64, np.int64, np.int8, np.uint16]))
    if kind is np.float64:
        elements = st.floats(0.5, 100, width=32)
    else:
        elements = st.integers(0, 100)
    t = data.draw(hnp.arrays(kind, shape, elements=elements))
    p = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0.5, 100, width=32)))
    w = data.draw(weights(rows))
    options = {"sample_weight": w}
    if outputs > 1:
        options["multioutput"] = data.draw(st.sampled_from(["raw_values", "uniform_average"]))
    plain = ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "mean_pinball_loss")
    for name in (*plain, "mean_absolute_percentage_error", "median_absolute_error"):
        assert_same(name, t, p, **options)
    # Differences of logarithms lose digits that no formula gives back.
    for name in ("mean_squared_log_error", "root_mean_squared_log_error"):
        assert_same(name, t, p, atol=1e-15, **options)
    for name in ("mean_tweedie_deviance", "d2_tweedie_score") if outputs == 1 else ():
        power = data.draw(st.sampled_from([0, 1, 1.5, 2, 1.2, 3, -1]))
        assert_same(name, t, p, sample_weight=w, power=power, atol=1e-12)
    # 1 less a large fraction: the fraction is what has twelve digits.
    for name in ("r2_score", "explained_variance_score", "d2_absolute_error_score"):
        ours, expected = (outcome(getattr(module, name), t, p, **options) for module in (metrics, theirs))
        assert ours[1] == expected[1]
        if isinstance(expected[0], type):
            assert ours[0] is expected[0]
        else:
            np.testing.assert_allclose(
                np.subtract(1, ours[0]), np.subtract(1, expected[0]), rtol=1e-11, atol=1e-14
            )


@few
@given(st.data())
def test_the_bootstrap_is_that_of_its_seed(data):
    rows = data.draw(st.integers(2, 30))
    y = data.draw(targets(rows, st.just([0, 1])))
    p = data.draw(probabilities(rows, 1))
    seed = data.draw(st.integers(0, 2**64 - 1))
    options = {"labels": [0, 1], "n_resamples": 7, "random_state": seed}
    one, again = (metrics.evaluate(y, y_proba=p, **options) for _ in range(2))
    assert repr(one) == repr(again)
    for name, estimate in one.items():
        if not np.isnan(estimate.low):
            assert estimate.low <= estimate.high, name
