"""The pose-explained ceiling: true frames whose torso stands where the head's pose alone would put it.

A renderer is told the head's pose. Breath and shoulders move the torso, too, and that is not in the head: the best
picture such a renderer can make is the true one with its torso a little aside. How far aside:

1. On the training clips of the same speaker, the torso's tracked offset (T,2) px is regressed on the head's pose
   (rotation vector about the mean rotation, translation; each over its sd) by ridge, strength .01 a frame.
2. On the test clip, what the regression leaves, offset less prediction, is what pose does not explain.
3. Each true frame is warped so that the torso moves back by that much, with cubic interpolation: the whole way on
   `torso`, not at all on `head`, in between in proportion to the distances from both, fading out on the background
   from 3 to 6 % of the frame's height.

It is generous where the torso turns or widens (only its shift is tracked), and a model may know a better than linear
relation: read it as about where a perfect picture ends, not as a bound. A filmed talker, 50 s at 256x256, in the last
fifth: 30.8 dB and SSIM .968, neck .85; with a regression on those frames themselves, 37 dB and .989.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.spatial.transform import Rotation

from erlnet.interfaces import REGIONS
from erlnet.metrics.pairs import FrameSource
from erlnet.metrics.references import ReferenceClip, pose_vectors

STRENGTH = 0.01  # of the ridge, for each training frame
MIN_FRAMES = 50  # two seconds; a regression on seven numbers from fewer says little
REACH = 0.03  # of the frame's height: how far beside the torso the background moves along, and then fades out


@runtime_checkable
class PosedClip(ReferenceClip, Protocol):
    """What the ceiling needs of a clip; `erlnet.data.clip.Clip` is one. `coefficients` has `torso_offset` (T,2) px."""

    def regions(self, start: int, stop: int) -> np.ndarray:
        """(N,H,W) uint8, bit i = erlnet.interfaces.REGIONS[i]."""


@dataclass(frozen=True)
class PoseToTorso:
    """A linear map from a head's pose to the torso's offset, px."""

    middle: Rotation
    mean: np.ndarray  # (6,) of the pose vectors
    scale: np.ndarray  # (6,)
    weights: np.ndarray  # (6,2) px
    rest: np.ndarray  # (2,) px, the mean offset

    def __call__(self, head_to_world: np.ndarray) -> np.ndarray:
        """(T,4,4) -> (T,2) px."""
        return (pose_vectors(head_to_world, self.middle) - self.mean) / self.scale @ self.weights + self.rest


def fit_pose_to_torso(train: Sequence[PosedClip]) -> PoseToTorso:
    """The regression of step 1. ValueError where too few frames are tracked, or no torso was seen to move."""
    heads = np.concatenate([np.asarray(clip.coefficients.head_to_world, np.float64) for clip in train])
    offsets = np.concatenate([np.asarray(clip.coefficients.torso_offset, np.float64) for clip in train])
    valid = np.concatenate([np.asarray(clip.coefficients.valid, bool) for clip in train])
    known = valid & np.isfinite(heads).all(axis=(1, 2)) & np.isfinite(offsets).all(axis=1)
    if known.sum() < MIN_FRAMES:
        raise ValueError(f"the pose ceiling needs {MIN_FRAMES} tracked training frames; there are {int(known.sum())}")
    heads, offsets = heads[known], offsets[known]
    if not np.ptp(offsets, axis=0).any():
        raise ValueError("the pose ceiling needs tracked torso offsets; those of the training clips never change")
    middle = Rotation.from_matrix(heads[:, :3, :3]).mean()
    vectors, rest = pose_vectors(heads, middle), offsets.mean(axis=0)
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    scaled = (vectors - mean) / scale
    matrix = scaled.T @ scaled + STRENGTH * len(scaled) * np.eye(6)
    return PoseToTorso(middle, mean, scale, np.linalg.solve(matrix, scaled.T @ (offsets - rest)), rest)


def unexplained(fitted: PoseToTorso, test: PosedClip) -> np.ndarray:
    """(T,2) px, tracked offset less predicted; 0 where the tracker lost the face, so that frame stays as it is."""
    heads = np.asarray(test.coefficients.head_to_world, np.float64)
    offsets = np.asarray(test.coefficients.torso_offset, np.float64)
    known = np.asarray(test.coefficients.valid, bool) & np.isfinite(heads).all(axis=(1, 2))
    known &= np.isfinite(offsets).all(axis=1)
    left = np.zeros((len(heads), 2))
    if known.any():
        left[known] = offsets[known] - fitted(heads[known])
    return left


def torso_share(bits: np.ndarray) -> np.ndarray:
    """(H,W) region bits -> (H,W) in [0,1]: by how much of the torso's shift each pixel moves."""
    torso, head, background = ((bits >> REGIONS.index(name)) & 1 > 0 for name in ("torso", "head", "background"))
    if not torso.any():
        return np.zeros(bits.shape)
    to_torso = distance_transform_edt(~torso)
    to_head = distance_transform_edt(~head) if head.any() else np.full(bits.shape, np.inf)
    between = np.divide(
        to_head, to_head + to_torso, out=np.ones(bits.shape), where=np.isfinite(to_head) & (to_head > 0)
    )
    fade = np.where(background, np.clip(2 - to_torso / (REACH * bits.shape[0]), 0, 1), 1.0)
    return np.where(head & ~torso, 0.0, between * fade)


@dataclass(frozen=True)
class PoseExplainedFrames:
    """The test clip's frames with the torso moved back by what pose does not explain."""

    test: PosedClip
    unexplained: np.ndarray  # (T,2) px, x to the right and y down

    def __len__(self) -> int:
        return len(self.test)

    def frames(self, start: int, stop: int) -> np.ndarray:
        shown = zip(
            self.test.frames(start, stop), self.test.regions(start, stop), self.unexplained[start:stop], strict=True
        )
        return np.stack([_warped(frame, torso_share(bits), shift) for frame, bits, shift in shown])


def pose_ceiling(train: Sequence[PosedClip], test: PosedClip) -> FrameSource:
    """The row's frames for a test clip, given out lazily, from the training clips of its speaker (or all, without any).

    Raises ValueError where the training clips cannot serve (`fit_pose_to_torso`).
    """
    own = [clip for clip in train if clip.labels.speaker == test.labels.speaker] or train
    return PoseExplainedFrames(test, unexplained(fit_pose_to_torso(own), test))


def _warped(frame: np.ndarray, share: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(3,H,W) uint8 whose content moves by -shift * share; what comes from outside the frame repeats its border."""
    if not shift.any() or not share.any():
        return frame
    rows, columns = np.indices(share.shape)
    places = rows + share * shift[1], columns + share * shift[0]
    moved = [map_coordinates(c.astype(np.float32), places, order=3, mode="nearest") for c in frame]
    return np.stack(moved).round().clip(0, 255).astype(np.uint8)
