"""A person made of ellipses and noise, whose layers move as told: what the neck metrics must read is known."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from erlnet.interfaces import REGIONS
from erlnet.metrics.pairs import ClipPair

sys.path.insert(0, str(Path(__file__).parents[1]))
from metric_fakes import ArrayClip, face

BIT = {name: np.uint8(1 << i) for i, name in enumerate(REGIONS)}


@dataclass(frozen=True)
class Person:
    """A clip: frames (T,3,S,S) uint8, region bits (T,S,S), landmarks (T,68,2)."""

    frames: np.ndarray
    bits: np.ndarray
    landmarks: np.ndarray

    def pair(self, rendered: np.ndarray, name: str = "clip") -> ClipPair:
        reference = ArrayClip(self.frames, self.landmarks)
        return ClipPair(name, "a", reference, ArrayClip(rendered, self.landmarks), self.bits, self.landmarks)


def textured(size: int, colour: tuple[float, float, float], contrast: float, seed: int) -> np.ndarray:
    """(3,size,size) float: a colour with soft grain, as skin or cloth has."""
    scale = size / 256
    grain = np.random.default_rng(seed).normal(0, 1, (size, size))
    soft = gaussian_filter(grain, 1.5 * scale, mode="wrap") + gaussian_filter(grain[::-1], 4 * scale, mode="wrap") * 2
    return np.array(colour)[:, None, None] + contrast * soft / soft.std()


def person(
    head_ways: np.ndarray, torso_ways: np.ndarray, size: int = 128, mouth: np.ndarray | None = None, grain: float = 9.0
) -> Person:
    """Head and torso each moved by (T,2) px, x then y; `mouth` (T,) in [0,1] opens a dark mouth.

    `grain` is the body's contrast in levels; the head always has some.
    """
    y, x = (np.mgrid[:size, :size] + 0.5) * 256 / size
    head_shape = ((x - 128) / 46) ** 2 + ((y - 88) / 60) ** 2 < 1
    neck_shape = (abs(x - 128) < 30) & (y > 110) & (y < 200)
    cloth_shape = ((x - 128) / 110) ** 2 + ((y - 262) / 84) ** 2 < 1
    cloth_shape &= ~(((x - 128) / 36) ** 2 + ((y - 176) / 22) ** 2 < 1)
    background = textured(size, (120, 130, 150), 12, 1)
    head = textured(size, (200, 150, 125), 9, 2)
    skin = textured(size, (190, 140, 115), grain, 3)
    cloth = textured(size, (60, 70, 120), grain, 4)
    body = np.where(cloth_shape, cloth, skin)
    frames, maps, marks = [], [], []
    for t, (head_way, torso_way) in enumerate(zip(head_ways, torso_ways)):
        opening = 0.0 if mouth is None else float(mouth[t])
        of_body = _moved(cloth_shape | neck_shape, torso_way)
        of_cloth = _moved(cloth_shape, torso_way)
        of_head = _moved(head_shape, head_way)
        frame = np.where(of_body, _moved_picture(body, torso_way), background)
        lips = ((x - 128 - head_way[0] * 256 / size) / 14) ** 2
        lips += ((y - 122 - head_way[1] * 256 / size) / (3 + 8 * opening)) ** 2
        dark = np.where(lips < 1, 40.0, _moved_picture(head, head_way))
        frames.append(np.where(of_head, dark, frame).round().clip(0, 255).astype(np.uint8))
        bits = np.where(of_head, BIT["head"] | BIT["face"], 0) | np.where(of_body & ~of_head, BIT["torso"], 0)
        bits |= np.where(of_body & ~of_cloth & ~of_head, BIT["neck"], 0)
        bits |= np.where(~of_head & ~of_body, BIT["background"], 0)
        maps.append(bits.astype(np.uint8))
        centre = ((128 * size / 256) + head_way[0], (88 * size / 256) + head_way[1])
        marks.append(face(centre, size * 48 / 256, 0.02 + 0.3 * opening))
    return Person(np.stack(frames), np.stack(maps), np.stack(marks))


def still(frames: int, size: int = 128, grain: float = 9.0) -> Person:
    """Nothing moves."""
    zero = np.zeros((frames, 2))
    return person(zero, zero, size, grain=grain)


def lively(frames: int, size: int = 128) -> Person:
    """Head, torso and mouth move, each its own way."""
    t = np.arange(frames)
    head = np.stack([1.5 * np.sin(t / 3), np.cos(t / 4)], axis=1) * size / 128
    torso = np.stack([2.0 * np.sin(t / 5 + 1), 0.7 * np.sin(t / 6)], axis=1) * size / 128
    return person(head, torso, size, mouth=0.5 + 0.5 * np.sin(t * 1.1))


def _moved(shape: np.ndarray, way: np.ndarray) -> np.ndarray:
    return shift(shape.astype(np.float32), (way[1], way[0]), order=1, mode="nearest") >= 0.5


def _moved_picture(picture: np.ndarray, way: np.ndarray) -> np.ndarray:
    return np.stack([shift(c, (way[1], way[0]), order=3, mode="nearest") for c in picture])
