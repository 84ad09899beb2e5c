"""Face landmarks for tracking: mediapipe's face landmarker (asset `landmarks`, extra `track`).

Every frame is looked at on its own. The landmarker's video mode smooths over time: it lowers the mouth opening's
amplitude by a tenth and delays it by half a frame, which is speech lost before any model sees it. Smoothness is the
fit's business, which knows what it may smooth.
"""

from __future__ import annotations

import itertools
import queue
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np

from erlnet.assets import asset_path
from erlnet.data.tracking.figures import BRIDGED
from erlnet.errors import UserError

MESH_POINTS = 478
_MAX_FACES = 4
INSTALL = 'pip install "erlnet[track]"'


@dataclass(frozen=True)
class Face:
    """One face in one frame."""

    mesh: np.ndarray  # (478,2) float32 px; pixel centres at +0.5
    scores: np.ndarray  # (52,) float32 in [0,1], mediapipe's blendshapes in the order of FaceDetector.score_names

    @property
    def box(self) -> np.ndarray:
        """(4,) px: left, top, right, bottom."""
        return np.concatenate([self.mesh.min(0), self.mesh.max(0)])

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return float((right - left) * (bottom - top))

    def moved(self, x: float, y: float) -> Face:
        """The same face in px of a picture that this one was cut from at (x, y)."""
        return replace(self, mesh=self.mesh + np.array([x, y], np.float32))


class FaceDetector:
    """Finds faces in a frame; use as a context manager, it holds native resources.

    Raises AssetMissing without the model file, UserError without mediapipe.
    """

    def __init__(self, needed_for: str = "tracking a real video"):
        path = asset_path("landmarks", needed_for=needed_for)
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise UserError(f"{needed_for} needs mediapipe ({error}); install it with: {INSTALL}") from None
        self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(path)),
                running_mode=vision.RunningMode.IMAGE,
                num_faces=_MAX_FACES,
                output_face_blendshapes=True,
            )
        )
        self.score_names: tuple[str, ...] = ()  # known from the first face on

    def __call__(self, frame: np.ndarray) -> Face | None:
        """(H,W,3) uint8 RGB -> the largest face, or None."""
        return max(self.faces(frame), key=lambda face: face.area, default=None)

    def faces(self, frame: np.ndarray, corner: tuple[int, int] = (0, 0)) -> list[Face]:
        """(H,W,3) uint8 RGB -> every face, at most four; `corner` (x, y) px is added to all positions."""
        found = self._landmarker.detect(self._image(image_format=self._format, data=np.ascontiguousarray(frame)))
        size = np.array([frame.shape[1], frame.shape[0]], np.float32)
        faces = []
        for points, scores in zip(found.face_landmarks, found.face_blendshapes):
            self.score_names = self.score_names or tuple(s.category_name for s in scores)
            mesh = np.array([(p.x, p.y) for p in points], np.float32) * size + np.array(corner, np.float32)
            faces.append(Face(mesh, np.array([s.score for s in scores], np.float32)))
        return faces

    def close(self) -> None:
        self._landmarker.close()

    def __enter__(self) -> FaceDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FaceDetectors:
    """Several detectors that threads take turns with: one frame each at a time. Their answers are the same."""

    def __init__(self, count: int):
        self._free: queue.SimpleQueue[FaceDetector] = queue.SimpleQueue()
        self.count = count
        for _ in range(count):
            self._free.put(FaceDetector())

    def faces(self, frame: np.ndarray, corner: tuple[int, int] = (0, 0)) -> list[Face]:
        """As `FaceDetector.faces`, from any thread."""
        detector = self._free.get()
        try:
            return detector.faces(frame, corner)
        finally:
            self._free.put(detector)

    def __enter__(self) -> FaceDetectors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(self.count):
            self._free.get().close()


def fill_gaps(values: np.ndarray, longest: int = BRIDGED) -> np.ndarray:
    """(T, ...) with NaN rows -> the same with inner gaps of at most `longest` rows interpolated linearly.

    Longer gaps, and those at either end, stay NaN.
    """
    filled = values.copy()
    seen = np.flatnonzero(np.isfinite(values.reshape(len(values), -1)).all(1))
    for before, after in itertools.pairwise(seen):
        gap = after - before - 1
        if 0 < gap <= longest:
            share = np.arange(1, gap + 1).reshape(-1, *[1] * (values.ndim - 1)) / (gap + 1)
            filled[before + 1 : after] = (1 - share) * values[before] + share * values[after]
    return filled
