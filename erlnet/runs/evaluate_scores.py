"""Every family over every method and control; rows are given out as they are found, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.metrics.families import ImageFamily, build_family
from erlnet.metrics.pairs import ClipPair, Family, FrameSource, Row, Unavailable
from erlnet.metrics.profiles.known import PROFILES
from erlnet.runs.evaluate_truth import TrueClip
from erlnet.runs.progress import Display

if TYPE_CHECKING:
    import pandas as pd

Shown = Mapping[str, Mapping[str, FrameSource]]
"""Row -> clip -> frames."""


@dataclass
class _Progress:
    """Told by the families how far one call is; shows how far all of a row is."""

    display: Display
    label: str
    total: int  # frames of all calls
    done: int = field(default=0)

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        self.display.live(f"{self.label} [{'#' * (20 * (self.done + step) // self.total):<20}]")

    def note(self, text: str) -> None:
        self.display.line(text)


@dataclass
class Scoring:
    """What is scored, and the families that turned out not to be computable here."""

    clips: Sequence[TrueClip]
    families: Sequence[str]  # of ours, and profiles
    detections: Path
    display: Display
    missing: dict[str, Unavailable] = field(default_factory=dict)

    def rows(self, shown: Shown) -> Iterator[tuple[str, Row]]:
        """(row's name, score), method by method."""
        built = {name: _build(name, self.detections) for name in self.families}
        by_pair = [name for name, family in built.items() if isinstance(family, ImageFamily)]
        for row, sources in shown.items():
            pairs = [_pair(clip, sources[clip.name]) for clip in self.clips if clip.name in sources]
            progress = _Progress(self.display, f"scoring {row}", max(1, sum(map(len, pairs)) * len(built)))
            for pair in pairs:  # every image family while the pair's frames are still in memory
                for name in by_pair:
                    yield from ((row, score) for score in self._score(name, built[name], [pair], progress))
            for name in [name for name in built if name not in by_pair]:  # these may join clips
                yield from ((row, score) for score in self._score(name, built[name], pairs, progress))
            self.display.close()

    def _score(self, name: str, family: Family, pairs: list[ClipPair], progress: _Progress) -> list[Row]:
        if name in self.missing:
            return []
        try:
            found = family.score(pairs, progress)
        except Unavailable as reason:
            self.missing[name] = reason
            return []
        progress.done += sum(map(len, pairs))
        return found


def _build(name: str, detections: Path) -> Family:
    return PROFILES[name].build(detections) if name in PROFILES else build_family(name, detections)


def _pair(clip: TrueClip, rendered: FrameSource) -> ClipPair:
    samples = clip.samples
    sound = None if samples is None else lambda: samples
    return ClipPair(clip.name, clip.speaker, clip, rendered, clip.regions, clip.landmarks, clip.fps, sound)


def read_scores(path: Path, driving: str) -> dict[str, pd.DataFrame]:
    """Row -> its scores as the report wants them."""
    import pandas as pd

    from erlnet.report.inputs import SCORE_COLUMNS

    empty = {"frame": [""], "value": [""]}  # a clip may be called "NA"
    table = pd.read_csv(path, dtype={"row": str, "clip": str}, keep_default_na=False, na_values=empty)
    table = table.assign(seed=0, driving=driving)
    return {str(name): rows[list(SCORE_COLUMNS)] for name, rows in table.groupby("row", sort=False)}
