"""What finds faces, behind protocols: landmark detectors and face embedders, by name. Imports no torch, no detector.

Which one looked is part of every fingerprint: two detectors' points differ by more than two models do.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

from erlnet.assets import find_asset
from erlnet.metrics import protocol as p

if TYPE_CHECKING:
    import numpy as np

LandmarkDetectorName = Literal["mediapipe", "dlib"]
LANDMARK_DETECTORS: tuple[LandmarkDetectorName, ...] = get_args(LandmarkDetectorName)
"""`mediapipe` is quick and finds turned, blurred and small faces; `dlib` is another than the tracker's.

A filmed face at 256 px against its copy at x264 crf 18 reads an LMD of .24 px by mediapipe, .40 px by dlib, whose
points are whole pixels of a frame enlarged to 512: no difference under that means anything.
"""
FaceEmbedderName = Literal["dlib"]
FACE_EMBEDDERS: tuple[FaceEmbedderName, ...] = get_args(FaceEmbedderName)


@runtime_checkable
class LandmarkDetector(Protocol):
    """The usual 68 face points of each frame by itself. A context; what it needs is loaded at the first call."""

    def __enter__(self) -> LandmarkDetector: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """(N,3,H,W) uint8 RGB -> (N,68,2) float32 px of the frames given, NaN where there is no face.

        Raises Unavailable where a package or a model is missing.
        """


@runtime_checkable
class FaceEmbedder(Protocol):
    """A vector for each face, near for one person and far for two."""

    width: int

    def __call__(self, frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(N,3,H,W) uint8 RGB, (N,68,2) px -> (N,width) float32, NaN where the landmarks are.

        Raises Unavailable where a package or weights are missing.
        """


def landmark_detector(name: LandmarkDetectorName) -> LandmarkDetector:
    """Makes the detector of that name; KeyError for another."""
    if name == "mediapipe":
        from erlnet.metrics.detector import FaceLandmarker

        return FaceLandmarker()
    if name == "dlib":
        from erlnet.metrics.dlib_detector import DlibLandmarker

        return DlibLandmarker()
    raise KeyError(f"no landmark detector '{name}' (choices: {', '.join(LANDMARK_DETECTORS)})")


def detector_fingerprint(name: LandmarkDetectorName) -> dict[str, Any]:
    """Everything that a detector's points depend on beside the frame, JSON-able; KeyError for an unknown name."""
    own: dict[str, dict[str, Any]] = {
        "mediapipe": {
            "detector": "mediapipe face landmarker, image mode",
            "mediapipe": installed("mediapipe"),
            "model_sha256": find_asset("landmarks").sha256,
            "table": _table_digest(),
            "min_size_px": p.DETECTION_MIN_SIZE,
        },
        "dlib": {
            "detector": "dlib frontal face detector (HOG), the surest face, and 68-point shape predictor",
            "dlib": installed("dlib-bin", "dlib"),
            "model_sha256": find_asset("dlib68").sha256,
            "min_size_px": p.DLIB_MIN_SIZE,
        },
    }
    return own[name]


def face_embedder(name: FaceEmbedderName) -> FaceEmbedder:
    """Makes the embedder of that name; KeyError for another."""
    if name == "dlib":
        from erlnet.metrics.dlib_embedder import DlibEmbedder

        return DlibEmbedder()
    raise KeyError(f"no face embedder '{name}' (choices: {', '.join(FACE_EMBEDDERS)})")


def embedder_fingerprint(name: FaceEmbedderName) -> dict[str, Any]:
    """Everything that an embedding depends on beside frame and landmarks; KeyError for an unknown name."""
    own: dict[str, dict[str, Any]] = {
        "dlib": {
            "embedder": "dlib face recognition ResNet v1, chip 150 px, padding .25",
            "dlib": installed("dlib-bin", "dlib"),
            "weights_sha256": find_asset("identity").sha256,
        },
    }
    return own[name]


def installed(*packages: str) -> str:
    """The version of the first of these distributions that is installed, else "absent"."""
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return "absent"


def opencv_version() -> str:
    """Of whichever distribution brings cv2."""
    names = ("opencv-contrib-python", "opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
    return installed(*names)


def _table_digest() -> str:
    from erlnet.head.mediapipe68 import MEDIAPIPE_68

    return hashlib.sha256(repr(MEDIAPIPE_68).encode()).hexdigest()[:12]
