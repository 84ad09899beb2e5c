"""Rendered pictures one after the other, and the mark that says what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from erlnet.nerf.model import DbfNerf
from erlnet.runs.render_show import Show

SYNTHETIC = "Synthetic: rendered by erlnet from sound or coefficients. Not a recording of a person."
_WORD = "SYNTHETIC"
_BAND = 0.075  # of the picture's height
_LEAST = 13  # px: below it the word could not be read
_DIM = 0.35  # of the picture's light that is left under the word


def parts(model: DbfNerf, n_frames: int) -> Iterator[slice]:
    """The frames that are rendered at once, in order."""
    for start in range(0, n_frames, model.settings.render_batch):
        yield slice(start, min(start + model.settings.render_batch, n_frames))


def rendered(model: DbfNerf, show: Show) -> Iterator[np.ndarray]:
    """(H,W,3) uint8 of each frame; a few are rendered at once, when the first of them is asked for."""
    for part in parts(model, len(show)):
        yield from frames_of(model, show, part)


def frames_of(model: DbfNerf, show: Show, part: slice) -> np.ndarray:
    """(N,H,W,3) uint8 of some frames."""
    head, root = torch.from_numpy(show.path.head_to_world[part]), torch.from_numpy(show.path.root[part])
    return model.frames(show.signal[part], head, root).cpu().numpy().transpose(0, 2, 3, 1)


def marked(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same with a dark band at the foot that says SYNTHETIC."""
    band = None
    for picture in pictures:
        if band is None:
            band = _band(*picture.shape[:2])
        out = picture.copy()
        foot = out[-len(band) :]
        foot[:] = np.maximum((foot * _DIM).astype(np.uint8), band[..., None])
        yield out


def _band(height: int, width: int) -> np.ndarray:
    """(h,W) uint8: the word in white on black."""
    tall = max(round(_BAND * height), min(_LEAST, height))
    size = 0.82 * tall
    font = ImageFont.load_default(size=size)
    size *= min(1.0, 0.94 * width / font.getlength(_WORD))
    image = Image.new("L", (width, tall), 0)
    middle = (width / 2, tall / 2)
    ImageDraw.Draw(image).text(middle, _WORD, 255, ImageFont.load_default(size=size), anchor="mm")
    return np.asarray(image)
