"""Rendered frames on disk: PNG, one folder a clip, because scores are taken on lossless frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from erlnet.data.clip import read_frame
from erlnet.data.frame_cache import FRAMES
from erlnet.report.inputs import FolderFrames


@dataclass(frozen=True)
class RenderedFrames(FolderFrames):
    """The frames of one rendered clip as the metrics read them: in batches, and decoded once for all metrics."""

    def frame(self, index: int) -> np.ndarray:
        """(3,H,W) uint8 RGB, read-only."""
        path = self.files[index]
        return FRAMES.get((path, 1), lambda: read_frame(path))

    def frames(self, start: int, stop: int) -> np.ndarray:
        """(N,3,H,W) uint8 RGB."""
        return np.stack([self.frame(i) for i in range(start, stop)])


def write_frames(folder: Path, frames: np.ndarray, first: int) -> None:
    """(N,3,H,W) uint8 -> PNG files numbered from `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    for offset, frame in enumerate(frames):
        Image.fromarray(frame.transpose(1, 2, 0)).save(folder / f"{first + offset:05d}.png", compress_level=1)
