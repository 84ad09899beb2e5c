"""The second look at a video: what of the picture is the person, and how the torso drifts in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from erlnet.data.crop import Crop
from erlnet.data.detector import INSTALL
from erlnet.data.regions import HAIR, KEY_FRAMES, WORK, PersonModel, fit_person, grab_person
from erlnet.data.silhouette import PartFaces, Silhouettes, silhouettes
from erlnet.data.torso import TorsoMotion
from erlnet.data.video import read_frames
from erlnet.errors import UserError
from erlnet.head.model import HeadModel
from erlnet.interfaces import REGIONS, Tracked

_BATCH = 64  # frames whose vertices are in memory at once
_TORSO = np.uint8(1 << REGIONS.index("torso"))


class Outlines:
    """Silhouettes of the tracked head at WORK px, computed a batch of frames at a time."""

    def __init__(self, model: HeadModel, tracked: Tracked, landmarks: np.ndarray, size: int):
        """`landmarks` (T,68,2) px at `size`, known in every frame."""
        self._model, self._coefficients, self._landmarks = model, tracked.coefficients, landmarks * (WORK / size)
        self._focal, self._parts = tracked.focal * WORK / size, PartFaces.of(model)
        self._start, self._points = 0, np.zeros((0, 0, 2))

    def __len__(self) -> int:
        return len(self._landmarks)

    def at(self, index: int) -> Silhouettes:
        if not self._start <= index < self._start + len(self._points):
            self._fill(index)
        return silhouettes(self._points[index - self._start], self._parts, self._landmarks[index], WORK)

    def _fill(self, start: int) -> None:
        c = self._coefficients.cut(start, min(start + _BATCH, len(self._coefficients)))

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
    """What the second look finds."""

    person: PersonModel
    torso_offset: np.ndarray  # (T,2) px of the crop


def watch(video: Path, crop: Crop, outlines: Outlines) -> Watched:
    """UserError where OpenCV is missing."""
    try:
        import cv2
    except ImportError as error:
        raise UserError(f"finding the person's outline needs opencv ({error}); install it with: {INSTALL}") from None
    count = len(outlines)
    wanted = np.unique(np.linspace(0, count - 1, min(KEY_FRAMES, count)).round().astype(int))
    keys, frames, shapes, torso = set(wanted.tolist()), [], [], TorsoMotion()
    where = np.zeros((crop.size, crop.size), np.uint8)
    for index, frame in enumerate(read_frames(video)):
        image = crop.image(frame)
        if index in keys:
            frames.append(cv2.resize(image, (WORK, WORK), interpolation=cv2.INTER_AREA))
            shapes.append(outlines.at(index))
        if index == 0:
            clothes = grab_person(frames[0], shapes[0]) & ~shapes[0].head & ~shapes[0].neck
            clothes &= ~(shapes[0].above_jaw & (shapes[0].hair_reach(HAIR) > 0))
            where = cv2.resize(clothes * _TORSO, where.shape, interpolation=cv2.INTER_NEAREST)
        torso.add(image, where)
    offsets = torso.offsets()
    marks = np.stack([shape.landmarks for shape in shapes])
    return Watched(fit_person(frames, shapes, marks, offsets[wanted] * (WORK / crop.size)), offsets)
