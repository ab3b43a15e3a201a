"""Charts of the explore page as inline SVG, coloured by the page's own variables (light and dark)."""

import math
from collections.abc import Sequence
from html import escape

from ferroflow.workflow.report_charts import SERIES_COLOURS, label, ticks

WIDTH = 460.0
LINE = 20.0
GAP = 150.0


def histogram(edges: Sequence[float], counts: Sequence[int], names: Sequence[str] = ()) -> str:
    """Draw counts as upright bars between `edges`; or one bar for each name."""
    height, left, right, top, bottom = 190.0, 56.0, 12.0, 10.0, 26.0
    across, down = WIDTH - left - right, height - top - bottom
    most = max(counts, default=0) or 1
    step = across / max(len(counts), 1)
    out = [f'<svg class="chart" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="distribution">']
    for value in ticks(0, most, 3):
        y = top + down * (1 - value / most)
        out.append(
            f'<line class="grid" x1="{left:g}" x2="{WIDTH - right:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{left - 8:g}" y="{y + 4:.1f}" text-anchor="end">{label(value)}</text>'
        )
    for k, count in enumerate(counts):
        size = down * count / most
        if count:
            size = max(size, 1.0)
        told = names[k] if names else f"{label(edges[k])} to {label(edges[k + 1])}"
        out.append(
            f'<rect class="up" x="{left + k * step + 0.5:.1f}" y="{top + down - size:.1f}" '
            f'width="{max(step - 1, 0.5):.1f}" height="{size:.1f}"><title>{escape(told)}: {count:,}</title></rect>'
        )
    out.append(
        f'<line class="axis" x1="{left:g}" x2="{WIDTH - right:g}" y1="{top + down:g}" y2="{top + down:g}"/>'
    )
    base = f'y="{height - 8:g}"'
    if names:
        every = math.ceil(len(names) * max(len(name) for name in names) * 8 / across) or 1
        for k in range(0, len(names), every):
            x = left + (k + 0.5) * step
            out.append(
                f'<text class="tick" x="{x:.1f}" {base} text-anchor="middle">{escape(names[k])}</text>'
            )
    else:
        low, high = edges[0], edges[-1]
        for value in ticks(low, high, 5):
            x = left + (value - low) / ((high - low) or 1) * across
            out.append(f'<text class="tick" x="{x:.1f}" {base} text-anchor="middle">{label(value)}</text>')
    out.append("</svg>")
    return "".join(out)


def bars(
    names: Sequence[str], values: Sequence[float], notes: Sequence[str], *, most: float | None = None
) -> str:
    """Draw one lying bar for each name, with a note at its end."""
    most = most or max(values, default=0) or 1
    room = WIDTH - GAP - 14 - 6.8 * max((len(note) for note in notes), default=0)
    out = [_open(len(names), "values")]
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        y = k * LINE
        size = max(room * min(value / most, 1.0), 0.5)
        out.append(
            _name(name, y)
            + f'<rect class="up" x="{GAP:g}" y="{y + 4:.1f}" width="{size:.1f}" height="13" rx="2"/>'
            f'<text class="tick" x="{GAP + size + 6:.1f}" y="{y + 15:.1f}">{escape(notes[k])}</text>'
        )
    return "".join(out) + "</svg>"


def rates(
    names: Sequence[str],
    values: Sequence[float],
    halves: Sequence[float],
    rows: Sequence[int],
    overall: float,
    span: tuple[float, float],
    percent: bool,
) -> str:
    """Draw a mean with its interval for each name, over an upright line at the mean of all rows."""
    low, high = span
    left, right = GAP, WIDTH - 70

    def px(value: float) -> float:
        return left + 4 + (min(max(value, low), high) - low) / ((high - low) or 1) * (right - left - 8)

    def text(value: float) -> str:
        return f"{value:.1%}" if percent else label(value)

    height = LINE * len(names)
    out = [_open(len(names), "relation to the target", 18)]
    for value in ticks(low, high, 4):
        shown = f"{value:.0%}" if percent and (high - low) >= 0.04 else text(value)
        out.append(
            f'<line class="grid" x1="{px(value):.1f}" x2="{px(value):.1f}" y1="0" y2="{height:g}"/>'
            f'<text class="tick" x="{px(value):.1f}" y="{height + 14:g}" text-anchor="middle">{shown}</text>'
        )
    out.append(
        f'<line class="guide" x1="{px(overall):.1f}" x2="{px(overall):.1f}" y1="0" y2="{height:g}">'
        f"<title>all rows: {text(overall)}</title></line>"
    )
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        y = k * LINE + LINE / 2
        told = f"{name}: {text(value)} of {rows[k]:,} rows"
        out.append(
            _name(name, k * LINE)
            + f'<line class="bar s2" x1="{px(value - halves[k]):.1f}" x2="{px(value + halves[k]):.1f}" y1="{y:g}" y2="{y:g}"/>'
            f'<circle class="dot s2" cx="{px(value):.1f}" cy="{y:g}" r="4"><title>{escape(told)}</title></circle>'
            f'<text class="tick" x="{WIDTH:g}" y="{y + 5:g}" text-anchor="end">{text(value)}</text>'
        )
    return "".join(out) + "</svg>"


def shares(names: Sequence[str], table: Sequence[Sequence[float]], classes: Sequence[str]) -> str:
    """Draw a full bar for each name, cut by the shares of the classes."""
    room = WIDTH - GAP - 6
    out = [_open(len(names), "shares of the classes")]
    for k, (name, parts) in enumerate(zip(names, table, strict=True)):
        x = GAP
        out.append(_name(name, k * LINE))
        for c, part in enumerate(parts):
            hue = (
                f"s{c % SERIES_COLOURS + 1}"
                if c < SERIES_COLOURS - 1 or len(classes) <= SERIES_COLOURS
                else "s0"
            )
            out.append(
                f'<rect class="part {hue}" x="{x:.1f}" y="{k * LINE + 3:.1f}" width="{max(part * room, 0):.1f}" height="14">'
                f"<title>{escape(name)}: {escape(classes[c])} {part:.1%}</title></rect>"
            )
            x += part * room
    out.append('</svg><div class="legend">')
    for c, name in enumerate(classes):
        out.append(f'<span><i class="s{c % SERIES_COLOURS + 1}"></i>{escape(name)}</span>')
    return "".join(out) + "</div>"


def heat(names: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Draw a matrix of correlations: blue together, orange against each other."""
    n = len(names)
    cell = max(18.0, min(44.0, 560.0 / max(n, 1)))
    left, top = 150.0, 110.0
    width, height = left + cell * n + 40, top + cell * n
    out = [
        f'<svg class="heat" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" aria-label="correlations">'
    ]
    for j, name in enumerate(names):
        x = left + (j + 0.5) * cell
        out.append(
            f'<text class="name" transform="translate({x + 4:.1f} {top - 8:g}) rotate(-45)">{escape(short(name, 16))}'
            f"<title>{escape(name)}</title></text>"
            f'<text class="name" x="{left - 8:g}" y="{top + (j + 0.5) * cell + 4:.1f}" text-anchor="end">'
            f"{escape(short(name, 19))}<title>{escape(name)}</title></text>"
        )
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            x, y = left + j * cell, top + i * cell
            told = f"{escape(names[i])} and {escape(names[j])}"
            if not math.isfinite(value):
                out.append(
                    f'<rect class="cell none" x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}">'
                    f"<title>{told}: not known</title></rect>"
                )
                continue
            kind = "up" if value >= 0 else "down"
            out.append(
                f'<rect class="cell {kind}" x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}" '
                f'fill-opacity="{abs(value) * 0.85 + 0.03:.2f}"><title>{told}: {value:+.3f}</title></rect>'
            )
            if cell >= 30:
                ink = "onheat" if abs(value) > 0.55 else "tick"
                out.append(
                    f'<text class="{ink}" x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" text-anchor="middle">{value + 0.0 if abs(value) >= 0.005 else 0:.2f}</text>'
                )
    return "".join(out) + "</svg>"


def patterns(names: Sequence[str], found: Sequence[Sequence[bool]], notes: Sequence[str]) -> str:
    """Draw which columns are missing together: a line for each pattern, a filled cell for each missing column."""
    cell, left, top = 22.0, 12.0, 118.0
    width = left + cell * len(names) + 170
    height = top + cell * len(found) + 4
    out = [
        f'<svg class="heat" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" aria-label="missing together">'
    ]
    for j, name in enumerate(names):
        x = left + (j + 0.5) * cell
        out.append(
            f'<text class="name" transform="translate({x + 4:.1f} {top - 8:g}) rotate(-60)">{escape(short(name, 18))}'
            f"<title>{escape(name)}</title></text>"
        )
    for i, row in enumerate(found):
        y = top + i * cell
        for j, gone in enumerate(row):
            kind = "gone" if gone else "there"
            out.append(
                f'<rect class="{kind}" x="{left + j * cell + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2:g}" height="{cell - 2:g}" rx="3"/>'
            )
        out.append(
            f'<text class="tick" x="{left + cell * len(names) + 12:.1f}" y="{y + 15:.1f}">{escape(notes[i])}</text>'
        )
    return "".join(out) + "</svg>"


def short(text: str, most: int) -> str:
    """Cut a text for a label; blanks and control characters become one space."""
    text = " ".join(text.split()) or "(blank)"
    return text if len(text) <= most else text[: most - 1] + "…"


def _open(lines: int, told: str, more: float = 0.0) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH:g} {LINE * lines + more + 2:g}" role="img" aria-label="{told}">'


def _name(name: str, y: float) -> str:
    return (
        f'<text class="name" x="{GAP - 8:g}" y="{y + 15:.1f}" text-anchor="end">{escape(short(name, 21))}'
        f"<title>{escape(name)}</title></text>"
    )
