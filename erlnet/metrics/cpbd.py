"""CPBD: how much of a picture's edges is too sharp for its blur to be seen. No reference is needed.

Narvekar and Karam, "A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection (CPBD)",
IEEE Transactions on Image Processing 20(9), 2011. What the paper leaves open (which edges, how wide they are) was
settled so that frames read as in the Python package `cpbd`, which is called by the tests where it is installed and of
which nothing is copied. Noise raises the value: sharper than the truth is not better.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from erlnet.metrics.canny import HALO, canny, ridges
from erlnet.metrics.protocol import (
    CPBD_BETA,
    CPBD_BLOCK,
    CPBD_CANNY,
    CPBD_EDGE_SHARE,
    CPBD_JUST_NOTICEABLE,
    CPBD_LOW_CONTRAST,
    CPBD_MIN_SIZE,
    CPBD_UNSEEN,
)

_WIDEST = max(CPBD_JUST_NOTICEABLE) + 1  # wider edges are seen as blurred whatever their width
_TAN = (70, 169)  # tan(22.5 degrees) from below, so near that no two differences of bytes lie between
_NEEDED = int(CPBD_EDGE_SHARE * CPBD_BLOCK**2) + 1  # edge pixels that make an edge block
_BAND = 8  # rows in the middle of a block that nearly always hold enough of them


def luma(frames: UInt8[np.ndarray, "N 3 H W"]) -> UInt8[np.ndarray, "N H W"]:
    """RGB -> grey as Pillow's mode `L`: .299 R + .587 G + .114 B in 16-bit fixed point, rounded."""
    red, green, blue = (frames[:, i].astype(np.uint32) for i in range(3))
    return np.asarray((19595 * red + 38470 * green + 7471 * blue + (1 << 15)) >> 16).astype(np.uint8)


def cpbd(planes: UInt8[np.ndarray, "N H W"]) -> Float[np.ndarray, "N"]:
    """CPBD of grey frames, 0 (every edge blurred, or no edge at all) to 1; NaN where a side is under 256 px.

    Blocks of 64 x 64 px, incomplete ones dropped; those with more than .2 % edge pixels (Canny) count. In them, the
    share of vertical Sobel edges whose blur is detected with a probability 1 - exp(-(width / w)^3.6) of at most 63 %
    (to the whole per cent, so a width of just w is unseen), where w = 5 px if the block spans 50 grey levels or less,
    else 3 px. One case is read otherwise than by the package: a picture in which every gradient points exactly right
    (a bare step) reads 0 there, whatever its sharpness.
    """
    if min(planes.shape[1:]) < CPBD_MIN_SIZE:
        return np.full(len(planes), np.nan)
    return np.array([_cpbd(plane) for plane in planes], np.float64)


def _cpbd(plane: UInt8[np.ndarray, "H W"]) -> float:
    down, across = (side // CPBD_BLOCK for side in plane.shape)
    rows, columns, rising = _vertical_edges(plane)
    inside = (rows < down * CPBD_BLOCK) & (columns < across * CPBD_BLOCK)
    rows, columns, rising = rows[inside], columns[inside], rising[inside]
    widths = _edge_widths(plane, rows, columns, rising)
    block = rows // CPBD_BLOCK * across + columns // CPBD_BLOCK
    unseen = _unseen()[_high_contrast(plane, down, across)[block], widths]
    edges, sharp = (np.bincount(block[which], minlength=down * across) for which in (slice(None), unseen))
    counted = _edge_blocks(plane, edges.reshape(down, across) > 0).ravel()
    total = int(edges[counted].sum())
    return int(sharp[counted].sum()) / total if total else 0.0


def _vertical_edges(plane: UInt8[np.ndarray, "H W"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, rising) of edge pixels: rising is +1 where grey grows to the right, else -1.

    Of Sobel's horizontal gradient g, those above 2 sqrt(root mean square) (g in grey levels per 2 px) that are a strict
    maximum along their row or along their column, at which the central difference is within 22.5 degrees of horizontal
    or has no horizontal part. Whole numbers throughout: sums of grey levels fit 16 bits.
    """
    padded = np.pad(plane, 1, mode="edge").astype(np.int16)
    column_sums = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    gradient = np.abs(column_sums[:, 2:] - column_sums[:, :-2])
    flat = gradient.ravel().astype(np.float64)
    threshold = 4 * (flat @ flat / flat.size) ** 0.25  # of 4 g
    gradient[gradient <= threshold] = 0
    middle = gradient[1:-1, 1:-1]
    edge = (middle > gradient[1:-1, :-2]) & (middle > gradient[1:-1, 2:])
    edge |= (middle > gradient[:-2, 1:-1]) & (middle > gradient[2:, 1:-1])
    rows, columns = (index + 1 for index in np.nonzero(edge))
    at = (rows + 1) * padded.shape[1] + columns + 1
    grey = padded.ravel().astype(np.int32)
    right = grey[at + 1] - grey[at - 1]
    down = grey[at + padded.shape[1]] - grey[at - padded.shape[1]]
    upright = (right == 0) | (_TAN[1] * np.abs(down) <= _TAN[0] * np.abs(right))
    return rows[upright], columns[upright], np.where(right[upright] < 0, -1, 1)


def _edge_widths(
    plane: UInt8[np.ndarray, "H W"], rows: Int[np.ndarray, "E"], columns: Int[np.ndarray, "E"], rising: np.ndarray
) -> Int[np.ndarray, "E"]:
    """Columns between the local extrema on both sides of each edge pixel, at least 2, at most _WIDEST."""
    padded = np.pad(plane, ((0, 0), (_WIDEST, _WIDEST)), mode="edge")
    at = rows * padded.shape[1] + columns + _WIDEST
    grey = padded.ravel().astype(np.int16)
    widths = np.full(at.shape, 2)
    for side in (-1, 1):
        goes_on = np.ones(at.shape, bool)
        inner = grey[at + side]
        for step in range(2, _WIDEST):
            outer = grey[at + side * step]
            goes_on &= (outer - inner) * (rising * side) > 0
            widths += goes_on
            inner = outer
    return np.asarray(np.minimum(widths, _WIDEST))


def _unseen() -> Bool[np.ndarray, "2 _"]:
    """[high contrast, width]: whether the blur of an edge counts as not seen."""
    ratio = np.arange(_WIDEST + 1) / np.array(CPBD_JUST_NOTICEABLE)[:, None]
    return np.asarray(np.round(100 * (1 - np.exp(-(ratio**CPBD_BETA)))) <= CPBD_UNSEEN)


def _high_contrast(plane: UInt8[np.ndarray, "H W"], down: int, across: int) -> Int[np.ndarray, "B"]:
    """1 for a block, row by row, that spans more than 50 grey levels, else 0."""
    strips = plane[: down * CPBD_BLOCK, : across * CPBD_BLOCK].reshape(down, CPBD_BLOCK, across * CPBD_BLOCK)
    ends = (f(axis=1).reshape(down, across, CPBD_BLOCK) for f in (strips.max, strips.min))
    brightest, darkest = (f(end, axis=2).astype(int) for f, end in zip((np.max, np.min), ends, strict=True))
    return np.asarray(brightest - darkest > CPBD_LOW_CONTRAST).ravel().astype(int)


def _edge_blocks(plane: UInt8[np.ndarray, "H W"], wanted: Bool[np.ndarray, "R C"]) -> Bool[np.ndarray, "R C"]:
    """Which of the wanted blocks are edge blocks.

    Strong edge pixels in a band through a block's middle settle nearly all of them for an eighth of the work; only
    where some block stays open is the whole frame's Canny computed, with the same result.
    """
    down, across = wanted.shape
    starts = np.arange(down) * CPBD_BLOCK + (CPBD_BLOCK - _BAND) // 2
    bands = np.stack([plane[y - HALO : y + _BAND + HALO, : across * CPBD_BLOCK + HALO] for y in starts])
    strong = ridges(bands)[:, HALO : HALO + _BAND, : across * CPBD_BLOCK] >= CPBD_CANNY[1]
    found = strong.reshape(down, _BAND, across, CPBD_BLOCK).sum(axis=(1, 3)) >= _NEEDED
    if not (wanted & ~found).any():
        return np.asarray(wanted & found)
    edges = canny(plane)[: down * CPBD_BLOCK, : across * CPBD_BLOCK]
    counts = edges.reshape(down, CPBD_BLOCK, across, CPBD_BLOCK).sum(axis=(1, 3))
    return np.asarray(wanted & (counts >= _NEEDED))
