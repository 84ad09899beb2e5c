"""The curves of several motions over one sound as one SVG file: text stays text, legible on light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import escape

from erlnet.report.charts import COLOURS
from erlnet.report.numbers import MINUS, nice_ticks
from erlnet.runs.animation_measures import TITLES
from erlnet.runs.animation_wave import envelope, thinned

_WIDTH, _LEFT, _RIGHT = 960, 52, 16  # px
_TOP, _WAVE, _PANEL, _GAP = 64, 64, 74, 26  # px; a panel's title stands in the gap above it
_MOST_POINTS = 2400  # of a curve: more than a screen has columns
_LEGEND = 20  # px a line
_STYLE = """<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1d1e22}
.head{font-size:15px;font-weight:600}.soft,.tick{fill:#5d6068}.tick{font-size:11px}
.page{fill:#ffffff}.wave{fill:#7d8794}.grid{stroke:#e2e4e9}.zero{stroke:#b9bdc6}
polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}.truth{stroke:#1d1e22;stroke-dasharray:5 3;stroke-width:1.3}
@media (prefers-color-scheme:dark){text{fill:#ececf0}.soft,.tick{fill:#a3a6ae}.page{fill:#18181b}.wave{fill:#8d96a3}
.grid{stroke:#313338}.zero{stroke:#5b5e66}.truth{stroke:#ececf0}polyline{filter:brightness(1.25)}}
</style>"""


@dataclass(frozen=True, eq=False)
class Curves:
    """One motion's curves."""

    label: str
    values: Mapping[str, np.ndarray]  # as erlnet.runs.animation_measures.measure gives them
    truth: bool = False


def curves_svg(motions: Sequence[Curves], samples: np.ndarray, fps: float, title: str) -> str:
    """The waveform of `samples` (N,) on top, then a panel for each curve; every motion keeps its colour."""
    n_frames = max(len(next(iter(m.values.values()))) for m in motions)
    seconds = n_frames / fps
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(motions))]
    legend, legend_height = _legend(motions, colours)
    parts = [_text(_LEFT, 24, title, "head"), *legend]
    y = _TOP + legend_height
    parts += [_title(y, "sound"), _waveform(samples, y)]
    y += _WAVE + _GAP
    for name in (name for name in TITLES if name in motions[0].values):
        parts += _panel(name, motions, colours, y, seconds, fps)
        y += _PANEL + _GAP
    bottom = y - _GAP
    parts += _time_axis(seconds, bottom)
    height = bottom + 40
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">'
    )
    page = f'<rect class="page" width="{_WIDTH}" height="{height}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", _STYLE, page, *parts, "</svg>\n"])


def _legend(motions: Sequence[Curves], colours: Sequence[str]) -> tuple[list[str], int]:
    """Its parts, and how much higher than one line it is."""
    parts, x, y = [], _LEFT, 44
    for motion, colour in zip(motions, colours):
        width = 34 + round(7.2 * len(motion.label)) + 18
        if x + width > _WIDTH - _RIGHT and x > _LEFT:
            x, y = _LEFT, y + _LEGEND
        parts.append(f'<polyline points="{x},{y} {x + 26},{y}" {_stroke(motion, colour)}/>')
        parts.append(_text(x + 33, y + 4, motion.label))
        x += width
    return parts, y - 44 + 12


def _stroke(motion: Curves, colour: str) -> str:
    return 'class="truth"' if motion.truth else f'stroke="{colour}"'


def _waveform(samples: np.ndarray, y: float) -> str:
    columns = _WIDTH - _LEFT - _RIGHT
    low, high = envelope(samples, columns)
    loudest = max(float(np.abs(samples).max()), 1e-4)
    middle, reach = y + _WAVE / 2, _WAVE / 2 - 2
    upper = [f"{_LEFT + i},{middle - reach * v / loudest - 0.4:.1f}" for i, v in enumerate(high)]
    lower = [f"{_LEFT + i},{middle - reach * v / loudest + 0.4:.1f}" for i, v in enumerate(low)]
    return f'<polygon class="wave" points="{" ".join(upper + lower[::-1])}"/>'


def _panel(
    name: str, motions: Sequence[Curves], colours: Sequence[str], y: float, seconds: float, fps: float
) -> list[str]:
    low, high = _span(name, [m.values[name] for m in motions])

    def at(value: float) -> float:
        return y + (high - value) / (high - low) * _PANEL

    parts = [_title(y, TITLES[name])]
    ticks = nice_ticks(low, high, 3)
    digits = _digits(ticks)
    for tick in ticks:
        label = f"{tick:.{digits}f}".replace("-", MINUS)
        parts.append(_line(at(tick), "zero" if abs(tick) < 1e-9 else "grid"))
        parts.append(_text(_LEFT - 6, at(tick) + 4, label, "tick", "end"))
    for motion, colour in sorted(zip(motions, colours), key=lambda pair: not pair[0].truth):  # the truth lies below
        frames, values = thinned(motion.values[name], _MOST_POINTS)
        x = _LEFT + (frames + 0.5) / fps / seconds * (_WIDTH - _LEFT - _RIGHT)
        points = " ".join(f"{a:.1f},{at(float(b)):.1f}" for a, b in zip(x, values))
        parts.append(f'<polyline points="{points}" {_stroke(motion, colour)}/>')
    return parts


def _digits(ticks: Sequence[float]) -> int:
    """After the point, so that no two labels are rounded."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.01
    return next(d for d in range(8) if abs(round(step, d) - step) < step * 1e-6 or d == 7)


def _span(name: str, curves: Sequence[np.ndarray]) -> tuple[float, float]:
    """What the panel shows: all values and a little more; lids always their whole range."""
    if name == "lids":
        return -0.05, 1.05
    low, high = (float(f([f(c) for c in curves])) for f in (np.min, np.max))
    least = {"mouth": 0.1, "brows down": 0.1, "brows up": 0.1}.get(name, 3.0)  # what hardly moves must look still
    pad = max((high - low) * 0.06, (least - (high - low)) / 2)
    return low - pad, high + pad


def _time_axis(seconds: float, y: float) -> list[str]:
    parts = []
    for tick in nice_ticks(0.0, seconds, 10):
        x = _LEFT + tick / seconds * (_WIDTH - _LEFT - _RIGHT)
        parts.append(_text(x, y + 18, f"{tick:g}", "tick", "middle"))
    return [*parts, _text(_WIDTH - _RIGHT, y + 34, "time, s", "tick", "end")]


def _title(y: float, text: str) -> str:
    return _text(_LEFT, y - 7, text, "soft")


def _line(y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
