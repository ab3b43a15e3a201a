"""``ferroflow explore``: the whole table on one HTML page that needs no network and no script.

What a column is, and whether it leaks the target, is the judgement of `inspect`; this module counts and draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from ferroflow.workflow import explore_charts as charts
from ferroflow.workflow._files import write_beside
from ferroflow.workflow.collect import Collected, read_table
from ferroflow.workflow.inspect import Column, Inspection, Task, inspect
from ferroflow.workflow.problem import DataError
from ferroflow.workflow.report import page
from ferroflow.workflow.report_charts import label

BINS = 30
# Whole numbers within such a span get a bar each.
WHOLE_SPAN = 60
TOP = 10
HEAT_COLUMNS = 24
RANKED_COLUMNS = 30
PATTERN_COLUMNS = 24
PATTERNS = 12
# Correlations are of at most so many rows, evenly spaced: their error is below 0.01.
CORRELATED_ROWS = 50_000
# From so many columns on, the cards of the columns are closed, to be opened one by one.
OPEN_CARDS = 60


def explore(
    data: pd.DataFrame | str | Path,
    target: str | None = None,
    *,
    query: str | None = None,
    task: Task | None = None,
    encoding: str | None = None,
    header: bool = False,
    output: str | Path = "report.html",
) -> Inspection:
    """Show a table on one HTML page.

    Parameters
    ----------
    data : DataFrame, str or Path
        A table, or a CSV, Parquet or SQLite file, or a database URL.
    target : str, optional
        The column to be predicted: the page then shows what tells it, and warns of leaks.
    query : str, optional
        SQL that gives the table.
    task : {"classification", "regression"}, optional
        By default what the target's values suggest.
    encoding : str, optional
        Of a CSV file.
    header : bool, default=False
        True says that the first line holds names even where it looks like data.
    output : str or Path, default="report.html"
        The page to write.

    Returns
    -------
    Inspection
        What was found; the page shows the same.
    """
    output = Path(output)
    if not output.parent.is_dir():
        raise DataError(f"There is no folder {str(output.parent)!r} to write {output.name!r} in.")
    if output.is_dir():
        raise DataError(f"{str(output)!r} is a folder; name the page to write in it.")
    if isinstance(data, pd.DataFrame):
        if data.empty:
            raise DataError("The table has no rows or no columns: nothing to show.")
        frame = data.set_axis([str(name) for name in data.columns], axis=1)
        if not frame.columns.is_unique:
            raise DataError("Two columns of the table share a name; rename one.")
        collected = Collected(frame, "a table", "frame", "")
    else:
        collected = read_table(data, query=query, encoding=encoding, header=header)
    found = inspect(collected.frame, target, task)
    found.warnings += _more_warnings(collected.frame, found)
    text = render(collected, found)
    with write_beside(output, durable=False) as file:
        file.write(text)
    return found


def render(collected: Collected, found: Inspection) -> str:
    """Return the page as text."""
    from ferroflow import __version__

    frame = collected.frame
    aim = _aim(frame, found)
    cards = [_card(frame[column.name], column, found, aim, k) for k, column in enumerate(found.columns)]
    missing = sum(column.missing for column in found.columns)
    cells = max(found.rows * len(found.columns), 1)
    name = Path(collected.source).name if "://" not in collected.source else "a database"
    return page(
        "explore.html.j2",
        title=f"Exploring {name}",
        name=name,
        source=collected.source,
        summary=_summary(collected, found),
        tiles=[
            ("rows", f"{found.rows:,}", ""),
            ("columns", f"{len(found.columns):,}", _kinds(found)),
            ("missing cells", f"{missing / cells:.1%}", f"{missing:,} of {cells:,}"),
            ("repeated rows", f"{found.duplicates:,}", "ids apart"),
        ],
        warnings=found.warnings,
        notes=_notes(collected),
        target=None if aim is None else _target(found, frame[found.target]),
        score_name=_score_name(found),
        columns=cards,
        ranked=_ranked(found),
        heat=_heat(frame, found),
        pattern=_pattern(frame, found),
        open=len(cards) <= OPEN_CARDS,
        footer=f"ferroflow {__version__}",
    )


@dataclass
class _Aim:
    """The target as numbers: a value by row (regression, or 1 for the positive class), or a class by row."""

    known: np.ndarray
    values: np.ndarray
    classes: list[str]
    percent: bool
    words: str
    overall: float
    span: tuple[float, float]


def _aim(frame: pd.DataFrame, found: Inspection) -> _Aim | None:
    if found.target is None:
        return None
    target = frame[found.target]
    known = target.notna().to_numpy(copy=True)
    if found.task == "regression":
        values = target.to_numpy(dtype=np.float64, na_value=np.nan)
        known &= np.isfinite(values)
        low, high = np.quantile(values[known], [0.05, 0.95])
        return _Aim(
            known, values, [], False, f"mean of {found.target}", float(values[known].mean()), (low, high)
        )
    if found.positive is not None:
        values = (target == found.positive).fillna(False).to_numpy(dtype=np.float64)
        share = float(values[known].mean())
        return _Aim(known, values, [], True, f"share of {found.target} = {found.positive}", share, (0.0, 1.0))
    often = list(found.classes)[:5]
    codes = np.full(len(target), len(often))
    for k, value in enumerate(often):
        codes[(target == value).fillna(False).to_numpy(dtype=bool)] = k
    names = [str(value) for value in often] + (["others"] if len(found.classes) > 5 else [])
    return _Aim(known, codes.astype(np.float64), names, True, f"classes of {found.target}", 0.0, (0.0, 1.0))


def _summary(collected: Collected, found: Inspection) -> str:
    text = f"{found.rows:,} rows and {len(found.columns):,} columns, read as {collected.format}."
    if found.target is not None:
        what = "a class" if found.task == "classification" else "a quantity"
        text += f" To be predicted: {found.target}, {what}."
    return text


def _kinds(found: Inspection) -> str:
    order = ("number", "boolean", "category", "text", "datetime", "id", "constant", "empty")
    counts = {kind: sum(column.kind == kind for column in found.columns) for kind in order}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def _notes(collected: Collected) -> list[str]:
    marks = [f"{mark!r} was read as missing in {count:,} cells." for mark, count in collected.missing.items()]
    return [*marks, *(note[:1].upper() + note[1:] for note in collected.notes)]


def _more_warnings(frame: pd.DataFrame, found: Inspection) -> list[str]:
    out = []
    for column in found.columns:
        values = frame[column.name]
        if column.kind == "constant":
            out.append(f"{column.name}: has the same value in every row.")
        if column.numeric and column.kind != "empty":
            infinite = int(np.isinf(_floats(values)).sum())
            if infinite:
                out.append(f"{column.name}: {infinite:,} infinite values; cleaning takes them as missing.")
        elif (
            column.kind in ("category", "text", "id")
            and not column.leak
            and not pd.api.types.is_bool_dtype(values)
        ):
            words = values.dropna().astype(str)
            some = words.iloc[:: max(1, len(words) // 2000)]
            numbers = pd.to_numeric(some, errors="coerce").notna()
            if len(some) >= 10 and 0.8 <= numbers.mean() < 1:
                odd = some[~numbers].iloc[0]
                out.append(
                    f"{column.name}: most values are numbers, but some are not, like {charts.short(odd, 30)!r};"
                    " if it means missing, add it to the missing marks."
                )
    return out


def _floats(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _score_name(found: Inspection) -> str:
    return "R²" if found.task == "regression" else "AUC"


def _target(found: Inspection, values: pd.Series) -> dict[str, Any]:
    if found.task == "regression":
        drawn, _ = _histogram(_floats(values))
        note = "A quantity."
    else:
        total = sum(found.classes.values())
        items = list(found.classes.items())[:20]
        notes = [f"{count:,} ({count / total:.1%})" for _, count in items]
        drawn = charts.bars([str(value) for value, _ in items], [count for _, count in items], notes)
        note = f"{len(found.classes):,} classes."
        if found.positive is not None:
            note = f"Two classes; {found.positive} is taken for the positive one."
    gone = found[str(found.target)].missing
    if gone:
        note += f" It is missing in {gone:,} rows."
    return {"name": found.target, "note": note, "chart": Markup(drawn)}


# one column


def _card(
    values: pd.Series, column: Column, found: Inspection, aim: _Aim | None, number: int
) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": f"column-{number}",
        "name": column.name,
        "kind": column.kind,
        "missing": f"{column.missing:,} ({column.missing / max(found.rows, 1):.1%})"
        if column.missing
        else "0",
        "gone": column.missing / max(found.rows, 1),
        "distinct": f"{column.distinct:,}",
        "score": "" if column.score is None else f"{column.score:.3f}",
        "leak": bool(column.leak),
        "role": {"target": "the target", "drop": "left out"}.get(column.role, column.role),
        "reason": column.reason,
        "facts": [],
        "shape": "",
        "shape_note": "",
        "relation": "",
        "relation_note": "",
        "samples": _samples(values),
    }
    if column.kind == "empty":
        return card
    is_number = column.numeric and not pd.api.types.is_bool_dtype(values)
    times = pd.api.types.is_datetime64_any_dtype(values)
    if is_number:
        numbers = _floats(values)
        card["facts"] = _number_facts(numbers)
        card["shape"], card["shape_note"] = map(Markup, _histogram(numbers))
    elif times:
        numbers = _seconds(values)
        card["facts"] = [("first", str(values.min())), ("last", str(values.max()))]
    if not is_number and not times:
        counts = values.value_counts()
        card["facts"] = _text_facts(values, counts)
        card["shape"] = Markup(_top(counts, len(values)))
    if aim is not None and column.role != "target" and column.kind not in ("constant", "id", "text"):
        names, codes = _bins(numbers) if is_number or times else _groups(values, counts)
        if times:
            names = _time_names(names, values, codes)
        card["relation"] = Markup(_relation(names, codes, aim))
        card["relation_note"] = aim.words
    return card


def _samples(values: pd.Series) -> list[str]:
    out: list[str] = []
    for value in values.iloc[:2000].dropna():
        text = charts.short(_plain(value), 40)
        if text not in out:
            out.append(text)
        if len(out) == 5:
            break
    return out


def _plain(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    return str(value)


def _number_facts(numbers: np.ndarray) -> list[tuple[str, str]]:
    finite = numbers[np.isfinite(numbers)]
    facts: list[tuple[str, str]] = []
    if len(finite):
        low, first, middle, third, high = np.quantile(finite, [0, 0.25, 0.5, 0.75, 1])
        with np.errstate(over="ignore", invalid="ignore"):
            mean, spread = float(finite.mean()), float(finite.std())
        facts = [("mean", label(mean) if np.isfinite(mean) else "overflows")]
        facts += [("std", label(spread) if np.isfinite(spread) else "overflows")]
        facts += [
            (name, label(float(value)))
            for name, value in zip(
                ("min", "25%", "median", "75%", "max"), (low, first, middle, third, high), strict=True
            )
        ]
        zeros, below = int((finite == 0).sum()), int((finite < 0).sum())
        if zeros:
            facts.append(("zeros", f"{zeros:,} ({zeros / len(numbers):.1%})"))
        if below:
            facts.append(("negative", f"{below:,} ({below / len(numbers):.1%})"))
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        facts.append(("infinite", f"{infinite:,}"))
    return facts


def _text_facts(values: pd.Series, counts: pd.Series) -> list[tuple[str, str]]:
    if pd.api.types.is_bool_dtype(values) or not len(counts):
        return []
    lengths = pd.Series(counts.index.astype(str)).str.len()
    once = int((counts == 1).sum())
    facts = [("length", f"{lengths.min():,} to {lengths.max():,} letters")]
    if once:
        facts.append(("values seen once", f"{once:,}"))
    return facts


def _histogram(numbers: np.ndarray) -> tuple[str, str]:
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return "", ""
    uniques, counts = np.unique(finite, return_counts=True)
    if len(uniques) <= 20:
        return charts.histogram([], counts.tolist(), [label(float(value)) for value in uniques]), ""
    low, high = float(finite.min()), float(finite.max())
    near, far = np.quantile(finite, [0.005, 0.995])
    note = ""
    # A few far values would leave all others in one bar.
    if far > near and high - low > 4 * (far - near):
        outside = int(((finite < near) | (finite > far)).sum())
        note = f"{outside:,} far values are left out."
        finite = finite[(finite >= near) & (finite <= far)]
        low, high = float(near), float(far)
    if not np.isfinite(high - low):
        return "", "The range is too wide to draw."
    whole = len(finite) and bool(np.all(np.mod(finite, 1) == 0)) and high - low < WHOLE_SPAN
    bins = int(high - low) + 1 if whole else BINS
    span = (low - 0.5, high + 0.5) if whole else (low, high)
    try:
        counts, edges = np.histogram(finite, bins=bins, range=span)
    except ValueError:
        return "", "The values are too close together to draw."
    return charts.histogram(edges.tolist(), counts.tolist()), note


def _top(counts: pd.Series, rows: int) -> str:
    some = counts.iloc[:TOP]
    names = [str(value) for value in some.index]
    notes = [f"{count:,} ({count / rows:.1%})" for count in some]
    values = some.tolist()
    rest = counts.iloc[TOP:]
    if len(rest):
        names.append(f"{len(rest):,} others")
        values.append(int(rest.sum()))
        notes.append(f"{values[-1]:,} ({values[-1] / rows:.1%})")
    return charts.bars(names, values, notes)


def _seconds(values: pd.Series) -> np.ndarray:
    return (values - values.min()).dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)


def _time_names(names: list[str], values: pd.Series, codes: np.ndarray) -> list[str]:
    shown = []
    for k, name in enumerate(names):
        inside = values[codes == k]
        shown.append(name if name == "(missing)" or inside.empty else f"from {inside.min():%Y-%m-%d}")
    return shown


def _bins(numbers: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Cut numbers into ten groups of as many rows, or by value where there are few."""
    good = np.isfinite(numbers)
    uniques = np.unique(numbers[good])
    codes = np.full(len(numbers), -1)
    if len(uniques) <= 12:
        names = [label(float(value)) for value in uniques]
        codes[good] = np.searchsorted(uniques, numbers[good])
    else:
        edges = np.unique(np.quantile(numbers[good], np.linspace(0, 1, 11)))
        codes[good] = np.clip(np.searchsorted(edges, numbers[good], side="right") - 1, 0, len(edges) - 2)
        whole = bool(np.all(np.mod(edges, 1) == 0) and np.all(np.mod(uniques, 1) == 0))
        # The upper edge belongs to the next group, but for the last.
        ends = [*(edges[1:-1] - 1 if whole else edges[1:-1]), edges[-1]]
        names = [
            label(a) if a == b else f"{label(a)} – {label(b)}"
            for a, b in zip(edges[:-1].tolist(), map(float, ends), strict=True)
        ]
    return _with_missing(names, codes)


def _groups(values: pd.Series, counts: pd.Series) -> tuple[list[str], np.ndarray]:
    often = list(counts.index[:TOP])
    codes = pd.Index(often).get_indexer(pd.Index(values)).astype(np.intp)
    gone = values.isna().to_numpy()
    codes[(codes < 0) & ~gone] = len(often)
    names = [str(value) for value in often]
    if len(counts) > TOP:
        names.append(f"{len(counts) - TOP:,} others")
    return _with_missing(names, np.where(gone, -1, codes))


def _with_missing(names: list[str], codes: np.ndarray) -> tuple[list[str], np.ndarray]:
    if (codes < 0).any():
        return [*names, "(missing)"], np.where(codes < 0, len(names), codes)
    return names, codes


def _relation(names: list[str], codes: np.ndarray, aim: _Aim) -> str:
    codes, values = codes[aim.known], aim.values[aim.known]
    rows = np.bincount(codes, minlength=len(names))
    kept = np.flatnonzero(rows)
    shown = [names[k] for k in kept]
    if aim.classes:
        width = len(aim.classes)
        counts = np.bincount(codes * width + values.astype(np.intp), minlength=len(names) * width)
        table = counts.reshape(len(names), width)[kept] / rows[kept, None]
        return charts.shares(shown, table.tolist(), aim.classes)
    mean = np.bincount(codes, values, minlength=len(names))[kept] / rows[kept]
    square = np.bincount(codes, values * values, minlength=len(names))[kept] / rows[kept]
    half = 1.96 * np.sqrt(np.maximum(square - mean * mean, 0) / rows[kept])
    low, high = aim.span
    if aim.percent:
        high = min(1.0, 1.1 * max(float((mean + half).max()), aim.overall))
    else:
        low, high = min(low, float((mean - half).min())), max(high, float((mean + half).max()))
    return charts.rates(
        shown, mean.tolist(), half.tolist(), rows[kept].tolist(), aim.overall, (low, high), aim.percent
    )


# all columns


def _ranked(found: Inspection) -> Markup | str:
    scored = [column for column in found.columns if column.score is not None and column.kind != "id"]
    scored.sort(key=lambda column: -(column.score or 0))
    if not scored:
        return ""
    base = 0.0 if found.task == "regression" else 0.5
    some = scored[:RANKED_COLUMNS]
    notes = [f"{column.score:.3f}" + (" leak?" if column.leak else "") for column in some]
    return Markup(
        charts.bars(
            [column.name for column in some],
            [max((column.score or 0) - base, 0) for column in some],
            notes,
            most=1 - base,
        )
    )


def _heat(frame: pd.DataFrame, found: Inspection) -> dict[str, Any] | None:
    usable = [
        column
        for column in found.columns
        if column.numeric and column.kind not in ("empty", "constant", "id") and column.distinct > 1
    ]
    if found.target is not None:
        usable.sort(key=lambda column: (column.role != "target", -(column.score or 0)))
    shown = usable[:HEAT_COLUMNS]
    if len(shown) < 2:
        return None
    names = [column.name for column in shown]
    step = -(-len(frame) // CORRELATED_ROWS)
    numbers = np.column_stack([_floats(frame[name].iloc[::step]) for name in names])
    numbers[~np.isfinite(numbers)] = np.nan
    with np.errstate(all="ignore"):
        matrix = pd.DataFrame(numbers).corr(min_periods=3).to_numpy()
    more = f" The first {len(shown)} of {len(usable)} columns." if len(usable) > len(shown) else ""
    return {"svg": Markup(charts.heat(names, matrix.tolist())), "more": more, "pairs": _pairs(names, matrix)}


def _pairs(names: Sequence[str], matrix: np.ndarray) -> list[tuple[str, str, str]]:
    """Return the pairs of columns that go together most."""
    upper = np.triu(np.nan_to_num(np.abs(matrix)), 1)
    out = []
    for place in np.argsort(-upper, axis=None, kind="stable")[:6]:
        i, j = divmod(int(place), len(names))
        if upper[i, j] >= 0.3:
            out.append((names[i], names[j], f"{matrix[i, j]:+.2f}"))
    return out


def _pattern(frame: pd.DataFrame, found: Inspection) -> dict[str, Any] | None:
    holed = sorted((c for c in found.columns if c.missing), key=lambda column: -column.missing)
    shown = holed[:PATTERN_COLUMNS]
    if not shown:
        return None
    gone = np.column_stack([frame[column.name].isna().to_numpy() for column in shown])
    codes = gone @ (1 << np.arange(len(shown)))
    kinds, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PATTERNS]
    table = [[bool(kinds[k] >> j & 1) for j in range(len(shown))] for k in order]
    notes = [f"{counts[k]:,} rows ({counts[k] / len(frame):.1%})" for k in order]
    complete = int((~frame.isna().any(axis=1)).sum())
    names = [column.name for column in shown]
    parts = [f"{complete:,} of {len(frame):,} rows are complete."]
    if len(kinds) > PATTERNS:
        parts.append(f"The {PATTERNS} most frequent of {len(kinds):,} patterns.")
    if len(holed) > len(shown):
        parts.append(f"The {len(shown)} columns with most gaps, of {len(holed)}.")
    shares = [column.missing / found.rows for column in shown]
    by_column = charts.bars(names, shares, [f"{share:.1%}" for share in shares], most=1.0)
    return {
        "svg": Markup(charts.patterns(names, table, notes)),
        "bars": Markup(by_column),
        "note": " ".join(parts),
    }
