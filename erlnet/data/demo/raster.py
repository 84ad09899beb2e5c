"""A z-buffer rasteriser in numpy: which triangle does each pixel see, and where on it.

Triangles of like bounding-box size are handled together, so the work is a few dozen array operations whatever the
mesh. Pixel centres lie at +0.5; depth is along the optical axis, in the unit of the vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

NEAR = 1e-3
SLACK = 1e-5  # in barycentric units: neighbours overlap by a hair, so a shared edge never shows a crack
SIDES = 2 ** np.arange(2, 12)  # of bounding boxes, px; few groups of many triangles are quickest


@dataclass(frozen=True)
class Fragments:
    """The visible surface, one entry a covered pixel, in raster order."""

    size: tuple[int, int]  # (height, width) px
    pixel: np.ndarray  # (N,) int, row * width + column, ascending
    triangle: np.ndarray  # (N,) int32, row of `triangles`
    weights: np.ndarray  # (3,N) float32, perspective-correct barycentric weights; sum to 1
    depth: np.ndarray  # (N,) float32

    def interpolate(self, attributes: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Vertex attributes (V,C) at the fragments, (N,C); `corners` (F,3) are the triangles' vertices."""
        chosen = corners[self.triangle]
        total = attributes.take(chosen[:, 0], axis=0)
        total *= self.weights[0][:, None]
        for corner in (1, 2):
            part = attributes.take(chosen[:, corner], axis=0)
            part *= self.weights[corner][:, None]
            total += part
        return total

    def image(self, values: np.ndarray, empty: float) -> np.ndarray:
        """Values (N,...) scattered to (H,W,...); uncovered pixels read `empty`."""
        height, width = self.size
        out = np.full((height * width, *values.shape[1:]), empty, values.dtype)
        out[self.pixel] = values
        return out.reshape(height, width, *values.shape[1:])


def rasterize(points: np.ndarray, triangles: np.ndarray, size: tuple[int, int], cull: bool = True) -> Fragments:
    """The visible surface of a mesh.

    points: (V,3) image x px, image y px, depth > 0.
    triangles: (F,3) int; front faces run anticlockwise as the viewer sees them (y down).
    size: (height, width) px.
    cull: leave out faces that show their back; without it they are drawn like any other.
    Triangles that reach behind the near plane (1e-3) are left out whole, not clipped.
    """
    height, width = size
    x, y, z = (column[triangles.T] for column in points.astype(np.float32).T)  # each (3,F)
    # Twice the signed area; y points down, so anticlockwise to the eye is negative here.
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    left = np.ceil(_least(x) - 0.5).clip(0, width)
    right = np.floor(-_least(-x) - 0.5).clip(-1, width - 1)
    top = np.ceil(_least(y) - 0.5).clip(0, height)
    bottom = np.floor(-_least(-y) - 0.5).clip(-1, height - 1)
    seen = (right >= left) & (bottom >= top) & (_least(z) > NEAR)
    seen &= (area < -1e-9) if cull else (np.abs(area) > 1e-9)
    kept = np.flatnonzero(seen)
    planes = _planes(x[:, kept], y[:, kept], z[:, kept], area[kept], left[kept], top[kept])
    left, top = left[kept].astype(np.int32), top[kept].astype(np.int32)
    wide = np.searchsorted(SIDES, right[kept].astype(np.int32) - left + 1)
    high = np.searchsorted(SIDES, bottom[kept].astype(np.int32) - top + 1)

    found = []
    group = wide * len(SIDES) + high
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        rows = order[start:stop]
        box = SIDES[wide[rows[0]]], SIDES[high[rows[0]]]
        found.append(_cover(planes[:, rows], left[rows], top[rows], rows, box))
    if not found:
        return Fragments(size, np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((3, 0), np.float32),
                         np.zeros(0, np.float32))  # fmt: skip
    row, column, line, second, third, inverse = (np.concatenate(part) for part in zip(*found))
    ok = np.flatnonzero((column < width) & (line < height))
    row, second, third, inverse = row[ok], second[ok], third[ok], inverse[ok]
    pixel = line[ok] * width + column[ok]

    nearest = np.zeros(height * width, np.float32)  # the largest 1/z
    np.maximum.at(nearest, pixel, inverse)
    winner = np.full(height * width, -1, np.int64)
    best = np.flatnonzero(inverse == nearest[pixel])
    winner[pixel[best]] = best  # equal depths: the later in a fixed order, so the outcome is always the same
    pixel = np.flatnonzero(winner >= 0)
    best = winner[pixel]
    row, depth = row[best], 1 / inverse[best]
    corner_depth = z[:, kept[row]]
    weights = np.stack([1 - second[best] - third[best], second[best], third[best]])
    weights = weights.clip(0, 1) * (depth / corner_depth)
    weights /= weights.sum(0)
    return Fragments(size, pixel, kept[row].astype(np.int32), weights, depth)


def _least(columns: np.ndarray) -> np.ndarray:
    """The least of three rows; far quicker than a reduction over an axis of three."""
    return np.minimum(np.minimum(columns[0], columns[1]), columns[2])


def _planes(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, area: np.ndarray, left: np.ndarray, top: np.ndarray
) -> np.ndarray:
    """(9,F): slope in x, slope in y and value at the box's first pixel centre of two barycentrics and of 1/z.

    In screen space all three are linear (1/z is, z is not). They are anchored at the box, which keeps float32 exact
    enough.
    """
    x, y = x - (left + 0.5), y - (top + 0.5)
    second = (y[2] - y[0]) / area, (x[0] - x[2]) / area, (x[2] * y[0] - x[0] * y[2]) / area
    third = (y[0] - y[1]) / area, (x[1] - x[0]) / area, (x[0] * y[1] - x[1] * y[0]) / area
    near = 1 / z
    inverse = [b * (near[1] - near[0]) + c * (near[2] - near[0]) for b, c in zip(second, third)]
    inverse[2] = inverse[2] + near[0]
    return np.stack([*second, *third, *inverse])


def _cover(
    planes: np.ndarray, left: np.ndarray, top: np.ndarray, rows: np.ndarray, box: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Fragments of triangles that all fit a box of (width, height) px: row, image x and y, two barycentrics, 1/z.

    The box may reach past a triangle's own, and so past the image.
    """
    # Triangles run along the last axis: long inner loops, even for boxes of 2 x 2.
    dx = np.arange(box[0], dtype=np.float32)[:, None]
    dy = np.arange(box[1], dtype=np.float32)[:, None, None]

    def at_pixels(k: int) -> np.ndarray:
        slope_x, slope_y, value = planes[k : k + 3]
        return (value + slope_y * dy) + slope_x * dx  # (height, width, F)

    second, third = at_pixels(0), at_pixels(3)
    inside = (np.minimum(second, third) >= -SLACK) & (second + third <= 1 + SLACK)
    at = np.flatnonzero(inside)
    pixel, index = np.divmod(at, len(rows))
    down, across = np.divmod(pixel, box[0])
    slope_x, slope_y, value = planes[6:9, index]
    inverse = (value + slope_y * down.astype(np.float32)) + slope_x * across.astype(np.float32)
    return rows[index], left[index] + across, top[index] + down, second.ravel()[at], third.ravel()[at], inverse
