"""How far the torso's image has moved, frame by frame: one 2-D offset (breathing, leaning, shrugs)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from erlnet.data.clip import FPS
from erlnet.interfaces import REGIONS

_TORSO = 1 << REGIONS.index("torso")
_POINTS = 60
_SMOOTH = 0.08  # s, standard deviation: against the flow's jitter; shrugs of half a second stay


class TorsoMotion:
    """Follows points of the first frame's torso through the clip (Lucas-Kanade); one median offset a frame."""

    def __init__(self) -> None:
        self._first: np.ndarray | None = None
        self._points: np.ndarray | None = None
        self._offsets: list[np.ndarray] = []

    def add(self, image: np.ndarray, regions: np.ndarray) -> None:
        """`image` (H,W,3) uint8, `regions` (H,W) uint8, frame after frame."""
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if self._first is None:
            mask = cv2.erode(((regions & _TORSO) > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
            self._first = grey
            self._points = cv2.goodFeaturesToTrack(grey, _POINTS, 0.01, 8, mask=mask)
        if self._points is None:  # nothing on the torso to hold on to
            self._offsets.append(np.zeros(2))
            return
        moved, found, _ = cv2.calcOpticalFlowPyrLK(self._first, grey, self._points, None, winSize=(21, 21), maxLevel=3)
        found = found[:, 0] == 1
        offset = np.median((moved - self._points)[found, 0], axis=0) if found.any() else np.full(2, np.nan)
        self._offsets.append(offset)

    def offsets(self) -> np.ndarray:
        """(T,2) px, smoothed; zero at the clip's median."""
        raw = np.stack(self._offsets)
        time, known = np.arange(len(raw)), np.isfinite(raw).all(1)
        if not known.any():
            return np.zeros_like(raw)
        filled = np.stack([np.interp(time, time[known], raw[known, axis]) for axis in (0, 1)], axis=1)
        smooth = gaussian_filter1d(filled, _SMOOTH * FPS, axis=0, mode="nearest")
        return smooth - np.median(smooth, axis=0)
