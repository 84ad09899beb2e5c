"""dlib's 68 landmarks: another judge than the tracker, trained on the annotation that LMD is defined on.

King 2009 (the detector of frontal faces, which the package holds), Kazemi and Sullivan 2014 (the shape predictor).
"""

from types import ModuleType, TracebackType
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.pairs import Unavailable
from erlnet.metrics.protocol import DLIB_MIN_SIZE


class DlibLandmarker:
    """One face a frame, the one that the detector is surest of; turned heads (over about 30 degrees) it misses."""

    def __init__(self) -> None:
        self._found: tuple[Any, Any] | None = None  # faces, then their points

    def __enter__(self) -> "DlibLandmarker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._found = None

    def __call__(self, frames: UInt8[np.ndarray, "N 3 H W"]) -> Float[np.ndarray, "N 68 2"]:
        """Landmarks in px of the frames given; raises Unavailable without dlib or its model."""
        if self._found is None:
            self._found = _load()
        return np.stack([self._detect(frame) for frame in frames]) if len(frames) else np.empty((0, 68, 2), np.float32)

    def _detect(self, frame: UInt8[np.ndarray, "3 H W"]) -> Float[np.ndarray, "68 2"]:
        assert self._found is not None
        find_faces, find_points = self._found
        image = enlarged(frame)
        boxes = find_faces(image)
        if not boxes:
            return np.full((68, 2), np.nan, np.float32)
        shape = find_points(image, boxes[0])  # the surest comes first
        # Its points count whole pixels from the first one's centre, ours from that one's corner.
        points = np.array([(q.x, q.y) for q in shape.parts()], np.float32) + np.float32(0.5)
        return points * np.array([frame.shape[2] / image.shape[1], frame.shape[1] / image.shape[0]], np.float32)


def enlarged(frame: UInt8[np.ndarray, "3 H W"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    """The frame as dlib looks at it, its smaller side at least 512 px: the detector finds no face under 80 px."""
    image = np.ascontiguousarray(frame.transpose(1, 2, 0))
    height, width = image.shape[:2]
    if min(height, width) < DLIB_MIN_SIZE:
        scale = DLIB_MIN_SIZE / min(height, width)
        size = round(width * scale), round(height * scale)
        image = np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    return image


def import_dlib() -> ModuleType:
    """The module; raises Unavailable, saying how to get it, where it cannot be imported."""
    try:
        import dlib
    except ImportError as error:
        raise Unavailable(f"dlib cannot be imported ({error})", "pip install 'erlnet[identity]'") from None
    return dlib


def _load() -> tuple[Any, Any]:
    dlib = import_dlib()
    try:
        model = asset_path("dlib68", "landmarks by dlib")
    except AssetMissing as missing:
        raise Unavailable(f"dlib's landmark model is missing: {missing}", missing.remedy) from None
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(model))
