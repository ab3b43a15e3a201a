"""Two versions side by side: their scores, the differences, and whether these mean anything."""

from dataclasses import dataclass
from typing import Any

from ferroflow.maintain.registry import Version

# Which way is better, for the measures that `ferroflow run` writes and common others; None where nobody can say.
_HIGHER = {
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "f1",
    "f1_macro",
    "mcc",
    "precision",
    "r2",
    "recall",
    "roc_auc",
}
_LOWER = {"brier", "log_loss", "mae", "mape", "median_ae", "mse", "rmse"}


@dataclass(frozen=True)
class Difference:
    """One measure of two versions."""

    measure: str
    first: float | None
    second: float | None
    difference: float | None
    better: bool | None


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `warnings` say why the differences may mean little."""

    first: Version
    second: Version
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]


def compare(first: Version, second: Version) -> Comparison:
    """Compare the scores of two versions.

    Parameters
    ----------
    first, second : Version
        Differences are second minus first.

    Returns
    -------
    Comparison
    """
    a, b = values(first), values(second)
    rows = [_difference(name, a.get(name), b.get(name)) for name in [*a, *(n for n in b if n not in a)]]
    warnings = []
    if first.held_out is None or second.held_out is None:
        unknown = ", ".join(str(v) for v in (first, second) if v.held_out is None)
        warnings.append(
            f"it is not known on which rows {unknown} was judged: the differences may come from the rows"
        )
    elif first.held_out != second.held_out:
        warnings.append("the two were judged on different rows: the differences may come from the rows")
    if not rows:
        warnings.append("neither has scores; `ferroflow models register --scores scores.json` takes them in")
    return Comparison(first, second, tuple(rows), tuple(warnings))


def values(version: Version) -> dict[str, float]:
    """Return the scores that are numbers, by name."""
    out = {}
    for name, found in version.metrics.items():
        value = value_of(found)
        if value is not None:
            out[name] = value
    return out


def value_of(found: Any) -> float | None:
    """Return the number of a score, which may stand alone or with its interval."""
    if isinstance(found, dict):
        found = found.get("value")
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)


def _difference(name: str, a: float | None, b: float | None) -> Difference:
    if a is None or b is None:
        return Difference(name, a, b, None, None)
    better = None
    if a != b and name in _HIGHER | _LOWER:
        better = (b > a) == (name in _HIGHER)
    return Difference(name, a, b, b - a, better)
