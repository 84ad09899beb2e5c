"""How far the neck's points have gone, against the head's: between reference and render, or from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from erlnet.metrics.neck import numbers as n
from erlnet.metrics.neck.flow import consistent


@dataclass(frozen=True)
class Displaced:
    """One frame. `distance` px is None where too few points were matched; then `matched` says how few."""

    distance: float | None
    points: int  # textured points of neck and collar in the reference
    matched: int  # of these


def head_shift(
    forward: Float[np.ndarray, "H W 2"], backward: Float[np.ndarray, "H W 2"], head: Bool[np.ndarray, "H W"]
) -> Float[np.ndarray, 2] | None:
    """Median way of the head's points (textured ones, as given) that come back, px; None with fewer than 30."""
    ways = forward[head][consistent(forward, backward, head)]
    return np.median(ways, axis=0) if len(ways) >= n.MIN_POINTS else None


def neck_distance(
    forward: Float[np.ndarray, "H W 2"],
    backward: Float[np.ndarray, "H W 2"],
    neck: Bool[np.ndarray, "H W"],
    shift: Float[np.ndarray, 2] | None,
) -> Displaced:
    """Mean length of (way - head's way) over the neck's points that come back.

    `forward` leads from the reference to the render; `neck` holds textured points alone.
    """
    matched = consistent(forward, backward, neck)
    found, points = int(matched.sum()), len(matched)
    if shift is None or found < n.MIN_POINTS:
        return Displaced(None, points, found)
    ways = forward[neck][matched] - shift
    return Displaced(float(np.linalg.norm(ways, axis=1).mean()), points, found)


def flow_error(
    reference: Float[np.ndarray, "H W 2"],
    reference_back: Float[np.ndarray, "H W 2"],
    rendered: Float[np.ndarray, "H W 2"],
    neck: Bool[np.ndarray, "H W"],
) -> float | None:
    """Mean length of (render's way - reference's way) from one frame to the next, px a frame.

    Points are those that the reference alone follows well, so all renders are judged at the same ones.
    """
    followed = consistent(reference, reference_back, neck)
    if followed.sum() < n.MIN_POINTS:
        return None
    return float(np.linalg.norm(rendered[neck][followed] - reference[neck][followed], axis=1).mean())
