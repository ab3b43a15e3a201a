"""All metrics that apply to some predictions, with bootstrap confidence intervals."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from ferroflow import _core
from ferroflow.metrics import _regression as regression
from ferroflow.metrics._calibration import inner_edges
from ferroflow.metrics._rust_first import Foreign
from ferroflow.metrics._targets import classes_of

# Numbers of so many kinds are taken for classes, if nothing else tells.
_MOST_CLASSES = 50
_BINS = 15


class Estimate(NamedTuple):
    """A metric's value and its confidence interval."""

    value: float
    low: float
    high: float


class Evaluation(Mapping[str, Estimate]):
    """What :func:`evaluate` returns: a mapping from names of metrics to estimates, which prints as a table.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
        What kind of predictions these were taken for.
    n_samples : int
        Number of rows.
    confidence : float
        How often intervals like these hold the true value.
    """

    def __init__(self, estimates: dict[str, Estimate], task: str, n_samples: int, confidence: float):
        self._estimates = estimates
        self.task = task
        self.n_samples = n_samples
        self.confidence = confidence

    def __getitem__(self, name: str) -> Estimate:
        return self._estimates[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._estimates)

    def __len__(self) -> int:
        return len(self._estimates)

    def to_frame(self):
        """Return a pandas DataFrame with a row for each metric and the columns value, low and high."""
        import pandas as pd

        return pd.DataFrame.from_dict(self._estimates, orient="index", columns=Estimate._fields)

    def __repr__(self) -> str:
        width = max(map(len, self._estimates))
        lines = [
            f"{self.task}, {self.n_samples} rows, {self.confidence:.0%} confidence intervals",
            *(
                f"{name:<{width}}  {e.value:>11.6g}  [{e.low:.6g}, {e.high:.6g}]"
                for name, e in self._estimates.items()
            ),
        ]
        return "\n".join(lines)


def evaluate(
    y_true,
    y_pred=None,
    y_proba=None,
    *,
    task=None,
    labels=None,
    pos_label=None,
    confidence=0.95,
    n_resamples=1000,
    random_state=0,
):
    """Compute every metric that applies, each with a bootstrap confidence interval.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels or values.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
        Predicted labels or values. Probabilities are recognised and taken as `y_proba`: several columns, or
        fractions between 0 and 1 for a target of two classes.
    y_proba : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
        Probabilities of the positive class, or of each class in the order of the labels. Labels that are not
        given are those of the highest probability.
    task : {"binary", "multiclass", "regression"}, default=None
        Found out from `y_true` and the predictions if None: strings, booleans and probabilities mean classes,
        fractions in `y_true` or in its predictions mean regression, and so do whole numbers of more than 50
        kinds in a floating type.
    labels : array-like of shape (n_classes,), default=None
        All labels in order, if some do not occur in `y_true`.
    pos_label : int, str or bool, default=None
        The positive class of two; the greater label if None.
    confidence : float, default=0.95
        Between 0 and 1: how often intervals like these hold the true value.
    n_resamples : int, default=1000
        How often rows are drawn again, with replacement, as many as there are.
    random_state : int, default=0
        Seed of the draws: the same one gives the same intervals, on any number of threads.

    Returns
    -------
    Evaluation
        A mapping from names of metrics to ``Estimate(value, low, high)``, with ``to_frame()``.

    Notes
    -----
    Intervals are percentiles of the resamples (Efron 1979). Precision, recall and F1 are those of the positive
    class of two, and unweighted means over several; the ranking metrics of several classes are means of
    one-versus-rest. The largest error has no interval, since resampling says nothing about it.

    Examples
    --------
    >>> from ferroflow.metrics import evaluate
    >>> result = evaluate([0, 1, 1, 0, 1, 0], y_proba=[0.2, 0.9, 0.6, 0.4, 0.3, 0.1])
    >>> result.task
    'binary'
    >>> round(result["roc_auc_score"].value, 3)
    0.889
    """
    if y_pred is None and y_proba is None:
        raise ValueError("evaluate needs predictions: y_pred, y_proba or both.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
    if isinstance(n_resamples, bool) or not isinstance(n_resamples, int | np.integer) or n_resamples < 1:
        raise ValueError(f"n_resamples must be a positive integer, got {n_resamples!r}.")
    if not isinstance(random_state, int | np.integer) or not 0 <= random_state < 2**64:
        raise ValueError(f"random_state must be an integer from 0 to 2**64 - 1, got {random_state!r}.")
    if task not in (None, "binary", "multiclass", "regression"):
        raise ValueError(f"task must be 'binary', 'multiclass' or 'regression', got {task!r}.")
    y = column_or_1d(y_true)
    check_consistent_length(y, *(p for p in (y_pred, y_proba) if p is not None))
    if y_proba is None and task != "regression" and _are_probabilities(y, y_pred):
        y_pred, y_proba = None, y_pred
    if task is None:
        task = "classes" if y_proba is not None or _are_classes(y, y_pred) else "regression"
    runs = (int(n_resamples), int(random_state))
    if task == "regression":
        if y_pred is None:
            raise ValueError("regression is judged by y_pred, not by y_proba.")
        values, samples = _of_values(y, y_pred, runs)
    else:
        values, samples, task = _of_classes(y, y_pred, y_proba, task, labels, pos_label, runs)
    tail = (1 - confidence) / 2
    estimates = {}
    for name, value in values.items():
        drawn = samples.get(name)
        drawn = np.array([]) if drawn is None else drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, (tail, 1 - tail)).tolist() if len(drawn) else (np.nan, np.nan)
        estimates[name] = Estimate(float(value), low, high)
    return Evaluation(estimates, task, len(y), confidence)


def _are_probabilities(y: np.ndarray, p: Any) -> bool:
    p = np.asarray(p)
    if p.ndim == 2 and p.shape[1] > 1:
        return p.dtype.kind == "f"
    if p.dtype.kind != "f" or not ((p >= 0) & (p <= 1)).all() or (p == np.trunc(p)).all():
        return False
    return y.dtype.kind in "biuOUST" and len(np.unique(y)) <= 2


def _are_classes(y: np.ndarray, p: Any) -> bool:
    p = np.asarray(p)
    if y.dtype.kind not in "iuf":
        return True
    if p.dtype.kind == "f" and not (p == np.trunc(p)).all():
        return False
    if y.dtype.kind == "f":
        return bool((y == np.trunc(y)).all()) and len(np.unique(y)) <= _MOST_CLASSES
    return p.dtype.kind != "f" or len(np.unique(y)) <= _MOST_CLASSES


Found = tuple[dict[str, Any], dict[str, np.ndarray]]
Samples = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]


def _of_values(y: np.ndarray, y_pred: Any, runs: tuple[int, int]) -> Found:
    """Metrics of predicted values."""
    t, p = np.asarray(y, dtype=np.float64), np.asarray(column_or_1d(y_pred), dtype=np.float64)
    if len(t) < 2 or not (np.isfinite(t).all() and np.isfinite(p).all()):
        raise ValueError("regression needs two rows or more, and finite values.")
    names = ["r2_score", "explained_variance_score", "mean_squared_error", "root_mean_squared_error"]
    names += ["mean_absolute_error", "median_absolute_error", "mean_absolute_percentage_error", "max_error"]
    values = {name: getattr(regression, name)(t, p) for name in names}
    error, centred = t - p, t - t.mean()
    size = np.abs(error)
    relative = size / np.maximum(np.abs(t), np.finfo(np.float64).eps)
    columns = [error, error**2, centred, centred**2, size, relative]
    drawn = _core.bootstrap(len(t), *runs, means=columns, median=size)
    e, e2, c, c2, absolute, percentage, median = drawn.T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = c2 - c**2
        samples = {
            "r2_score": 1 - e2 / spread,
            "explained_variance_score": 1 - (e2 - e**2) / spread,
            "mean_squared_error": e2,
            "root_mean_squared_error": np.sqrt(e2),
            "mean_absolute_error": absolute,
            "median_absolute_error": median,
            "mean_absolute_percentage_error": percentage,
        }
    return values, samples


def _of_classes(y, y_pred, y_proba, task, labels, pos_label, runs) -> tuple[dict, dict, str]:
    """Metrics of predicted labels and of probabilities."""
    truth = _classes(y)
    given = _classes(column_or_1d(y_pred)) if y_pred is not None else None
    every = _every_label(truth, given, labels)
    proba = None
    if y_proba is not None:
        proba = np.asarray(y_proba, dtype=np.float64)
        if proba.ndim == 2 and proba.shape[1] == 1:
            proba = proba[:, 0]
        if not ((proba >= 0).all() and (proba <= 1).all()):
            raise ValueError("y_proba has values outside [0, 1], or NaN.")
        columns = 2 if proba.ndim == 1 else proba.shape[1]
        if len(every) != columns or proba.ndim > 2:
            raise ValueError(f"y_proba is for {columns} classes, but there are {len(every)}: {every}.")
    if task == "binary" and len(every) > 2:
        raise ValueError(f"task is 'binary', but there are {len(every)} classes.")
    binary = len(every) <= 2 and task != "multiclass"
    place = {label: i for i, label in enumerate(every)}
    if binary and pos_label is not None and pos_label not in place:
        raise ValueError(f"pos_label={pos_label!r} is none of the labels {every}.")
    top = len(every) - 1 if pos_label is None or not binary else place[pos_label]
    if proba is not None and proba.ndim == 1:
        # From here on, columns in the order of the labels.
        proba = np.column_stack((1 - proba, proba) if top == 1 else (proba, 1 - proba))
    t = _codes(truth, place)
    if given is not None:
        p = _codes(given, place)
    elif proba is not None:
        p = proba.argmax(axis=1).astype(np.uint16)
    n = len(t)
    sums = np.array([np.bincount(codes, minlength=len(every)) for codes in (t[t == p], p, t)], dtype=float)
    chosen = top if binary else None
    values = {k: v[0] for k, v in _label_scores(sums[None], n, chosen).items()}
    asked: dict[str, Any] = {"labels": (t, p, len(every))}
    if proba is not None:
        of_proba, asked_too, samples_of = _of_probabilities(truth, t, proba, place, chosen)
        values |= of_proba
        asked |= asked_too
    drawn = _core.bootstrap(n, *runs, **asked)
    # Means come before the labels' sums, all else comes behind them.
    before = len(asked.get("means", ()))
    after = before + 3 * len(every)
    of_labels, samples = drawn[:, before:after], {}
    if proba is not None:
        samples = samples_of(drawn[:, :before], drawn[:, after:])
    samples |= _label_scores(of_labels.reshape(-1, 3, len(every)), n, chosen)
    return values, samples, "binary" if binary else "multiclass"


def _classes(y: np.ndarray) -> _core.TargetClasses:
    try:
        return classes_of(y)
    except Foreign as error:
        raise ValueError(f"labels must be integers, booleans or strings: {error}.") from error


def _every_label(truth, given, labels) -> list[Any]:
    found = set(truth.labels) | set(given.labels if given is not None else ())
    try:
        if labels is None:
            return sorted(found)
        every = np.asarray(labels).tolist()
        if found - set(every):
            raise ValueError(f"the labels {sorted(found - set(every))} are not among those given.")
        if any(a >= b for a, b in itertools.pairwise(every)):
            raise ValueError("labels must be in ascending order.")
    except TypeError as error:
        raise ValueError("labels must be all numbers or all strings.") from error
    return every


def _codes(classes: _core.TargetClasses, place: dict[Any, int]) -> np.ndarray:
    """Return each row's place among all labels."""
    return np.array([place[label] for label in classes.labels], dtype=np.uint16)[classes.codes()]


def _label_scores(sums: np.ndarray, n: int, top: int | None) -> dict[str, np.ndarray]:
    """Metrics of labels from hits, predictions and truths: one of each resample, of the class `top` or of all."""
    hits, predicted, truly = sums[:, 0], sums[:, 1], sums[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        recalls = hits / truly
        per_class = {
            "precision_score": hits / predicted,
            "recall_score": recalls,
            "f1_score": 2 * hits / (predicted + truly),
        }
        chance = (predicted * truly).sum(axis=1)
        total = hits.sum(axis=1)
        scores = {"accuracy_score": total / n, "balanced_accuracy_score": np.nanmean(recalls, axis=1)}
        for name, values in per_class.items():
            # What is undefined counts as 0, as scikit-learn has it; a class that does not occur at all does not count.
            occurs = predicted + truly > 0
            values = np.where(np.isnan(values), 0.0, values)
            mean = (values * occurs).sum(axis=1) / occurs.sum(axis=1)
            scores[name] = mean if top is None else values[:, top]
        spread = np.sqrt((n * n - (predicted**2).sum(axis=1)) * (n * n - (truly**2).sum(axis=1)))
        correlation = (total * n - chance) / spread
        scores["matthews_corrcoef"] = np.where(spread == 0, 0.0, correlation)
        scores["cohen_kappa_score"] = 1 - (1 - total / n) / (1 - chance / (n * n))
    return scores


def _of_probabilities(truth, t, proba, place, top) -> tuple[dict[str, Any], dict[str, Any], Samples]:
    """Metrics of probabilities with a column for each label; what to draw for them, and how to read it."""
    rows, n, eps = np.arange(len(t)), len(t), np.finfo(np.float64).eps
    log_losses = -np.log(np.clip(proba[rows, t], eps, 1 - eps))
    if top is None:
        wrong = proba.copy()
        wrong[rows, t] -= 1
        briers = (wrong**2).sum(axis=1)
        confidence, hit = proba.max(axis=1), (proba.argmax(axis=1) == t).astype(np.float64)
    else:
        confidence, hit = proba[:, top], (t == top).astype(np.float64)
        briers = (hit - confidence) ** 2
    bins = np.searchsorted(inner_edges(_BINS, "uniform", confidence), confidence).astype(np.uint16)
    gaps = np.ascontiguousarray(hit - confidence)
    values: dict[str, Any] = {"log_loss": log_losses.mean(), "brier_score_loss": briers.mean()}
    asked: dict[str, Any] = {"means": [log_losses, briers], "groups": (gaps, bins, _BINS)}
    # A class that does not occur has no ranking, and neither has one that is alone.
    found = [place[label] for label in truth.labels] if len(truth.labels) > 1 else []
    ranked = found if top is None else [c for c in found if c == top]
    if ranked:
        codes = [found.index(c) for c in ranked]
        scores = [np.ascontiguousarray(proba[:, c]) for c in ranked]
        for precision, name in enumerate(("roc_auc_score", "average_precision_score")):
            pairs = zip(codes, scores, strict=True)
            values[name] = np.mean([_core.ranking_score(truth, *pair, 0, bool(precision)) for pair in pairs])
        asked["rankings"] = (truth, codes, scores)
    values["expected_calibration_error"] = np.abs(np.bincount(bins, weights=gaps)).sum() / n

    def samples(means: np.ndarray, rest: np.ndarray) -> dict[str, np.ndarray]:
        read = {
            "log_loss": means[:, 0],
            "brier_score_loss": means[:, 1],
            "expected_calibration_error": np.abs(rest[:, :_BINS]).sum(axis=1) / n,
        }
        if ranked:
            read["roc_auc_score"] = rest[:, _BINS::2].mean(axis=1)
            read["average_precision_score"] = rest[:, _BINS + 1 :: 2].mean(axis=1)
        return read

    return values, asked, samples
