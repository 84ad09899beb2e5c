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
_AROUND = 6  # frames on either side
SHORTEST = 25  # frames: a shorter shot is left out


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8 -> (SIDE,SIDE,3) uint8, averaged."""
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0))


def cuts(thumbnails: np.ndarray) -> list[int]:
    """(T,SIDE,SIDE,3) uint8 -> the first frame of each new shot, rising."""
    small = thumbnails.astype(np.float32)
    change = np.abs(np.diff(small, axis=0)).mean((1, 2, 3))  # (T-1,), change[i] is from frame i to i + 1
    found = []
    for i in np.flatnonzero(change > _JUMP):
        usual = np.median(np.concatenate([change[max(i - _AROUND, 0) : i], change[i + 1 : i + _AROUND + 1], [0.0]]))
        if change[i] <= _STANDS_OUT * (usual + _STILL):
            continue
        before, after = small[i], small[i + 2] if i + 2 < len(small) else small[i + 1]
        back = small[i - 1] if i else small[i]
        flash = np.abs(after - before).mean() < _JUMP or np.abs(small[i + 1] - back).mean() < _JUMP
        if not flash:
            found.append(int(i) + 1)
    return found


def shots(n_frames: int, at: list[int]) -> list[tuple[int, int]]:
    """Runs [begin, end) between the cuts, in order; the too short ones are in it too."""
    return list(pairwise([0, *at, n_frames]))
