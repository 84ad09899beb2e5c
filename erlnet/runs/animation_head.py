"""A shaded picture of a head mesh for every frame of a motion: Lambert, a key and a fill light, a little rim light."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from erlnet.data.demo.raster import rasterize
from erlnet.data.demo.shading import Normals, direction, to_srgb
from erlnet.head.model import HeadModel
from erlnet.head.streams import unpack_pose
from erlnet.metrics.motion.record import Motion
from erlnet.runs.animation_paint import paint

BACKGROUND = (24, 24, 27)  # sRGB 0..255
_KEY, _FILL = direction(-0.55, -0.6, -0.75), direction(0.8, -0.1, -0.6)  # towards the light: x right, y down, z away
_KEY_LIGHT, _FILL_LIGHT, _AMBIENT, _RIM = 0.80, 0.24, 0.16, 0.16
_FOCAL = 3.0  # of the picture's height: a short telephoto, as for portraits
_EYE_DISTANCE, _EYE_ROW = 0.245, 0.48  # of the picture's height, at rest
_FINE = 2  # samples a pixel along each side
_BATCH = 32  # frames that the head model takes at once
_LEVELS = 4095  # of the table that turns linear light to sRGB


class HeadView:
    """One person before a camera of its own: torso upright in the middle, so that people can be compared.

    `shape` (S,) is the head model's; pictures are `size` x `size` px.
    """

    def __init__(self, model: HeadModel, shape: np.ndarray, size: int):
        self.model, self.size = model, size
        self.shape = torch.from_numpy(np.asarray(shape, np.float32))[None]
        self.root = _camera_root(model, self.shape)
        self.faces = model.faces.numpy()
        self.normals = Normals(self.faces, model.n_vertices)
        self.paint = paint(model, shape)
        self.srgb = np.round(255 * to_srgb(np.linspace(0, 1, _LEVELS + 1, dtype=np.float32))).astype(np.uint8)

    def pictures(self, motion: Motion) -> Iterator[np.ndarray]:
        """(size,size,3) uint8 RGB for each frame, one at a time."""
        for start in range(0, len(motion), _BATCH):
            yield from map(self.draw, self._vertices(motion, slice(start, start + _BATCH)))

    @torch.no_grad()
    def _vertices(self, motion: Motion, part: slice) -> np.ndarray:
        """(B,V,3) m in the camera's frame."""
        arrays = motion.expression[part], motion.jaw[part], motion.lids[part], unpack_pose(motion.pose[part], self.root)
        expression, jaw, lids, head = (torch.from_numpy(np.asarray(x, np.float32)) for x in arrays)
        eyes, root = torch.zeros(len(jaw), 6), torch.from_numpy(self.root)[None]
        vertices: torch.Tensor = self.model(self.shape, expression, jaw, eyes, lids, head, root)
        return vertices.numpy()

    def draw(self, points: np.ndarray) -> np.ndarray:
        """(size,size,3) uint8 RGB of vertices (V,3) m in the camera's frame."""
        fine = self.size * _FINE
        scale = _FOCAL * fine / points[:, 2]
        seen = np.stack([points[:, 0] * scale + fine / 2, points[:, 1] * scale + fine / 2, points[:, 2]], axis=1)
        found = rasterize(seen, self.faces, (fine, fine))
        p = self.paint
        values = found.interpolate(
            np.concatenate([self.normals(points), p.colour, p.brow[:, None], p.iris[:, None]], 1).astype(np.float32),
            self.faces,
        )
        colour = p.blend(values[:, 3:6], values[:, 6], values[:, 7])
        shaded = (colour * _light(values[:, :3])[:, None]).clip(0, 1)
        picture = np.tile(np.array(BACKGROUND, np.uint8), (fine * fine, 1))
        picture[found.pixel] = self.srgb[(shaded * _LEVELS).astype(np.int16)]
        return _reduced(picture.reshape(fine, fine, 3))


def _light(normals: np.ndarray) -> np.ndarray:
    """(N,) light that a surface with normals (N,3), unit or nearly so, sends to the viewer."""
    facing = (-normals[:, 2]).clip(0, 1)
    key, fill = ((normals @ towards).clip(0, None) for towards in (_KEY, _FILL))
    return _KEY_LIGHT * key + _FILL_LIGHT * fill + _AMBIENT * (1 - 0.5 * normals[:, 1]) + _RIM * (1 - facing) ** 3


def _reduced(picture: np.ndarray) -> np.ndarray:
    """The mean of each block of 2 x 2 px."""
    wide = picture.astype(np.uint16)
    total = wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) // 4).astype(np.uint8)


def _camera_root(model: HeadModel, shape: torch.Tensor) -> np.ndarray:
    """(4,4) float32 torso -> camera, with the eyes where a portrait has them."""
    with torch.no_grad():
        marks = model.landmarks68(model(shape, *model.neutral(1)[1:]))[0].double().numpy()
    eyes = marks[36:42].mean(0), marks[42:48].mean(0)
    depth = _FOCAL * float(np.linalg.norm(eyes[1] - eyes[0])) / _EYE_DISTANCE
    root = np.diag([1.0, -1.0, -1.0, 1.0])  # y up, z out of the face -> y down, z away from the camera
    root[:3, 3] = np.array([0.0, (_EYE_ROW - 0.5) * depth / _FOCAL, depth]) - root[:3, :3] @ sum(eyes) / 2
    return root.astype(np.float32)
