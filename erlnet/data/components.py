"""Slots `dataset` and `tracker`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from erlnet.data.options import PrepareOptions

if TYPE_CHECKING:
    from erlnet.data.folder import FolderSource
    from erlnet.data.tracking.landmarks import LandmarkTracker
    from erlnet.interfaces import ClipSource


@dataclass(frozen=True)
class Demo:
    """Talking portraits that the package draws itself, with everything known about them.

    A sanity check, not evidence: they are drawn from the head model that conditions the network.
    `speakers` people with `train_clips` and `test_clips` each, `size` px high and wide.
    """

    VERSION: ClassVar[int] = 1
    seed: int = 0
    speakers: int = 1
    size: int = 128  # or 256; 64 for the quickest check
    train_clips: int = 8
    test_clips: int = 12
    train_seconds: float = 4.0
    test_seconds: float = 1.0

    def build(self) -> ClipSource:
        from erlnet.data.demo.dataset import DemoSource, Plan

        plan = Plan(
            self.seed,
            self.speakers,
            self.size,
            self.train_clips,
            self.test_clips,
            self.train_seconds,
            self.test_seconds,
        )
        plan.check()
        return DemoSource(plan)


@dataclass(frozen=True)
class Landmarks:
    """Fits the head model to 68 landmarks over the whole clip: one shape, one camera, motion per frame."""

    VERSION: ClassVar[int] = 1

    def build(self) -> LandmarkTracker:
        from erlnet.data.tracking.landmarks import LandmarkTracker, Weights
        from erlnet.data.tracking.priors import Spreads

        return LandmarkTracker(Spreads(), Weights())


@dataclass(frozen=True)
class Folder(PrepareOptions):
    """Your own videos: one, a folder of them, or a folder of clips that `erlnet prepare` wrote."""

    VERSION: ClassVar[int] = 2

    def build(self) -> FolderSource:
        from erlnet.data.folder import FolderSource

        return FolderSource(self)
