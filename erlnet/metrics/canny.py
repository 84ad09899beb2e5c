"""Canny's edge detector (Canny 1986) for CPBD: which pixels are edges, of whole planes or of bands of rows."""

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy import ndimage

from erlnet.metrics.protocol import CPBD_CANNY

HALO = 6  # rows beyond a band that its edges depend on: 4 of the Gaussian, 1 of Sobel, 1 of the neighbours


def canny(plane: Num[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Edges of a plane in grey levels of 0..255; a pixel at the plane's border is none.

    Gaussian of sigma 1 (beyond the border nothing counts), Sobel, interpolated non-maximum suppression, hysteresis
    over eight neighbours. The thresholds (.1 and .2 of Sobel's sum) are of *one grey level*, far below what Canny is
    commonly run with: nearly every texture is an edge. Equal to scikit-image's `canny(plane.astype(float))`.
    """
    low, high = CPBD_CANNY
    strength = ridges(plane)
    labels, count = ndimage.label(strength >= low, np.ones((3, 3), bool))
    kept = np.zeros(count + 1, bool)
    kept[labels[strength >= high]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def ridges(planes: Num[np.ndarray, "*B H W"]) -> Float[np.ndarray, "*B H W"]:
    """Gradient magnitude where it is a maximum across its edge, 0 elsewhere and where it is under the low threshold.

    Of a band cut out of a plane, all rows but the outer HALO are those of the plane.
    """
    smooth, inside = np.asarray(planes, np.float64), np.ones(planes.shape[-2:])
    for axis in (-2, -1):
        smooth, inside = (ndimage.gaussian_filter1d(x, 1.0, axis=axis, mode="constant") for x in (smooth, inside))
    smooth /= inside + np.finfo(np.float64).eps
    gx, gy = _sobel(smooth, -1), _sobel(smooth, -2)
    magnitude = np.sqrt(gy * gy + gx * gx)
    candidates = magnitude >= CPBD_CANNY[0]
    candidates[..., [0, -1], :] = candidates[..., [0, -1]] = False
    at = np.flatnonzero(candidates)
    strength = np.zeros_like(magnitude)
    ridge = at[_is_ridge(at, gx.ravel(), gy.ravel(), magnitude.ravel(), magnitude.shape[-1])]
    strength.flat[ridge] = magnitude.flat[ridge]
    return strength


def _sobel(planes: np.ndarray, axis: int) -> np.ndarray:
    across = -1 if axis == -2 else -2
    return np.asarray(ndimage.correlate1d(ndimage.correlate1d(planes, [-1, 0, 1], axis=axis), [1, 2, 1], axis=across))


def _is_ridge(at: np.ndarray, gx: np.ndarray, gy: np.ndarray, magnitude: np.ndarray, width: int) -> np.ndarray:
    """Whether each pixel `at` is no weaker than its two neighbours along the gradient, interpolated between pixels."""
    gx, gy = gx[at], gy[at]
    steep = np.abs(gy) > np.abs(gx)
    large, small = (f(np.abs(gx), np.abs(gy)) for f in (np.maximum, np.minimum))
    weight = small / large
    same = gx * gy >= 0  # the gradient points down right or up left
    straight = np.where(steep, np.where(same, width, -width), 1)
    diagonal = np.where(same, width + 1, 1 - width)
    here = magnitude[at]
    ahead = magnitude[at + diagonal] * weight + magnitude[at + straight] * (1 - weight)
    behind = magnitude[at - diagonal] * weight + magnitude[at - straight] * (1 - weight)
    return np.asarray((ahead <= here) & (behind <= here))
