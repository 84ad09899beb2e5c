"""Hair that falls below the jaw, told from clothes and skin by its colour.

What is hair, skin and clothes for certain teaches three colour histograms: person above the jaw line and outside the
face, the face below the eyes, and person below the collar under the chin. A bald head teaches "hair" the skin's
colours, and then nothing below the jaw counts as hair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from erlnet.data.silhouette import Silhouettes

_BINS = 12  # a channel
_BLUR = 1.0  # bins
_CERTAIN = 0.5  # share of the three likelihoods
_REACH = 1.3  # of the head's width to either side, and of its height below the jaw's end


def fallen_hair(
    images: Sequence[np.ndarray], shapes: Sequence[Silhouettes], people: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """(H,W) bool a frame, from images (H,W,3) uint8, silhouettes, and person masks (H,W) bool of the same frames."""
    import cv2

    kernel = np.ones((5, 5), np.uint8)
    counts = np.zeros((3, _BINS**3))  # hair, skin, clothes
    colours = [_binned(image) for image in images]
    for colour, shape, person in zip(colours, shapes, people):
        off_face = cv2.dilate(shape.face.astype(np.uint8), kernel) == 0
        # The model's skull holds forehead too, so hair is certain only outside of it or above the forehead.
        outside = ~shape.head | (_rows(shape) < _forehead(shape))
        certain = (
            person & shape.above_jaw & off_face & outside,
            (cv2.erode(shape.face.astype(np.uint8), kernel) > 0) & (_rows(shape) > shape.landmarks[28, 1]),  # no fringe
            person & _chest(shape),
        )
        for histogram, where in zip(counts, certain):
            histogram += np.bincount(colour[where], minlength=_BINS**3)
    likelihood = np.stack([_density(histogram) for histogram in counts])
    certainty = likelihood[0] / likelihood.sum(0)
    return [
        _connected(person & _reach(shape) & (certainty[colour] >= _CERTAIN), shape, person)
        for colour, shape, person in zip(colours, shapes, people)
    ]


def _binned(image: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8 -> (H,W) int: the bin of each smoothed pixel's colour."""
    import cv2

    red, green, blue = np.moveaxis((cv2.GaussianBlur(image, (3, 3), 0).astype(np.int64) * _BINS) >> 8, -1, 0)
    return (red * _BINS + green) * _BINS + blue


def _density(histogram: np.ndarray) -> np.ndarray:
    """A smoothed histogram that adds up to 1; nowhere 0."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(histogram.reshape(_BINS, _BINS, _BINS), _BLUR, mode="constant").ravel() + 1e-6
    return smooth / smooth.sum()


def _rows(shape: Silhouettes) -> np.ndarray:
    return np.broadcast_to(np.arange(shape.head.shape[0])[:, None] + 0.5, shape.head.shape)


def _forehead(shape: Silhouettes) -> float:
    """The row above which the model's skull is hair or bald."""
    brows, chin = shape.landmarks[17:27, 1].mean(), shape.landmarks[8, 1]
    return float(brows - 0.45 * (chin - brows))


def _chest(shape: Silhouettes) -> np.ndarray:
    """(H,W) bool: below the collar, as wide as the jaw, where long hair seldom lies."""
    rows = np.flatnonzero(shape.neck.any(1))
    if not len(rows):
        return np.zeros_like(shape.neck)
    jaw = shape.landmarks[:17, 0]
    columns = np.arange(shape.neck.shape[1]) + 0.5
    return (_rows(shape) > rows[-1] + 2) & ((columns > jaw.min()) & (columns < jaw.max()))[None]


def _reach(shape: Silhouettes) -> np.ndarray:
    """(H,W) bool: below the jaw line, beside and under the head."""
    rows, columns = np.flatnonzero(shape.head.any(1)), np.flatnonzero(shape.head.any(0))
    if not len(rows):
        return np.zeros_like(shape.head)
    wide, tall = np.ptp(columns) + 1, np.ptp(rows) + 1
    aside = np.abs(np.arange(shape.head.shape[1]) + 0.5 - columns.mean())
    return ~shape.above_jaw & (aside < _REACH * wide)[None] & (_rows(shape) < rows[-1] + (_REACH - 1) * tall)


def _connected(hair: np.ndarray, shape: Silhouettes, person: np.ndarray) -> np.ndarray:
    """Only hair that hangs together with the head's, specks removed."""
    import cv2

    solid = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    upper = (person & shape.above_jaw & ~shape.face).astype(np.uint8)
    _, labels = cv2.connectedComponents(solid | upper)
    kept = np.unique(labels[(upper > 0) & (labels > 0)])
    return (solid > 0) & np.isin(labels, kept) & ~shape.above_jaw
