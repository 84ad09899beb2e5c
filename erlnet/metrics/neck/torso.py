"""How much of the torso's motion a render has: a clip's torso shifts, reference against render."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from erlnet.metrics.neck import numbers as n


def torso_shift(forward: Float[np.ndarray, "H W 2"], torso: Bool[np.ndarray, "H W"]) -> tuple[float, float] | None:
    """Median way (x, y) px of the torso's points, x and y each by itself; None with fewer than 30 points."""
    ways = forward[torso]
    return tuple(np.median(ways, axis=0).tolist()) if len(ways) >= n.MIN_POINTS else None


def torso_motion(reference: Float[np.ndarray, "T 2"], rendered: Float[np.ndarray, "T 2"]) -> float | None:
    """RMS(rendered - reference) / max(RMS(reference - its mean), .25 px) of shifts from the reference's first frame.

    0 is the truth; 1 a torso that stands still where the reference is on average, or moves as much another way;
    where the reference itself stands still, the error in quarter pixels. None without frames; NaN rows do not count.
    """
    known = np.isfinite(reference).all(axis=1) & np.isfinite(rendered).all(axis=1)
    if not known.any():
        return None
    reference, rendered = reference[known], rendered[known]
    return rms(rendered - reference) / max(rms(reference - reference.mean(axis=0)), n.TORSO_FLOOR)


def rms(ways: Float[np.ndarray, "T 2"]) -> float:
    """Root of the mean squared length."""
    return float(np.sqrt((ways**2).sum(axis=1).mean()))
