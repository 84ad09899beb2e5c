"""Hair: a shell over the scalp, trimmed along a hairline, combed back."""

from __future__ import annotations

import numpy as np

from erlnet.data.demo.layers import Garment, cut, patch, refine
from erlnet.data.demo.look import Look
from erlnet.data.demo.texture import PAGE, Cylinder, noise, step

# The hairline from forehead past the temple, before and over the ear, to the nape: degrees round the head, and m above
# the brows on a face of unit size.
_ANGLE = [0, 15, 30, 42, 52, 60, 68, 76, 84, 95, 110, 125, 140, 180]
_HEIGHT = [0.056, 0.057, 0.056, 0.047, 0.030, 0.010, -0.010, -0.026, -0.030, 0.0, -0.02, -0.06, -0.085, -0.09]


def hair_height(across: np.ndarray, up: np.ndarray, cylinder: Cylinder, brow: float, unit: float) -> np.ndarray:
    """How far above the hairline a point of the unrolled head lies, m."""
    return up - brow - unit * np.interp(np.degrees(np.abs(across) / cylinder.radius), _ANGLE, _HEIGHT)


def grow_hair(
    points: np.ndarray, triangles: np.ndarray, cylinder: Cylinder, brow: float, unit: float, look: Look,
    rng: np.random.Generator,
) -> Garment:  # fmt: skip
    """Hair over the rest surface `points` (V,3), `triangles` (F,3); `brow` is the brows' height."""
    height = hair_height(*cylinder.unroll(points), cylinder, brow, unit)
    shell = refine(patch(triangles[(height[triangles] > -0.02).all(1)], len(points)))
    shell, over = cut(shell, hair_height(*cylinder.unroll(shell.weights @ points), cylinder, brow, unit))
    rest = shell.weights @ points
    edge = step(over, 0.0, 0.03 * unit)
    top = step(rest[:, 1] - brow, 0.02, 0.09)
    side = rest[:, 0] / unit - 0.05 * look.parting
    parting = np.exp(-((side / 0.006) ** 2)) * step(rest[:, 2], 0.02, 0.06)
    waves = rng.normal(0, (90, 50), (4, 3, 2)), rng.uniform(0, 2 * np.pi, 4)
    lumps = sum(np.sin(rest @ wave[:, 0] + phase) * np.sin(rest @ wave[:, 1]) for wave, phase in zip(*waves))
    depth = look.hair_depth * unit * (0.35 + 0.65 * top) * (1 + 0.06 * lumps) * (1 - 0.35 * parting)
    away = rest - (0.0, brow, cylinder.axis_z)
    # Strands run back over the head: columns count across it, rows along them.
    column = np.arcsin((away[:, 0] / np.linalg.norm(away, axis=1)).clip(-1, 1)) / np.pi + 0.5
    row = np.arctan2(away[:, 1], away[:, 2]) / (2 * np.pi) + 0.5
    return Garment(shell, (0.001 + edge * depth).astype(np.float32), np.stack([column, row], 1) * PAGE)


def paint_hair(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB strands."""
    strands = 0.6 * noise(rng, (30, 1.1)) + 0.5 * noise(rng, (40, 3)) + 0.5 * noise(rng, (45, 10))
    return look.hair * (1 + 0.26 * strands)[..., None].clip(0.3, 2.2)
