"""Charts of the run's report as inline SVG, coloured by the page's own variables (light and dark)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 460.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 72.0, 14.0, 14.0, 46.0
SERIES_COLOURS = 6


@dataclass(frozen=True)
class Series:
    """Points of one line, and how it is drawn."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "line"  # line, step, dots, guide
    low: Sequence[float] = field(default_factory=list)
    high: Sequence[float] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers that cover low to high."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next((m * size for m in (1, 2, 2.5, 5, 10) if m * size >= raw), 10 * size)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def label(value: float) -> str:
    """Write a number for an axis or a table, short."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:
        text = f"{value:.2e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
        return text.replace(".00e", "e")
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def xy_chart(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    title: str = "",
) -> str:
    """Draw lines and dots over two axes."""
    x_low, x_high = x_range or _range([v for s in series for v in s.x])
    y_low, y_high = y_range or _range([v for s in series for v in (*s.y, *s.low, *s.high)])
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def px(value: float) -> float:
        return LEFT + (value - x_low) / (x_high - x_low) * across

    def py(value: float) -> float:
        return TOP + down - (value - y_low) / (y_high - y_low) * down

    out = [
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(title or y_label)}">'
    ]
    for value in ticks(y_low, y_high):
        y = py(value)
        out.append(
            f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{label(value)}</text>'
        )
    for value in ticks(x_low, x_high):
        x = px(value)
        out.append(
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP + down:.1f}" y2="{TOP + down + 4:.1f}"/>'
            f'<text class="tick" x="{x:.1f}" y="{TOP + down + 18:.1f}" text-anchor="middle">{label(value)}</text>'
        )
    out.append(
        f'<line class="axis" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{TOP + down:g}" y2="{TOP + down:g}"/>'
    )
    out.append(
        f'<text class="label" x="{LEFT + across / 2:g}" y="{HEIGHT - 8:g}" text-anchor="middle">{escape(x_label)}</text>'
    )
    middle = TOP + down / 2
    out.append(
        f'<text class="label" transform="translate(14 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    colour = 0
    for s in series:
        points = [(px(a), py(b)) for a, b in zip(s.x, s.y, strict=True)]
        name = f"<title>{escape(s.name)}</title>" if s.name else ""
        if s.style == "guide":
            out.append(f'<path class="guide" d="{_path(points)}">{name}</path>')
            continue
        colour += 1
        hue = f"s{(colour - 1) % SERIES_COLOURS + 1}"
        for k, (low, high) in enumerate(zip(s.low, s.high, strict=True)):
            x = points[k][0]
            out.append(
                f'<line class="bar {hue}" x1="{x:.1f}" x2="{x:.1f}" y1="{py(low):.1f}" y2="{py(high):.1f}"/>'
            )
        if s.style in ("line", "step") and len(points) > 1:
            shape = _steps(points) if s.style == "step" else _path(points)
            out.append(f'<path class="line {hue}" d="{shape}">{name}</path>')
        if s.style == "dots" or s.low or len(points) == 1:
            radius = 2 if len(points) > 60 else 4
            for k, (x, y) in enumerate(points):
                note = f"<title>{escape(s.notes[k])}</title>" if s.notes else ""
                out.append(
                    f'<circle class="dot {hue}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">{note}</circle>'
                )
    out.append("</svg>")
    named = [s for s in series if s.name and s.style != "guide"]
    if len(named) > 1:
        out.append('<div class="legend">')
        for k, s in enumerate(named):
            out.append(f'<span><i class="s{k % SERIES_COLOURS + 1}"></i>{escape(s.name)}</span>')
        out.append("</div>")
    return "".join(out)


def coefficient_chart(rows: Sequence[tuple[str, float]]) -> str:
    """Draw bars to the left (lowers) and to the right (raises) of a line at zero."""
    line, gap, number = 22.0, 230.0, 58.0
    width = 760.0
    height = line * len(rows) + 8
    most = max((abs(value) for _, value in rows), default=0.0) or 1.0
    zero = gap + (width - gap) / 2
    half = (width - gap) / 2 - number
    out = [f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="coefficients">']
    for k, (name, value) in enumerate(rows):
        y = 4 + k * line
        size = abs(value) / most * half
        x = zero if value >= 0 else zero - size
        shown = name if len(name) <= 32 else name[:31] + "…"
        end = x + size + 6 if value >= 0 else x - 6
        anchor = "start" if value >= 0 else "end"
        out.append(
            f'<text class="name" x="{gap - 10:g}" y="{y + 15:.1f}" text-anchor="end">{escape(shown)}'
            f"<title>{escape(name)}</title></text>"
            f'<rect class="{"up" if value >= 0 else "down"}" x="{x:.1f}" y="{y + 3:.1f}" width="{max(size, 0.5):.1f}" '
            f'height="{line - 7:g}" rx="2"><title>{escape(name)}: {value:+.4g}</title></rect>'
            f'<text class="tick" x="{end:.1f}" y="{y + 15:.1f}" text-anchor="{anchor}">{value:+.3g}</text>'
        )
    out.append(f'<line class="axis" x1="{zero:g}" x2="{zero:g}" y1="0" y2="{height:g}"/></svg>')
    return "".join(out)


def interval_chart(
    value: float, low: float, high: float, baseline: float | None, span: tuple[float, float]
) -> str:
    """Draw a score on a short line: its interval, its value, and where the baseline stands."""
    width, height = 220.0, 20.0

    def px(v: float) -> float:
        return 6 + (min(max(v, span[0]), span[1]) - span[0]) / ((span[1] - span[0]) or 1) * (width - 12)

    base = ""
    if baseline is not None:
        base = (
            f'<line class="base" x1="{px(baseline):.1f}" x2="{px(baseline):.1f}" y1="3" y2="17">'
            f"<title>baseline {baseline:.4g}</title></line>"
        )
    return (
        f'<svg class="interval" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f'<line class="grid" x1="6" x2="{width - 6:g}" y1="10" y2="10"/>{base}'
        f'<line class="bar s1" x1="{px(low):.1f}" x2="{px(high):.1f}" y1="10" y2="10"/>'
        f'<circle class="dot s1" cx="{px(value):.1f}" cy="10" r="4"/></svg>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low == high:
        return low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    pad = (high - low) * 0.04
    return low - pad, high + pad


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _steps(points: Sequence[tuple[float, float]]) -> str:
    out = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for x, y in points[1:]:
        out.append(f"V{y:.1f}H{x:.1f}")
    return "".join(out)
