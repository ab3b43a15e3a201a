"""Search the learning rate, the regularisation and the batch size by cross-validation.

A fold's rows are prepared (filled, scaled, encoded) once, on the fold's own training rows, and all candidates
learn from the result. Every finished fit is handed to `record` at once, so that a search that is killed loses
one fit at most; the folds, the candidates and each fit depend on the seed alone, so that a search that goes
on later ends with the same scores.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning

from ferroflow import metrics
from ferroflow.model_selection import KFold, StratifiedKFold, train_test_split
from ferroflow.workflow.clean import CLASSIFICATION
from ferroflow.workflow.problem import WorkflowError
from ferroflow.workflow.train import build_model, fit_model

# With more training rows than this the search runs on a random part of them; the choice of three numbers
# needs no more, and the final fit takes all.
SEARCH_ROWS = 50_000

CLASSIFICATION_SCORES = ("roc_auc", "average_precision", "log_loss", "accuracy", "balanced_accuracy", "f1")
REGRESSION_SCORES = ("r2", "mean_squared_error", "mean_absolute_error")
SMALLER_IS_BETTER = ("log_loss", "mean_squared_error", "mean_absolute_error")


@dataclass(frozen=True)
class Fit:
    """One candidate on one fold. `score` is None where the fit failed, and `note` says why."""

    candidate: int
    fold: int
    score: float | None
    seconds: float
    epochs: int
    note: str = ""


@dataclass
class Candidate:
    """One point of the search, with its score on each fold (larger is better, but for losses)."""

    params: dict[str, Any]
    scores: list[float | None]
    seconds: float
    epochs: float

    @property
    def mean(self) -> float | None:
        return float(np.mean(self.scores)) if self.scores and None not in self.scores else None  # type: ignore[arg-type]

    @property
    def spread(self) -> float | None:
        return float(np.std(self.scores)) if self.mean is not None else None  # type: ignore[arg-type]


@dataclass
class Search:
    """The result: candidates in the order of the grid, and the best one's position."""

    candidates: list[Candidate]
    best: int
    scoring: str
    folds: int
    rows: int
    notes: list[str]

    @property
    def params(self) -> dict[str, Any]:
        return self.candidates[self.best].params

    def ranked(self) -> list[Candidate]:
        sign = 1 if self.scoring in SMALLER_IS_BETTER else -1
        return sorted(self.candidates, key=lambda c: (c.mean is None, sign * (c.mean or 0.0)))


def grid(choices: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the choices, in the order in which they are written."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def sampled(candidates: list[dict[str, Any]], count: int | None, random_state: int) -> list[dict[str, Any]]:
    """Return `count` of the candidates drawn at random, in the order of the grid; all of them if None."""
    if count is None or count >= len(candidates):
        return candidates
    drawn = np.random.default_rng(random_state).choice(len(candidates), count, replace=False)
    return [candidates[k] for k in np.sort(drawn)]


def default_scoring(y: np.ndarray, task: str) -> str:
    return "roc_auc" if task == CLASSIFICATION else "r2"


def score(model: Any, X: Any, y: np.ndarray, scoring: str) -> float:
    """Score a fitted model on prepared rows by the named measure of scikit-learn."""
    if scoring in ("roc_auc", "average_precision", "log_loss"):
        classes = model.classes_
        if scoring == "log_loss":
            return float(metrics.log_loss(y, model.predict_proba(X), labels=classes))
        if len(classes) == 2:
            values = model.decision_function(X)
            measure = metrics.roc_auc_score if scoring == "roc_auc" else metrics.average_precision_score
            return float(measure(y == classes[1], values))
        values = model.predict_proba(X) if hasattr(model, "predict_proba") else model.decision_function(X)
        truth = y[:, None] == classes[None, :]
        seen = truth.any(axis=0) & ~truth.all(axis=0)
        measure = metrics.roc_auc_score if scoring == "roc_auc" else metrics.average_precision_score
        return float(np.mean([measure(truth[:, k], values[:, k]) for k in np.flatnonzero(seen)]))
    predicted = model.predict(X)
    if scoring == "accuracy":
        return float(metrics.accuracy_score(y, predicted))
    if scoring == "balanced_accuracy":
        return float(metrics.balanced_accuracy_score(y, predicted))
    if scoring == "f1":
        classes = model.classes_
        if len(classes) == 2:
            return float(metrics.f1_score(y, predicted, pos_label=classes[1], zero_division=0))
        return float(metrics.f1_score(y, predicted, average="macro", zero_division=0))
    return float(getattr(metrics, f"{scoring}_score" if scoring == "r2" else scoring)(y, predicted))


def check_scoring(scoring: str, task: str) -> str:
    names = CLASSIFICATION_SCORES if task == CLASSIFICATION else REGRESSION_SCORES
    if scoring not in names:
        raise ValueError(f"no score is called {scoring!r} for {task}; choose one of {', '.join(names)}")
    return scoring


def tune(
    X: pd.DataFrame,
    y: np.ndarray,
    preparation: ColumnTransformer,
    candidates: Sequence[Mapping[str, Any]],
    *,
    task: str = CLASSIFICATION,
    folds: int = 5,
    scoring: str | None = None,
    max_rows: int | None = SEARCH_ROWS,
    random_state: int = 0,
    done: Sequence[Fit] = (),
    record: Callable[[Fit], None] | None = None,
) -> Search:
    """Cross-validate every candidate and choose the best.

    Parameters
    ----------
    X, y : training rows (never the held-out ones)
    preparation : ColumnTransformer
        Unfitted; a clone of it is fitted once per fold.
    candidates : sequence of mappings
        Parameters of the gradient descent estimators, see :func:`grid`.
    task : {"classification", "regression"}
    folds : int, default=5
    scoring : str, default=None
        ``roc_auc`` for classes and ``r2`` for quantities if None.
    max_rows : int, default=50000
        Search on at most so many rows, drawn once; None takes all.
    random_state : int, default=0
    done : sequence of Fit
        Fits of an earlier, unfinished search with the same arguments; they are not run again.
    record : callable, default=None
        Called with each Fit when it is finished.

    Returns
    -------
    Search
    """
    if not candidates:
        raise ValueError("there is no candidate to search")
    scoring = check_scoring(scoring or default_scoring(y, task), task)
    notes: list[str] = []
    rows = _search_rows(y, task, max_rows, random_state)
    if len(rows) < len(y):
        notes.append(f"Searched on {len(rows):,} of {len(y):,} training rows; the final fit takes all.")
        X, y = X.iloc[rows], y[rows]
    folds = _possible_folds(y, task, folds, notes)
    known = {(fit.fold, fit.candidate): fit for fit in done}
    splitter = (StratifiedKFold if task == CLASSIFICATION else KFold)(
        n_splits=folds, shuffle=True, random_state=random_state
    )
    for fold, (learn, judge) in enumerate(splitter.split(np.zeros(len(y)), y)):
        missing = [k for k in range(len(candidates)) if (fold, k) not in known]
        if not missing:
            continue
        with warnings.catch_warnings():
            # An unknown category in a fold is what the encoder is told to expect.
            warnings.simplefilter("ignore", UserWarning)
            prepared = clone(preparation)
            learned = prepared.fit_transform(X.iloc[learn])
            judged = prepared.transform(X.iloc[judge])
        for k in missing:
            fit = _fit_one(
                k, fold, candidates[k], learned, y[learn], judged, y[judge], task, scoring, random_state
            )
            known[fold, k] = fit
            if record is not None:
                record(fit)
    return _choose(candidates, known, folds, scoring, len(y), notes)


def _fit_one(
    k: int,
    fold: int,
    params: Mapping[str, Any],
    learned: Any,
    y_learn: np.ndarray,
    judged: Any,
    y_judge: np.ndarray,
    task: str,
    scoring: str,
    random_state: int,
) -> Fit:
    model = build_model(task, params, random_state=random_state)
    started = time.perf_counter()
    value: float | None = None
    note = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit_model(model, learned, y_learn, task)
            value = score(model, judged, y_judge, scoring)
            if not np.isfinite(value):
                value, note = None, f"the score is {value}"
        except (ValueError, FloatingPointError, OverflowError) as error:
            if not _diverged(error):
                raise
            note = "diverged"
    if not note and any(issubclass(w.category, ConvergenceWarning) for w in caught):
        note = "stopped at max_iter"
    epochs = int(np.max(getattr(model, "n_iter_", 0)))
    return Fit(k, fold, value, round(time.perf_counter() - started, 4), epochs, note)


def _diverged(error: BaseException) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("diverg", "overflow", "infinity", "not finite", "non-finite", "nan"))


def _search_rows(y: np.ndarray, task: str, max_rows: int | None, random_state: int) -> np.ndarray:
    if max_rows is None or len(y) <= max_rows:
        return np.arange(len(y))
    classes = y if task == CLASSIFICATION else None
    if classes is not None and np.unique(classes, return_counts=True)[1].min() * max_rows / len(y) < 2:
        classes = None
    rows, _ = train_test_split(
        np.arange(len(y)), train_size=max_rows, stratify=classes, random_state=random_state
    )
    return np.sort(rows)


def _possible_folds(y: np.ndarray, task: str, folds: int, notes: list[str]) -> int:
    most = len(y) if task != CLASSIFICATION else int(np.unique(y, return_counts=True)[1].min())
    if most < 2:
        raise WorkflowError(
            "the rarest class has one training row only, so no fold can judge it; drop it, merge it with another "
            "class, or give each list in [tune] one value"
        )
    if most < folds:
        notes.append(f"{most} folds instead of {folds}: the rarest class has {most} training rows only.")
        return most
    return folds


def _choose(
    candidates: Sequence[Mapping[str, Any]],
    known: Mapping[tuple[int, int], Fit],
    folds: int,
    scoring: str,
    rows: int,
    notes: list[str],
) -> Search:
    table = []
    for k, params in enumerate(candidates):
        fits = [known[fold, k] for fold in range(folds)]
        table.append(
            Candidate(
                dict(params),
                [fit.score for fit in fits],
                sum(fit.seconds for fit in fits),
                float(np.mean([fit.epochs for fit in fits])),
            )
        )
    sign = -1.0 if scoring in SMALLER_IS_BETTER else 1.0
    means = [c.mean for c in table]
    if all(mean is None for mean in means):
        reason = next(fit.note for fit in known.values() if fit.score is None)
        raise WorkflowError(
            f"no candidate could be scored ({reason}); try smaller values in [tune] learning_rate"
        )
    # The first of equal candidates wins: the order of the grid is part of the answer.
    best = max(range(len(table)), key=lambda k: (-np.inf if means[k] is None else sign * means[k], -k))  # type: ignore[operator]
    failed = sum(mean is None for mean in means)
    if failed:
        notes.append(f"{failed} of {len(table)} candidates diverged or could not be scored.")
    stopped = sum(fit.note == "stopped at max_iter" for fit in known.values())
    if stopped:
        notes.append(f"{stopped} of {len(known)} fits stopped at max_iter before they converged.")
    for name in table[best].params:
        values = sorted({c.params[name] for c in table if isinstance(c.params[name], (int, float))})
        value = table[best].params[name]
        if name in ("eta0", "alpha") and len(values) > 2 and value in (values[0], values[-1]):
            notes.append(f"The best {name} ({value:g}) lies at the edge of what was searched; widen it.")
    return Search(table, best, scoring, folds, rows, notes)
