"""Ridge regression from log-mels to the whole expression stream: the bar that a learnt mapper has to clear.

Sound is what erlnet.metrics.ridge_sync hears: 20 log-mel bands at t-7 .. t+7 less the clip's mean, 300 features,
standardised over the training rows. Wanted is every channel less its mean over the clip, divided by its standard
deviation within the training clips: sound says how a face moves, hardly at what level. The level comes from outside
(`mean_motion`), else it is the training clips' own. Least squares plus strength N |w|^2, one strength for all channels,
chosen from `STRENGTHS` by the error on training clips left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from erlnet.metrics.ridge_sync import STRENGTH, heard

STRENGTHS = (0.0003, 0.003, 0.03, 0.3, 3.0)  # a training row
FOLDS = 5
_STILL = 1e-7  # a channel that moves less within clips is left at its level

Sounding = tuple[Float[np.ndarray, "T 20"], Float[np.ndarray, "T C"]]
"""Log-mels (erlnet.metrics.ridge_sync.band_means) and expression stream of one clip."""


@dataclass(frozen=True, eq=False)
class MotionRidge:
    mean: np.ndarray  # (300,) of the training rows
    scale: np.ndarray  # (300,)
    weights: np.ndarray  # (300,C) to the stream's own units
    level: np.ndarray  # (C,) mean of the training clips
    strength: float
    errors: dict[float, float]  # strength -> share of the left-out clips' variance that is not explained

    def __call__(
        self, log_mels: Float[np.ndarray, "T 20"], level: Float[np.ndarray, " C"] | None = None
    ) -> Float[np.ndarray, "T C"]:
        """The stream at that level, float32."""
        moved = (heard(log_mels) - self.mean) / self.scale @ self.weights
        return np.asarray(moved + (self.level if level is None else level), dtype=np.float32)


@dataclass(frozen=True)
class _Sums:
    """What least squares needs to know of some rows; those of several clips add up."""

    n: int
    x: np.ndarray  # (K,)
    xx: np.ndarray  # (K,K)
    xy: np.ndarray  # (K,C); y has mean 0 in every clip, so its sum is 0

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(self.n + other.n, self.x + other.x, self.xx + other.xx, self.xy + other.xy)


def fit_motion_ridge(clips: Sequence[Sounding], strengths: Sequence[float] = STRENGTHS) -> MotionRidge:
    """One ridge for all clips. With a single clip no strength can be told from another: .3, as `ridge_sync` has it.

    Clip i belongs to fold i modulo 5, so the result is the same for the same clips in the same order. Of equal errors
    the stronger wins. ValueError where there is no clip, or nothing moves in any.
    """
    if not clips:
        raise ValueError("no clip to fit a ridge to")
    rows = [heard(mels) for mels, _ in clips]
    moved = [np.asarray(stream, np.float64) - stream.mean(axis=0, dtype=np.float64) for _, stream in clips]
    spread = np.sqrt(sum((y**2).sum(axis=0) for y in moved) / sum(map(len, moved)))
    kept = spread > _STILL
    if not kept.any():
        raise ValueError(f"nothing moves within any of the {len(clips)} clips; a ridge has nothing to predict")
    wanted = [y[:, kept] / spread[kept] for y in moved]

    folds = [list(range(k, len(clips), FOLDS)) for k in range(min(FOLDS, len(clips)))]
    sums = [_add([_sums(rows[i], wanted[i]) for i in fold]) for fold in folds]
    errors: dict[float, float] = {}
    if len(folds) > 1:
        squared = dict.fromkeys(strengths, 0.0)
        for k, fold in enumerate(folds):
            others = _add(sums[:k] + sums[k + 1 :])
            for strength, (mean, scale, weights) in zip(strengths, _solve(others, strengths), strict=True):
                for i in fold:
                    squared[strength] += float((((rows[i] - mean) / scale @ weights - wanted[i]) ** 2).sum())
        errors = {s: value / (sum(map(len, rows)) * int(kept.sum())) for s, value in squared.items()}
    chosen = min(sorted(errors, reverse=True), key=errors.__getitem__) if errors else STRENGTH

    ((mean, scale, weights),) = _solve(_add(sums), [chosen])
    full = np.zeros((len(mean), len(kept)))
    full[:, kept] = weights * spread[kept]
    level = np.concatenate([stream for _, stream in clips]).mean(axis=0, dtype=np.float64)
    return MotionRidge(mean, scale, full, level, chosen, errors)


def _sums(rows: np.ndarray, wanted: np.ndarray) -> _Sums:
    return _Sums(len(rows), rows.sum(axis=0), rows.T @ rows, rows.T @ wanted)


def _add(parts: Sequence[_Sums]) -> _Sums:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _solve(sums: _Sums, strengths: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(mean (K,), scale (K,), weights (K,C)) for each strength, from one eigendecomposition."""
    mean = sums.x / sums.n
    covariance = sums.xx / sums.n - np.outer(mean, mean)
    scale = np.sqrt(np.maximum(covariance.diagonal(), _STILL**2))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    turned = vectors.T @ (sums.xy / sums.n / scale[:, None])
    return [(mean, scale, vectors @ (turned / (values.clip(0) + s)[:, None])) for s in strengths]
