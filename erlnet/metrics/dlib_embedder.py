"""dlib's face embedding: a ResNet of 29 layers whose 128 numbers lie within .6 of each other for one person.

King 2017 ("High quality face recognition with deep metric learning", the model's own notes).
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.dlib_detector import enlarged, import_dlib
from erlnet.metrics.pairs import Unavailable


class DlibEmbedder:
    """The face is turned upright and cut out by its 68 landmarks, whichever detector found them."""

    width = 128

    def __init__(self) -> None:
        self._network: Any = None
        self._dlib: ModuleType | None = None

    def __call__(
        self, frames: UInt8[np.ndarray, "N 3 H W"], landmarks: Float[np.ndarray, "N 68 2"]
    ) -> Float[np.ndarray, "N 128"]:
        """float32, NaN where the landmarks are; raises Unavailable without dlib or the network's weights."""
        if self._network is None:
            self._dlib, weights = import_dlib(), _weights()
            self._network = self._dlib.face_recognition_model_v1(str(weights))
        found = np.full((len(frames), self.width), np.nan, np.float32)
        for i in np.flatnonzero(np.isfinite(landmarks).all(axis=(1, 2))):
            found[i] = self._embed(frames[i], landmarks[i])
        return found

    def _embed(self, frame: UInt8[np.ndarray, "3 H W"], points: Float[np.ndarray, "68 2"]) -> np.ndarray:
        assert self._dlib is not None
        image = enlarged(frame)  # dlib's points are whole pixels: on a small frame they would turn the face
        ratio = np.array([image.shape[1] / frame.shape[2], image.shape[0] / frame.shape[1]])
        whole = np.floor(points * ratio).astype(int)
        box = self._dlib.rectangle(*whole.min(axis=0).tolist(), *whole.max(axis=0).tolist())
        shape = self._dlib.full_object_detection(box, [self._dlib.point(int(x), int(y)) for x, y in whole])
        return np.array(self._network.compute_face_descriptor(image, shape), np.float32)


def _weights() -> Path:
    try:
        return asset_path("identity", "identity by dlib")
    except AssetMissing as missing:
        raise Unavailable(f"the weights of dlib's face embedding are missing: {missing}", missing.remedy) from None
