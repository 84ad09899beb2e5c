"""Finds faces frame after frame, small ones too.

The detector sees the whole frame at 128 px and misses faces under a tenth of its longer side. Where it finds none, the
frame is searched in overlapping squares; where that finds one, the following frames are looked at in a window round it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from erlnet.data.detector import Face

_SEARCH_EVERY = 12  # frames between two searches in squares while no face is there
_GIVE_UP = 12  # frames without a face before the window is left
_WINDOW = 4.0  # side of the window over the face's larger side
_DRIFT = 0.15  # of the window's side that a face may move off its middle before the window follows


class Eye(Protocol):
    """What finds faces in one picture: a FaceDetector, or several that take turns."""

    def faces(self, frame: np.ndarray, corner: tuple[int, int] = (0, 0)) -> list[Face]: ...


class FaceFinder:
    """Faces of consecutive frames, in px of the whole frame."""

    def __init__(self, detector: Eye):
        self._detector = detector
        self._window: tuple[int, int, int] | None = None  # left, top, side
        self._lost = 0  # frames in a row without a face

    @property
    def sees_whole(self) -> bool:
        """Whether the next frame will be looked at as a whole, as far as is known now."""
        return self._window is None

    def __call__(self, frame: np.ndarray, whole: list[Face] | None = None) -> list[Face]:
        """(H,W,3) uint8 RGB -> every face found; `whole`: what the detector finds in the whole, where it has looked."""
        faces = whole if whole is not None and self._window is None else self._look(frame, self._window)
        if not faces and self._window is None and self._lost % _SEARCH_EVERY == 0:
            faces = self._search(frame)
        self._lost = 0 if faces else self._lost + 1
        if faces and self._window is not None:
            self._follow(faces, frame)
        elif self._lost >= _GIVE_UP:
            self._window = None
        return faces

    def _look(self, frame: np.ndarray, window: tuple[int, int, int] | None) -> list[Face]:
        if window is None:
            return self._detector.faces(frame)
        left, top, side = window
        return self._detector.faces(frame[top : top + side, left : left + side], (left, top))

    def _search(self, frame: np.ndarray) -> list[Face]:
        short = min(frame.shape[:2])
        for side in (short, short // 2):
            for window in squares(frame.shape[0], frame.shape[1], side):
                faces = self._look(frame, window)
                if faces:
                    self._window = window
                    return faces
        return []

    def _follow(self, faces: list[Face], frame: np.ndarray) -> None:
        """Keeps the window on the largest face; it stands still while the face is near its middle."""
        assert self._window is not None
        left, top, right, bottom = max(faces, key=lambda face: face.area).box
        wanted = min(_WINDOW * max(right - left, bottom - top), min(frame.shape[:2]))
        old_left, old_top, side = self._window
        x, y = (left + right) / 2, (top + bottom) / 2
        off = max(abs(x - old_left - side / 2), abs(y - old_top - side / 2))
        if off > _DRIFT * side or not 0.7 < side / wanted < 1.4:
            side = round(wanted)
            self._window = (
                int(np.clip(x - side / 2, 0, frame.shape[1] - side)),
                int(np.clip(y - side / 2, 0, frame.shape[0] - side)),
                side,
            )


def squares(height: int, width: int, side: int) -> list[tuple[int, int, int]]:
    """(left, top, side) of squares that overlap by half at least and cover the frame."""

    def starts(length: int) -> list[int]:
        n = max(int(np.ceil((length - side) / (side / 2))), 0)
        return np.linspace(0, length - side, n + 1).round().astype(int).tolist()

    return [(x, y, side) for y in starts(height) for x in starts(width)]
