"""Do face and head move together? First canonical correlation of expression and pose, on clips not learnt from.

Independence is not right, and neither is more coupling: real people raise their brows as they nod. What counts is the
distance to the real data's value.

Both streams are low-passed (Gaussian, sd 2 frames) and differenced from frame to frame. Levels and slow drift have a
few independent values a clip, which correlate by chance; unsmoothed differences are mostly a tracker's noise. Channels
are standardised over the clips learnt from; covariances are shrunk by .1 towards the identity, or 44 channels would
find a direction in anything. For each clip the directions come from all others, and its value is Pearson's r of its
own two projections. So unrelated streams read 0 on average, not the inflated correlation of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

MIN_CLIPS = 3
_SIGMA = 2.0  # frames
_SHRINK = 0.1
_STILL = 1e-7  # of a differenced channel, in its own unit

Streams = tuple[Float[np.ndarray, "T C"], Float[np.ndarray, "T 6"]]
"""Expression and pose stream of one clip."""


def expression_pose_coupling(clips: Sequence[Streams]) -> list[float] | None:
    """One value in [-1,1] a clip, 0 where one of the streams does not move; their mean is the set's.

    None with fewer than 3 clips, or a clip of fewer than 3 frames.
    """
    if len(clips) < MIN_CLIPS or min(len(x) for x, _ in clips) < 3:
        return None
    sides = [[_motion(clip[side]) for clip in clips] for side in (0, 1)]
    x, y = (np.concatenate(side) for side in sides)
    bounds = np.cumsum([0] + [len(part) for part in sides[0]])
    values = []
    for start, stop, a, b in zip(bounds, bounds[1:], *sides):
        others = np.r_[0:start, stop : len(x)]
        directions = first_directions(x[others], y[others])
        values.append(0.0 if directions is None else _correlation(a @ directions[0], b @ directions[1]))
    return values


def first_directions(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(N,C), (N,D) of mean 0 -> (C,), (D,): where the shrunk canonical correlation is highest. None: nothing moves."""
    scales = [side.std(axis=0) for side in (x, y)]
    kept = [sd > _STILL for sd in scales]
    if not (kept[0].any() and kept[1].any()):
        return None
    a, b = (side[:, k] / sd[k] for side, sd, k in zip((x, y), scales, kept))
    white_a, white_b = _whitening(a.T @ a / len(a)), _whitening(b.T @ b / len(b))
    left, _, right = np.linalg.svd(white_a @ (a.T @ b / len(a)) @ white_b, full_matrices=False)
    found = []
    for whole, sd, k, direction in zip((x, y), scales, kept, (white_a @ left[:, 0], white_b @ right[0])):
        full = np.zeros(whole.shape[1])
        full[k] = direction / sd[k]
        found.append(full)
    return found[0], found[1]


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """The inverse root of the shrunk covariance (a correlation matrix, so its mean variance is 1)."""
    values, vectors = np.linalg.eigh((1 - _SHRINK) * covariance + _SHRINK * np.eye(len(covariance)))
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)


def _motion(stream: np.ndarray) -> np.ndarray:
    smooth = gaussian_filter1d(stream.astype(np.float64), _SIGMA, axis=0, mode="nearest")
    change = np.diff(smooth, axis=0)
    return np.asarray(change - change.mean(axis=0))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > _STILL else 0.0
