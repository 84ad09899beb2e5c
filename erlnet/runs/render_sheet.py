"""The contact sheet: some moments of a render below each other, everything that was made of them in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from erlnet.data.clip import FPS
from erlnet.runs.animation_head import BACKGROUND
from erlnet.runs.render_beside import fit

MOMENTS = 6
_CELL, _GAP, _LEFT, _TOP, _FOOT = 224, 4, 64, 30, 26  # px
_TEXT, _SOFT = (240, 240, 242), (160, 162, 168)


@dataclass(frozen=True, eq=False)
class Moment:
    """One row."""

    frame: int
    pictures: Mapping[str, np.ndarray]  # column -> (H,W,3) uint8; alike in every row


def moments(n_frames: int) -> list[int]:
    """The frames that are shown: spread evenly, each from the middle of its share."""
    n = min(MOMENTS, n_frames)
    return [int((i + 0.5) * n_frames / n) for i in range(n)]


def sheet(rows: Sequence[Moment], foot: str) -> np.ndarray:
    """(H,W,3) uint8; `foot` is a line below."""
    columns = list(rows[0].pictures)
    width = _LEFT + len(columns) * (_CELL + _GAP)
    height = _TOP + len(rows) * (_CELL + _GAP) + _FOOT
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    draw, font, small = ImageDraw.Draw(canvas), ImageFont.load_default(size=15), ImageFont.load_default(size=13)
    for i, name in enumerate(columns):
        draw.text((_LEFT + i * (_CELL + _GAP) + _CELL / 2, _TOP / 2), name, _TEXT, font, anchor="mm")
    for j, row in enumerate(rows):
        top = _TOP + j * (_CELL + _GAP)
        draw.text((_LEFT / 2, top + _CELL / 2), f"{row.frame / FPS:.2f} s", _SOFT, small, anchor="mm")
        for i, name in enumerate(columns):
            canvas.paste(Image.fromarray(fit(row.pictures[name], _CELL)), (_LEFT + i * (_CELL + _GAP), top))
    draw.text((_LEFT, height - _FOOT / 2), foot, _SOFT, small, anchor="lm")
    return np.asarray(canvas)
