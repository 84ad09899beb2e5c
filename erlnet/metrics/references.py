"""Reference rows: what no model, or no honest one, would score. Floors know nothing of the test frame but its pose.

Floors: `mean_frame`, `last_frame`, `nearest_pose`. Controls: `truth` (what a metric gives to perfection) and
`frozen_mouth` (the truth with a shut mouth: what whole-frame scores let pass).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from erlnet.metrics.face import mouth_opening
from erlnet.metrics.frozen_mouth import FrozenMouthFrames
from erlnet.metrics.pairs import FrameSource

MEAN_FRAMES = 1000  # the mean frame is taken over at most so many, evenly spread


@runtime_checkable
class ReferenceClip(FrameSource, Protocol):
    """What a reference row needs of a clip; `erlnet.data.clip.Clip` is one."""

    @property
    def labels(self) -> Any: ...  # has `speaker`

    @property
    def coefficients(self) -> Any: ...  # has `head_to_world` (T,4,4) and `valid` (T,)

    @property
    def landmarks(self) -> np.ndarray: ...  # (T,68,2) px, NaN where there is no face


@dataclass(frozen=True)
class StillFrames:
    """One frame (3,H,W) uint8, `length` times."""

    frame: np.ndarray
    length: int

    def __len__(self) -> int:
        return self.length

    def frames(self, start: int, stop: int) -> np.ndarray:
        return np.repeat(self.frame[None], min(stop, self.length) - start, axis=0)


@dataclass(frozen=True)
class PickedFrames:
    """Frames of several clips in an order of their own: `places[t]` = (clip, frame) of frame t."""

    clips: Sequence[FrameSource]
    places: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.places)

    def frames(self, start: int, stop: int) -> np.ndarray:
        return np.concatenate([self.clips[c].frames(t, t + 1) for c, t in self.places[start:stop]])


class References:
    """Reference rows from one speaker's training clips; what several test clips share is computed once."""

    def __init__(self, train: Sequence[ReferenceClip]):
        if not train:
            raise ValueError("reference rows need at least one training clip")
        self.train = list(train)

    def frames(self, name: str, test: ReferenceClip) -> FrameSource:
        """The row's frames for a test clip, given out lazily; KeyError for an unknown name.

        Raises ValueError where the training clips have no frame with a face, which nearest_pose and frozen_mouth need.
        """
        if name == "mean_frame":
            return StillFrames(self._mean_frame, len(test))
        if name == "last_frame":
            last = self.train[-1]
            return StillFrames(last.frames(len(last) - 1, len(last))[0], len(test))
        if name == "nearest_pose":
            return PickedFrames(self.train, self._nearest(test))
        if name == "frozen_mouth":
            clip, index = self._shut_mouth
            shut = self.train[clip]
            return FrozenMouthFrames(test, test.landmarks, shut.frames(index, index + 1)[0], shut.landmarks[index])
        return {"truth": test}[name]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(c, t) for c, clip in enumerate(self.train) for t in range(len(clip))]

    @cached_property
    def _mean_frame(self) -> np.ndarray:
        places = self._places
        chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), MEAN_FRAMES)).round().astype(int))
        total = np.zeros(self.train[0].frames(0, 1).shape[1:], np.float64)
        for i in chosen:
            clip, t = places[i]
            total += self.train[clip].frames(t, t + 1)[0]
        return (total / len(chosen)).round().astype(np.uint8)

    @cached_property
    def _poses(self) -> tuple[Rotation, np.ndarray, np.ndarray, cKDTree, np.ndarray]:
        """Mean rotation, mean and sd of the pose vectors, their tree, and the rows of `_places` in it."""
        matrices = np.concatenate([np.asarray(clip.coefficients.head_to_world, np.float64) for clip in self.train])
        valid = np.concatenate([np.asarray(clip.coefficients.valid, bool) for clip in self.train])
        rows = np.flatnonzero(valid & np.isfinite(matrices).all(axis=(1, 2)))
        if not len(rows):
            raise ValueError("nearest_pose needs training frames with a tracked face; there are none")
        middle = Rotation.from_matrix(matrices[rows, :3, :3]).mean()
        vectors = pose_vectors(matrices[rows], middle)
        mean, sd = vectors.mean(axis=0), vectors.std(axis=0)
        sd = np.where(sd > 1e-9, sd, 1.0)
        return middle, mean, sd, cKDTree((vectors - mean) / sd), rows

    def _nearest(self, test: ReferenceClip) -> tuple[tuple[int, int], ...]:
        middle, mean, sd, tree, rows = self._poses
        matrices = np.asarray(test.coefficients.head_to_world, np.float64)
        known = np.isfinite(matrices).all(axis=(1, 2))
        scaled = np.zeros((len(matrices), 6))  # a frame without a pose gets the training frame nearest to the mean pose
        scaled[known] = (pose_vectors(matrices[known], middle) - mean) / sd
        return tuple(self._places[rows[i]] for i in tree.query(scaled)[1])

    @cached_property
    def _shut_mouth(self) -> tuple[int, int]:
        """The training frame with the smallest mouth opening."""
        openings = np.concatenate([mouth_opening(np.asarray(clip.landmarks, np.float64)) for clip in self.train])
        if not np.isfinite(openings).any():
            raise ValueError("frozen_mouth needs a training frame with a face; there is none")
        return self._places[int(np.nanargmin(openings))]


def reference_frames(name: str, train: Sequence[ReferenceClip], test: ReferenceClip) -> FrameSource:
    """One row for one test clip, from the training clips of its speaker (all of them where none is of its speaker).

    Clips must be hashable: what the test clips of a speaker share is computed once for a list of training clips.
    """
    return _references(tuple(same_speaker(train, test))).frames(name, test)


@lru_cache(maxsize=4)
def _references(train: tuple[ReferenceClip, ...]) -> References:
    return References(train)


def same_speaker(train: Sequence[ReferenceClip], test: ReferenceClip) -> list[ReferenceClip]:
    """The training clips of the test clip's speaker, or all where there is none."""
    return [clip for clip in train if clip.labels.speaker == test.labels.speaker] or list(train)


def pose_vectors(matrices: np.ndarray, middle: Rotation) -> np.ndarray:
    """(T,4,4) -> (T,6): rotation vector relative to `middle` (rad), translation (m).

    Relative, because the head's rest axes lie half a turn from the camera's, where a rotation vector flips its sign.
    """
    rotations = (middle.inv() * Rotation.from_matrix(matrices[:, :3, :3])).as_rotvec()
    return np.concatenate([rotations, matrices[:, :3, 3]], axis=1)
