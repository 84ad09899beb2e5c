"""Light on a mesh: smooth normals, baked occlusion, and the colour of each visible point.

Everything is linear light in [0,1] until `to_srgb`; directions are unit vectors in the world (x right, y down, z away
from the camera).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from erlnet.data.demo.raster import rasterize


@dataclass(frozen=True)
class Lights:
    """A key light, a weaker fill from the other side, and light from above and below."""

    key: np.ndarray  # (3,) direction towards the light
    key_colour: np.ndarray  # (3,)
    fill: np.ndarray  # (3,)
    fill_colour: np.ndarray  # (3,)
    sky: np.ndarray  # (3,) ambient colour from above
    ground: np.ndarray  # (3,) ambient colour from below


def direction(x: float, y: float, z: float) -> np.ndarray:
    """(3,) float32 unit vector."""
    vector = np.array([x, y, z], np.float32)
    return vector / np.linalg.norm(vector)


class Normals:
    """Area-weighted vertex normals of a fixed triangle list."""

    def __init__(self, triangles: np.ndarray, n_vertices: int):
        n = len(triangles)
        rows, columns = triangles.T.ravel(), np.tile(np.arange(n), 3)
        self.triangles = triangles
        self.gather = sparse.csr_matrix((np.ones(3 * n, np.float32), (rows, columns)), shape=(n_vertices, n))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(V,3) -> (V,3) unit; they point to the side from which a triangle's corners run anticlockwise."""
        a, b, c = (points.take(self.triangles[:, k], axis=0).T for k in range(3))
        p, q = b - a, c - a
        face = np.stack([p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]], axis=1)
        normals = self.gather @ face
        return normals / np.sqrt((normals * normals).sum(1, keepdims=True)).clip(1e-12)


def occlusion(
    points: np.ndarray, normals: np.ndarray, triangles: np.ndarray, directions: np.ndarray, resolution: int = 160
) -> np.ndarray:
    """How much of the light from `directions` (N,3) reaches each vertex, cosine-weighted, (V,) in [0,1].

    One orthographic depth map a direction (Williams 1978), with a bias of 1.5 map pixels against self-shadowing.
    """
    seen, total = np.zeros(len(points)), np.zeros(len(points))
    for towards in directions:
        side = np.cross(towards, [0.0, 1.0, 0.0] if abs(towards[1]) < 0.9 else [1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(towards, side), -np.asarray(towards)])
        view = points @ frame.T
        low, high = view.min(0), view.max(0)
        pixel = (high[:2] - low[:2]).max() / (resolution - 2)
        view[:, :2] = (view[:, :2] - low[:2]) / pixel + 1
        view[:, 2] += 1 - low[2]
        found = rasterize(view, triangles, (resolution, resolution), cull=False)
        depth = found.image(found.depth, np.inf)
        column, row = view[:, :2].astype(int).clip(0, resolution - 1).T
        # The nearest of the four neighbours' farthest: lenient at steep edges.
        lit = view[:, 2] - depth[row, column] < 1.5 * pixel + 1e-4
        weight = (normals @ towards).clip(0)
        seen += weight * lit
        total += weight
    return (seen / total.clip(1e-9)).astype(np.float32)


def hemisphere(n: int, axis: np.ndarray, spread: float = 1.0) -> np.ndarray:
    """(N,3) unit vectors spread evenly (golden angle) over a cap about `axis`; `spread` 1 is a half sphere."""
    k = np.arange(n) + 0.5
    height = 1 - spread * k / n
    radius, angle = np.sqrt(1 - height**2), k * np.pi * (3 - np.sqrt(5))
    side = np.cross(axis, [0.0, 1.0, 0.0] if abs(axis[1]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    return height[:, None] * axis + (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * other


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0,1] -> sRGB in [0,1] (IEC 61966-2-1)."""
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - np.float32(0.055))


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0,1] -> linear light in [0,1]."""
    srgb = np.asarray(srgb, np.float32).clip(0, 1)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
