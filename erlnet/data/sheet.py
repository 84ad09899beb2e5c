"""A picture per prepared clip, to be looked at: frames with their regions and landmarks laid over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from erlnet.interfaces import REGIONS

TILES, COLUMNS, SIDE = 12, 4, 256
COLOURS = {
    "head": (230, 80, 60), "face": (250, 170, 60), "mouth": (255, 60, 200), "eyes": (80, 220, 255),
    "neck": (250, 250, 90), "torso": (70, 110, 250), "unknown": (160, 160, 160),
}  # fmt: skip


class ContactSheet:
    """Collects TILES frames spread over a clip."""

    def __init__(self, n_frames: int):
        self._wanted = set(np.linspace(0, n_frames - 1, TILES).round().astype(int).tolist())
        self._tiles: list[Image.Image] = []

    def wants(self, index: int) -> bool:
        return index in self._wanted

    def add(self, image: np.ndarray, regions: np.ndarray, landmarks: np.ndarray) -> None:
        """`image` (H,W,3) uint8, `regions` (H,W) bits, `landmarks` (68,2) px, NaN without a face."""
        self._tiles.append(Image.fromarray(overlay(image, regions, landmarks)).resize((SIDE, SIDE)))

    def save(self, path: Path) -> None:
        rows = -(-len(self._tiles) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE))
        for number, tile in enumerate(self._tiles):
            sheet.paste(tile, (number % COLUMNS * SIDE, number // COLUMNS * SIDE))
        sheet.save(path)


def overlay(image: np.ndarray, regions: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8: later regions of COLOURS over earlier ones, landmarks in green; background stays as it is."""
    shown = image.astype(np.float32)
    for name, colour in COLOURS.items():
        mask = (regions & (1 << REGIONS.index(name))) > 0
        shown[mask] = 0.6 * image[mask] + 0.4 * np.array(colour, np.float32)
    height, width = regions.shape
    for x, y in landmarks[np.isfinite(landmarks).all(1)].astype(int):
        if 0 < x < width - 1 and 0 < y < height - 1:
            shown[y - 1 : y + 2, x - 1 : x + 2] = (0, 255, 0)
    return shown.astype(np.uint8)
