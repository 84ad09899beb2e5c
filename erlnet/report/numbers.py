"""How numbers are written: as many digits as a reader can use."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"


def decimals(unit: str) -> int:
    """Digits after the point for a unit."""
    return {"dB": 2, "px": 2, "frames": 1, "frame": 1, "mm": 2, "deg": 2, "%": 1, "s": 1}.get(unit, 3)


def number(value: float | None, unit: str = "", signed: bool = False) -> str:
    """Fixed digits by unit, a true minus sign, and 'n/a' for None."""
    if value is None or not math.isfinite(value):
        return "n/a"
    text = f"{value:{'+' if signed else ''}.{decimals(unit)}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit and text != "n/a" else text


def interval(bounds: tuple[float, float] | None, unit: str = "", signed: bool = False) -> str:
    return f"[{number(bounds[0], unit, signed)}, {number(bounds[1], unit, signed)}]" if bounds else "no interval"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "n/a"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def memory(size: float | None) -> str:
    return "n/a" if size is None else f"{size / 2**20:,.0f} MiB"


def millions(number: float | None) -> str:
    return "n/a" if number is None else f"{number / 1e6:,.0f} million"


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that span [low, high], about that many."""
    span = high - low
    if not span > 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
