"""Charts as inline SVG: text stays text, colours follow the page (light, dark, print), nothing to load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from erlnet.report.numbers import MINUS, decimals, nice_ticks, number

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#7b5ea7", "#6b6b6b")
"""Told apart by people who see few colours (after Okabe and Ito); a variant keeps its colour on the whole page."""


MAX_LABEL = 34  # characters


@dataclass(frozen=True)
class Row:
    """One line of an interval chart."""

    label: str
    mean: float
    low: float | None
    high: float | None
    points: tuple[tuple[str, float], ...]  # (clip, value)
    colour: str
    faint: bool = False  # a reference row


def interval_chart(
    rows: Sequence[Row],
    unit: str,
    title: str,
    zero: bool = False,
    band: float | None = None,
    ends: tuple[str, str] | None = None,
) -> Markup:
    """A row per arm: small dots are clips, the large dot is the mean, the bar its 95 % interval.

    `zero` draws the line of no difference, `band` shades +-band (differences that do not matter) and `ends` names
    what lies left and right of zero.
    """
    left, right, line, top = max(_label_width(rows), 90), 20, 44, 28 if ends else 10
    width, bottom = 760, top + line * len(rows)
    values = [v for r in rows for v in (r.mean, r.low, r.high, *(p for _, p in r.points)) if v is not None]
    values += [-(band or 0), 0, band or 0] if zero else []
    pad = (max(values) - min(values) or abs(max(values)) or 1) * 0.06
    low, high = min(values) - pad, max(values) + pad

    def x(value: float) -> float:
        return round(left + (value - low) / (high - low) * (width - left - right), 1)

    parts = []
    if band:
        span = f'x="{x(-band)}" width="{x(band) - x(-band):.1f}"'
        parts.append(f'<rect class="band" {span} y="{top}" height="{bottom - top}"/>')
    ticks = nice_ticks(low, high)
    digits = _tick_digits(ticks)
    for tick in ticks:
        label = f"{tick:{'+' if zero and abs(tick) > 1e-12 else ''}.{digits}f}".replace("-", MINUS)
        parts += [_line(x(tick), top, x(tick), bottom, "grid"), _text(x(tick), bottom + 16, label, "tick", "middle")]
    if zero:
        parts.append(_line(x(0), top - 4, x(0), bottom, "zero"))
    if ends:
        parts.append(_text(x(0) - 8, top - 12, f"\N{LEFTWARDS ARROW} {ends[0]}", "end", "end"))
        parts.append(_text(x(0) + 8, top - 12, f"{ends[1]} \N{RIGHTWARDS ARROW}", "end", "start"))
    for index, row in enumerate(rows):
        y = top + line * (index + 0.5)
        parts.append(_text(left - 12, y + 4, _cut(row.label), "faint" if row.faint else "name", "end"))
        parts += _interval_row(row, y, x, unit)
    if unit:
        parts.append(_text(width - right, bottom + 31, unit, "tick", "end"))
    return _svg(width, bottom + 34, title, parts, "intervals")


def _label_width(rows: Sequence[Row]) -> int:
    """px that the longest label needs at 13 px bold, and a margin."""
    return max(len(_cut(row.label)) for row in rows) * 8 + 20


def _cut(label: str) -> str:
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _interval_row(row: Row, y: float, x: Callable[[float], float], unit: str) -> list[str]:
    """The clips' dots, the interval and the mean at height `y`; `x` places a value."""
    parts = []
    for index, (clip, value) in enumerate(row.points):
        jitter = (index * 7 % 5 - 2) * 3.2  # spread by index, so that equal values stay visible
        parts.append(_dot(x(value), y + jitter, 3, row.colour, "point", f"{clip}: {number(value, unit)}"))
    tip = f"{row.label}: {number(row.mean, unit)}"
    if row.low is not None and row.high is not None:
        stroke = f'stroke="{row.colour}" stroke-width="3"'
        parts.append(_line(x(row.low), y, x(row.high), y, "bar", stroke))
        parts += [_line(x(end), y - 6, x(end), y + 6, "bar", stroke) for end in (row.low, row.high)]
        tip += f" [{number(row.low, unit)}, {number(row.high, unit)}]"
    return [*parts, _dot(x(row.mean), y, 6, row.colour, "mean", tip)]


@dataclass(frozen=True)
class Line:
    """One curve; NaN where a frame has no value."""

    label: str
    values: np.ndarray  # (T,)
    colour: str
    dashed: bool = False


def curve_chart(lines: Sequence[Line], span: tuple[float, float], title: str, unit: str) -> Markup:
    """One small multiple: value over frame number, y over `span`, the same for all clips of a series."""
    width, height, left, bottom = 210, 104, 36, 16
    n_frames = max(len(line.values) for line in lines)
    low, high = span
    digits = min(decimals(unit), 2)

    def point(index: int, value: float) -> str:
        px = left + index / max(n_frames - 1, 1) * (width - left - 4)
        py = 6 + (high - value) / ((high - low) or 1) * (height - bottom - 6)
        return f"{px:.1f},{py:.1f}"

    parts = []
    for value, y in ((high, 6), (low, height - bottom)):
        label = f"{value:.{digits}f}".replace("-", MINUS)
        parts += [_line(left, y, width - 4, y, "grid"), _text(left - 4, y + 4, label, "tick", "end")]
    parts.append(_text(left, height - 2, "0", "tick", "start"))
    parts.append(_text(width - 4, height - 2, f"frame {n_frames - 1}", "tick", "end"))
    for line in lines:
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        for run in _runs(line.values):
            points = " ".join(point(i, float(line.values[i])) for i in run)
            parts.append(f'<polyline points="{points}" stroke="{line.colour}"{dash}/>')
    return _svg(width, height, title, parts, "curve")


def _runs(values: np.ndarray) -> list[range]:
    """Stretches of frames that have a value; a gap stays a gap."""
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    starts, stops = np.flatnonzero(~finite[:-1] & finite[1:]), np.flatnonzero(finite[:-1] & ~finite[1:])
    return [range(int(a), int(b)) for a, b in zip(starts, stops)]


def _tick_digits(ticks: Sequence[float]) -> int:
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 0.1
    return next(d for d in range(8) if abs(round(step, d) - step) < step * 1e-6 or d == 7)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, more: str = "") -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {more}/>'


def _text(x: float, y: float, content: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(content)}</text>'


def _dot(x: float, y: float, radius: float, colour: str, kind: str, tip: str) -> str:
    shape = f'class="{kind}" cx="{x}" cy="{y:.1f}" r="{radius}" fill="{colour}"'
    return f"<circle {shape}><title>{escape(tip)}</title></circle>"


def _svg(width: float, height: float, title: str, parts: Sequence[str], kind: str) -> Markup:
    head = f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}{''.join(parts)}</svg>")
