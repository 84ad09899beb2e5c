"""Clips made of numbers, for tests of metrics: no files, no detector."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np


@dataclass(eq=False)
class ArrayClip:
    """A clip in memory with what metrics and reference rows ask for."""

    array: np.ndarray  # (T,3,H,W) uint8
    landmarks: np.ndarray  # (T,68,2) px
    speaker: str = "a"
    head_to_world: np.ndarray | None = None
    valid: np.ndarray | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.array)

    def frames(self, start: int, stop: int) -> np.ndarray:
        self.asked.append((start, stop))
        return self.array[start:stop]

    @property
    def labels(self) -> SimpleNamespace:
        return SimpleNamespace(speaker=self.speaker)

    @property
    def coefficients(self) -> SimpleNamespace:
        poses = np.tile(np.eye(4), (len(self), 1, 1)) if self.head_to_world is None else self.head_to_world
        return SimpleNamespace(
            head_to_world=poses, valid=np.ones(len(self), bool) if self.valid is None else self.valid
        )


def face(
    centre: tuple[float, float] = (32.0, 32.0), eyes: float = 20.0, opening: float = 0.2, lids: float = 0.25
) -> np.ndarray:
    """(68,2) px: a plain face whose eye centres lie `eyes` px apart; inner lips and lids gape by so many `eyes`."""
    x, y = centre
    points = np.zeros((68, 2))
    points[:27] = [[x + (i - 13) * eyes / 13, y - eyes * 0.6] for i in range(27)]  # jaw and brows: anywhere, distinct
    points[27:36] = [[x + (i - 4) * eyes / 16, y] for i in range(9)]
    ring = np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1) * eyes / 6
    ring[:, 1] *= lids / (np.sqrt(3) / 6)  # the ring of radius 1/6 gapes by that much
    points[36:42] = ring + np.array([x - eyes / 2, y - eyes / 4])
    points[42:48] = ring + np.array([x + eyes / 2, y - eyes / 4])
    mouth = y + eyes * 0.7
    points[48:60] = [[x + (i - 5.5) * eyes / 12, mouth] for i in range(12)]
    upper = [[x + dx * eyes / 8, mouth - opening * eyes / 2] for dx in (-1, 0, 1)]
    lower = [[x + dx * eyes / 8, mouth + opening * eyes / 2] for dx in (1, 0, -1)]
    points[60], points[64] = [x - eyes / 3, mouth], [x + eyes / 3, mouth]
    points[61:64], points[65:68] = upper, lower
    return points


def noise_frames(count: int, size: int, seed: int = 0) -> np.ndarray:
    """(count,3,size,size) uint8, smooth enough to be no pure noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 3, size // 4 + 1, size // 4 + 1))
    fine = coarse.repeat(4, axis=2).repeat(4, axis=3)[:, :, :size, :size]
    return np.clip(fine + generator.integers(-20, 21, fine.shape), 0, 255).astype(np.uint8)
