"""Where the regions of a stranger's frame lie, from its 68 landmarks and, where it is here, the person matte.

No head is tracked: a region is what landmarks and matte say of this one frame. Lengths are in interoculars (distance
of the eyes' centres). The jaw line runs through landmarks 0-16 and goes on level from both ends.

- face: the hull of the landmarks (no forehead). eyes, mouth: as `prepare` draws them.
- neck: person below the jaw line, at most 1 below the chin, between landmarks 2 and 14. Without a matte a smaller box
  stands for it, which shows skin alone: .6 below the chin, between landmarks 4 and 12.
- head: person above the jaw line, at most 2 to either side of the eyes' middle and 2.5 above it.
- torso: person below the jaw line that is not neck. background: not person. What the matte is unsure of is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.matte import SIDE, PersonMatte
from erlnet.data.regions import NOT, SURE, face_parts
from erlnet.data.silhouette import Silhouettes
from erlnet.interfaces import REGIONS
from erlnet.metrics.face import interocular

VERSION = 1  # raised when the same frame gets other regions
NECK_DEPTH, NECK_ENDS = 1.0, (2, 14)
BOX_DEPTH, BOX_ENDS = 0.6, (4, 12)  # without a matte
HEAD_ASIDE, HEAD_ABOVE = 2.0, 2.5
_BIT = {name: np.uint8(1 << i) for i, name in enumerate(REGIONS)}


@dataclass(frozen=True)
class RegionFinder:
    """Region bits of single frames; `matte` None: head, torso and background are left empty."""

    matte: PersonMatte | None

    def __call__(self, frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(3,H,W) uint8 and (68,2) px, NaN without a face -> (H,W) uint8, bit i = REGIONS[i].

        A frame without a face has no region but what the matte calls background.
        """
        person = None if self.matte is None else person_share(self.matte, frame)
        return region_bits(frame.shape[1:], landmarks, person)


def region_bits(size: tuple[int, ...], landmarks: np.ndarray, person: np.ndarray | None) -> np.ndarray:
    """(H,W) uint8; `person` (H,W) in [0,1], or None where there is no matte."""
    import cv2

    height, width = size
    bits = np.zeros((height, width), np.uint8)
    never = np.zeros((height, width), bool) if person is None else person <= NOT
    if not np.isfinite(landmarks).all():
        bits[never] = _BIT["background"]
        bits[~never] = _BIT["unknown"]
        return bits
    nowhere = np.zeros((height, width), bool)
    above = Silhouettes(nowhere, nowhere, nowhere, nowhere, landmarks).above_jaw
    hull = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(landmarks).astype(np.int32)), 1)
    face = (hull > 0) & above
    unit = float(interocular(landmarks))
    neck = ~above & _below_chin(size, landmarks, unit, person is None)
    masks = {"face": face}
    if person is None:
        masks["neck"] = neck
    else:
        sure = person >= SURE
        x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
        middle = landmarks[36:48].mean(axis=0)
        near = (np.abs(x - middle[0]) <= HEAD_ASIDE * unit)[None] & (y >= middle[1] - HEAD_ABOVE * unit)[:, None]
        masks |= {
            "head": face | (above & sure & near),
            "neck": neck & sure,
            "torso": ~above & ~neck & sure,
            "background": never & ~face,
        }
    known = np.zeros((height, width), bool)
    for name, mask in masks.items():
        bits[mask] |= _BIT[name]
        known |= mask
    bits[~known] |= _BIT["unknown"]
    # Drawn on a square, of which the frame is a part.
    return bits | face_parts(landmarks, max(height, width))[:height, :width]


def _below_chin(size: tuple[int, ...], landmarks: np.ndarray, unit: float, boxed: bool) -> np.ndarray:
    """(H,W) bool: as deep and as wide as a neck is looked for."""
    height, width = size
    depth, ends = (BOX_DEPTH, BOX_ENDS) if boxed else (NECK_DEPTH, NECK_ENDS)
    left, right = sorted(landmarks[list(ends), 0])
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    return ((x >= left) & (x <= right))[None] & (y <= landmarks[8, 1] + depth * unit)[:, None]


def person_share(matte: PersonMatte, frame: np.ndarray) -> np.ndarray:
    """(3,H,W) uint8 -> (H,W) float32 in [0,1]: looked at on a square that the frame's border fills up."""
    import cv2

    height, width = frame.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    picture = cv2.copyMakeBorder(
        np.ascontiguousarray(frame.transpose(1, 2, 0)), top, side - height - top, left, side - width - left,
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    share = cv2.resize(matte(small), (side, side), interpolation=cv2.INTER_LINEAR)
    return share[top : top + height, left : left + width]
