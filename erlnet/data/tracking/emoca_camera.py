"""Focal length, crop and depth for EMOCA's output, which names none of them.

They are stated by the tracker's options or by a `camera.json` in the folder of the frames or one above it:

    {"focal": 1800,                           px of the source video
     "depth": 1.4,                            m, the head's median distance; or "scale": focal over EMOCA's own scale
     "crop": [400, 120, 310],                 left, top, side px of the source video: EMOCA's 224 px square; or for each
                                              face {"000001_000": [400, 120, 310], ...}
     "cam": {"000001_000": [8.1, 0.0, 0.02]}} only where no cam.npy was saved: EMOCA's scale, x, y

Crops are also read from the `detections/bboxes.pkl` that EMOCA's own detection wrote. It is a row of five pickles, of
which the first three are lists, one entry a frame, of lists, one entry a face: paths NNNNNN_FFF.png, centres (2,) and
sizes (both in px of the source, pixel centres at whole numbers). A crop is `size` px wide about its centre and is
scaled so that its first pixel is pixel 0 and `size` on is pixel 223. EMOCA's picture coordinates -1 and 1 are pixels 0
and 224 (its landmarks are pixels / 112 - 1).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from erlnet.errors import InputError, UserError
from erlnet.head import safe_pickle

FILE = "camera.json"
BY_SCALE = "scale"
_CROP_PX = 224


@dataclass(frozen=True)
class Camera:
    """What is stated; 0, () and "" where it is not."""

    focal: float  # px of the source video
    crop: tuple[float, ...] | dict[str, tuple[float, ...]]  # (left, top, side) px of all frames, or of each face folder
    depth: float | str  # m, BY_SCALE, or "" for not stated
    cams: dict[str, tuple[float, ...]]  # (scale, x, y) of each face folder, where no cam.npy has it

    def or_else(self, other: Camera) -> Camera:
        """What this one does not state, as the other one does."""
        return Camera(
            self.focal or other.focal, self.crop or other.crop, self.depth or other.depth, self.cams or other.cams
        )

    def box(self, name: str) -> tuple[float, ...] | None:
        """(left, top, side) px of the face folder `name`; None where it is not stated."""
        return self.crop.get(name) if isinstance(self.crop, dict) else self.crop or None

    def check_options(self) -> None:
        """UserError where what the tracker's options state is no camera."""
        if self.focal < 0 or not self._has_squares():
            raise UserError(
                f"tracker.focal={self.focal:g}, tracker.crop={list(self.crop)}: focal must be > 0 px, a crop "
                "[left,top,side], side > 0"
            )

    def check(self, folder: Path) -> None:
        """InputError that lists everything that is not stated of this output, with how to state it."""
        ways = {
            "focal length (tracker.focal=PX of the video)": self.focal,
            "crop (tracker.crop=[left,top,side], or EMOCA's detections/bboxes.pkl)": self.crop,
            "depth (tracker.depth=METRES or scale)": self.depth,
        }
        missing = [way for way, stated in ways.items() if not stated]
        if missing:
            raise InputError(
                f"EMOCA's output in {folder} states no {', no '.join(missing)}; set these or write {FILE} there"
            )
        if not self.focal > 0 or not self._has_squares():
            raise InputError(
                f"camera of EMOCA's output in {folder}: focal must be > 0 px, a crop [left,top,side], side > 0"
            )

    def _has_squares(self) -> bool:
        boxes = self.crop.values() if isinstance(self.crop, dict) else [self.crop] if self.crop else []
        return all(len(box) == 3 and box[2] > 0 for box in boxes)


def read_camera(folder: Path, top: Path) -> Camera:
    """What the files in `folder`, and in those above it up to `top`, state; InputError names one that is malformed."""
    camera = Camera(0.0, (), "", {})
    for place in [folder, *folder.parents]:
        if (place / FILE).is_file():
            camera = camera.or_else(_read_json(place / FILE))
        found = [*place.glob("detections/bboxes.pkl"), *place.glob("processed_*/*/detections/bboxes.pkl")]
        if not camera.crop and len(found) == 1:  # of several nothing says which is this folder's
            camera = camera.or_else(Camera(0.0, read_boxes(found[0]), "", {}))
        if place == top:
            break
    return camera


def depth_of(value: object, where: str) -> float | str:
    """A number of metres, BY_SCALE, or "" for none; UserError names `where`."""
    if value in ("", None, BY_SCALE):
        return BY_SCALE if value == BY_SCALE else ""
    try:
        depth = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        depth = -1.0
    if not 0 < depth < 100:
        raise UserError(f"{where}={value}: expected a distance in metres or '{BY_SCALE}'")
    return depth


def _read_json(path: Path) -> Camera:
    try:
        text = json.loads(path.read_text())
        unknown = set(text) - {"focal", "depth", "crop", "cam"}
        if unknown:
            raise ValueError(f"unknown entry '{sorted(unknown)[0]}'")
        crop = text.get("crop", ())
        return Camera(
            float(text.get("focal", 0)),
            _table(crop) if isinstance(crop, dict) else tuple(map(float, crop)),
            depth_of(text.get("depth", ""), "depth"),
            _table(text.get("cam", {})),
        )
    except (OSError, ValueError, TypeError, AttributeError, UserError) as error:
        raise InputError(f"{path}: {error}; expected focal, depth, crop and maybe cam (numbers)") from None


def _table(entries: dict[str, list[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(map(float, numbers)) for name, numbers in entries.items()}


class _Path:
    """Stands in for a pathlib path: only its parts are kept."""

    def __init__(self, *parts: str):
        self.parts = parts


class _Unpickler(safe_pickle.RecordUnpickler):
    """Knows paths beside the arrays; as little can run."""

    def find_class(self, module: str, name: str) -> object:
        if module.partition(".")[0] == "pathlib" and name.endswith("Path"):
            return _Path
        return super().find_class(module, name)


def read_boxes(path: Path) -> dict[str, tuple[float, ...]]:
    """Face folder -> (left, top, side) px of the source, pixel centres at +.5, from EMOCA's bboxes.pkl."""
    try:
        with path.open("rb") as file:
            names, centres, sizes = (_Unpickler(file, encoding="latin1").load() for _ in range(3))
        faces = [face for frame in zip(names, centres, sizes, strict=True) for face in zip(*frame, strict=True)]
        return dict(_box(*face) for face in faces)
    except Exception as error:  # a pickle is a program, and there is no end to what may be wrong with one
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"refused to load {path}: {reason}; state the crops in {FILE} instead") from None


def _box(name: Any, centre: Any, size: Any) -> tuple[str, tuple[float, ...]]:
    middle = safe_pickle.as_array(centre).astype(float)
    width = float(size if isinstance(size, int | float) else safe_pickle.as_array(size))
    left, top = middle - width / 2 + 0.5
    stem = PurePosixPath(*(part.replace("\\", "/") for part in name.parts)).stem
    return stem, (float(left), float(top), width * _CROP_PX / (_CROP_PX - 1))


def picture_of(points: np.ndarray, cams: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where EMOCA's orthographic camera has points, and how large.

    `points` (T,3) m in EMOCA's space (x right, y up), `cams` (T,3) scale, x, y, `boxes` (T,3) left, top, side px ->
    (T,2) px and (T,) px per metre, both of the source video.
    """
    scale, shift, half = cams[:, :1], cams[:, 1:], boxes[:, 2:] / 2
    square = scale * (points[:, :2] + shift) * [1, -1]  # in [-1,1], y down
    return boxes[:, :2] + (square + 1) * half, (scale * half)[:, 0]
