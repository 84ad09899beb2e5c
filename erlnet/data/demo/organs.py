"""Eyes and teeth: where their vertices lie on their pages, and what is painted there."""

from __future__ import annotations

import numpy as np

from erlnet.data.demo.look import Look
from erlnet.data.demo.texture import PAGE, mix, noise, step

_IRIS = 0.48  # rad, half the iris as seen from the middle of the eye
_JAW_WIDTH = 0.1  # m of teeth on a page


def eye_texels(ball: np.ndarray) -> np.ndarray:
    """Vertices of one eye looking along +z (N,3) -> (N,2): azimuthal equidistant, the page's middle is the pupil."""
    away = ball - (ball.max(0) + ball.min(0)) / 2
    angle = np.arctan2(np.hypot(away[:, 0], away[:, 1]), away[:, 2])
    flat = away[:, :2] / np.hypot(away[:, 0], away[:, 1]).clip(1e-9)[:, None]
    return (0.5 + flat * (angle / (2 * np.pi))[:, None] * (1, -1)) * PAGE


def paint_eye(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB: white, iris with a dark rim, pupil."""
    axis = (np.arange(PAGE, dtype=np.float32) + 0.5) / PAGE - 0.5
    radius = np.hypot(axis[None], axis[:, None]) * 2 * np.pi  # rad from the line of sight
    around = np.arctan2(axis[:, None], axis[None])
    white = np.array([0.80, 0.77, 0.74], np.float32) * (1 + 0.02 * noise(rng, 10))[..., None]
    page = mix(white, (0.74, 0.50, 0.46), step(radius, 0.6, 1.3) * 0.5)
    spokes = np.sin(around * 23 + 2 * noise(rng, 15)) * 0.5 + np.sin(around * 41) * 0.3
    iris = look.iris * (1 + 0.20 * spokes + 0.35 * step(radius, _IRIS, 0.15))[..., None].astype(np.float32)
    page = mix(page, iris, step(radius, _IRIS + 0.04, _IRIS - 0.02))
    page = mix(page, (0.07, 0.06, 0.06), step(np.abs(radius - _IRIS), 0.10, 0.0) * 0.75)
    return mix(page, (0.015, 0.015, 0.015), step(radius, 0.22, 0.17)).clip(0, 1)


def mouth_texels(points: np.ndarray, tongue: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(N,3) -> (N,2): teeth on the page's upper half by their place across, the tongue on the lower."""
    column = ((points[:, 0] - middle[0]) / _JAW_WIDTH + 0.5) * PAGE
    row = np.where(tongue, 0.75, 0.25) + (middle[1] - points[:, 1]) / _JAW_WIDTH * 0.4
    return np.stack([column, row * PAGE], 1)


def paint_mouth(rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB: enamel with a gap every 7 mm; a pink tongue."""
    x = (np.arange(PAGE) + 0.5) / PAGE * _JAW_WIDTH - _JAW_WIDTH / 2
    gap = np.broadcast_to(step(np.abs((x + 0.0035) % 0.007 - 0.0035), 0.0008, 0.0001), (PAGE, PAGE))
    page = mix(np.full((PAGE, PAGE, 3), (0.80, 0.76, 0.68), np.float32), (0.45, 0.32, 0.28), gap * 0.6)
    page[PAGE // 2 :] = (0.62, 0.34, 0.33)
    return page * (1 + 0.03 * noise(rng, 4))[..., None]
