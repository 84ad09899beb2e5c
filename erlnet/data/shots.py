"""Hard cuts: where a video goes over from one shot to the next.

A cut is a jump of the whole picture that stands out from the motion round it and does not jump back (a flash does).
Someone who speaks moves the mean of the 32x32 thumbnail's channels by under 5 levels a frame; another room, or another
face before the same wall, by 12 and more.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image

SIDE = 32  # px of a thumbnail
_JUMP = 8.0  # of 255, mean absolute change
_STANDS_OUT = 4.0  # times the median change round it
_STILL = 0.5  # level added to that median: sensor noise
_AROUND = 6  # source frames on either side
_BLOCK = 256  # frames compared at once
SHORTEST = 25  # frames: a shorter shot is left out


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8 -> (SIDE,SIDE,3) uint8, averaged."""
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0))


def cuts(thumbnails: np.ndarray, numbers: np.ndarray | None = None) -> list[int]:
    """(T,SIDE,SIDE,3) uint8 -> the first frame of each new shot, rising.

    `numbers` (T,) int is the source frame that each shows; None: each its own. Changes are taken between source frames:
    a slow source repeats frames, which do not change at all, and beside them any motion would stand out.
    """
    numbers = np.arange(len(thumbnails)) if numbers is None else numbers
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))  # of each source frame
    change = _changes(thumbnails, first)
    found = []
    for i in np.flatnonzero(change > _JUMP):
        usual = np.median(np.concatenate([change[max(i - _AROUND, 0) : i], change[i + 1 : i + _AROUND + 1], [0.0]]))
        if change[i] <= _STANDS_OUT * (usual + _STILL):
            continue
        around = first[np.clip(np.arange(i - 1, i + 3), 0, len(change))]
        back, before, here, after = thumbnails[around]
        if _change(before, after) >= _JUMP and _change(back, here) >= _JUMP:  # no flash
            found.append(int(first[i + 1]))
    return found


def _changes(thumbnails: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(N-1,) mean absolute change from each of the frames `at` (N,) to the next, a few at a time to bound memory."""
    parts = [np.zeros(0)]
    for begin in range(0, len(at) - 1, _BLOCK):
        rows = thumbnails[at[begin : begin + _BLOCK + 1]]
        parts.append(_change(rows[:-1], rows[1:]))
    return np.concatenate(parts)


def _change(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(...,SIDE,SIDE,3) uint8 each -> (...) mean absolute difference."""
    return (np.maximum(a, b) - np.minimum(a, b)).mean((-3, -2, -1))


def shots(n_frames: int, at: list[int]) -> list[tuple[int, int]]:
    """Runs [begin, end) between the cuts, in order; the too short ones are in it too."""
    return list(pairwise([0, *at, n_frames]))
