"""Write what a run did and found as one HTML page that needs no network and no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ferroflow.model_selection import diagnose
from ferroflow.workflow.clean import CLASSIFICATION, Cleaned
from ferroflow.workflow.evaluate import Evaluation
from ferroflow.workflow.report_charts import Series, coefficient_chart, interval_chart, label, xy_chart
from ferroflow.workflow.train import MODEL, Trained
from ferroflow.workflow.tune import SMALLER_IS_BETTER, Search

MEASURE_NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "r2": "R²",
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
}
_LOSSES = ("log_loss", "brier", "mse", "rmse", "mae")
_COEFFICIENTS = 24


@dataclass
class Story:
    """All that the page tells."""

    target: str
    source: str
    cleaned: Cleaned
    n_train: int
    n_test: int
    missing: Mapping[str, int]
    trained: Trained
    evaluation: Evaluation
    search: Search | None = None
    config: str = ""
    footer: str = ""
    split_note: str = ""
    preparation: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.95
    warnings: Sequence[str] = field(default_factory=list)


def render(story: Story) -> str:
    """Return the page as text."""
    evaluation = story.evaluation
    classes = evaluation.task == CLASSIFICATION
    facts = {
        "title": f"Predicting {story.target}",
        "target": story.target,
        "source": story.source,
        "summary": _summary(story),
        "tiles": _tiles(evaluation),
        "warnings": [*story.warnings, *story.cleaned.report.warnings, *story.trained.warnings],
        "scores_note": _scores_note(evaluation, story.confidence),
        "interval_name": f"{story.confidence:.0%} interval",
        "baseline_name": "class prior" if classes else "training mean",
        "measures": _measures(evaluation),
        "classes": evaluation.classes,
        "confusion": _confusion(evaluation),
        **_curves(evaluation),
        **_coefficients(story),
        "learning": _learning(story.trained),
        "learning_note": _learning_note(story.trained),
        "model": _model(story.trained),
        **_tuning(story.search),
        **_data(story),
        "config": story.config,
        "footer": story.footer,
    }
    return page("report.html.j2", **facts)


def page(template: str, **facts: Any) -> str:
    """Return a page of the package's templates, filled in; what is filled in is escaped."""
    environment = Environment(
        loader=PackageLoader("ferroflow.workflow"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(template).render(**facts)


def number(value: float | None, digits: int = 3) -> str:
    """Write a score; whole thousands with separators, fractions with `digits` places."""
    if value is None:
        return "–"
    if value != 0 and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return label(value)
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.{digits}f}"


def _summary(story: Story) -> str:
    evaluation = story.evaluation
    kinds = []
    if story.cleaned.numeric:
        kinds.append(_count(len(story.cleaned.numeric), "numeric column"))
    if story.cleaned.categorical:
        kinds.append(_count(len(story.cleaned.categorical), "categorical column"))
    learner = "A linear classifier" if evaluation.task == CLASSIFICATION else "A linear regression"
    text = (
        f"{learner} by gradient descent, learned from {story.n_train:,} rows with {' and '.join(kinds)}, "
        f"judged on {story.n_test:,} rows that nothing was fitted on."
    )
    if evaluation.positive is not None:
        share = evaluation.curves.get(evaluation.positive, {}).get("share")
        if share is not None:
            text += f" The positive class is {evaluation.positive} ({share:.1%} of the held-out rows)."
    return text


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _tiles(evaluation: Evaluation) -> list[dict[str, str]]:
    wanted = ("roc_auc", "average_precision", "accuracy", "f1", "log_loss", "r2", "rmse", "mae")
    shown = [name for name in wanted if name in evaluation.measures][:4]
    out = []
    for name in shown:
        m = evaluation.measures[name]
        digits = 4 if name == "log_loss" else 3
        note = f"{number(m.low)} to {number(m.high)}" if m.low is not None else ""
        out.append({"name": MEASURE_NAMES[name], "value": number(m.value, digits), "note": note})
    return out


def _scores_note(evaluation: Evaluation, confidence: float) -> str:
    many = (
        ""
        if evaluation.task != CLASSIFICATION or evaluation.positive is not None
        else " Averages over the classes."
    )
    band = ""
    if evaluation.resamples:
        band = f"; band: {confidence:.0%} interval of {evaluation.resamples:,} bootstrap draws over the held-out rows"
    return f"Dot: the score{band}; upright line: what one scores without looking at a feature.{many}"


def _measures(evaluation: Evaluation) -> list[dict[str, Any]]:
    out = []
    for name, m in evaluation.measures.items():
        if m.value is None:
            continue
        low = m.value if m.low is None else m.low
        high = m.value if m.high is None else m.high
        ends = [low, high, m.value, *([] if m.baseline is None else [m.baseline])]
        if name in _LOSSES:
            span = (0.0, max(ends) * 1.05 or 1.0)
        else:
            span = (min(0.0, *ends), max(1.0, *ends))
        direction = " (lower is better)" if name in _LOSSES else ""
        out.append(
            {
                "name": MEASURE_NAMES[name] + direction,
                "value": number(m.value, 4),
                "interval": f"{number(low, 4)} – {number(high, 4)}",
                "baseline": number(m.baseline, 4),
                "chart": Markup(interval_chart(m.value, low, high, m.baseline, span)),
            }
        )
    return out


def _confusion(evaluation: Evaluation) -> list[dict[str, Any]]:
    out = []
    for name, counts in zip(evaluation.classes, evaluation.confusion, strict=False):
        total = sum(counts) or 1
        cells = [
            {"count": f"{c:,}", "share": f"{c / total:.1%}", "depth": f"{0.05 + 0.5 * c / total:.3f}"}
            for c in counts
        ]
        out.append({"name": name, "cells": cells})
    return out


def _curves(evaluation: Evaluation) -> dict[str, Any]:
    charts: list[tuple[str, list[Series], tuple[str, str, dict[str, Any]]]]
    if evaluation.task != CLASSIFICATION:
        true, guess = evaluation.residuals["true"], evaluation.residuals["predicted"]
        low, high = min(*true, *guess), max(*true, *guess)
        error = (np.asarray(guess) - np.asarray(true)).tolist()
        charts = [
            (
                "Predicted against true",
                [Series("", [low, high], [low, high], "guide"), Series("", true, guess, "dots")],
                ("true value", "predicted value", {}),
            ),
            (
                "Error by prediction",
                [Series("", [min(guess), max(guess)], [0, 0], "guide"), Series("", guess, error, "dots")],
                ("predicted value", "predicted minus true", {}),
            ),
        ]
        title, note = (
            "Predictions",
            "Points near the dashed line are predicted well; a bend is what a line cannot say.",
        )
    else:
        curves = dict(sorted(evaluation.curves.items(), key=lambda item: -item[1]["share"])[:6])
        unit = {"x_range": (0.0, 1.0), "y_range": (0.0, 1.0)}
        named = len(curves) > 1
        roc = [Series("chance", [0, 1], [0, 1], "guide")]
        precision = []
        calibration = [Series("perfect", [0, 1], [0, 1], "guide")]
        for name, curve in curves.items():
            shown = name if named else ""
            roc.append(Series(shown, *curve["roc"]))
            recalls, precisions = curve["precision_recall"]
            precision.append(Series(shown, [0.0, *recalls], [precisions[0], *precisions], "step"))
            if not named:
                precision.insert(0, Series("class prior", [0, 1], [curve["share"]] * 2, "guide"))
            bins = curve.get("calibration", [])
            if bins:
                calibration.append(
                    Series(
                        shown,
                        [b["predicted"] for b in bins],
                        [b["observed"] for b in bins],
                        "line",
                        [b["low"] for b in bins] if not named else [],
                        [b["high"] for b in bins] if not named else [],
                        [
                            f"predicted {b['predicted']:.3f}, true {b['observed']:.3f} of {b['rows']:,}"
                            for b in bins
                        ],
                    )
                )
        charts = []
        if curves:
            charts.append(("ROC", roc, ("false positive rate", "true positive rate", unit)))
            charts.append(("Precision and recall", precision, ("recall", "precision", unit)))
        if len(calibration) > 1:
            charts.append(
                ("Calibration", calibration, ("predicted probability", "share that came true", unit))
            )
        title = "ROC, precision and recall, calibration"
        note = (
            "How well the model ranks, what a threshold costs, and whether a probability can be taken at its word. "
            "The dashed lines are chance, the class prior and perfect calibration."
        )
        if len(evaluation.curves) > 6:
            note += " The six most frequent classes are drawn."
    drawn = [
        {"name": name, "svg": Markup(xy_chart(series, x, y, title=name, **options))}
        for name, series, (x, y, options) in charts
    ]
    return {"curves": drawn, "curves_title": title, "curves_note": note}


def _coefficients(story: Story) -> dict[str, Any]:
    model = story.trained.pipeline.named_steps[MODEL]
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    names = story.trained.features
    classes = story.evaluation.classes
    if story.evaluation.positive is not None and story.evaluation.positive == classes[0]:
        weights = -weights  # the model's are for the second class
    parts = []
    shown = list(range(len(weights)))[:6]
    for k in shown:
        order = np.argsort(-np.abs(weights[k]), kind="stable")[:_COEFFICIENTS]
        rows = [(names[j], float(weights[k, j])) for j in order if weights[k, j] != 0]
        title = f"Class {classes[k]}" if len(weights) > 1 and k < len(classes) else ""
        parts.append({"name": title, "svg": Markup(coefficient_chart(rows))})
    many = (
        f"The {_COEFFICIENTS} largest of {weights.shape[1]:,}. " if weights.shape[1] > _COEFFICIENTS else ""
    )
    if story.evaluation.task == CLASSIFICATION:
        positive = story.evaluation.positive
        effect = f"raises the odds of {positive}" if positive is not None else "raises the odds of the class"
        unit = "log odds"
    else:
        effect, unit = "raises the prediction", f"units of {story.target}"
    note = (
        f"{many}Coefficients in {unit}: to the right {effect}, to the left lowers it. Numbers are per standard "
        "deviation, categories are against none; (rare) pools seldom and unknown categories."
    )
    if len(weights) > 6:
        note += " The first six classes are drawn."
    return {"coefficients": parts, "coefficients_note": note}


def _learning(trained: Trained) -> Markup | str:
    if not trained.loss_curve:
        return ""
    epochs = list(range(1, len(trained.loss_curve) + 1))
    chart = xy_chart(
        [Series("", epochs, trained.loss_curve)], "epoch", "training loss", title="loss by epoch"
    )
    return Markup(chart)


def _learning_note(trained: Trained) -> str:
    if not trained.loss_curve:
        return f"The model took {_count(trained.epochs, 'epoch')}."
    said = " ".join(found.message for found in diagnose(trained.pipeline.named_steps[MODEL]))
    return f"The model took {_count(trained.epochs, 'epoch')}. {said}"


def _model(trained: Trained) -> list[tuple[str, str]]:
    model = trained.pipeline.named_steps[MODEL]
    params = model.get_params()
    first = (
        "loss",
        "penalty",
        "alpha",
        "l1_ratio",
        "optimizer",
        "eta0",
        "learning_rate",
        "batch_size",
        "max_iter",
        "tol",
    )
    rows = [("estimator", type(model).__name__)]
    rows += [(name, str(params[name])) for name in first if name in params]
    rows += [("coefficients", f"{np.asarray(model.coef_).size:,}")]
    return rows


def _tuning(search: Search | None) -> dict[str, Any]:
    empty: dict[str, Any] = {"tuning": [], "tuning_names": [], "tuning_note": "", "scoring": ""}
    if search is None:
        return empty
    ranked = search.ranked()
    names = list(ranked[0].params)
    rows = []
    for k, c in enumerate(ranked):
        rows.append(
            {
                "rank": k + 1,
                "best": c is search.candidates[search.best],
                "params": [setting(c.params[name]) for name in names],
                "score": number(c.mean, 4) if c.mean is not None else "diverged",
                "spread": number(c.spread, 4),
                "epochs": f"{c.epochs:.0f}",
                "seconds": f"{c.seconds:.2f}",
            }
        )
    better = "lower" if search.scoring in SMALLER_IS_BETTER else "higher"
    note = (
        f"{_count(len(ranked), 'candidate')} on {search.folds} folds of {search.rows:,} training rows, by "
        f"{MEASURE_NAMES.get(search.scoring, search.scoring)} ({better} is better). "
        "Each fold is filled, scaled and encoded once, by its own training rows. "
    )
    return {
        "tuning": rows,
        "tuning_names": names,
        "tuning_note": note + " ".join(search.notes),
        "scoring": search.scoring,
    }


def setting(value: Any) -> str:
    """Write the value of a searched parameter."""
    if value is None:
        return "all rows"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(story: Story) -> dict[str, Any]:
    report = story.cleaned.report
    rows: list[tuple[str, str]] = [
        ("rows collected", f"{report.rows_in:,}"),
        ("rows used", f"{report.rows_out:,}"),
        ("training rows", f"{story.n_train:,}"),
        ("held-out rows", f"{story.n_test:,}"),
    ]
    if report.missing_target:
        rows.append(("dropped, target missing", f"{report.missing_target:,}"))
    if report.duplicates:
        rows.append(("dropped, duplicates", f"{report.duplicates:,}"))
    for marks in (report.read_marks, report.marks):
        if marks:
            rows.append(("missing marks read", ", ".join(f"{name} ({n:,})" for name, n in marks.items())))
    if report.parsed_numbers:
        rows.append(("numbers read from text", ", ".join(report.parsed_numbers)))
    if report.dropped_columns:
        rows.append(("columns dropped", ", ".join(f"{k} ({v})" for k, v in report.dropped_columns.items())))
    columns = []
    numbers, categories = _steps(story.preparation)
    kinds = [(c, "number", numbers) for c in story.cleaned.numeric]
    kinds += [(c, "category", categories) for c in story.cleaned.categorical]
    order = {name: k for k, name in enumerate(story.cleaned.X.columns)}
    for name, kind, step in sorted(kinds, key=lambda row: order[row[0]]):
        count = story.missing.get(name, 0)
        share = count / max(story.n_train, 1)
        columns.append({"name": name, "kind": kind, "missing": f"{count:,} ({share:.1%})", "step": step})
    return {"data": rows, "columns": columns, "data_note": story.split_note}


def _steps(preparation: Mapping[str, Any]) -> tuple[str, str]:
    """Say what becomes of a number and of a category."""
    fill = preparation.get("fill_numbers", "median")
    numbers = f"fill with the training {fill.replace('_', ' ')}"
    if fill == "constant":
        numbers = f"fill with {preparation['number']:g}"
    if preparation.get("indicators"):
        numbers += ", mark what was missing"
    if preparation.get("scale", True):
        numbers += ", standardise"
    categories = "missing as a category"
    if preparation.get("fill_categories", "constant") != "constant":
        categories = "fill with the most frequent"
    if preparation.get("min_frequency") is not None or preparation.get("max_categories") is not None:
        categories += ", pool the rare"
    return numbers, categories + ", one column each"


def missing_counts(X: pd.DataFrame) -> dict[str, int]:
    """Count the missing values of each column."""
    return {str(name): int(count) for name, count in X.isna().sum().items()}
