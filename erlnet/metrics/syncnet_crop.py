"""The picture of a face that SyncNet sees, cut out by landmarks.

The published pipeline finds faces by a detector that we do not ship and cuts out 2.8 times half a box's longer side.
Here the box is that of the 68 landmarks, its top raised by a quarter of its height (landmarks end at the brows,
detectors' boxes at the hair). Numbers are near, not equal, to those from the published detector.
"""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy.ndimage import median_filter

BROW_TO_HAIR = 0.25  # of the landmarks' height
MARGIN = 0.4  # of a box's half side: left, right, and twice below
SMOOTHING = 13  # frames of the running median of place and size
GREY = 110  # beyond the frame


def face_squares(landmarks: Float[np.ndarray, "T 68 2"]) -> Float[np.ndarray, "T 3"] | None:
    """(left, top, side) px of each frame's square; unknown frames lie between their neighbours. None without a face."""
    known = np.flatnonzero(np.isfinite(landmarks).all(axis=(1, 2)))
    if not len(known):
        return None
    low, high = landmarks[known].min(axis=1), landmarks[known].max(axis=1)
    low[:, 1] -= BROW_TO_HAIR * (high[:, 1] - low[:, 1])
    boxes = np.column_stack([(low + high) / 2, (high - low).max(axis=1) / 2])  # (K,3): centre x, y, half a side
    everywhere = np.arange(len(landmarks))
    filled = np.column_stack([np.interp(everywhere, known, column) for column in boxes.T])
    x, y, half = median_filter(filled, (SMOOTHING, 1), mode="nearest").T
    return np.column_stack([x - half * (1 + MARGIN), y - half, 2 * half * (1 + MARGIN)])


def cut_out(
    frame: UInt8[np.ndarray, "3 H W"], square: Float[np.ndarray, " 3"], size: int
) -> UInt8[np.ndarray, "3 size size"]:
    """The square at `size` px a side, bilinear; grey where it leaves the frame."""
    height, width = frame.shape[1:]
    left, top, side = square
    border = int(np.ceil(max(0, -left, -top, left + side - width, top + side - height)))
    padded = np.pad(frame.transpose(1, 2, 0), ((border, border), (border, border), (0, 0)), constant_values=GREY)
    box = (left + border, top + border, left + side + border, top + side + border)
    picture = Image.fromarray(padded).resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.asarray(picture).transpose(2, 0, 1)
