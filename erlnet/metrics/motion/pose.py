"""Does the head move like a real one? No sentence has one right head motion, so sets are compared, not frames.

With `sound_pose.py` three measures, each read against real motion: how far it is from the real data's own value counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from erlnet.metrics.motion.dynamics import turns
from erlnet.metrics.motion.jackknife import pseudo_values
from erlnet.metrics.motion.summary import Scale, fit_scale

MIN_FRAMES = 100  # of velocity on either side; a covariance of 6 channels from fewer is mostly noise
_MM = 1000.0

Pose = Float[np.ndarray, "T 6"]  # axis-angle rad, translation m


@dataclass(frozen=True)
class PoseFrechet:
    """`distance` in squared standard deviations of real velocity, 0 where both sets have the same mean and covariance;
    None with fewer than 100 frames on a side. `by_clip`: pseudo-values (erlnet.metrics.motion.jackknife)."""

    distance: float | None
    frames: tuple[int, int]  # real, made
    by_clip: list[float] | None


def velocity(pose: Pose) -> Float[np.ndarray, "T-1 6"]:
    """The head's turn (degrees a frame, head axes) and the change of its translation (mm a frame)."""
    return np.concatenate([turns(pose), np.diff(pose[:, 3:].astype(np.float64), axis=0) * _MM], axis=1)


def velocity_scale(train: Sequence[Pose]) -> Float[np.ndarray, " 6"]:
    """Standard deviation of each channel of velocity over all frames of real training clips."""
    sd = np.concatenate([velocity(pose) for pose in train]).std(axis=0)
    if not (sd > 0).all():
        raise ValueError("the head of the real training clips never moves in some direction: no scale for its velocity")
    return np.asarray(sd)


def pose_frechet(real: Sequence[Pose], made: Sequence[Pose], scale: Float[np.ndarray, " 6"]) -> PoseFrechet:
    """Frechet distance between Gaussians of pose velocity: |m - m'|^2 + tr(C + C' - 2 (C C')^.5), all frames of a set.

    real[i] and made[i] belong to one clip: leaving a clip out leaves it out on both sides. The distance from finite
    sets is biased upwards (real against other real motion does not read 0): read it beside such a floor.
    """
    pairs = [(velocity(a) / scale, velocity(b) / scale) for a, b in zip(real, made, strict=True)]

    def of(clips: Sequence[int]) -> float | None:
        sides = [np.concatenate([pairs[i][side] for i in clips]) for side in (0, 1)]
        if min(map(len, sides)) < MIN_FRAMES:
            return None
        (m, c), (m2, c2) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in sides)
        return frechet(m, c, m2, c2)

    frames = sum(len(a) for a, _ in pairs), sum(len(b) for _, b in pairs)
    whole = of(range(len(pairs))) if pairs else None
    return PoseFrechet(whole, frames, pseudo_values(len(pairs), of))


def frechet(mean: np.ndarray, covariance: np.ndarray, mean2: np.ndarray, covariance2: np.ndarray) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians (Dowson and Landau 1982).

    The trace of (C C')^.5 comes from the symmetric C^.5 C' C^.5, whose roots are real also where C is singular.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ covariance2 @ root).clip(0)).sum()
    distance = ((mean - mean2) ** 2).sum() + np.trace(covariance) + np.trace(covariance2) - 2 * both
    return float(max(distance, 0.0))


def posture(pose: Pose) -> Float[np.ndarray, " 12"]:
    """Mean and standard deviation of the six pose channels over a clip."""
    rows = pose.astype(np.float64)
    return np.concatenate([rows.mean(axis=0), rows.std(axis=0)])


def posture_scale(train: Sequence[Pose]) -> Scale:
    """From real training clips; ValueError where they do not differ."""
    return fit_scale([posture(pose) for pose in train])


def pose_diversity(real: Sequence[Pose], made: Sequence[Pose], scale: Scale) -> float | None:
    """Mean distance between the postures of two clips of the made set over the same of the real set; 1 is real.

    None with fewer than two clips, or where the real ones do not differ.
    """
    spread = [_mean_distance(scale(np.stack([posture(p) for p in side]))) for side in (real, made) if len(side) > 1]
    return spread[1] / spread[0] if len(spread) == 2 and spread[0] > 0 else None


def diversity_by_clip(real: Sequence[Pose], made: Sequence[Pose], scale: Scale) -> list[float] | None:
    """Pseudo-values of `pose_diversity`; real[i] and made[i] belong to one clip.

    Each pair of clips is measured once: once more for every clip left out would be cubic in their number.
    """
    n = len(real)
    first, second = np.triu_indices(n, 1)
    sides = [_distances(scale(np.stack([posture(p) for p in side]))) for side in (real, made)] if n > 1 else []

    def of(kept: Sequence[int]) -> float | None:
        there = np.isin(np.arange(n), kept)
        chosen = there[first] & there[second]
        spread = [float(np.mean(side[chosen])) for side in sides]
        return spread[1] / spread[0] if spread[0] > 0 else None

    return pseudo_values(n, of)


def _mean_distance(rows: np.ndarray) -> float:
    return float(np.mean(_distances(rows)))


def _distances(rows: np.ndarray) -> np.ndarray:
    """(N (N-1) / 2,) of all pairs, the first row's first."""
    return np.array([np.linalg.norm(a - b) for a, b in combinations(rows, 2)])
