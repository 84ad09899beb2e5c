"""The reference, ready to be scored against: cut into units, with landmarks, regions and sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from erlnet.data.matte import PersonMatte
from erlnet.errors import UserError
from erlnet.metrics.cards import fingerprint
from erlnet.metrics.detector import Detect, FaceLandmarker, RememberedDetector
from erlnet.metrics.face import mouth_opening
from erlnet.metrics.frozen_mouth import FrozenMouthFrames
from erlnet.metrics.pairs import FrameSource, Unavailable
from erlnet.runs.evaluate_regions import RegionFinder
from erlnet.runs.rendered import RenderedFrames

BLOCK_SECONDS = 2.0  # the shortest block of one video; the longest is under 4 s
SHUT = 0.06  # interocular: a mouth that opens no wider can be pasted in as a shut one
_BATCH = 16  # frames


@dataclass(frozen=True, eq=False)
class TrueClip:
    """One unit of the statistics: a clip, or a block of the one video. The report reads frames and regions from it."""

    name: str
    source: str  # clip that it was cut from
    speaker: str
    picture: RenderedFrames
    region_folder: Path
    landmarks: np.ndarray  # (T,68,2) px, NaN where no face was found
    fps: float
    samples: np.ndarray | None  # (N,) float32 at 16 kHz

    def __len__(self) -> int:
        return len(self.picture)

    def frame(self, index: int) -> np.ndarray:
        """(3,H,W) uint8 RGB."""
        return self.picture.frame(index)

    def frames(self, start: int, stop: int) -> np.ndarray:
        """(N,3,H,W) uint8 RGB."""
        return self.picture.frames(start, stop)

    @cached_property
    def _maps(self) -> list[Path]:
        return sorted(self.region_folder.glob("*.png"))

    def regions(self, start: int, stop: int) -> np.ndarray:
        """(N,H,W) uint8, bit i = erlnet.interfaces.REGIONS[i]."""
        found = []
        for path in self._maps[start:stop]:
            with Image.open(path) as image:
                found.append(np.asarray(image))
        return np.stack(found)


@dataclass(frozen=True)
class Looked:
    """What looking at every frame of the reference gave."""

    landmarks: list[np.ndarray]  # of each clip (T,68,2)
    with_matte: bool
    unavailable: Unavailable | None = None  # why there are no landmarks, and so no regions

    @property
    def regions(self) -> str:
        """What they were made from."""
        if self.unavailable:
            return "none"
        return "landmarks and person matte" if self.with_matte else "landmarks alone"


def block_bounds(count: int, fps: float) -> list[tuple[int, int]]:
    """[start, stop) of each block: as many of at least 2 s as fit, as equal as whole frames allow; one at least."""
    n = max(1, int(count / fps / BLOCK_SECONDS + 1e-9))
    return [(i * count // n, (i + 1) * count // n) for i in range(n)]


def look_at(
    clips: Sequence[FrameSource], folders: Sequence[Path], detections: Path, tell: Callable[[int], None]
) -> Looked:
    """Landmarks of every frame, and its regions as pictures in `folders`, by the detector that judges the renders.

    Without that detector landmarks are NaN and regions empty; without the person matte they come from landmarks alone.
    """
    with ExitStack() as stack:
        landmarker = stack.enter_context(FaceLandmarker())
        identity = json.dumps(fingerprint("landmarks"), sort_keys=True)
        detector = RememberedDetector(landmarker, detections, identity)
        finder = RegionFinder(_matte(stack))
        try:
            found = [_look(clip, folder, detector, finder, tell) for clip, folder in zip(clips, folders, strict=True)]
        except Unavailable as missing:
            empty = [np.full((len(clip), 68, 2), np.nan, np.float32) for clip in clips]
            for clip, folder in zip(clips, folders, strict=True):
                folder.mkdir(parents=True, exist_ok=True)
                height, width = clip.frames(0, 1).shape[-2:]
                for index in range(len(clip)):
                    Image.fromarray(np.zeros((height, width), np.uint8)).save(folder / f"{index:05d}.png")
            return Looked(empty, False, missing)
        detector.save()
        return Looked(found, finder.matte is not None)


def _matte(stack: ExitStack) -> PersonMatte | None:
    try:
        return stack.enter_context(PersonMatte())
    except UserError:  # not here: regions then come from landmarks alone, and the report says so
        return None


def _look(
    clip: FrameSource, folder: Path, detect: Detect, finder: RegionFinder, tell: Callable[[int], None]
) -> np.ndarray:
    found = []
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(clip), _BATCH):
        frames = clip.frames(start, min(start + _BATCH, len(clip)))
        points = detect(frames)
        for offset, (frame, landmarks) in enumerate(zip(frames, points)):
            bits = finder(frame, landmarks)
            Image.fromarray(bits).save(folder / f"{start + offset:05d}.png", compress_level=1)
        found.append(points)
        tell(len(frames))
    return np.concatenate(found)


def frozen_mouth(clips: Sequence[TrueClip]) -> dict[str, FrameSource] | None:
    """Clip -> its true frames under one shut mouth of the same source; None where no source has a shut mouth.

    The shut mouth is the reference's own: no training frame is at hand. It is that of the frame with the smallest
    opening, if that is at most `SHUT`.
    """
    made: dict[str, FrameSource] = {}
    for source in dict.fromkeys(clip.source for clip in clips):
        mine = [clip for clip in clips if clip.source == source]
        openings = [mouth_opening(np.asarray(clip.landmarks, np.float64)) for clip in mine]
        every = np.concatenate(openings)
        if not np.isfinite(every).any() or np.nanmin(every) > SHUT:
            continue
        shut = next(i for i, opening in enumerate(openings) if np.nanmin(every) in opening)
        index = int(np.nanargmin(openings[shut]))
        frame, points = mine[shut].frame(index), mine[shut].landmarks[index]
        made |= {clip.name: FrozenMouthFrames(clip, clip.landmarks, frame, points) for clip in mine}
    return made or None
