"""The face's surface as its coefficients move it, in the head's own frame, so that head pose counts for nothing.

Every point comes from the head model with the person's shape, eyes straight ahead, skull and torso at rest; mm.

- **lips**: the head model's mask "lips" (shipped head: 243 vertices of the outer and inner lips); for a model without
  one, the vertices that landmarks 48-67 lie on.
- **upper face**: brows, forehead and upper cheeks: vertices of the mask "face" but not of "eyelids", no lower than a
  quarter of the way from the lower lids (landmarks 40, 41, 46, 47) to the base of the nose (33) on the model's
  template; where that is none, or a model has no such masks, the vertices that landmarks 17-27 lie on. Lids are left
  out because blinks, random in time, move them three times as far as speech moves the rest (demo, neutral: sd .45
  against .16 mm).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch

from erlnet.head.model import HeadModel
from erlnet.metrics.face import mouth_opening
from erlnet.metrics.motion.record import Motion

_LIP_POINTS, _BROW_POINTS = slice(48, 68), slice(17, 28)
_LOWER_LIDS, _NOSE_BASE = [40, 41, 46, 47], 33
_CHEEK_SHARE = 0.25  # of the way from lower lids to nose base
_CHUNK = 256  # frames that the head model takes at once: some 20 MB for the shipped head
_MM = 1000.0


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """What the face's surface does in one clip, about 5 kB a frame for the shipped head."""

    lips: np.ndarray  # (T,L,3) float32 mm
    upper: np.ndarray  # (T,U) float32 mm: how far each upper-face vertex lies from the person's neutral face
    opening: np.ndarray  # (T,) mouth opening of the mesh's own 68 points, over interocular distance


def lip_vertices(model: HeadModel) -> np.ndarray:
    """(L,) int64, the model's vertices that count as lips."""
    return _masked(model, "lips", _LIP_POINTS)


def upper_face_vertices(model: HeadModel) -> np.ndarray:
    """(U,) int64, the model's vertices that count as the upper face."""
    if not {"face", "eyelids"} <= set(model.mask_names):
        return _carriers(model, _BROW_POINTS)
    template = torch.as_tensor(model.arrays.v_template, dtype=torch.float32, device=model.weights.device)
    height = model.landmarks68(template[None])[0, :, 1]
    lids = height[_LOWER_LIDS].mean()
    lowest = lids - _CHEEK_SHARE * (lids - height[_NOSE_BASE])
    chosen = model.mask("face") & ~model.mask("eyelids") & (template[:, 1] >= lowest)
    return np.flatnonzero(chosen.cpu().numpy()) if bool(chosen.any()) else _carriers(model, _BROW_POINTS)


class FaceMesh:
    """One person's face. `shape` (S,) is the head model's shape coefficients, e.g. the clip's own.

    Only the vertices that count are evaluated.
    """

    def __init__(self, model: HeadModel, shape: np.ndarray):
        lips, upper = lip_vertices(model), upper_face_vertices(model)
        carriers = model.arrays.landmark_vertices.ravel()
        kept = np.unique(np.concatenate([lips, upper, carriers]))
        self.model = model.subset(kept)
        self.lips = torch.from_numpy(np.searchsorted(kept, lips))
        self.upper = torch.from_numpy(np.searchsorted(kept, upper))
        self.shape = torch.as_tensor(np.asarray(shape), dtype=torch.float32)[None]

    def of_shape(self, shape: np.ndarray) -> FaceMesh:
        """Another person's face; both hold the same vertices in memory, 2 MB of the shipped head."""
        other = copy(self)
        other.shape = torch.as_tensor(np.asarray(shape), dtype=torch.float32)[None]
        return other

    def __call__(self, motion: Motion) -> FaceMotion:
        """Evaluates 256 frames at a time: what a long clip needs beyond the result does not grow with it."""
        neutral = self._vertices(*(np.zeros((1, n)) for n in (self.model.n_expression, 3, 2)))[:, self.upper]
        lips, upper, opening = [], [], []
        for start in range(0, len(motion), _CHUNK):
            part = slice(start, start + _CHUNK)
            vertices = self._vertices(motion.expression[part], motion.jaw[part], motion.lids[part])
            lips.append(vertices[:, self.lips].numpy())
            upper.append((vertices[:, self.upper] - neutral).norm(dim=-1).numpy())
            opening.append(mouth_opening(self.model.landmarks68(vertices).double().numpy()))
        return FaceMotion(np.concatenate(lips), np.concatenate(upper), np.concatenate(opening))

    @torch.no_grad()
    def _vertices(self, expression: np.ndarray, jaw: np.ndarray, lids: np.ndarray) -> torch.Tensor:
        """(B,E), (B,3), (B,2) -> (B,V,3) mm."""
        coefficients = [torch.as_tensor(np.asarray(x), dtype=torch.float32) for x in (expression, jaw, lids)]
        still = torch.eye(4).expand(len(expression), 4, 4)
        eyes = torch.zeros(len(expression), 6)
        vertices: torch.Tensor = self.model(
            self.shape, coefficients[0], coefficients[1], eyes, coefficients[2], still, still[:1]
        )
        return vertices * _MM


def _masked(model: HeadModel, name: str, points: slice) -> np.ndarray:
    if name in model.mask_names and bool(model.mask(name).any()):
        return np.flatnonzero(model.mask(name).cpu().numpy())
    return _carriers(model, points)


def _carriers(model: HeadModel, points: slice) -> np.ndarray:
    """The vertices that landmarks lie on."""
    return np.unique(model.arrays.landmark_vertices[points])
