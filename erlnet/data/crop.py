"""The fixed square that a clip is cut to, and its enlargement or reduction to the output size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from erlnet.data.items import Box

FACE_MULTIPLE = 2.6  # side of the square over the larger side of the median face's box: hair and shoulders are in it
_ALMOST_WHOLE = 0.9  # from this share of the frame on the whole is taken: a small cut is not worth the resampling
_MARGIN = 0.15  # room beside the face's farthest excursions, over the face's size


@dataclass(frozen=True)
class Crop:
    """A square of the source, scaled to `size`."""

    left: int  # source px
    top: int
    side: int
    size: int  # output px

    @property
    def scale(self) -> float:
        return self.size / self.side

    def points(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) source px -> output px."""
        return (points - [self.left, self.top]) * self.scale

    def image(self, frame: np.ndarray) -> np.ndarray:
        """(H,W,3) uint8 -> (size,size,3) uint8; untouched where nothing has to be resampled."""
        cut = frame[self.top : self.top + self.side, self.left : self.left + self.side]
        if self.side == self.size:
            return np.ascontiguousarray(cut)
        # Pillow's bicubic filter widens with the reduction, so nothing aliases.
        return np.asarray(Image.fromarray(cut).resize((self.size, self.size), Image.Resampling.BICUBIC))


def face_crop(landmarks: np.ndarray, frame_size: tuple[int, int], size: int) -> Crop:
    """The square for a whole clip, from `landmarks` (T,68,2) source px (NaN without a face) in (height, width) frames.

    It is FACE_MULTIPLE times the median face, centred on it, large enough for the face's whole way through the clip,
    and clamped to the frame.
    """
    seen = landmarks[np.isfinite(landmarks).all((1, 2))]
    lows, highs = seen.min(1), seen.max(1)  # (T,2)
    low, high = np.median(lows, 0), np.median(highs, 0)
    face = (high - low).max()
    travel_low, travel_high = np.percentile(lows, 1, axis=0), np.percentile(highs, 99, axis=0)
    travel = (travel_high - travel_low).max() + 2 * _MARGIN * face
    limit = min(frame_size)
    side = max(FACE_MULTIPLE * face, travel)
    side = limit if side >= _ALMOST_WHOLE * limit else round(side)
    # Centred on the median face, then moved so that the excursions are inside, then into the frame.
    centre = (low + high) / 2
    room = side / 2 - _MARGIN * face
    centre = np.maximum(np.minimum(centre, travel_low + room), travel_high - room)
    height, width = frame_size
    left, top = (round(c - side / 2) for c in centre)
    return Crop(min(max(left, 0), width - side), min(max(top, 0), height - side), side, size)


def boxed_crop(box: Box, frame_size: tuple[int, int], size: int) -> Crop:
    """The square round a data set's own box (px of a (height, width) frame), clamped to the frame."""
    height, width = frame_size
    side = min(round(max(box.width, box.height)), height, width)
    left, top = round(box.left + box.width / 2 - side / 2), round(box.top + box.height / 2 - side / 2)
    return Crop(min(max(left, 0), width - side), min(max(top, 0), height - side), side, size)
