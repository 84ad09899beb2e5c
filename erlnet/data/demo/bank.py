"""The demo's motion bank: true coefficients and sound of many clips, without frames. Imports nothing heavy.

A judge of style gets speakers of its own, side "val": neither what is generated nor what it is compared with ever
comes from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from erlnet.data.demo.dataset import FPS, STYLES
from erlnet.errors import UserError

if TYPE_CHECKING:
    from erlnet.interfaces import Preparation

MOST = 99  # speakers or clips, so that names of two digits sort
JUDGES_FROM = 1000  # a judge's speakers are numbered from here: however many others there are, they stay who they are


@dataclass(frozen=True)
class BankPlan:
    """How much of the bank there is; clips are counted for each speaker and style."""

    seed: int
    speakers: int
    train_clips: int
    test_clips: int
    judge_speakers: int
    judge_clips: int
    seconds: float

    def check(self) -> None:
        """UserError where no such bank can be made."""
        if self.seed < 0:
            raise UserError(f"bank.seed={self.seed} must be at least 0")
        leasts = {"speakers": 1, "train_clips": 1, "test_clips": 1, "judge_speakers": 0, "judge_clips": 1}
        for name, least in leasts.items():
            if not least <= getattr(self, name) <= MOST:
                raise UserError(f"bank.{name}={getattr(self, name)} must lie between {least} and {MOST}")
        if not 0.4 <= self.seconds <= 60:
            raise UserError(f"bank.seconds={self.seconds} must lie between 0.4 and 60")


@dataclass(frozen=True)
class BankClip:
    """One clip to be made."""

    name: str
    speaker: int  # number of the demo's speaker
    label: str  # the speaker's name
    style: str
    split: str
    index: int  # among the speaker's clips of all styles
    n_frames: int


def plan_bank(plan: BankPlan) -> list[BankClip]:
    """All clips, sorted by name: generator's speakers bank00..., then the judge's, judge00..."""
    counts = {"train": plan.train_clips, "test": plan.test_clips}
    people = [(i, f"bank{i:02d}", counts) for i in range(plan.speakers)]
    people += [(JUDGES_FROM + i, f"judge{i:02d}", {"val": plan.judge_clips}) for i in range(plan.judge_speakers)]
    n_frames = round(plan.seconds * FPS)
    clips = []
    for speaker, label, sides in people:
        turns = [(style, split, i) for split, n in sides.items() for style in STYLES for i in range(n)]
        clips += [
            BankClip(f"{label}-{style}-{split}{i:02d}", speaker, label, style, split, index, n_frames)
            for index, (style, split, i) in enumerate(turns)
        ]
    return sorted(clips, key=lambda clip: clip.name)


@dataclass(frozen=True)
class BankSource:
    """`ClipSource` of the bank: it needs no data, and no tracker, since the motion is the true one."""

    plan: BankPlan

    def index(self, data: Path | None) -> NoReturn:
        """UserError: `prepare` and `doctor` are for videos."""
        raise UserError("dataset=bank makes its own clips, in a sweep; there is nothing to prepare or to examine")

    def fingerprint(self, data: Path | None) -> dict:
        """Empty: the clips follow from the options alone."""
        self._refuse(data)
        return {}

    def prepare(self, wanted: Preparation) -> None:
        """Writes every clip into a folder of its name under `out`, and the index."""
        self._refuse(wanted.data)
        from erlnet.data.demo.bank_maker import fill
        from erlnet.head.components import MakeHuman

        if not isinstance(wanted.head_model, MakeHuman):
            raise UserError(
                "dataset=bank holds the true motion of the shipped head, which no other head model takes; set "
                "head_model=makehuman, or dataset=demo, whose pictures are tracked with the head model chosen"
            )
        fill(self.plan, wanted.out, wanted.progress)

    def _refuse(self, data: Path | None) -> None:
        if data is not None:
            raise UserError(f"dataset=bank makes its own clips and cannot read data={data}; use dataset=folder for it")
