"""Edges across the head-torso border that the reference does not have, and edges of its that are missing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import gaussian_filter, maximum_filter

from erlnet.metrics.neck import numbers as n


def edge_across(
    frame: UInt8[np.ndarray, "3 H W"], normal: Float[np.ndarray, "H W 2"], scale: float
) -> Float[np.ndarray, "H W"]:
    """|d_n|: the slope along `normal` by a Gaussian derivative, times its sigma; root mean square of the channels.

    In levels (0 to 255), the same for the same picture at any frame size: a step of A levels reads .4 A at its place.
    """
    sigma = n.SEAM_SIGMA * scale
    squares = np.zeros(frame.shape[1:], np.float32)
    for channel in frame.astype(np.float32):
        dx = gaussian_filter(channel, sigma, order=(0, 1))
        dy = gaussian_filter(channel, sigma, order=(1, 0))
        squares += (sigma * (dx * normal[..., 0] + dy * normal[..., 1])) ** 2
    return np.sqrt(squares / 3)


def seam(
    reference: Float[np.ndarray, "H W"], rendered: Float[np.ndarray, "H W"], band: Bool[np.ndarray, "H W"], scale: float
) -> tuple[float, float] | None:
    """(seam, softness), levels: mean over the band of the |d_n| that the render has too much, and too little.

    An edge is too much where it is steeper than any of the other picture's within 2 px: one that lies elsewhere is
    `neck_distance`'s matter. Two one-sided means, so that a blur, which takes edges away, cannot pay for a seam. None
    where the band has fewer than 30 px.
    """
    if band.sum() < n.MIN_POINTS:
        return None
    size = 2 * round(n.SEAM_TOLERANCE * scale) + 1
    excess = (rendered - maximum_filter(reference, size))[band]
    lack = (reference - maximum_filter(rendered, size))[band]
    return float(np.maximum(excess, 0).mean()), float(np.maximum(lack, 0).mean())
