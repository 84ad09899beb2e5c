"""The projected head model as masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from erlnet.head.model import HeadModel

PARTS = ("head", "face", "neck", "torso")
_SPACING = 0.004  # m: about a pixel where 128 of them show a head and shoulders
_RAISED = 0.1  # of the head's height: how far above the chin's tip clothes may begin
_SLOPE = 0.35  # rows a column that shoulders fall away from the neck
_BREADTH = 3.2  # of the head's width: shoulders with a coat


@dataclass(frozen=True)
class PartFaces:
    """The model's surface by part."""

    samples: dict[str, sparse.csr_array]  # part -> (S,V): vertices to points so dense that no pixel is left out

    @classmethod
    def of(cls, model: HeadModel) -> PartFaces:
        every = model.faces.numpy() if hasattr(model.faces, "numpy") else np.asarray(model.faces)
        rest = model.arrays.v_template
        return cls({part: sample_triangles(rest, every[model.mask(part).numpy()[every].any(1)]) for part in PARTS})


def sample_triangles(rest: np.ndarray, triangles: np.ndarray) -> sparse.csr_array:
    """The middles of the n^2 small triangles that each of `triangles` (F,3) is cut into, their sides under _SPACING.

    `rest` (V,3) m are the resting vertices: how finely a triangle is cut does not change from frame to frame.
    """
    sides = np.linalg.norm(rest[triangles] - rest[np.roll(triangles, 1, axis=1)], axis=-1).max(1)
    cuts = np.ceil(sides / _SPACING).clip(1).astype(int)
    corners, weights = [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.float32)]
    for n in np.unique(cuts):
        upright = [(i + 1 / 3, j + 1 / 3) for i in range(n) for j in range(n - i)]
        inverted = [(i + 2 / 3, j + 2 / 3) for i in range(n - 1) for j in range(n - 1 - i)]
        middles = np.array(upright + inverted, np.float32) / n
        alike = triangles[cuts == n]
        corners.append(np.repeat(alike, n * n, axis=0))
        weights.append(np.tile(np.column_stack([middles, 1 - middles.sum(1)]), (len(alike), 1)))
    columns, values = np.concatenate(corners), np.concatenate(weights)
    rows = np.arange(0, columns.size + 1, 3)
    return sparse.csr_array((values.ravel(), columns.ravel(), rows), shape=(len(columns), len(rest)))


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
        """(H,W) bool: the head's side of the jaw line, which goes on level from both ends; ears are on it whole."""
        height, width = self.head.shape
        jaw = self.landmarks[:17]
        order = np.argsort(jaw[:, 0])
        line = np.interp(np.arange(width) + 0.5, jaw[order, 0], jaw[order, 1])
        # Beside the face the line lies at the ears' lower end, which is where hair and neck part.
        low = np.interp(np.arange(width) + 0.5, jaw[[0, 16], 0], jaw[[3, 13], 1])
        outside = (np.arange(width) < jaw[:, 0].min()) | (np.arange(width) > jaw[:, 0].max())
        line = np.where(outside, low, line)
        return (np.arange(height)[:, None] + 0.5 <= line[None]) | (self.head & outside)

    @cached_property
    def shoulder_row(self) -> int:
        """The row above which no clothes are expected: shoulders come up to the chin where the camera looks down."""
        rows = np.flatnonzero(self.head.any(1))
        tall = np.ptp(rows) if len(rows) else 0
        return int(np.clip(self.landmarks[8, 1] - _RAISED * tall, 0, self.head.shape[0] - 1))

    @cached_property
    def shoulder_reach(self) -> np.ndarray:
        """(H,W) bool: where shoulders may be: from the chin down, sloping away from the neck to an adult's width.

        The model's own shoulders hang where its neck ends; a collar, a coat or a raised arm begins above.
        """
        height, width = self.head.shape
        columns = np.flatnonzero(self.head.any(0))
        if not len(columns):
            return np.zeros(self.head.shape, bool)
        wide = np.ptp(columns) + 1
        aside = np.abs(np.arange(width) + 0.5 - self.landmarks[8, 0]) / wide
        top = self.shoulder_row + _SLOPE * wide * np.maximum(aside - 0.6, 0)
        return (np.arange(height)[:, None] + 0.5 > top[None]) & (aside < _BREADTH / 2)[None]

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
    """Masks of one frame from projected vertices (V,2) px; `landmarks` (68,2) px, both at `size`.

    Points on every triangle mark their pixels and a closing mends what they miss: twenty times as fast as filling
    eleven thousand triangles.
    """
    import cv2

    masks = {}
    points = points.astype(np.float32)
    for part, samples in parts.samples.items():
        x, y = np.floor(samples @ points).astype(np.int32).T
        inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
        mask = np.zeros((size, size), np.uint8)
        mask[y[inside], x[inside]] = 1
        masks[part] = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    return Silhouettes(landmarks=landmarks, **masks)
