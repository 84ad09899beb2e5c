"""Long sound in overlapping windows, so that memory does not grow with its length.

Windows start at fixed places, the last one is as long as what is left. Where two overlap, the later one takes over
along a straight line: a row near a window's edge, which has little context on one side, counts for little.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def spans(n_frames: int, length: int, overlap: int) -> list[tuple[int, int]]:
    """[start, stop) of each window, in frames; neighbours share `overlap` frames, at most half of `length`."""
    starts = range(0, max(n_frames - overlap, 1), length - overlap)
    return [(start, min(start + length, n_frames)) for start in starts]


def in_windows(
    encode: Callable[[int, int], np.ndarray], width: int, n_frames: int, length: int, overlap: int
) -> np.ndarray:
    """(n_frames,width) float32 from `encode`, which gives frames [start, stop) as (stop - start, width)."""
    joined = np.empty((n_frames, width), np.float32)
    done = 0
    for start, stop in spans(n_frames, length, overlap):
        rows = encode(start, stop)
        shared = done - start
        later = (np.arange(1, shared + 1, dtype=np.float32) / (shared + 1))[:, None]
        joined[start:done] += later * (rows[:shared] - joined[start:done])
        joined[done:stop] = rows[shared:]
        done = stop
    return joined
