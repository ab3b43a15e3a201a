import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import calibration as their_calibration
from sklearn import metrics as theirs

import ferroflow
from ferroflow import calibration, metrics

RNG = np.random.RandomState(0)
ROWS = 60
BINARY = RNG.randint(0, 2, ROWS)
SEVERAL = RNG.randint(0, 4, ROWS)
ONE = np.clip(0.6 * BINARY + 0.4 * RNG.rand(ROWS), 0, 1)
MANY = RNG.dirichlet(np.ones(4), ROWS)
WEIGHTS = np.where(RNG.rand(ROWS) < 0.2, 0.0, RNG.rand(ROWS))
WORDS = np.array(["ant", "bee", "cat", "dog"], dtype=object)


def outcome(function, *args, **kwargs):
    """What a call gives: its value, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    return value, [(w.category, str(w.message)) for w in caught]


def assert_same(name, *args, modules=(metrics, theirs), **kwargs):
    ours, expected = (outcome(getattr(module, name), *args, **kwargs) for module in modules)
    assert type(ours[0]) is type(expected[0])
    assert ours[1] == expected[1]
    if not isinstance(expected[0], type):
        np.testing.assert_allclose(ours[0], expected[0], rtol=1e-12, atol=0)


LOSSES = ("log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score")
LOSSES = tuple(name for name in LOSSES if hasattr(theirs, name))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "weights", [None, WEIGHTS, WEIGHTS.tolist(), pd.Series(WEIGHTS), RNG.randint(0, 3, ROWS)]
)
def test_losses_of_probabilities(name, weights):
    two = np.column_stack((1 - ONE, ONE))
    for y, p in [(BINARY, ONE), (BINARY, ONE[:, None]), (BINARY, two), (SEVERAL, MANY)]:
        assert_same(name, y, p, sample_weight=weights)
        assert_same(name, y.tolist(), p.tolist(), sample_weight=weights)
        assert_same(name, y.astype(float), np.asfortranarray(p), sample_weight=weights)
        assert_same(name, y > 0, p, sample_weight=weights)
    assert_same(name, WORDS[SEVERAL], MANY, sample_weight=weights)
    assert_same(name, WORDS[SEVERAL].astype(str), pd.DataFrame(MANY), sample_weight=weights)
    assert_same(name, pd.Series(WORDS[SEVERAL], dtype="category"), MANY, sample_weight=weights)
    assert_same(name, WORDS[BINARY], two, sample_weight=weights)
    assert_same(name, SEVERAL * 1000 - 3, MANY, sample_weight=weights)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("y", "p", "options"),
    [
        (BINARY, ONE * 2, {}),
        (BINARY, ONE - 0.5, {}),
        (BINARY, np.where(ONE > 0.9, np.nan, ONE), {}),
        (BINARY, np.where(ONE > 0.9, np.inf, ONE), {}),
        (BINARY, ONE[:-1], {}),
        (BINARY, MANY, {}),
        (BINARY, MANY, {"labels": [0, 1, 2, 3]}),
        (BINARY, MANY, {"labels": np.array([0, 1, 2, 3])}),
        (BINARY, MANY, {"labels": [3, 1, 2, 0]}),
        (BINARY, MANY, {"labels": [1, 2, 3, 4]}),
        (SEVERAL, MANY / 2, {}),
        (SEVERAL, MANY * (1 + 1e-7), {}),
        (SEVERAL, MANY[:, :3], {}),
        (SEVERAL, MANY, {"labels": ["a", "b", "c", "d"]}),
        (np.zeros(ROWS, int), ONE, {}),
        (np.zeros(ROWS, int), ONE, {"labels": [0, 1]}),
        (np.zeros(ROWS, int), ONE, {"labels": [0]}),
        (np.ones(ROWS, int), ONE, {}),
        (BINARY * 2 - 1, ONE, {}),
        (BINARY + 4, ONE, {}),
        (WORDS[BINARY], ONE, {}),
        (SEVERAL, ONE, {}),
        (BINARY + 0.5, ONE, {}),
        (BINARY[:, None], ONE, {}),
        (BINARY[:1], ONE[:1], {}),
        ([], [], {}),
        (BINARY, ONE, {"sample_weight": WEIGHTS * 0}),
        (BINARY, ONE, {"sample_weight": WEIGHTS[:-1]}),
        (BINARY, ONE, {"sample_weight": WEIGHTS * np.nan}),
        (BINARY, ONE, {"sample_weight": WEIGHTS[:, None]}),
        (BINARY, ONE, {"sample_weight": "a"}),
        (BINARY, np.round(ONE), {}),
        (BINARY, np.round(ONE).astype(int), {}),
        (BINARY, np.ma.masked_array(ONE), {}),
        (BINARY, "a", {}),
    ],
)
def test_odd_probabilities(name, y, p, options):
    assert_same(name, y, p, **options)


@pytest.mark.parametrize("pos_label", [None, 0, 1, 2, True, "bee", 1.0, [1]])
@pytest.mark.parametrize("name", ["brier_score_loss", "d2_brier_score"])
def test_brier_scores_of_either_label(name, pos_label):
    if hasattr(theirs, name):
        for y in (BINARY, WORDS[BINARY], BINARY * 2 - 1, BINARY + 4, np.ones(ROWS, int), -np.ones(ROWS, int)):
            assert_same(name, y, ONE, pos_label=pos_label)


@pytest.mark.parametrize("scale", [True, False, "auto", 1, "no"])
def test_brier_scores_of_either_scale(scale):
    for y, p in [(BINARY, ONE), (BINARY, np.column_stack((1 - ONE, ONE))), (SEVERAL, MANY)]:
        assert_same("brier_score_loss", y, p, scale_by_half=scale)


@pytest.mark.parametrize("normalize", [True, False, 1, "a"])
def test_log_loss_as_a_sum(normalize):
    assert_same("log_loss", BINARY, ONE, normalize=normalize)
    assert_same("log_loss", SEVERAL, MANY, normalize=normalize, sample_weight=WEIGHTS)


@pytest.mark.parametrize("off", [0.0, 1e-15, 1e-9, 1e-3, 0.1, 0.5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_loss_of_many_rows_near_and_far_from_one(off, dtype):
    """Logarithms of products, which would lose what a probability lacks to 1, and of each."""
    rng = np.random.RandomState(1)
    y = rng.randint(0, 2, 3000)
    right = np.clip(np.abs(1 - y - off * rng.rand(3000)), 0, 1)
    few, half = rng.rand(3000) < 0.01, np.arange(3000) < 1500
    for wrong in (False, few, half):
        p = np.where(wrong, 1 - right, right).astype(dtype)
        if dtype == np.float64:
            assert_same("log_loss", y, p)
            assert_same("log_loss", y, p, sample_weight=rng.rand(3000))
            assert_same("log_loss", y, np.column_stack((1 - p, p)))
        else:
            # scikit-learn computes in float32, and adds what it rounds.
            np.testing.assert_allclose(metrics.log_loss(y, p), theirs.log_loss(y, p), rtol=1e-5, atol=1e-7)
    three = rng.dirichlet(np.full(3, off + 1e-3), 3000)
    assert_same("log_loss", three.argmax(1), three)
    assert_same("log_loss", rng.randint(0, 3, 3000), three)


def test_the_former_name_of_probabilities():
    assert_same("log_loss", BINARY, y_pred=ONE)
    assert_same("log_loss", BINARY, ONE, y_pred=ONE)


def test_float32_within_its_precision():
    for y, p in [(BINARY, ONE), (SEVERAL, MANY)]:
        single = p.astype(np.float32)
        for name in LOSSES:
            expected = getattr(theirs, name)(y, single)
            np.testing.assert_allclose(getattr(metrics, name)(y, single), expected, rtol=1e-5, atol=1e-6)


DECISIONS = RNG.normal(size=(ROWS, 4))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_hinge_loss(weights):
    for y, d in [(BINARY, DECISIONS[:, 0]), (SEVERAL, DECISIONS), (WORDS[SEVERAL], DECISIONS.tolist())]:
        assert_same("hinge_loss", y, d, sample_weight=weights)
    assert_same("hinge_loss", WORDS[BINARY], DECISIONS[:, :1], sample_weight=weights)
    assert_same("hinge_loss", BINARY, DECISIONS[:, :3], labels=[0, 1, 2], sample_weight=weights)
    assert_same("hinge_loss", BINARY, DECISIONS[:, :3], labels=[2, 1, 0], sample_weight=weights)
    assert_same("hinge_loss", BINARY, DECISIONS[:, 0], labels=[0, 1], sample_weight=weights)


@pytest.mark.parametrize(
    ("y", "d"),
    [
        (BINARY, np.where(DECISIONS[:, 0] > 1, np.nan, DECISIONS[:, 0])),
        (BINARY, np.where(DECISIONS[:, 0] > 1, np.inf, DECISIONS[:, 0])),
        (SEVERAL, DECISIONS[:, 0]),
        (SEVERAL, DECISIONS[:, :3]),
        (BINARY, DECISIONS),
        (np.zeros(ROWS), DECISIONS[:, 0]),
    ],
)
def test_odd_decisions(y, d):
    assert_same("hinge_loss", y, d)


@pytest.mark.parametrize("n_bins", [1, 5, 10, 100, 0, 2.5])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "other"])
@pytest.mark.parametrize("pos_label", [None, 0, "bee", 5])
def test_calibration_curve(n_bins, strategy, pos_label):
    modules = (calibration, their_calibration)
    options = {"n_bins": n_bins, "strategy": strategy, "pos_label": pos_label}
    for y in (BINARY, WORDS[BINARY], BINARY.tolist(), SEVERAL, np.zeros(ROWS, int)):
        for p in (ONE, np.round(ONE, 1), ONE.tolist(), ONE * 2, ONE[:-1]):
            assert_same("calibration_curve", y, p, modules=modules, **options)


def test_many_rows_on_any_number_of_threads():
    from threadpoolctl import threadpool_limits

    rng = np.random.RandomState(1)
    y = rng.randint(0, 300, 200_003)
    many = rng.dirichlet(np.ones(5), len(y))
    for labels, p in [(y % 2, many[:, 0]), (y % 5, many), (y % 5 * 2**40, many)]:
        found = set()
        for threads in (1, 3):
            with threadpool_limits(threads):
                found.add((metrics.log_loss(labels, p), metrics.brier_score_loss(labels, p)))
        assert len(found) == 1
        expected = theirs.log_loss(labels, p), theirs.brier_score_loss(labels, p)
        np.testing.assert_allclose(found.pop(), expected, rtol=1e-12)


def test_plain_probabilities_stay_in_rust():
    with ferroflow.config(strict=True):
        metrics.log_loss(BINARY, ONE)
        metrics.log_loss(WORDS[SEVERAL], MANY, sample_weight=WEIGHTS)
        metrics.brier_score_loss(BINARY.tolist(), ONE.tolist())
        metrics.hinge_loss(SEVERAL, DECISIONS)
        metrics.d2_log_loss_score(pd.Series(BINARY), pd.Series(ONE))
        calibration.calibration_curve(BINARY, ONE)


def test_expected_calibration_error():
    p = np.array([0.05, 0.05, 0.55, 0.55, 0.95])
    y = np.array([0, 1, 1, 1, 1])
    gaps = [abs(0.5 - 0.05) * 2, abs(1 - 0.55) * 2, abs(1 - 0.95)]
    assert metrics.expected_calibration_error(y, p, n_bins=10) == pytest.approx(sum(gaps) / 5)
    prob_true, prob_pred = their_calibration.calibration_curve(BINARY, ONE, n_bins=7)
    sizes = np.histogram(ONE, np.linspace(0, 1, 8))[0]
    expected = np.average(np.abs(prob_true - prob_pred), weights=sizes[sizes > 0])
    assert metrics.expected_calibration_error(BINARY, ONE, n_bins=7) == pytest.approx(expected)
    weights = np.random.RandomState(3).randint(0, 4, ROWS)
    repeated = metrics.expected_calibration_error(
        np.repeat(SEVERAL, weights), np.repeat(MANY, weights, axis=0)
    )
    weighed = metrics.expected_calibration_error(SEVERAL, MANY, sample_weight=weights)
    assert weighed == pytest.approx(repeated)
    assert metrics.expected_calibration_error(WORDS[SEVERAL], MANY, labels=WORDS) == (
        metrics.expected_calibration_error(SEVERAL, MANY)
    )
    flipped = metrics.expected_calibration_error(1 - BINARY, ONE, pos_label=0)
    assert flipped == metrics.expected_calibration_error(BINARY, ONE)


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        ((BINARY, ONE * 2), {}, "outside"),
        ((BINARY, ONE * np.nan), {}, "outside"),
        ((SEVERAL, ONE), {}, "more than two classes"),
        ((SEVERAL, MANY[:, :3]), {}, "3 columns for 4 classes"),
        ((BINARY, ONE), {"n_bins": 0}, "n_bins"),
        ((BINARY, ONE), {"strategy": "other"}, "strategy"),
        ((BINARY, ONE), {"sample_weight": WEIGHTS * 0}, "sample_weight"),
        ((BINARY, ONE[:-1]), {}, "inconsistent"),
    ],
)
def test_bad_input_of_the_calibration_error(args, options, message):
    with pytest.raises(ValueError, match=message):
        metrics.expected_calibration_error(*args, **options)
