"""What a fault is planted into: true frames, their region maps and landmarks; and the body as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import distance_transform_edt, shift

from erlnet.metrics.neck.numbers import AT_HEIGHT
from erlnet.metrics.neck.zones import body, region
from erlnet.metrics.pairs import FrameSource, RegionSource


@dataclass(frozen=True)
class HeldFrames:
    """Frames (T,3,H,W) uint8 that lie in memory."""

    array: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def frames(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop]


@dataclass(frozen=True)
class Scene:
    """A true clip."""

    source: FrameSource
    regions: np.ndarray | RegionSource  # (T,H,W) uint8 bits
    landmarks: np.ndarray  # (T,68,2) px

    def __len__(self) -> int:
        return len(self.source)

    def frame(self, t: int) -> UInt8[np.ndarray, "3 H W"]:
        return self.source.frames(t, t + 1)[0]

    def bits(self, t: int) -> UInt8[np.ndarray, "H W"]:
        return self.regions(t, t + 1)[0] if callable(self.regions) else self.regions[t]


def scale_of(frame: UInt8[np.ndarray, "3 H W"]) -> float:
    """Strengths in px are for frames 256 px high."""
    return frame.shape[1] / AT_HEIGHT


def head_of(bits: UInt8[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    return region(bits, "head")


def border_strip(bits: UInt8[np.ndarray, "H W"], width: float) -> Float[np.ndarray, "H W"]:
    """How much of each pixel of the body lies within `width` px of the head, 0 to 1: a strip may be half a pixel."""
    head = head_of(bits)
    if not head.any():
        return np.zeros(bits.shape)
    # The pixel beside the head is at distance 1 and reaches from 0 to 1 px off it.
    return np.where(body(bits), np.clip(width + 1 - distance_transform_edt(~head), 0, 1), 0)


def body_layer(frame: UInt8[np.ndarray, "3 H W"], bits: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "3 H W"]:
    """The frame with the head painted over by the nearest colour of the body: what a moved body uncovers."""
    below, head = body(bits), head_of(bits)
    if not below.any():
        return frame
    rows, columns = distance_transform_edt(~below, return_distances=False, return_indices=True)
    layer = frame.copy()
    layer[:, head] = frame[:, rows[head], columns[head]]
    return layer


def moved_body(
    frame: UInt8[np.ndarray, "3 H W"], bits: UInt8[np.ndarray, "H W"], way: tuple[float, float]
) -> UInt8[np.ndarray, "3 H W"]:
    """The frame whose body, behind the same head, lies `way` (x, y) px further; background at its edge goes along."""
    below = body(bits)
    covered = below | (moved(below.astype(np.float32), way, 1) >= 0.5)
    return where(covered & ~head_of(bits), moved_picture(body_layer(frame, bits), way), frame)


def moved(picture: Float[np.ndarray, "H W"], way: tuple[float, float], order: int) -> Float[np.ndarray, "H W"]:
    """Shifted by (x, y) px; the border's value comes in."""
    return shift(picture, (way[1], way[0]), order=order, mode="nearest", output=np.float32)


def moved_picture(frame: UInt8[np.ndarray, "3 H W"], way: tuple[float, float]) -> UInt8[np.ndarray, "3 H W"]:
    """Shifted by (x, y) px with cubic splines, which hardly blur; whole pixels are taken as they are."""
    order = 0 if all(float(step).is_integer() for step in way) else 3
    return as_frame(np.stack([moved(channel.astype(np.float32), way, order) for channel in frame]))


def as_frame(values: Float[np.ndarray, "3 H W"]) -> UInt8[np.ndarray, "3 H W"]:
    return values.round().clip(0, 255).astype(np.uint8)


def where(
    mask: Bool[np.ndarray, "H W"], inside: UInt8[np.ndarray, "3 H W"], outside: UInt8[np.ndarray, "3 H W"]
) -> UInt8[np.ndarray, "3 H W"]:
    return np.where(mask, inside, outside)


def mixed(
    frame: UInt8[np.ndarray, "3 H W"],
    other: UInt8[np.ndarray, "3 H W"],
    share: float | Float[np.ndarray, "H W"],
) -> UInt8[np.ndarray, "3 H W"]:
    """(1 - share) frame + share other."""
    return as_frame((1 - share) * frame.astype(np.float32) + share * other.astype(np.float32))
