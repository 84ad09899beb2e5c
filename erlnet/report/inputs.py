"""What a report is made from: frozen records that the runner (or `evaluate`) fills. No torch, no pandas at import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import pandas as pd

SCORE_COLUMNS = ("seed", "clip", "driving", "frame", "metric", "region", "value")


class MetricCard(Protocol):
    """What the report needs to know of a metric; `erlnet.metrics.cards.Card` is one."""

    @property
    def id(self) -> str: ...
    @property
    def family(self) -> str: ...  # what is computed in one pass
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def higher_is_better(self) -> bool | None: ...  # None: neither direction is better
    @property
    def definition(self) -> str: ...
    @property
    def full_reference(self) -> bool: ...  # it compares with the true frame, so a gain over a floor means something
    @property
    def perfect(self) -> float | None: ...  # what the truth scores, where that is finite


class Frames(Protocol):
    """Lossless frames read one at a time; `erlnet.data.clip.Clip` is one."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> np.ndarray:
        """(3,H,W) uint8 RGB."""


class RegionMaps(Protocol):
    """Where the regions lie; `erlnet.data.clip.Clip` is one."""

    def regions(self, start: int, stop: int) -> np.ndarray:
        """(N,H,W) uint8, bit i = erlnet.interfaces.REGIONS[i]."""


@dataclass(frozen=True)
class FolderFrames:
    """The PNG files of a folder, in the order of their names."""

    folder: Path

    @cached_property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.png"))

    def __len__(self) -> int:
        return len(self.files)

    def frame(self, index: int) -> np.ndarray:
        with Image.open(self.files[index]) as image:
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB")).transpose(2, 0, 1)


@dataclass(frozen=True)
class TruthClip:
    """A test clip as it really was: what the variants are compared with."""

    name: str
    frames: Frames | None  # None: there are no pictures, only motion
    fps: float
    audio: np.ndarray | None = None  # (N,) float32 mono in [-1,1]
    sample_rate: int = 16_000
    speaker: str = ""
    regions: RegionMaps | None = None  # None: no zoomed crops

    @property
    def pictures(self) -> Frames:
        """`frames` of a clip that has them."""
        if self.frames is None:
            raise ValueError(f"clip {self.name} has no frames")
        return self.frames


@dataclass(frozen=True)
class Check:
    """A condition of every verdict: the health gate, the mouth guard."""

    status: Literal["passed", "failed", "n/a"] = "n/a"
    values: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""  # what passing takes, as a sentence


@dataclass(frozen=True)
class Unavailable:
    """A metric, or a whole family of metrics, without a value, and what a user can do about it."""

    metric: str  # a metric's id or a family's name
    reason: str
    remedy: str


@dataclass(frozen=True)
class Cost:
    """`stages` holds the seconds that each stage took when it was made, here or in an earlier run; `seconds` all."""

    seconds: float | None = None
    peak_rss_bytes: int | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)  # network -> number of parameters
    multiply_adds_per_frame: int | None = None  # of the renderer (erlnet.nerf.work says what is not counted)


@dataclass(frozen=True)
class SharedPlan:
    """`stages`: stage -> key; `shared_with`: stage -> other variants that use the same product."""

    stages: Mapping[str, Any] = field(default_factory=dict)
    shared_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BudgetPoint:
    """What the renderer was worth after a share of its steps, on some frames of every test clip.

    A snapshot at half of the steps is not a run of half the steps: there the learning rate would have fallen by then.
    """

    share: float  # of the steps, 1 for all
    steps: int
    metric: str
    region: str
    driving: str
    value: float  # mean over clips and seeds


@dataclass(frozen=True)
class VariantResult:
    """One arm of the study. `scores` has SCORE_COLUMNS; `frame` is empty where a value belongs to a whole clip."""

    name: str
    status: Literal["done", "failed", "missing"]
    config: Mapping[str, str] = field(default_factory=dict)  # slot -> component
    options: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""
    error: str | None = None
    seeds: tuple[int, ...] = ()
    scores: pd.DataFrame | None = None
    health: Check = Check()
    mouth_guard: Check = Check()
    cost: Cost = Cost()
    plan: SharedPlan = SharedPlan()
    unavailable: tuple[Unavailable, ...] = ()
    frames: Mapping[tuple[str, str], Path] = field(default_factory=dict)  # (driving, clip) -> folder, of the first seed
    budget: tuple[BudgetPoint, ...] = ()  # of the primary endpoint, by rising share; empty where it was not asked for


@dataclass(frozen=True)
class ReferenceResult:
    """A row that is no model. Floors know nothing of the test frame; controls show what a metric sees."""

    name: str
    role: Literal["floor", "control", "ceiling"]
    scores: pd.DataFrame


@dataclass(frozen=True)
class Primary:
    """The one endpoint that the verdict goes by, declared before the runs."""

    metric: str
    region: str
    driving: str


@dataclass(frozen=True)
class Study:
    name: str
    command: str
    primary: Primary
    baseline: str
    variants: tuple[VariantResult, ...]
    references: tuple[ReferenceResult, ...]
    driving: tuple[str, ...]
    cards: Mapping[str, MetricCard]  # metric id -> card, in the order of the tables
    clips: tuple[TruthClip, ...]
    dataset: str  # the dataset component; "demo" and "bank" make the report say: sanity check, not evidence
    split: str
    environment: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_demo(self) -> bool:
        return self.dataset in ("demo", "bank")

    @property
    def filmed(self) -> tuple[TruthClip, ...]:
        """The clips that can be looked at."""
        return tuple(clip for clip in self.clips if clip.frames is not None)

    def variant(self, name: str) -> VariantResult | None:
        return next((v for v in self.variants if v.name == name), None)
