"""What stands behind the speaker: a wall, and shelves of books out of focus. It never moves."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from erlnet.data.demo.look import Look
from erlnet.data.demo.shading import to_linear
from erlnet.data.demo.texture import noise, step

_FINE = 256  # drawn at this size, then scaled, so that every video size shows the same room


def paint_room(look: Look, size: tuple[int, int], seed: int) -> np.ndarray:
    """(H,W,3) float32 linear light for `size` (H,W)."""
    rng = np.random.default_rng([seed, 13])
    room = np.broadcast_to(look.wall, (_FINE, _FINE, 3)).astype(np.float32)
    left = rng.random() < 0.5
    width = int(rng.integers(105, 150))
    start = 0 if left else _FINE - width
    room[:, start : start + width] = _shelves(rng, width)
    edge = start + width if left else start - 4
    room[:, edge : edge + 4] = (0.30, 0.22, 0.16)
    # A lens's blur: a disc, not a Gaussian, keeps the edges of the books readable as such.
    span = np.arange(-5, 6)
    disc = (span[None] ** 2 + span[:, None] ** 2 <= 24).astype(np.float32)
    room = ndimage.convolve(to_linear(room), (disc / disc.sum())[..., None], mode="nearest")
    across, down = np.meshgrid(np.linspace(-1, 1, _FINE), np.linspace(-1, 1, _FINE))
    lamp = 0.80 - 0.22 * across - 0.16 * down - 0.10 * step(np.hypot(across, down), 0.6, 1.4)
    room *= (lamp + 0.015 * noise(rng, 6, (_FINE, _FINE)) + 0.012 * noise(rng, 1.5, (_FINE, _FINE)))[..., None]
    scale = size[0] / _FINE, size[1] / _FINE, 1
    if scale != (1, 1, 1):
        room = ndimage.zoom(room, scale, order=1, mode="nearest", grid_mode=True)
    return room.clip(0, 1).astype(np.float32)


def _shelves(rng: np.random.Generator, width: int) -> np.ndarray:
    """(FINE,width,3) sRGB: boards 60 px apart, books of all sizes between them."""
    wood = np.array([0.36, 0.27, 0.19], np.float32)
    shelves = np.broadcast_to(wood * 0.45, (_FINE, width, 3)).astype(np.float32)
    for board in range(int(rng.integers(20, 50)), _FINE + 60, 60):
        column = int(rng.integers(0, 5))
        while column < width:
            thick, tall = int(rng.integers(5, 13)), int(rng.integers(34, 53))
            spine = np.array([0.5, 0.42, 0.34]) + rng.uniform(-0.13, 0.13, 3) + rng.uniform(-0.2, 0.2)
            rows = slice(max(0, board - tall), max(0, board))
            if rng.random() < 0.9:
                shelves[rows, column : column + thick - 1] = spine
                band = max(0, board - tall + int(rng.integers(6, 14)))
                shelves[band : max(0, min(band + 3, board)), column : column + thick - 1] = spine * 0.6 + 0.3
            column += thick
        shelves[max(0, board) : board + 5] = wood
    return shelves.clip(0.03, 0.9)
