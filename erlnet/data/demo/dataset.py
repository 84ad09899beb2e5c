"""The demo as a data set: which clips there are, and the source that prepares them. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.errors import UserError

if TYPE_CHECKING:
    from erlnet.interfaces import Preparation

FPS = 25
STYLES = ("neutral", "happy", "angry")
SIZES = (64, 128, 256)


@dataclass(frozen=True)
class Plan:
    """How much of the demo there is."""

    seed: int
    speakers: int
    size: int
    train_clips: int  # of each speaker
    test_clips: int
    train_seconds: float
    test_seconds: float

    def check(self) -> None:
        """UserError where no such demo can be made."""
        if self.size not in SIZES:
            raise UserError(f"demo.size={self.size} is not one of {', '.join(map(str, SIZES))}")
        for name, least in (("seed", 0), ("speakers", 1), ("train_clips", 1), ("test_clips", 1)):
            if getattr(self, name) < least:
                raise UserError(f"demo.{name}={getattr(self, name)} must be at least {least}")
        for name in ("train_seconds", "test_seconds"):
            if not 0.4 <= getattr(self, name) <= 60:
                raise UserError(f"demo.{name}={getattr(self, name)} must lie between 0.4 and 60")


@dataclass(frozen=True)
class ClipPlan:
    """One clip to be made."""

    name: str
    speaker: int
    style: str
    split: str
    index: int  # among the speaker's clips, unique over both splits
    n_frames: int


def plan_clips(plan: Plan) -> list[ClipPlan]:
    """All clips, speaker by speaker, training clips first; the styles take turns. Test clips differ in length."""
    clips = []
    for speaker in range(plan.speakers):
        prefix = f"demo{speaker:02d}-" if plan.speakers > 1 else ""
        for split, n, seconds in (
            ("train", plan.train_clips, plan.train_seconds),
            ("test", plan.test_clips, plan.test_seconds),
        ):
            for i in range(n):
                style = STYLES[i % len(STYLES)]
                more = 0 if split == "train" else i * 5 % 7 - 1  # 24 to 30 frames about 1 s
                index = i if split == "train" else plan.train_clips + i
                name = f"{prefix}{split}-{i:02d}-{style}"
                clips.append(ClipPlan(name, speaker, style, split, index, round(seconds * FPS) + more))
    return clips


@dataclass(frozen=True)
class DemoSource:
    """`ClipSource` of the demo: it needs no data."""

    plan: Plan

    def fingerprint(self, data: Path | None) -> dict:
        """Empty: the clips follow from the options alone."""
        self._refuse(data)
        return {}

    def prepare(self, wanted: Preparation) -> None:
        """Films every clip into a folder of its name under `out` and writes the index."""
        self._refuse(wanted.data)
        from erlnet.data.demo.studio import produce

        produce(self.plan, wanted.out, wanted.tracker, wanted.head_model, wanted.progress)

    def _refuse(self, data: Path | None) -> None:
        if data is not None:
            raise UserError(f"dataset=demo makes its own clips and cannot read data={data}; use dataset=folder for it")
