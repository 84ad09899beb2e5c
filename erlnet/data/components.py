"""Slots `dataset` and `tracker`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from erlnet.data.layouts.hdtf import HdtfLayout
from erlnet.data.layouts.ldst import LdstLayout
from erlnet.data.layouts.mead import MeadLayout
from erlnet.data.layouts.voxceleb import VoxCelebLayout
from erlnet.data.options import PrepareOptions
from erlnet.data.sequences import SequenceOptions

if TYPE_CHECKING:
    from erlnet.data.demo.bank import BankSource
    from erlnet.data.folder import FolderSource
    from erlnet.data.indexed import IndexedSource
    from erlnet.data.sequences import SequenceSource
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
class Bank:
    """The demo's motion bank: true coefficients and sound of many short clips, without frames.

    For codec, mapper and a judge of style. `speakers` people with `train_clips` and `test_clips` in each of the three
    styles; `judge_speakers` others with `judge_clips` in each, on the side "val": a judge is trained on them alone.
    """

    VERSION: ClassVar[int] = 1
    FRAMES: ClassVar[bool] = False
    seed: int = 0
    speakers: int = 8
    train_clips: int = 3  # of each speaker and style
    test_clips: int = 1
    judge_speakers: int = 2
    judge_clips: int = 4
    seconds: float = 4.0  # of each clip

    def build(self) -> BankSource:
        from erlnet.data.demo.bank import BankPlan, BankSource

        plan = BankPlan(
            self.seed,
            self.speakers,
            self.train_clips,
            self.test_clips,
            self.judge_speakers,
            self.judge_clips,
            self.seconds,
        )
        plan.check()
        return BankSource(plan)


@dataclass(frozen=True)
class Landmarks:
    """Fits the head model to 68 landmarks over the whole clip: one shape, one camera, motion per frame."""

    VERSION: ClassVar[int] = 2

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


@dataclass(frozen=True)
class Sequences(SequenceOptions):
    """Your own coefficient sequences, .npz or Deep3D's .mat, without pictures: for training and comparing codecs.

    `sound`: each has a .wav of its name beside it. `names`: a pattern of file names such as {speaker}_{style}_*, or
    {recording}_take*; without one a recording is a name less its `_clip...` or last number. `split`: whole recordings
    or speakers are held out, `test_share` and `val_share` of the frames, chosen by a hash with `seed`; none: the run's
    split cuts each file by time. `fps`: 0 is what each file says, 30 for .mat.
    """

    VERSION: ClassVar[int] = 1
    FRAMES: ClassVar[bool] = False

    @property
    def SOUND(self) -> bool:
        return self.sound

    def build(self) -> SequenceSource:
        from erlnet.data.sequences import SequenceSource

        return SequenceSource(self)


@dataclass(frozen=True)
class Ldst(PrepareOptions, LdstLayout):
    """LDST: ROOT/<speaker>/<style>/<name>.mp4, or a manifest CSV with the columns path,speaker,style,split.

    `manifest`: the CSV, relative to ROOT. Its sides count; where it has none each video is cut by time, 80/10/10 with
    gaps (split=auto-time).
    """

    VERSION: ClassVar[int] = 1

    def build(self) -> IndexedSource:
        return _videos("ldst", self)


@dataclass(frozen=True)
class Mead(PrepareOptions, MeadLayout):
    """MEAD, as released or repackaged; only what `speakers`, `views`, `emotions` and `levels` select is prepared.

    An empty list selects all. `split`: speakers (M003, M030, W009, W015 are the test), edtalk (its two JSON files, in
    the folder `lists`), or tail (the last sentences of each speaker, emotion and level: one person on both sides).
    """

    VERSION: ClassVar[int] = 1

    def build(self) -> IndexedSource:
        return _videos("mead", self)


@dataclass(frozen=True)
class Hdtf(PrepareOptions, HdtfLayout):
    """HDTF: its text files beside the downloaded videos, or beside clips cut from them.

    `split`: identity (people by a hash with `seed`; `test_share` and `val_share` of them) or edtalk (its two JSON
    files, in the folder `lists`; it has people on both sides; `torn`: recordings on both sides are left out of train,
    or kept). `subsets`: of RD, WDA, WRA. `clips`: whether NAME_I.mp4
    are cropped already or whole pictures.
    """

    VERSION: ClassVar[int] = 1

    def build(self) -> IndexedSource:
        return _videos("hdtf", self)


@dataclass(frozen=True)
class VoxCeleb(PrepareOptions, VoxCelebLayout):
    """VoxCeleb2 as released, and VoxCeleb1 as YouTube videos with its text boxes; the official split.

    `subset`: of dev, test; `speakers`: identities; an empty list selects all.
    """

    VERSION: ClassVar[int] = 1

    def build(self) -> IndexedSource:
        return _videos("voxceleb", self)


def _videos(name: str, options: Ldst | Mead | Hdtf | VoxCeleb) -> IndexedSource:
    from erlnet.data.indexed import IndexedSource

    return IndexedSource(name, options, options)
