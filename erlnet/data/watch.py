"""The second look at a shot: its frames are written, its torso is followed, and it is found what is person."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from erlnet.data.matte import SIDE, PersonMatte
from erlnet.data.regions import HAIR, KEY_FRAMES, WORK, KeyFrame, PersonModel, fit_person, grab_person, region_map
from erlnet.data.silhouette import PartFaces, Silhouettes, silhouettes
from erlnet.data.torso import TorsoMotion
from erlnet.head.model import HeadModel
from erlnet.interfaces import REGIONS, Tracked

BATCH = 64  # frames whose vertices are in memory at once
_TORSO = np.uint8(1 << REGIONS.index("torso"))


class Outlines:
    """Silhouettes of the tracked head at WORK px, computed a batch of frames at a time."""

    def __init__(self, model: HeadModel, parts: PartFaces, tracked: Tracked, landmarks: np.ndarray, size: int):
        """`landmarks` (T,68,2) px at `size`, known in every frame."""
        self._model, self._coefficients, self._landmarks = model, tracked.coefficients, landmarks * (WORK / size)
        self._focal, self._parts = tracked.focal * WORK / size, parts
        self._start, self._points = 0, np.zeros((0, 0, 2))

    def __len__(self) -> int:
        return len(self._landmarks)

    def batches(self) -> Iterator[range]:
        """All frames, BATCH at a time; within one `at` may be called from several threads."""
        for start in range(0, len(self), BATCH):
            self._fill(start)
            yield range(start, min(start + BATCH, len(self)))

    def at(self, index: int) -> Silhouettes:
        if not self._start <= index < self._start + len(self._points):
            self._fill(index)
        return silhouettes(self._points[index - self._start], self._parts, self._landmarks[index], WORK)

    def _fill(self, start: int) -> None:
        c = self._coefficients.cut(start, min(start + BATCH, len(self._coefficients)))

        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.asarray(array, np.float32))

        with torch.inference_mode():
            world = self._model(
                tensor(c.shape)[None], tensor(c.expression), tensor(c.jaw), tensor(c.eyes), tensor(c.lids),
                tensor(c.head_to_world), tensor(c.root)[None],
            ).numpy()  # fmt: skip
        self._start = start
        self._points = self._focal * world[..., :2] / world[..., 2:] + WORK / 2


@dataclass(frozen=True)
class Watched:
    """What the second look found; it gives each frame's regions."""

    person: PersonModel
    torso_offset: np.ndarray  # (T,2) px of the clip
    mattes: list[bytes]  # compressed (WORK,WORK) uint8, one a frame; empty without the matte
    size: int

    def regions(self, index: int, shape: Silhouettes) -> np.ndarray:
        """(size,size) uint8 bits of a frame."""
        matte = None
        if self.mattes:
            packed = np.frombuffer(zlib.decompress(self.mattes[index]), np.uint8)
            matte = packed.reshape(WORK, WORK).astype(np.float32) / 255
        return region_map(shape, self.person, self.size, self.torso_offset[index] * (WORK / self.size), matte)


@dataclass
class Watcher:
    """Sees a shot's frames one after the other."""

    outlines: Outlines
    size: int  # px of the frames
    matte: PersonMatte | None

    def __post_init__(self) -> None:
        self._torso = TorsoMotion()
        self._mattes: list[bytes] = []
        self._seen: list[tuple[int, np.ndarray, np.ndarray | None]] = []  # key frames: index, image, matte
        self._count = 0

    @cached_property
    def _keys(self) -> set[int]:
        count = len(self.outlines)
        return set(np.linspace(0, count - 1, min(KEY_FRAMES, count)).round().astype(int).tolist())

    def see(self, image: np.ndarray) -> None:
        """`image` (size,size,3) uint8, the next frame."""
        import cv2

        index, self._count = self._count, self._count + 1
        matte = None
        if self.matte is not None:
            matte = self.matte(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            matte = cv2.resize(matte, (WORK, WORK), interpolation=cv2.INTER_AREA)
            self._mattes.append(zlib.compress((matte * 255).round().astype(np.uint8).tobytes(), 1))
        if index in self._keys:
            self._seen.append((index, cv2.resize(image, (WORK, WORK), interpolation=cv2.INTER_AREA), matte))
        if index == 0:
            self._where = self._clothes()
        self._torso.add(image, self._where)

    def _clothes(self) -> np.ndarray:
        """(size,size) uint8: the torso's bit where the first frame shows clothes."""
        import cv2

        _, image, matte = self._seen[0]
        shape = self.outlines.at(0)
        person = grab_person(image, shape) if matte is None else matte >= 0.5
        clothes = person & ~shape.head & ~shape.neck & ~(shape.above_jaw & (shape.hair_reach(HAIR) > 0))
        return cv2.resize(clothes * _TORSO, (self.size, self.size), interpolation=cv2.INTER_NEAREST)

    def found(self) -> Watched:
        """After the last frame."""
        offsets = self._torso.offsets()
        keys = [
            KeyFrame(image, self.outlines.at(index), offsets[index] * (WORK / self.size), matte)
            for index, image, matte in self._seen
        ]
        return Watched(fit_person(keys), offsets, self._mattes, self.size)
