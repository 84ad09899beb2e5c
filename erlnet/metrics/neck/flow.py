"""Dense optical flow, where it can be trusted, and sampling between pixels.

Fields are (H,W,2) float32, px, x then y: what lies at p in the source lies at p + field[p] in the target.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import gaussian_filter, map_coordinates

from erlnet.metrics.neck import numbers as n
from erlnet.metrics.pairs import Unavailable

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(source (H,W) uint8, target (H,W) uint8) -> field."""


def grey(frame: UInt8[np.ndarray, "3 H W"]) -> UInt8[np.ndarray, "H W"]:
    """Luma as Rec. 601 weighs it, rounded."""
    red, green, blue = frame.astype(np.float32)
    return (0.299 * red + 0.587 * green + 0.114 * blue).round().astype(np.uint8)


def dense_flow(source: UInt8[np.ndarray, "H W"], target: UInt8[np.ndarray, "H W"]) -> Float[np.ndarray, "H W 2"]:
    """Dense inverse search (Kroeger et al. 2016) down to single pixels; patches are compared about their means.

    0 everywhere for identical frames. Raises Unavailable without OpenCV, ValueError for frames of two sizes.
    """
    if source.shape != target.shape:
        raise ValueError(f"source is {source.shape}, target is {target.shape}")
    if np.array_equal(source, target):
        return np.zeros((*source.shape, 2), np.float32)
    try:
        import cv2
    except ImportError as error:
        raise Unavailable(f"OpenCV cannot be imported ({error})", "pip install 'erlnet[track]'") from None
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its patches pass on what they found within a thread's share, so threads change the result
    try:
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        search.setFinestScale(0)
        return search.calc(np.ascontiguousarray(source), np.ascontiguousarray(target), None)
    finally:
        cv2.setNumThreads(threads)


class RememberedFlow:
    """`dense_flow` that keeps its last fields: one reference held against many renders is followed once."""

    def __init__(self, fields: int):
        self._most = fields
        self._kept: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def __call__(
        self, source: UInt8[np.ndarray, "H W"], target: UInt8[np.ndarray, "H W"]
    ) -> Float[np.ndarray, "H W 2"]:
        """As `dense_flow`; the field is read-only."""
        shapes = repr((source.shape, target.shape)).encode()
        key = hashlib.sha256(shapes + source.tobytes() + target.tobytes()).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        flow = dense_flow(source, target)
        flow.flags.writeable = False
        self._kept[key] = flow
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return flow


def window(points: Bool[np.ndarray, "H W"], scale: float) -> tuple[slice, slice] | None:
    """Rows and columns that hold the points and 32 px (at 256) around them; None without points."""
    rows, columns = np.flatnonzero(points.any(axis=1)), np.flatnonzero(points.any(axis=0))
    if not len(rows):
        return None
    margin = round(n.WINDOW_MARGIN * scale)
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return slice(top, int(rows[-1]) + 1 + margin), slice(left, int(columns[-1]) + 1 + margin)


def texture(picture: UInt8[np.ndarray, "H W"], scale: float) -> Float[np.ndarray, "H W"]:
    """The structure tensor's smaller eigenvalue, (levels / px)^2: 0 on flat places and along straight edges.

    `scale` is the frame's height over 256; the slope is that of the picture reduced to 256 px.
    """
    dx, dy = slopes(picture, n.FLOW_SIGMA * scale)
    xx, xy, yy = (gaussian_filter(m, n.FLOW_WINDOW * scale) * scale**2 for m in (dx * dx, dx * dy, dy * dy))
    return (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)


def slopes(
    picture: UInt8[np.ndarray, "H W"], sigma: float
) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
    """(d/dx, d/dy), levels / px, of the picture smoothed by a Gaussian."""
    smooth = picture.astype(np.float32)
    return gaussian_filter(smooth, sigma, order=(0, 1)), gaussian_filter(smooth, sigma, order=(1, 0))


def consistent(
    forward: Float[np.ndarray, "H W 2"], backward: Float[np.ndarray, "H W 2"], points: Bool[np.ndarray, "H W"]
) -> Bool[np.ndarray, K]:
    """Which points come back to where they set out: the error is under the larger of .5 px and 10 % of the way."""
    rows, columns = np.nonzero(points)
    there = forward[rows, columns]
    x, y = columns + there[:, 0], rows + there[:, 1]
    back = np.stack([sample(backward[..., axis], x, y) for axis in (0, 1)], axis=1)
    error = np.linalg.norm(there + back, axis=1)
    return error < np.maximum(n.CONSISTENT_PX, n.CONSISTENT_SHARE * np.linalg.norm(there, axis=1))


def sample(
    picture: Float[np.ndarray, "H W"], x: Float[np.ndarray, "*K"], y: Float[np.ndarray, "*K"]
) -> Float[np.ndarray, "*K"]:
    """Bilinear; x, y count from the first pixel's centre; beyond the border the border's value."""
    return map_coordinates(picture, (y, x), order=1, mode="nearest", output=np.float32)
