"""The projected head model as masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from erlnet.head.model import HeadModel

PARTS = ("head", "face", "neck", "torso")


@dataclass(frozen=True)
class PartFaces:
    """The model's triangles by part."""

    faces: dict[str, np.ndarray]  # part -> (F,3)

    @classmethod
    def of(cls, model: HeadModel) -> PartFaces:
        every = model.faces.numpy() if hasattr(model.faces, "numpy") else np.asarray(model.faces)
        return cls({part: every[model.mask(part).numpy()[every].any(1)] for part in PARTS})


@dataclass(frozen=True)
class Silhouettes:
    """One frame's masks, (H,W) bool each."""

    head: np.ndarray
    face: np.ndarray
    neck: np.ndarray
    torso: np.ndarray
    landmarks: np.ndarray  # (68,2) px

    @cached_property
    def above_jaw(self) -> np.ndarray:
        """(H,W) bool: the head's side of the jaw line, which goes on level from both ends."""
        height, width = self.head.shape
        jaw = self.landmarks[:17]
        order = np.argsort(jaw[:, 0])
        line = np.interp(np.arange(width) + 0.5, jaw[order, 0], jaw[order, 1])
        # Beside the face the line lies at the ears' lower end, which is where hair and neck part.
        low = np.interp(np.arange(width) + 0.5, jaw[[0, 16], 0], (jaw[[0, 16], 1] + jaw[[3, 13], 1]) / 2)
        outside = (np.arange(width) < jaw[:, 0].min()) | (np.arange(width) > jaw[:, 0].max())
        line = np.where(outside, low, line)
        return np.arange(height)[:, None] + 0.5 <= line[None]

    @cached_property
    def shoulder_row(self) -> int:
        """The row of the chin: below it clothes may reach the frame's edge."""
        return int(np.clip(self.landmarks[8, 1], 0, self.head.shape[0] - 1))

    @cached_property
    def neck_band(self) -> np.ndarray:
        """(H,W) bool: rows from the jaw line to the model's collar, as wide as neck and shoulders there."""
        rows = np.flatnonzero(self.neck.any(1))
        band = np.zeros_like(self.neck)
        if len(rows):
            columns = np.flatnonzero((self.neck | self.head).any(0))
            band[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        return band

    def hair_reach(self, factor: float) -> np.ndarray:
        """(H,W) uint8: where hair may be: the head's silhouette, enlarged about its centre."""
        import cv2

        rows, columns = np.nonzero(self.head)
        if not len(rows):
            return np.zeros(self.head.shape, np.uint8)
        centre = np.array([columns.mean(), rows.mean()])
        grow = np.column_stack([np.eye(2) * factor, (1 - factor) * centre])
        grown = cv2.warpAffine(self.head.astype(np.uint8), grow, self.head.shape[::-1], flags=cv2.INTER_NEAREST)
        return grown & self.above_jaw.astype(np.uint8)


def silhouettes(points: np.ndarray, parts: PartFaces, landmarks: np.ndarray, size: int) -> Silhouettes:
    """Masks of one frame from projected vertices (V,2) px; `landmarks` (68,2) px, both at `size`."""
    import cv2

    shift = 4  # fractional bits: a triangle is a few pixels large
    fixed = np.round((points - 0.5) * (1 << shift)).clip(-(1 << 20), 1 << 20).astype(np.int32)
    masks = {}
    for part, faces in parts.faces.items():
        mask = np.zeros((size, size), np.uint8)
        for triangle in fixed[faces]:
            cv2.fillConvexPoly(mask, triangle, 1, shift=shift)
        masks[part] = mask > 0
    return Silhouettes(landmarks=landmarks, **masks)
