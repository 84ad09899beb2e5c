"""Texture pages and what they are painted with: smooth noise, soft steps, distances to drawn lines.

The head is unrolled onto a cylinder about a vertical axis through it: `across` is arc length to the subject's left,
`up` is height, both in metres of the rest pose. So a texel has the same size all over the face, and whatever is painted
there moves with the skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

PAGE = 768  # texels a side


@dataclass(frozen=True)
class Cylinder:
    """The unrolling: a vertical axis at x = 0 and depth `axis_z`, the face's radius, and the height that is covered."""

    axis_z: float
    radius: float
    low: float
    high: float

    def unroll(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(...,3) rest positions -> across, up (...), m."""
        return np.arctan2(points[..., 0], points[..., 2] - self.axis_z) * self.radius, points[..., 1]

    def texels(self, points: np.ndarray) -> np.ndarray:
        """(...,3) rest positions -> (...,2) column, row on the page."""
        across, up = self.unroll(points)
        column = (0.5 + across / (2 * np.pi * self.radius)) * PAGE
        row = (self.high - up) / (self.high - self.low) * PAGE
        return np.stack([column, row], axis=-1)

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """across (1,PAGE) and up (PAGE,1) of the texel centres."""
        centre = (np.arange(PAGE, dtype=np.float32) + 0.5) / PAGE
        return ((centre - 0.5) * 2 * np.pi * self.radius)[None], (self.high - centre * (self.high - self.low))[:, None]


def noise(
    rng: np.random.Generator, grain: float | tuple[float, float], shape: tuple[int, int] = (PAGE, PAGE)
) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1; `grain` is the blur's sigma in texels (rows, columns). It tiles."""
    grains = grain if isinstance(grain, tuple) else (grain, grain)
    # Coarse grain is drawn small and enlarged: the same look at a fraction of the work.
    step = [max(1, int(g / 4)) for g in grains]
    small = [max(8, side // s) for side, s in zip(shape, step)]
    sigmas = [g / s for g, s in zip(grains, step)]
    field = ndimage.gaussian_filter(rng.standard_normal(small).astype(np.float32), sigmas, mode="wrap")
    field = ndimage.zoom(field, [side / s for side, s in zip(shape, small)], order=1, mode="grid-wrap", grid_mode=True)
    return (field - field.mean()) / field.std()


def step(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 before `start`, 1 past `stop`, smooth between; also downhill, where `start` > `stop`."""
    t = ((value - start) / (stop - start)).clip(0, 1)
    return t * t * (3 - 2 * t)


def blob(across: np.ndarray, up: np.ndarray, centre: np.ndarray, spread: tuple[float, float]) -> np.ndarray:
    """A Gaussian spot of height 1 at `centre` (2,) with deviations `spread` (across, up), m."""
    return np.exp(-(((across - centre[0]) / spread[0]) ** 2 + ((up - centre[1]) / spread[1]) ** 2) / 2)


def line_distance(across: np.ndarray, up: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (m) to a polyline (K,2), and how far along it (0..1) the nearest point lies."""
    line = line[np.append(True, np.abs(np.diff(line, axis=0)).max(1) > 1e-9)]  # drop repeated points
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    begins = np.concatenate([[0], lengths.cumsum()])
    shape = np.broadcast_shapes(across.shape, up.shape)
    best, along = np.full(shape, np.inf, np.float32), np.zeros(shape, np.float32)
    for a, b, length, begin in zip(line[:-1], line[1:], lengths, begins):
        d = (b - a) / length
        t = ((across - a[0]) * d[0] + (up - a[1]) * d[1]).clip(0, length)
        distance = np.hypot(across - a[0] - t * d[0], up - a[1] - t * d[1])
        along = np.where(distance < best, begin + t, along)
        best = np.minimum(distance, best)
    return best, along / begins[-1]


def inside(across: np.ndarray, up: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Signed distance (m) to a closed outline (K,2), positive inside."""
    closed = np.concatenate([outline, outline[:1]])
    distance, _ = line_distance(across, up, closed)
    crossings = np.zeros(distance.shape, int)
    for (x0, y0), (x1, y1) in pairwise(closed):
        if y0 != y1:
            spans = (up >= min(y0, y1)) & (up < max(y0, y1))
            crossings += spans & (across < x0 + (up - y0) * (x1 - x0) / (y1 - y0))
    return np.where(crossings % 2 == 1, distance, -distance)


def mix(base: np.ndarray, colour: ArrayLike, amount: np.ndarray) -> np.ndarray:
    """(H,W,3) towards `colour` (3,) or (H,W,3) by `amount` (H,W) in [0,1]."""
    return base + (np.asarray(colour, np.float32) - base) * amount[..., None].astype(np.float32)
