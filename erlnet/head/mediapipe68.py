"""The usual 68 face points, read from mediapipe's 478-point face mesh.

The 68 points are the markup of 300-W (as in dlib): jaw line 0-16, brows 17-26, nose bridge 27-30, nose base 31-35,
eyes 36-47, outer lips 48-59, inner lips 60-67. "Right" and "left" are the subject's; point 0 is at the subject's
right ear, so at the image's left. Mesh vertices were chosen so that neighbours lie evenly along each line, and every
point has its mirror image as partner. The jaw line is the mesh's face oval: under yaw it follows the skin, not the
outline that 300-W's annotators drew.
"""

from __future__ import annotations

import numpy as np

_JAW = (127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356)  # right ear, chin, left ear
_RIGHT_BROW = (70, 63, 105, 66, 107)  # outer to inner
_LEFT_BROW = (336, 296, 334, 293, 300)  # inner to outer
_NOSE_BRIDGE = (168, 197, 5, 1)  # between the eyes to the tip
_NOSE_BASE = (98, 97, 2, 326, 327)  # right to left
_RIGHT_EYE = (33, 160, 158, 133, 153, 144)  # outer corner, upper lid, inner corner, lower lid
_LEFT_EYE = (362, 385, 387, 263, 373, 380)  # inner corner, upper lid, outer corner, lower lid
_OUTER_LIPS = (61, 40, 37, 0, 267, 270, 291, 405, 314, 17, 84, 181)  # right corner, upper, left corner, lower
_INNER_LIPS = (78, 81, 13, 311, 308, 402, 14, 178)  # the same way round

MEDIAPIPE_68: tuple[int, ...] = (
    *_JAW, *_RIGHT_BROW, *_LEFT_BROW, *_NOSE_BRIDGE, *_NOSE_BASE,
    *_RIGHT_EYE, *_LEFT_EYE, *_OUTER_LIPS, *_INNER_LIPS,
)  # fmt: skip
"""Mesh vertex of each of the 68 points."""

RIGHT_IRIS: tuple[int, ...] = (468, 469, 470, 471, 472)  # centre first
LEFT_IRIS: tuple[int, ...] = (473, 474, 475, 476, 477)

MIRROR_68: tuple[int, ...] = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""For each of the 68 points, the point that it becomes when the image is mirrored."""


_PLACES_MM = (  # printed by tools/measure_detector_places.py
    (1.0, -0.4, 16.6), (1.4, 2.1, 14.9), (0.0, -1.1, 10.8), (0.9, -1.0, 15.8),
    (0.1, -0.8, 9.2), (2.2, -0.7, 13.3), (2.3, 1.4, 4.8), (-0.4, 1.4, 0.7),
    (0.0, 3.4, 4.8), (0.4, 1.4, 0.7), (-2.3, 1.4, 4.8), (-2.2, -0.7, 13.3),
    (-0.1, -0.8, 9.2), (-0.9, -1.0, 15.8), (0.0, -1.1, 10.8), (-1.4, 2.1, 14.9),
    (-1.0, -0.4, 16.6), (-2.8, 0.8, -2.1), (-2.5, 0.7, -0.8), (-5.0, 3.5, -2.6),
    (-4.3, 2.1, -0.7), (-0.2, 0.2, 1.1), (0.2, 0.2, 1.1), (4.3, 2.1, -0.7),
    (5.0, 3.5, -2.6), (2.5, 0.7, -0.8), (2.8, 0.8, -2.1), (0.0, -0.9, 0.8),
    (0.0, 0.1, 4.4), (0.0, 0.0, 3.5), (0.0, 0.3, 1.0), (-1.2, 0.3, 1.4),
    (-0.8, 0.1, 2.4), (0.0, 1.5, 1.9), (0.8, 0.1, 2.4), (1.2, 0.3, 1.4),
    (0.4, 0.5, -0.3), (1.0, 1.2, -2.9), (-0.3, 1.3, -3.2), (-1.0, 0.6, -0.2),
    (1.4, 0.3, -2.5), (-0.6, 0.8, -3.1), (1.0, 0.6, -0.2), (0.3, 1.3, -3.2),
    (-1.0, 1.2, -2.9), (-0.4, 0.5, -0.3), (0.6, 0.8, -3.1), (-1.4, 0.3, -2.5),
    (0.2, 0.3, -1.8), (0.8, 0.2, -0.8), (-0.6, 0.0, -1.1), (0.0, -0.6, -0.8),
    (0.6, 0.0, -1.1), (-0.8, 0.2, -0.8), (-0.2, 0.3, -1.8), (-0.2, 0.8, 2.8),
    (1.3, 1.0, 1.1), (0.0, 0.9, 1.0), (-1.3, 1.0, 1.1), (0.2, 0.8, 2.8),
    (0.4, 0.4, -1.5), (-0.3, 1.0, -0.3), (0.0, 1.1, 2.5), (0.3, 1.0, -0.3),
    (-0.4, 0.4, -1.5), (0.2, 0.3, 0.8), (0.0, 0.8, 0.1), (-0.2, 0.3, 0.8),
)  # fmt: skip

MEDIAPIPE_PLACES: np.ndarray = np.array(_PLACES_MM) / 1000
"""(68,3) m: where each of the 68 points is found on the shipped head at rest, less the head's own landmark.

What the mesh calls a brow or a jaw line lies elsewhere than the markup's; the jaw line, most of all, turns with the
head as if it lay a centimetre further forward. Measured by tools/measure_detector_places.py on 20 drawn people (the
demo's seeds 100 to 119, 24 frames each, turned 9 degrees in the median and 22 at most), mirrored and averaged. Real
clips, which had no part in it, agree: with it CREMA-D, GRID and a speech are fitted a tenth closer, at the mouth a
fifth, by shapes nearer to the mean.
"""


def to_68(mesh: np.ndarray) -> np.ndarray:
    """(..., 478, D) mediapipe mesh -> (..., 68, D)."""
    return mesh[..., MEDIAPIPE_68, :]
