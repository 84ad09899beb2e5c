"""A motion in a few numbers, standardised against real motion: what style and decoupling are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_STILL = 1e-7  # in the channels' own units (coefficients, rad, m): less never moved


def summary(stream: Float[np.ndarray, "T C"]) -> Float[np.ndarray, " 3C"]:
    """Mean, standard deviation and mean absolute difference from frame to frame of every channel; of one frame the
    last two are 0."""
    rows = stream.astype(np.float64)
    speed = np.abs(np.diff(rows, axis=0)).mean(axis=0) if len(rows) > 1 else np.zeros(rows.shape[1])
    return np.concatenate([rows.mean(axis=0), rows.std(axis=0), speed])


@dataclass(frozen=True, eq=False)
class Scale:
    """Mean and standard deviation over real clips; what never differs among them is left out."""

    mean: np.ndarray  # (K,) of the columns kept
    sd: np.ndarray  # (K,)
    kept: np.ndarray  # (D,) bool

    def __call__(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N K"]:
        return np.asarray((rows[:, self.kept] - self.mean) / self.sd)


def fit_scale(rows: Sequence[np.ndarray] | np.ndarray) -> Scale:
    """From one row (D,) a clip. ValueError where no column differs between clips."""
    stacked = np.stack(list(rows))
    sd = stacked.std(axis=0)
    kept = sd > _STILL
    if not kept.any():
        raise ValueError(f"{len(stacked)} clips whose motion does not differ at all: nothing to standardise by")
    return Scale(stacked.mean(axis=0)[kept], sd[kept], kept)
