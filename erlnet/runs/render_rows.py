"""Rows of numbers from a CSV file that a person wrote."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from erlnet.errors import UserError


def read_rows(path: Path, flag: str, width: int) -> np.ndarray:
    """(N,width) float64, N >= 1. A first row without any number is a header; empty lines and those after # are none.

    UserError, one line that names flag, file and line, where a row is not `width` finite numbers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{flag} {path}: cannot be read as text ({error})") from None
    rows: list[list[float]] = []
    for number, words in enumerate(csv.reader(text.splitlines()), start=1):
        words = [word.strip() for word in words]
        if not any(words) or words[0].startswith("#"):
            continue
        values = [_number(word) for word in words]
        if not rows and all(value is None for value in values):
            continue
        if len(values) != width or not all(value is not None and math.isfinite(value) for value in values):
            raise UserError(
                f"{flag} {path}: line {number} is '{','.join(words)[:60]}', expected {width} finite numbers"
            )
        rows.append([value for value in values if value is not None])
    if not rows:
        raise UserError(f"{flag} {path}: holds no row of numbers")
    return np.array(rows)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
