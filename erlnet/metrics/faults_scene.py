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


def border_strip(bits: UInt8[np.ndarray, "H W"], width: float) -> Bool[np.ndarray, "H W"]:
    """The body's pixels within `width` px of the head."""
    head = head_of(bits)
    if not head.any():
        return head
    return body(bits) & (distance_transform_edt(~head) <= width)


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
    """Shifted by (x, y) px with cubic splines, which hardly blur; exact for whole pixels."""
    return as_frame(np.stack([moved(channel.astype(np.float32), way, 3) for channel in frame]))


def as_frame(values: Float[np.ndarray, "3 H W"]) -> UInt8[np.ndarray, "3 H W"]:
    return values.round().clip(0, 255).astype(np.uint8)


def where(
    mask: Bool[np.ndarray, "H W"], inside: UInt8[np.ndarray, "3 H W"], outside: UInt8[np.ndarray, "3 H W"]
) -> UInt8[np.ndarray, "3 H W"]:
    return np.where(mask, inside, outside)
