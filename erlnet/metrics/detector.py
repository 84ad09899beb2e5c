"""The judging landmark detector: mediapipe's face landmarker, every frame by itself, 478 points read as the usual 68.

A detection depends on the frame alone, so it is remembered by the frame's content: a still floor costs one detection,
and the reference is looked at once however many renders are held against it.
"""

import hashlib
import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.head.mediapipe68 import MEDIAPIPE_68
from erlnet.metrics.pairs import Unavailable
from erlnet.metrics.protocol import DETECTION_MIN_SIZE

Detect = Callable[[np.ndarray], np.ndarray]
"""(N,3,H,W) uint8 RGB -> (N,68,2) float32 px, NaN where there is no face."""


class FaceLandmarker:
    """Detects in several threads, one landmarker each (a detection runs on one core and lets go of the interpreter).

    Use as a context: leaving it closes the landmarkers. They are made on the first call.
    """

    def __init__(self, threads: int | None = None):
        self._threads = threads or min(2, os.cpu_count() or 1)
        self._stack = ExitStack()
        self._idle: queue.SimpleQueue[Any] | None = None

    def __enter__(self) -> "FaceLandmarker":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        self._idle = None

    def __call__(self, frames: UInt8[np.ndarray, "N 3 H W"]) -> Float[np.ndarray, "N 68 2"]:
        """Landmarks in px of the frames given; raises Unavailable without mediapipe or its model."""
        if self._idle is None:
            self._idle = self._make()
        with ThreadPoolExecutor(self._threads) as pool:
            found = list(pool.map(self._detect, frames))
        return np.stack(found) if found else np.empty((0, 68, 2), np.float32)

    def _make(self) -> queue.SimpleQueue[Any]:
        try:
            model = asset_path("landmarks", "landmark metrics")
        except AssetMissing as missing:
            raise Unavailable(f"the landmark model is missing: {missing}", missing.remedy) from None
        try:
            from mediapipe.tasks.python import vision
            from mediapipe.tasks.python.core.base_options import BaseOptions
        except ImportError as error:
            raise Unavailable(f"mediapipe cannot be imported ({error})", "pip install 'erlnet[track]'") from None
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)), running_mode=vision.RunningMode.IMAGE, num_faces=1
        )
        idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self._threads):
            landmarker = vision.FaceLandmarker.create_from_options(options)
            self._stack.callback(landmarker.close)
            idle.put(landmarker)
        return idle

    def _detect(self, frame: np.ndarray) -> np.ndarray:
        import mediapipe

        assert self._idle is not None
        height, width = frame.shape[1:]
        image = np.ascontiguousarray(frame.transpose(1, 2, 0))
        if min(height, width) < DETECTION_MIN_SIZE:  # its landmark net sees 256 px of face: enlarge before it does
            scale = DETECTION_MIN_SIZE / min(height, width)
            size = round(width * scale), round(height * scale)
            image = np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
        landmarker = self._idle.get()
        try:
            result = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image))
        finally:
            self._idle.put(landmarker)
        if not result.face_landmarks:
            return np.full((68, 2), np.nan, np.float32)
        mesh = result.face_landmarks[0]
        return np.array([(mesh[i].x * width, mesh[i].y * height) for i in MEDIAPIPE_68], np.float32)


class RememberedDetector:
    """A detector that looks at each distinct frame once, here and, with a file, in later processes.

    What it gives for a frame need not be landmarks: any array whose shape is the same for every frame will do.

    `file` is an npz of this class's own; `identity` says which detector filled it, and another's file is not used.
    """

    def __init__(self, detect: Detect, file: Path | None = None, identity: str = ""):
        self.detect, self.file, self.identity = detect, file, identity
        self.known: dict[bytes, np.ndarray] = {}
        self._saved = 0
        if file is not None:
            self._load(file)

    def __call__(self, frames: UInt8[np.ndarray, "N 3 H W"]) -> Float[np.ndarray, "N 68 2"]:
        keys = [frame_digest(frame) for frame in frames]
        new = {key: i for i, key in enumerate(keys) if key not in self.known}
        if new:
            found = self.detect(frames[list(new.values())])
            self.known.update(zip(new, found, strict=True))
        return np.stack([self.known[key] for key in keys])

    def save(self) -> None:
        """Writes what is known to the file, whole (temporary name, then rename); nothing to do without a file."""
        if self.file is None or len(self.known) == self._saved:
            return
        pending = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        keys = np.frombuffer(b"".join(self.known), np.uint8).reshape(-1, 16)
        with pending.open("wb") as stream:
            np.savez(stream, identity=self.identity, keys=keys, landmarks=np.stack(list(self.known.values())))
        pending.replace(self.file)
        self._saved = len(self.known)

    def _load(self, file: Path) -> None:
        try:
            with np.load(file) as archive:
                if str(archive["identity"]) == self.identity:
                    keys = [key.tobytes() for key in archive["keys"]]
                    self.known = dict(zip(keys, archive["landmarks"], strict=True))
        except (OSError, ValueError, KeyError, EOFError):
            self.known = {}  # absent or broken: it is a memory only, so look again
        self._saved = len(self.known)


def frame_digest(frame: np.ndarray) -> bytes:
    """16 bytes that stand for a frame's content and shape."""
    content = hashlib.blake2b(repr(frame.shape).encode(), digest_size=16)
    content.update(np.ascontiguousarray(frame).data)
    return content.digest()
