"""What happens from frame to frame: shaking landmarks, flicker along the reference's flow, a background that boils.

Pure functions; the flow itself is erlnet.metrics.neck.flow's. Half-pixel conventions do not matter here: flow, frames
and masks share one grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, UInt8

from erlnet.metrics.face import STEADY
from erlnet.metrics.neck.flow import consistent, sample
from erlnet.metrics.protocol import MIN_PAIRS, MIN_REGION_PX


@dataclass(frozen=True)
class Jitter:
    """Both sides over the same frames; px are RMS lengths of a point's second difference."""

    reference: float | None
    rendered: float | None
    ratio: float | None  # None, too, where the reference does not move at all


def head_centred(landmarks: Float[np.ndarray, "T 68 2"]) -> Float[np.ndarray, "T 68 2"]:
    """Less the mean of nose and eye corners (27-35, 36, 39, 42, 45) of the frame."""
    return landmarks - landmarks[:, STEADY].mean(axis=1, keepdims=True)


def second_difference(points: Float[np.ndarray, "T 68 2"]) -> Float[np.ndarray, "T-2 68 2"]:
    """p(t-1) - 2 p(t) + p(t+1): 0 for even motion, sqrt(6) s a coordinate for white jitter of s."""
    return points[:-2] - 2 * points[1:-1] + points[2:]


def jitter(reference: Float[np.ndarray, "T 68 2"], rendered: Float[np.ndarray, "T 68 2"]) -> Jitter:
    """RMS second difference of head-centred landmarks, over the frame triples known on both sides.

    NaN is an unknown frame. No value with fewer than 10 triples.
    """
    both = [second_difference(head_centred(side.astype(np.float64))) for side in (reference, rendered)]
    known = np.isfinite(both[0]).all(axis=(1, 2)) & np.isfinite(both[1]).all(axis=(1, 2))
    if known.sum() < MIN_PAIRS:
        return Jitter(None, None, None)
    own, other = (float(np.sqrt((side[known] ** 2).sum(axis=-1).mean())) for side in both)
    return Jitter(own, other, other / own if own > 1e-9 else None)


def warped(frame: UInt8[np.ndarray, "3 H W"], flow: Float[np.ndarray, "H W 2"]) -> Float[np.ndarray, "3 H W"]:
    """The frame fetched back along a flow that leads into it: out(p) = frame(p + flow(p)), bilinear."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([sample(plane.astype(np.float32), x + flow[..., 0], y + flow[..., 1]) for plane in frame])


def followed(forward: Float[np.ndarray, "H W 2"], backward: Float[np.ndarray, "H W 2"]) -> Bool[np.ndarray, "H W"]:
    """Pixels that the reference follows from one frame to the next: they stay inside and come back.

    Coming back: forward-backward error under the larger of .5 px and 10 % of the way.
    """
    height, width = forward.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    there_x, there_y = x + forward[..., 0], y + forward[..., 1]
    inside = (there_x >= 0) & (there_x <= width - 1) & (there_y >= 0) & (there_y <= height - 1)
    everywhere = np.ones((height, width), bool)
    return inside & consistent(forward, backward, everywhere).reshape(height, width)


def change_along(
    before: UInt8[np.ndarray, "3 H W"], after: UInt8[np.ndarray, "3 H W"], flow: Float[np.ndarray, "H W 2"]
) -> Float[np.ndarray, "H W"]:
    """|before - after fetched back along the flow|, mean of the channels, in [0,1] of the full range."""
    return np.abs(before.astype(np.float32) - warped(after, flow)).mean(axis=0) / 255


@dataclass
class Spread:
    """Temporal variance of pixels, summed up frame by frame: memory does not grow with the clip."""

    count: int = 0
    mean: Float[np.ndarray, "3 H W"] = field(default_factory=lambda: np.zeros((3, 1, 1)))
    squares: Float[np.ndarray, "3 H W"] = field(default_factory=lambda: np.zeros((3, 1, 1)))

    def add(self, frame: UInt8[np.ndarray, "3 H W"]) -> None:
        """Welford's update."""
        self.count += 1
        off = frame - self.mean
        self.mean = self.mean + off / self.count
        self.squares = self.squares + off * (frame - self.mean)

    def over(self, mask: Bool[np.ndarray, "H W"]) -> float | None:
        """Root of the mean variance over the mask's pixels and the channels, grey levels of 255.

        None with fewer than 10 frames or under 64 px.
        """
        if self.count < MIN_PAIRS or mask.sum() < MIN_REGION_PX:
            return None
        return float(np.sqrt(self.squares[:, mask].mean() / self.count))
