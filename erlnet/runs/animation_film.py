"""The animation: heads beside each other, the sound's waveform with a moving cursor beneath them; frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.runs.animation_head import BACKGROUND
from erlnet.runs.animation_wave import envelope

MAX_COLUMNS = 4
WINDOW_SECONDS = 8.0  # of the waveform that is on show; a longer sound runs through
SYNTHETIC = "Synthetic: motion generated from sound by erlnet, shown on a head model. No recording of a person."
_SIZES = {1: 384, 2: 384, 3: 320, 4: 320}  # px of a head, by heads in a row
_CAPTION, _STRIP, _CLOCK = 34, 76, 20  # px
_WAVE, _PLAYED, _CURSOR, _TEXT, _SOFT = (
    (86, 96, 110),
    (110, 168, 254),
    (255, 214, 102),
    (240, 240, 242),
    (160, 162, 168),
)


@dataclass(frozen=True)
class Head:
    """One moving head."""

    caption: str
    pictures: Iterator[np.ndarray]  # (S,S,3) uint8, as many as the film has frames


def head_size(n_heads: int) -> int:
    """px of a head's picture in a film of that many heads."""
    return _SIZES[min(n_heads, MAX_COLUMNS)]


def film(heads: Sequence[Head], samples: np.ndarray, n_frames: int) -> Iterator[np.ndarray]:
    """(H,W,3) uint8 RGB with even sides, one at a time; `samples` (N,) at 16 kHz."""
    size, columns = head_size(len(heads)), min(len(heads), MAX_COLUMNS)
    lines = -(-len(heads) // columns)
    width, height = columns * size, lines * (size + _CAPTION) + _STRIP + _CLOCK
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=17)
    places = [(i % columns * size, i // columns * (size + _CAPTION)) for i in range(len(heads))]
    for head, (x, y) in zip(heads, places):
        draw.text((x + size / 2, y + _CAPTION / 2), _fit(head.caption, size, font), _TEXT, font, anchor="mm")
    strip = _Strip(samples, n_frames / FPS, width)
    small = ImageFont.load_default(size=12)
    for index, pictures in zip(range(n_frames), zip(*(head.pictures for head in heads))):
        for picture, (x, y) in zip(pictures, places):
            canvas.paste(Image.fromarray(picture), (x, y + _CAPTION))
        now = (index + 0.5) / FPS
        canvas.paste(Image.fromarray(strip.draw(now)), (0, height - _STRIP - _CLOCK))
        draw.rectangle((0, height - _CLOCK, width, height), BACKGROUND)
        draw.text((8, height - _CLOCK / 2), f"{now:.2f} s of {n_frames / FPS:.2f} s", _SOFT, small, anchor="lm")
        draw.text((width - 8, height - _CLOCK / 2), "synthetic", _SOFT, small, anchor="rm")
        yield np.array(canvas)


class _Strip:
    """The waveform round the present moment."""

    def __init__(self, samples: np.ndarray, seconds: float, width: int):
        self.seconds, self.width = seconds, width
        self.window = min(seconds, WINDOW_SECONDS)
        columns = max(round(width * seconds / self.window), width)
        low, high = envelope(samples[: round(seconds * SAMPLE_RATE)], columns)
        loudest = max(float(np.abs(low).max()), float(np.abs(high).max()), 1e-4)
        middle, reach = _STRIP / 2, _STRIP / 2 - 5
        self.top = np.floor(middle - reach * high / loudest - 0.5)
        self.bottom = np.ceil(middle - reach * low / loudest + 0.5)

    def draw(self, now: float) -> np.ndarray:
        """(_STRIP, width, 3) uint8 at `now` s."""
        start = min(max(now - self.window / 2, 0.0), self.seconds - self.window)
        per_second = self.width / self.window
        first = min(round(start * per_second), len(self.top) - self.width)
        part = slice(first, first + self.width)
        rows = np.arange(_STRIP)[:, None]
        wave = (rows >= self.top[part]) & (rows < self.bottom[part])
        cursor = int(np.clip(round(now * per_second) - first, 1, self.width - 2))
        played = np.arange(self.width)[None, :] < cursor
        picture = np.tile(np.array(BACKGROUND, np.uint8), (_STRIP, self.width, 1))
        picture[wave & played], picture[wave & ~played] = _PLAYED, _WAVE
        picture[:, cursor : cursor + 2] = _CURSOR
        return picture


def _fit(caption: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    shown = caption
    while font.getlength(shown) > width - 16 and len(shown) > 2:
        shown = shown[:-2] + "\N{HORIZONTAL ELLIPSIS}"
    return shown
