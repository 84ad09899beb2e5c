"""What is reported of one clip's fit."""

from __future__ import annotations

import numpy as np

BRIDGED = 5  # frames that may be missing in a row and are made up from both sides
MEDIAN_LENGTH = 1.177  # of a 2-D Gaussian error over its sigma: sqrt(2 ln 2)
_MOUTH = slice(48, 68)


def figures(
    error: np.ndarray, projected: np.ndarray, lost: np.ndarray, rejected: np.ndarray, sigma: float
) -> dict[str, float]:
    """`error` (T,68) px (NaN without a face), `projected` (T,68,2) px, `lost` and `rejected` (T,) bool, `sigma` px.

    `jitter_px` is the root mean square of the projected landmarks' second difference: how unsteady the fit is, speech
    and nods included.
    """
    bend = np.diff(projected, n=2, axis=0)
    return {
        "reprojection_px": _round(np.nanmean(error)),
        "reprojection_mouth_px": _round(np.nanmean(error[:, _MOUTH])),
        "reprojection_p95_px": _round(np.nanpercentile(error, 95)),
        "noise_px": _round(sigma),
        "jitter_px": _round(np.sqrt((bend**2).sum(-1).mean())) if len(bend) else 0.0,
        "frames": float(len(error)),
        "frames_without_face": float(lost.sum()),
        "frames_rejected": float(rejected.sum()),
    }


def _round(value: float) -> float:
    return round(float(value), 3)
