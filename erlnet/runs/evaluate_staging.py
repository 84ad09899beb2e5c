"""Both sides of a comparison laid out as pictures, checked against each other and cut into units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from erlnet.errors import UserError
from erlnet.metrics.frame_checks import check_frames
from erlnet.runs.evaluate_frames import Size, Staged, block_of, size_of, stage
from erlnet.runs.evaluate_notes import TRUTH, notes_of, some
from erlnet.runs.evaluate_sources import Given, Source
from erlnet.runs.evaluate_truth import block_bounds
from erlnet.runs.rendered import RenderedFrames

MIN_SIZE = 32  # px; LPIPS has no value below


@dataclass(frozen=True)
class Unit:
    """A clip, or a block of the one clip."""

    name: str
    clip: str
    start: int  # frames of the clip
    stop: int


@dataclass(frozen=True)
class Layout:
    """What lies on disk: `frames[row][unit]` is a folder of `00000.png` and so on; the reference's row is TRUTH."""

    units: tuple[Unit, ...]
    frames: Mapping[str, Mapping[str, Path]]
    staged: Mapping[str, Mapping[str, Staged]]  # row -> clip
    notes: tuple[str, ...]


@dataclass
class Staging:
    """Lays out `given` below `folder`; `tell` is told what is read and how many frames so far."""

    given: Given
    folder: Path
    fps: float
    resize: bool
    tell: Callable[[str, int], None]

    def run(self) -> Layout:
        """UserError where a source cannot be read, or its size is another than the reference's without `resize`."""
        sizes = {clip: self._size(clip, source) for clip, source in self.given.reference.items()}
        for method in self.given.methods:
            for clip, source in method.clips.items():
                self._check_size(f"--pred {method.name}", source, sizes[clip])
        staged = {TRUTH: self._stage(TRUTH, "--ref", self.given.reference, {})}
        for method in self.given.methods:
            staged[method.name] = self._stage(method.name, f"--pred {method.name}", method.clips, sizes)
        units = self._units(staged)
        frames = {
            row: {
                unit.name: block_of(clips[unit.clip], self.folder / "units" / str(i) / str(j), unit.start, unit.stop)
                for j, unit in enumerate(units)
                if unit.clip in clips
            }
            for i, (row, clips) in enumerate(staged.items())
        }
        notes = (*self.given.notes, *notes_of(staged, self.fps), *self._look_for_bgr(frames))
        return Layout(units, frames, staged, notes)

    def _size(self, clip: str, source: Source) -> Size:
        size = size_of(source, "--ref", self.fps)
        if min(size) < MIN_SIZE:
            raise UserError(f"--ref {source.path}: frames of {size[1]}x{size[0]} px; at least {MIN_SIZE} px are needed")
        return size

    def _check_size(self, flag: str, source: Source, wanted: Size) -> None:
        size = size_of(source, flag, self.fps)
        if size != wanted and not self.resize:
            raise UserError(
                f"{flag}: {source.path} is {size[1]}x{size[0]} px, the reference {wanted[1]}x{wanted[0]}; scaling "
                "would be a part of the score: give --resize to scale it all the same"
            )

    def _stage(
        self, row: str, flag: str, sources: Mapping[str, Source], sizes: Mapping[str, Size]
    ) -> dict[str, Staged]:
        place = Path(mkdtemp(dir=self.folder))

        def tell(clip: str) -> Callable[[int], None]:
            return lambda count: self.tell(f"{row}, {clip}", count)

        return {
            clip: stage(source, place / str(i), flag, self.fps, sizes.get(clip), tell(clip))
            for i, (clip, source) in enumerate(sources.items())
        }

    def _units(self, staged: Mapping[str, Mapping[str, Staged]]) -> tuple[Unit, ...]:
        """All rows of a clip are scored over the frames that each of them has."""
        counts = {clip: min(clips[clip].count for clips in staged.values() if clip in clips) for clip in staged[TRUTH]}
        if not self.given.single:
            return tuple(Unit(clip, clip, 0, count) for clip, count in counts.items())
        ((clip, count),) = counts.items()
        bounds = block_bounds(count, self.fps)
        names = [clip] if len(bounds) == 1 else [f"{clip}.block{i:02d}" for i in range(len(bounds))]
        return tuple(Unit(name, clip, *bound) for name, bound in zip(names, bounds))

    def _look_for_bgr(self, frames: Mapping[str, Mapping[str, Path]]) -> list[str]:
        """At the first frame of every unit, which tells as much as all of them."""
        notes: list[str] = []
        for row, units in frames.items():
            if row == TRUTH:
                continue
            told = []
            for unit, folder in units.items():
                sides = [RenderedFrames(place).frames(0, 1) for place in (frames[TRUTH][unit], folder)]
                told += check_frames(*sides, clip=unit)
            notes += some(f"{row} may have red and blue exchanged", told)
        return notes
