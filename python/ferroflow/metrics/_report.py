"""The report of precision, recall and F1 by label."""

from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow.metrics._labels import plain
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._set_scores import Asked

_SCORES = ("precision", "recall", "f1-score")


@rust_first(metrics.classification_report)
def classification_report(
    y_true,
    y_pred,
    *,
    labels=None,
    target_names=None,
    sample_weight=None,
    digits=2,
    output_dict=False,
    zero_division="warn",
):
    if not (type(digits) is int and digits >= 0 and (output_dict is True or output_dict is False)):
        raise Foreign("parameters to be checked")
    asked = Asked(y_true, y_pred, labels, None, None, sample_weight, zero_division)
    found, multilabel = asked.found, asked.sums.multilabel
    if labels is None:
        named: Any = found if multilabel else _as_given(found, y_true, y_pred)
    else:
        named = np.asarray(labels)
    if target_names is None:
        target_names = [f"{label}" for label in named]
    elif type(target_names) not in (list, tuple, np.ndarray) or len(target_names) != len(named):
        raise Foreign("names that are not as many as the labels")
    scores = _scores(asked)
    support = asked.sums.truly
    whole = not multilabel and (labels is None or set(asked.sums.labels) >= set(found))
    averages = {}
    for average in ("micro", "macro", "weighted", "samples")[: 4 if multilabel else 3]:
        heading = "accuracy" if average == "micro" and whole else f"{average} avg"
        if average == "samples":
            part = Asked(y_true, y_pred, labels, None, average, sample_weight, zero_division)
        else:
            part = asked.averaged_as(average)
        averages[heading] = [*_scores(part), np.sum(support)]
    rows = zip(target_names, *scores, support, strict=False)
    return _as_dict(rows, averages) if output_dict else _as_text(rows, averages, target_names, digits)


def _scores(asked: Asked) -> list[Any]:
    return [asked.score(score, warn=True) for score in ("precision", "recall", "f-score")]


def _as_given(found: list[Any], y_true: Any, y_pred: Any) -> Any:
    """Return the labels in the type of the targets, by which they are printed."""
    if isinstance(found[0], str):
        return found
    t, p = plain(y_true), plain(y_pred)
    if t.dtype != p.dtype or any(hasattr(getattr(y, "dtype", None), "numpy_dtype") for y in (y_true, y_pred)):
        raise Foreign("numbers of two types, or of pandas' own")
    if t.dtype.kind == "f" and any(np.signbit(y[y == 0]).any() for y in (t, p)):
        raise Foreign("a label that is minus zero")
    return np.array(found).astype(t.dtype)


def _as_dict(rows: Any, averages: dict[str, Any]) -> dict[Any, Any]:
    headers = (*_SCORES, "support")

    def entry(values: Any) -> dict[str, float]:
        return dict(zip(headers, map(float, values), strict=True))

    report: dict[Any, Any] = {name: entry(values) for name, *values in rows}
    report |= {heading: entry(values) for heading, values in averages.items()}
    if "accuracy" in report:
        report["accuracy"] = report["accuracy"]["precision"]
    return report


def _as_text(rows: Any, averages: dict[str, Any], names: Any, digits: int) -> str:
    width = max(max(len(name) for name in names), len("weighted avg"), digits)
    row_format = "{:>{width}s} " + " {:>9.{digits}f}" * 3 + " {:>9}\n"
    report = ("{:>{width}s} " + " {:>9}" * 4).format("", *_SCORES, "support", width=width) + "\n\n"
    for row in rows:
        report += row_format.format(*row, width=width, digits=digits)
    report += "\n"
    for heading, values in averages.items():
        if heading == "accuracy":
            accuracy_format = "{:>{width}s} " + " {:>9.{digits}}" * 2 + " {:>9.{digits}f}" + " {:>9}\n"
            report += accuracy_format.format(heading, "", "", *values[2:], width=width, digits=digits)
        else:
            report += row_format.format(heading, *values, width=width, digits=digits)
    return report
