"""What a profile is: another system's published protocol, under names and a fingerprint of its own. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from erlnet.metrics.card import Card

if TYPE_CHECKING:
    from erlnet.metrics.detector import Detect
    from erlnet.metrics.pairs import Family


@dataclass(frozen=True)
class Profile:
    """The metrics of a published script, as the script computes them."""

    name: str  # also the name of the family
    cards: tuple[Card, ...]
    script: str  # where the protocol is published
    differs: tuple[str, ...]  # what cannot be as in the script, one sentence each
    averages: Mapping[str, Literal["frames", "videos"]]  # metric -> what the script takes as equal when it averages
    options: Mapping[str, Any]  # what scores depend on beside the frames
    make: Callable[[Path | None, Detect | None], Family] = field(repr=False)
    version: int = 1  # raised when the same inputs give other scores

    def fingerprint(self) -> dict[str, Any]:
        """Everything that scores depend on beside the frames, JSON-able; another one than that of any of our families.

        The landmark detector is ours, so its fingerprint is a part.
        """
        from erlnet.metrics.cards import fingerprint

        detector = {name: value for name, value in fingerprint("landmarks").items() if name in _OF_DETECTOR}
        return {"profile": self.name, "version": self.version} | dict(self.options) | detector

    def build(self, detections: Path | None = None, detect: Detect | None = None) -> Family:
        """The family; `detections` keeps landmarks between processes, `detect` replaces the detector (tests)."""
        return self.make(detections, detect)


_OF_DETECTOR = ("detector", "mediapipe", "model_sha256", "table", "min_size_px")
