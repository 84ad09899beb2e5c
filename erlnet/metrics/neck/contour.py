"""How far the contours in the neck's band (collar, seams of clothes, the neck's outline) have gone across themselves.

Along an edge nothing can be matched (the aperture problem), so flow at corners alone leaves out most of a collar; but
how far an edge went across itself its own profile tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from erlnet.metrics.neck import numbers as n
from erlnet.metrics.neck.flow import sample, slopes


@dataclass(frozen=True)
class Contour:
    """Edge points of a picture: places (x, y) px from the first pixel's centre, unit normals up the slope."""

    x: Float[np.ndarray, K]
    y: Float[np.ndarray, K]
    normal: Float[np.ndarray, "K 2"]

    def __len__(self) -> int:
        return len(self.x)


def contour(picture: UInt8[np.ndarray, "H W"], zone: Bool[np.ndarray, "H W"], scale: float) -> Contour:
    """Edges in the zone (Canny's: steepest along their normal, steep enough), at most 400, evenly taken."""
    dx, dy = slopes(picture, n.FLOW_SIGMA * scale)
    steep = np.hypot(dx, dy)
    rows, columns = np.nonzero(zone & (steep * scale >= n.MIN_EDGE))
    normal = np.stack([dx[rows, columns], dy[rows, columns]], axis=1) / steep[rows, columns][:, None]
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    here = steep[rows, columns]
    either = [sample(steep, x + side * normal[:, 0], y + side * normal[:, 1]) for side in (-1, 1)]
    top = np.flatnonzero((here >= either[0]) & (here > either[1]))
    kept = top[np.linspace(0, len(top) - 1, min(len(top), n.MAX_CONTOUR)).astype(int)]
    return Contour(x[kept], y[kept], normal[kept])


def across(
    edges: Contour,
    reference: UInt8[np.ndarray, "H W"],
    rendered: UInt8[np.ndarray, "H W"],
    shift: Float[np.ndarray, 2],
    scale: float,
) -> Float[np.ndarray, K]:
    """px that each edge went along its normal beyond `shift` (x, y), up to 10 px at 256; NaN where not found.

    The profile along the normal is found again by correlation, so brightness and contrast do not count; it is looked
    for from where `shift`, the head's, would bring it. What an unmoved picture would read between samples is taken off:
    the truth reads 0.
    """
    if not len(edges):
        return np.empty(0)
    moved = Contour(edges.x + shift[0], edges.y + shift[1], edges.normal)
    half, reach = round(n.CONTOUR_HALF / n.CONTOUR_STEP), round(n.CONTOUR_REACH / n.CONTOUR_STEP)
    step = n.CONTOUR_STEP * scale
    wanted = profiles(reference, edges, half, step)  # (K, 2 half + 1)
    seen, unmoved = profiles(rendered, moved, half + reach, step), profiles(reference, edges, half + reach, step)
    return (_found_at(wanted, seen) - _found_at(wanted, unmoved)) * step


def _found_at(wanted: Float[np.ndarray, "K L"], seen: Float[np.ndarray, "K M"]) -> Float[np.ndarray, K]:
    """How many samples off the middle of `seen` each profile lies; NaN where it is not recognised."""
    windows = np.lib.stride_tricks.sliding_window_view(seen, wanted.shape[1], axis=1)  # (K, M - L + 1, L)
    likeness = correlation(wanted[:, None], windows)
    best, last, each = likeness.argmax(axis=1), likeness.shape[1] - 1, np.arange(len(wanted))
    inside = np.clip(best, 1, last - 1)
    left, middle, right = (likeness[each, inside + k] for k in (-1, 0, 1))
    bend = left - 2 * middle + right
    between = np.where(bend < 0, (left - right) / np.where(bend < 0, 2 * bend, 1), 0)
    found = (likeness[each, best] >= n.MIN_RECOGNISED) & (best == inside)
    return np.where(found, inside + between - last / 2, np.nan)


def profiles(picture: UInt8[np.ndarray, "H W"], edges: Contour, half: int, step: float) -> Float[np.ndarray, "K L"]:
    """The picture along each normal, `half` samples either side."""
    along = np.arange(-half, half + 1) * step
    x = edges.x[:, None] + along * edges.normal[:, :1]
    y = edges.y[:, None] + along * edges.normal[:, 1:]
    return sample(picture.astype(np.float32), x, y)


def correlation(a: Float[np.ndarray, "*K L"], b: Float[np.ndarray, "*K L"]) -> Float[np.ndarray, "*K"]:
    """Pearson's, over the last axis; 0 where either is flat."""
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.where(size > 1e-3, (a * b).sum(axis=-1) / np.maximum(size, 1e-3), 0)
