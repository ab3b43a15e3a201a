"""Metrics of scores, of probabilities and of predicted numbers."""

import numpy as np
from sklearn import calibration as their_calibration
from sklearn import metrics as theirs

from ferroflow import calibration
from ferroflow import metrics as ours
from harness import Case, close, equal

M = 1_000_000


def binary(rows):
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, rows)
    return y, np.clip(0.3 * y + 0.7 * rng.rand(rows), 0, 1)


def rounded(rows):
    y, p = binary(rows)
    return y, np.round(p, 2)


def rare(rows):
    rng = np.random.RandomState(0)
    y = (rng.rand(rows) < 0.01).astype(int)
    return y, 0.3 * y + 0.7 * rng.rand(rows)


def single(rows):
    y, p = binary(rows)
    return y, p.astype(np.float32)


def column(rows):
    """As people take it from predict_proba."""
    y, p = binary(rows)
    return y, np.column_stack((1 - p, p))[:, 1]


def words(rows):
    y, p = binary(rows)
    return np.array(["no", "yes"], dtype=object)[y], p


def several(rows):
    rng = np.random.RandomState(0)
    return rng.randint(0, 10, rows), rng.dirichlet(np.ones(10), rows)


def labels(rows):
    rng = np.random.RandomState(0)
    return rng.randint(0, 2, (rows, 10)), rng.rand(rows, 10)


def labels_of_each_row(rows):
    """No row has all labels, or none."""
    t, p = labels(rows)
    t[:, 0], t[:, 1] = 0, 1
    return t, p


def values(rows):
    rng = np.random.RandomState(0)
    t = rng.gamma(2.0, 3.0, rows)
    return t, t * rng.gamma(20.0, 0.05, rows)


def outputs(rows):
    rng = np.random.RandomState(0)
    t = rng.normal(size=(rows, 10))
    return t, t + rng.normal(size=(rows, 10))


def case(row, name, data, rows, must=None, aim=None, reads=0, same=None, modules=(ours, theirs), **options):
    def make():
        t, p = data(rows)
        chosen = dict(options)
        if options.get("sample_weight"):
            chosen["sample_weight"] = np.random.RandomState(1).rand(rows)
        call, their_call = (getattr(module, name) for module in modules)
        return lambda: call(t, p, **chosen), lambda: their_call(t, p, **chosen)

    return Case(f"{name} {row}", make, same or close(1e-12), must, aim, reads=reads, n_jobs=False)


def bootstrap(row, data, **options):
    """1,000 resamples of 100k rows in ours; one resample of one metric, drawn and scored by hand, in theirs.

    Nothing of scikit-learn's does the same, so the ratio says how many of its single scores an evaluation costs.
    """

    def make():
        t, p = data(M // 10)
        score = theirs.mean_squared_error if p.dtype == t.dtype else theirs.log_loss

        def by_hand():
            rows = np.random.RandomState(0).randint(0, len(t), len(t))
            return score(t[rows], p[rows])

        return lambda: ours.evaluate(t, p, **options), by_hand

    return Case(f"evaluate 1000 resamples of 100k {row}", make, lambda mine, yours: None, n_jobs=False)


def both(*parts):
    """Row by row: the arrays of a curve are equal."""
    for mine, yours in zip(*parts, strict=True):
        equal(mine, yours)


TWO, TEN = 2 * 8 * M, 11 * 8 * M
CASES = [
    case("binary 1M", "log_loss", binary, M, 100, 200, TWO),
    case("10 classes 1M", "log_loss", several, M, 40, 70, TEN),
    case("binary 1M", "brier_score_loss", binary, M, 100, 200, TWO),
    case("10 classes 1M", "brier_score_loss", several, M, reads=TEN),
    case("column of two, binary 1M", "log_loss", column, M, reads=TWO),
    case("words, binary 1M", "log_loss", words, M, reads=TWO),
    case("binary 1M, weights", "log_loss", binary, M, reads=TWO, sample_weight=True),
    case("binary 1M", "d2_log_loss_score", binary, M, reads=TWO),
    case("binary 1000", "log_loss", binary, 1000),
    case("10 classes 1000", "log_loss", several, 1000),
    case("binary 1000", "brier_score_loss", binary, 1000),
    case("binary 2", "log_loss", binary, 2, labels=[0, 1]),
    case("10 classes 1M", "hinge_loss", several, M, reads=TEN),
    case("binary 1M", "roc_auc_score", binary, M, 14, 22, TWO),
    case("binary 1M", "average_precision_score", binary, M, 12, 17, TWO),
    case("ovr 10 classes 1M", "roc_auc_score", several, M, 10, 20, TEN, multi_class="ovr"),
    case("ovo 10 classes 1M", "roc_auc_score", several, M, reads=TEN, multi_class="ovo"),
    case("10 classes 1M", "average_precision_score", several, M, reads=TEN),
    case("two digits, binary 1M", "roc_auc_score", rounded, M, reads=TWO),
    case("1% positive 1M", "roc_auc_score", rare, M, reads=TWO),
    case("float32, binary 1M", "roc_auc_score", single, M, reads=TWO),
    case("max_fpr=0.1, binary 1M", "roc_auc_score", binary, M, reads=TWO, max_fpr=0.1),
    case("binary 1M, weights", "roc_auc_score", binary, M, reads=TWO, sample_weight=True),
    case("10 labels 100k", "roc_auc_score", labels, M // 10, reads=TWO),
    case("binary 1000", "roc_auc_score", binary, 1000),
    case("binary 1000", "average_precision_score", binary, 1000),
    case("ovr 10 classes 1000", "roc_auc_score", several, 1000, multi_class="ovr"),
    case("binary 4", "roc_auc_score", binary, 4),
    case("10 labels 100k", "coverage_error", labels, M // 10),
    case("10 labels 10k", "label_ranking_loss", labels, M // 100),
    case("10 labels 10k", "label_ranking_average_precision_score", labels, M // 100),
    case("10 labels 10k", "ndcg_score", labels, M // 100),
    case("k=2 of 10 classes 1M", "top_k_accuracy_score", several, M, reads=TEN),
    case("10 classes 1000", "top_k_accuracy_score", several, 1000),
    case(
        "1M", "calibration_curve", binary, M, reads=TWO, same=both, modules=(calibration, their_calibration)
    ),
    case("1M", "mean_squared_error", values, M, 5, 8, TWO),
    case("1M", "mean_absolute_error", values, M, 5, 8, TWO),
    case("1M", "r2_score", values, M, 8, 13, TWO),
    case("1M", "median_absolute_error", values, M, 9, 15, TWO),
    case("1M x 10", "mean_squared_error", outputs, M, reads=20 * 8 * M),
    # Near an R2 of 0 only its distance from 1, which is what is summed up, has digits to compare.
    case(
        "1M x 10", "r2_score", outputs, M, reads=20 * 8 * M, same=lambda a, b: close(1e-12)(1.0 - a, 1.0 - b)
    ),
    case("1M, weights", "mean_squared_error", values, M, reads=3 * 8 * M, sample_weight=True),
]
CASES += [
    case("10 classes 1M, weights", "roc_auc_score", several, M, multi_class="ovr", sample_weight=True),
    case("1M, weights", "median_absolute_error", values, M, sample_weight=True),
    case("1M, weights", "d2_absolute_error_score", values, M, sample_weight=True),
    case("power 1.3, 1M", "mean_tweedie_deviance", values, M, power=1.3),
    case("samples, 10 labels 1k", "roc_auc_score", labels_of_each_row, 1000, average="samples"),
    bootstrap("binary", binary),
    bootstrap("10 classes", several),
    bootstrap("regression", values),
]
CASES += [
    case("1M", curve, binary, M, reads=TWO, same=both)
    for curve in ("roc_curve", "precision_recall_curve", "det_curve")
]
CASES += [
    case(f"{rows}", name, values, rows)
    for name in ("mean_squared_error", "mean_absolute_error", "r2_score", "median_absolute_error")
    for rows in (1000, 2)
]
CASES += [
    case("1M", name, values, M, reads=TWO)
    for name in (
        "d2_absolute_error_score",
        "d2_tweedie_score",
        "explained_variance_score",
        "max_error",
        "mean_absolute_percentage_error",
        "mean_gamma_deviance",
        "mean_pinball_loss",
        "mean_poisson_deviance",
        "mean_squared_log_error",
        "root_mean_squared_error",
    )
]
