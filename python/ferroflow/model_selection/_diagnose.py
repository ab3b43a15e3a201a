"""What the curves of an iterative fit say, in words."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ferroflow.linear_model._descent_told import SCALE_RATIO, scale_ratio, unscaled_columns
from ferroflow.preprocessing import StandardScaler

# Shares of the way that the loss went, from its first value to its lowest.
SETTLED = 0.01
BOUNCE = 0.02
WORSE = 0.05
# A fall of the loss by less than this share of itself counts as none.
NO_FALL = 0.02
# The part of the epochs that the end is judged by.
END = 0.1


class Finding(NamedTuple):
    """One thing that the curves show.

    Parameters
    ----------
    kind : {'diverging', 'learning_rate_too_high', 'under_fitted', 'over_fitted', 'unscaled_columns', 'settled'}
    message : str
        What was seen, and what may help.
    """

    kind: str
    message: str


class Diagnosis(tuple[Finding, ...]):
    """What was found, the gravest first; printed, a line each."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(finding.message for finding in self)

    @property
    def kinds(self) -> list[str]:
        """The kinds of what was found."""
        return [finding.kind for finding in self]


def diagnose(estimator: Any, X: Any = None) -> Diagnosis:
    """Say what the loss curves of a fitted estimator show.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Fitted, with a ``loss_curve_`` (the gradient descent estimators, the multi-layer perceptrons), or a pipeline that
        ends in one. Held-out rows are judged by ``validation_curve_`` (losses) or ``validation_scores_``.
    X : array-like of shape (n_samples, n_features), default=None
        Rows as they were given to `fit`; with them, columns are named that differ in scale by more than a factor of 100.

    Returns
    -------
    diagnosis : Diagnosis
        A tuple of findings, each with a ``kind`` and a ``message``; its ``str`` is for people.

        - ``diverging``: the loss rose above its first value, or is not finite.
        - ``unscaled_columns``: see `X`.
        - ``learning_rate_too_high``: at a quarter or more of the later epochs the loss rose, typically by more than 2% of
          the way that it went down.
        - ``over_fitted``: the held-out loss rose again by more than 5% of its way, while the training loss fell on.
        - ``under_fitted``: the loss hardly fell, or was still falling when the epochs ended.
        - ``settled``: none of these.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If it has no loss curve.

    See Also
    --------
    LossCurveDisplay : The curves as a plot.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from ferroflow.linear_model import GradientDescentClassifier
    >>> from ferroflow.model_selection import diagnose
    >>> from ferroflow.preprocessing import StandardScaler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = StandardScaler().fit_transform(X)
    >>> print(diagnose(GradientDescentClassifier(random_state=0).fit(X, y), X))  # doctest: +ELLIPSIS
    The loss fell from ... to ... and settled after ... of ... epochs.
    """
    model, rows = _last_step(estimator, X)
    losses, held_out, of_scores = curves_of(model)
    found: list[Finding] = []
    fell = float(losses[0] - np.min(losses)) if np.isfinite(losses).all() else np.nan
    diverging = _diverging(losses, fell)
    found += diverging
    if rows is not None:
        found += _unscaled(model, rows)
    if not diverging:
        found += _bouncing(losses, fell)
        found += _over_fitted(losses, held_out, of_scores)
        if fell < NO_FALL * abs(losses[0]) or not found:
            found += _under_fitted(model, losses, fell)
    return Diagnosis(found or [_settled(losses, fell)])


def curves_of(model: Any) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Return an estimator's losses, what it measured on held-out rows (lower is better), and whether that is scores."""
    check_is_fitted(model)
    if not len(getattr(model, "loss_curve_", ())):
        raise ValueError(
            f"{type(model).__name__} has no loss_curve_; estimators that are fitted by epochs have one, such as "
            "GradientDescentClassifier and MLPClassifier with solver='adam' or 'sgd'."
        )
    losses = np.asarray(model.loss_curve_, dtype=float)
    of_losses = getattr(model, "validation_curve_", None)
    if of_losses is not None:
        return losses, np.asarray(of_losses, dtype=float), False
    of_scores = getattr(model, "validation_scores_", None)
    if of_scores is not None:
        return losses, -np.asarray(of_scores, dtype=float), True
    return losses, None, False


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return what learned by epochs, and the rows that it saw."""
    if not isinstance(estimator, Pipeline):
        return estimator, X
    if X is not None and len(estimator.steps) > 1:
        X = estimator[:-1].transform(X)
    return estimator[-1], X


def _diverging(losses: np.ndarray, fell: float) -> list[Finding]:
    if not np.isfinite(losses).all():
        epoch = int(np.argmin(np.isfinite(losses))) + 1
        return [
            Finding("diverging", f"The loss was no number after epoch {epoch}: take a smaller learning rate.")
        ]
    if losses[-1] > losses[0] + WORSE * max(fell, NO_FALL * abs(losses[0])):
        text = f"The loss rose from {losses[0]:.4g} to {losses[-1]:.4g}: take a smaller learning rate."
        return [Finding("diverging", text)]
    return []


def _unscaled(model: Any, X: Any) -> list[Finding]:
    scaler = StandardScaler(with_mean=False).fit(X)
    sizes = np.sqrt(scaler.var_)
    ratio = scale_ratio(sizes)
    if ratio <= SCALE_RATIO:
        return []
    named = unscaled_columns(scaler if hasattr(scaler, "feature_names_in_") else model, sizes)
    text = (
        f"The columns differ in scale by a factor of {ratio:.3g}, the farthest from the others: {named}. No single "
        "learning rate suits them: put a StandardScaler before the model."
    )
    return [Finding("unscaled_columns", text)]


def _bouncing(losses: np.ndarray, fell: float) -> list[Finding]:
    steps = np.diff(losses)[len(losses) // 2 :]
    rises = steps[steps > 0]
    if len(rises) < 2 or len(rises) < len(steps) / 4 or np.median(rises) <= BOUNCE * fell:
        return []
    text = (
        f"The loss rose in {len(rises)} of the last {len(steps)} epochs, typically by {np.median(rises) / fell:.0%} of all "
        "that it fell: take a smaller learning rate, or larger batches."
    )
    return [Finding("learning_rate_too_high", text)]


def _over_fitted(losses: np.ndarray, held_out: np.ndarray | None, of_scores: bool) -> list[Finding]:
    if held_out is None or len(held_out) < 3 or not np.isfinite(held_out).all():
        return []
    best = int(np.argmin(held_out))
    way = held_out[0] - held_out[best]
    rose = held_out[-1] - held_out[best]
    begin = min(best, len(losses) - 1)
    if rose <= WORSE * max(way, NO_FALL * abs(held_out[best])) or losses[-1] >= losses[begin]:
        return []
    what, verb = ("score", "fell") if of_scores else ("loss", "rose")
    a, b = (abs(held_out[best]), abs(held_out[-1])) if of_scores else (held_out[best], held_out[-1])
    text = (
        f"The {what} on held-out rows was best after epoch {best + 1}, at {a:.4g}, and {verb} to {b:.4g} while the training "
        "loss fell on: stop earlier (early_stopping), penalise more, or learn from more rows."
    )
    return [Finding("over_fitted", text)]


def _under_fitted(model: Any, losses: np.ndarray, fell: float) -> list[Finding]:
    n = len(losses)
    if n < 2:
        return [Finding("under_fitted", "The model made one epoch only: more may do better.")]
    if fell < NO_FALL * abs(losses[0]):
        text = (
            f"The loss hardly fell, from {losses[0]:.4g} to {losses.min():.4g}: the learning rate may be too small, the "
            "penalty too strong, or the columns say little about the target."
        )
        return [Finding("under_fitted", text)]
    end = max(2, round(END * n))
    if n < getattr(model, "max_iter", n) or losses[-end] - losses[-1] <= SETTLED * fell:
        return []
    text = (
        f"The loss was still falling when the epochs ended, from {losses[-end]:.4g} to {losses[-1]:.4g} in the last "
        f"{end - 1}: raise max_iter, or the learning rate."
    )
    return [Finding("under_fitted", text)]


def _settled(losses: np.ndarray, fell: float) -> Finding:
    after = int(np.argmax(losses <= losses.min() + SETTLED * fell)) + 1
    text = f"The loss fell from {losses[0]:.4g} to {losses[-1]:.4g} and settled after {after} of {len(losses)} epochs."
    return Finding("settled", text)
