"""What a metric family takes and gives: a reference clip beside its render, and rows of scores. Torch-free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from erlnet.interfaces import Progress


_BATCH_PIXELS = 1 << 19  # frames held at once a side: 8 of 256 x 256


@runtime_checkable
class FrameSource(Protocol):
    """Frames given out in batches, so that a long clip never lies in memory whole; `erlnet.data.clip.Clip` is one."""

    def __len__(self) -> int: ...

    def frames(self, start: int, stop: int) -> np.ndarray:
        """(N,3,H,W) uint8 RGB of frames [start, stop)."""


RegionSource = Callable[[int, int], "np.ndarray"]
"""(start, stop) -> (N,H,W) uint8, bit i = erlnet.interfaces.REGIONS[i]; `Clip.regions` is one."""


@dataclass(frozen=True)
class ClipPair:
    """One clip as it was and as it was rendered: the same length, size and rate."""

    name: str
    speaker: str
    reference: FrameSource
    rendered: FrameSource
    regions: np.ndarray | RegionSource  # of the reference, (T,H,W) uint8 bits
    landmarks: np.ndarray  # (T,68,2) px of the reference, NaN where there is no face; places the mouth box
    fps: float = 25.0
    sound: Callable[[], np.ndarray] | None = None  # () -> the reference's (N,) mono float at 16 kHz; None: it has none

    def __post_init__(self) -> None:
        lengths = len(self.reference), len(self.rendered), len(self.landmarks)
        if len(set(lengths)) != 1:
            raise ValueError(
                f"{self.name}: {lengths[0]} reference frames, {lengths[1]} rendered, {lengths[2]} landmarks"
            )
        if not lengths[0]:
            raise ValueError(f"{self.name} has no frames")

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    def region_bits(self, start: int, stop: int) -> np.ndarray:
        """(N,H,W) uint8."""
        return self.regions(start, stop) if callable(self.regions) else self.regions[start:stop]


def read_both(pair: ClipPair, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """(reference, rendered) frames of a batch; the truth scored against itself is read once.

    ValueError where they differ in size.
    """
    reference = pair.reference.frames(start, stop)
    rendered = reference if pair.rendered is pair.reference else pair.rendered.frames(start, stop)
    if reference.shape != rendered.shape:
        shapes = f"{reference.shape[2:]} and {rendered.shape[2:]}"
        raise ValueError(f"{pair.name}: reference and render differ in size: {shapes}")
    return reference, rendered


def batches(pair: ClipPair) -> list[tuple[int, int]]:
    """[start, stop) ranges that cover the clip, each with about half a million pixels a side."""
    height, width = pair.reference.frames(0, 1).shape[-2:]
    size = max(1, _BATCH_PIXELS // (height * width))
    return [(start, min(start + size, len(pair))) for start in range(0, len(pair), size)]


@dataclass(frozen=True)
class Row:
    """One score. `frame` is None where the value belongs to the whole clip; `value` None where there is none."""

    clip: str
    frame: int | None
    metric: str
    region: str
    value: float | None


class Unavailable(Exception):
    """A family that cannot be computed here: never stored as finished, never replaced by a guess."""

    def __init__(self, reason: str, remedy: str):
        self.reason, self.remedy = reason, remedy
        super().__init__(f"{reason}; {remedy}")


@runtime_checkable
class Family(Protocol):
    """What is computed in one pass and stored under one fingerprint (erlnet.metrics.cards)."""

    name: str

    def score(self, pairs: list[ClipPair], progress: Progress | None) -> list[Row]:
        """Every row of every pair; raises Unavailable where weights or a package are missing."""
