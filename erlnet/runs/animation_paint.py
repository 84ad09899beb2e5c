"""What colour a head's surface has where, so that a viewer reads a plain mesh: brows, irises, lips, teeth, cloth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from erlnet.data.demo.shading import Normals, hemisphere, occlusion, to_linear
from erlnet.head.model import HeadModel

_SKIN = (0.80, 0.69, 0.62)  # sRGB, as all colours here
_PARTS = {  # vertex mask -> colour; later ones win; a head model without a mask goes without
    "torso": (0.45, 0.49, 0.56),
    "lips": (0.74, 0.53, 0.50),
    "tongue": (0.66, 0.40, 0.40),
    "eyeballs": (0.93, 0.92, 0.90),
    "teeth": (0.92, 0.90, 0.85),
}
_BROW, _IRIS, _PUPIL = (0.26, 0.19, 0.15), (0.36, 0.30, 0.22), (0.04, 0.04, 0.04)
_BROW_HALF_HEIGHT, _IRIS_RADIUS, _PUPIL_RADIUS = 0.0030, 0.0060, 0.0025  # m of a face of 6 cm between the eyes
_EDGE = 0.0008  # m over which paint fades
_FAR = 0.03  # m, read as: no brow, no iris near
_SHADE_DIRECTIONS = 32


@dataclass(frozen=True, eq=False)
class Paint:
    """Of V vertices; colours are linear light."""

    colour: np.ndarray  # (V,3) float32, dimmed where little light reaches the face at rest
    brow: np.ndarray  # (V,) float32 m from the nearest brow line
    iris: np.ndarray  # (V,) float32 m from the eye's axis; large off the eyeballs
    unit: float  # the face's size, 1 for 6 cm between the eyes

    def blend(self, colour: np.ndarray, brow: np.ndarray, iris: np.ndarray) -> np.ndarray:
        """Colours (N,3) at surface points with brows and irises painted on; distances (N,) as interpolated."""
        for distance, reach, paint in (
            (brow, _BROW_HALF_HEIGHT, _BROW),
            (iris, _IRIS_RADIUS, _IRIS),
            (iris, _PUPIL_RADIUS, _PUPIL),
        ):
            near = np.flatnonzero(distance < (reach + _EDGE) * self.unit)
            share = (((reach + _EDGE) * self.unit - distance[near]) / (2 * _EDGE * self.unit)).clip(0, 1)[:, None]
            colour[near] += share * (to_linear(np.array(paint)) - colour[near])
        return colour


def paint(model: HeadModel, shape: np.ndarray) -> Paint:
    """The paint of a person of `shape` (S,)."""
    with torch.no_grad():
        one = torch.from_numpy(shape.astype(np.float32))[None]
        vertices = model(one, *model.neutral(1)[1:])
        marks = model.landmarks68(vertices)[0].numpy()
        eyes = model.joints(one)[0, 3:].numpy()
    points = vertices[0].numpy()
    unit = float(np.linalg.norm(marks[36:42].mean(0) - marks[42:48].mean(0))) / 0.06
    masks = {name: model.mask(name).numpy() for name in model.mask_names}

    colour = np.tile(np.array(_SKIN, np.float32), (len(points), 1))
    for name, value in _PARTS.items():
        if name in masks:
            colour[masks[name]] = value
    faces = model.faces.numpy()
    ahead = np.array([0.0, 0.1, 1.0])
    light = occlusion(points, Normals(faces, len(points))(points), faces, hemisphere(_SHADE_DIRECTIONS, ahead))
    dimmed = to_linear(colour) * (0.25 + 0.75 * light[:, None])

    brow = np.minimum(_from_line(points, marks[17:22]), _from_line(points, marks[22:27])).clip(0, _FAR)
    balls = masks.get("eyeballs", np.zeros(len(points), bool))
    iris = np.where(balls, np.linalg.norm(points[:, None, :2] - eyes[:, :2], axis=2).min(1), _FAR)
    brow[balls] = _FAR
    return Paint(dimmed.astype(np.float32), brow.astype(np.float32), iris.astype(np.float32), unit)


def _from_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(V,) distance of points (V,3) to the polyline (K,3)."""
    found = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        along = ((points - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-12)).clip(0, 1)
        found = np.minimum(found, np.linalg.norm(points - (a + along[:, None] * (b - a)), axis=1))
    return found
