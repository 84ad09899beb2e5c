"""What one speaker looks like: colours, hair and clothes, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Each row is a plausible set, sRGB in [0,1]: drawn whole, because skin, lips and hair go together.
_SKIN = np.array([[0.87, 0.69, 0.60], [0.80, 0.61, 0.50], [0.70, 0.50, 0.39], [0.55, 0.37, 0.28], [0.42, 0.28, 0.21]])
_LIPS = np.array([[0.72, 0.42, 0.40], [0.66, 0.37, 0.35], [0.58, 0.32, 0.30], [0.45, 0.25, 0.24], [0.37, 0.20, 0.19]])
_HAIR = np.array([[0.26, 0.17, 0.11], [0.12, 0.09, 0.075], [0.40, 0.28, 0.16], [0.30, 0.13, 0.07], [0.33, 0.31, 0.30]])
_IRIS = np.array([[0.30, 0.18, 0.10], [0.25, 0.36, 0.45], [0.28, 0.34, 0.22], [0.20, 0.13, 0.09]])
_CLOTH = np.array([[0.20, 0.30, 0.42], [0.42, 0.20, 0.20], [0.24, 0.34, 0.27], [0.33, 0.31, 0.36], [0.50, 0.42, 0.30]])
_WALL = np.array([[0.58, 0.60, 0.58], [0.62, 0.57, 0.50], [0.50, 0.56, 0.62]])


@dataclass(frozen=True)
class Look:
    """Colours are sRGB in [0,1], lengths metres."""

    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    cloth: np.ndarray
    wall: np.ndarray
    blush: float  # 0..1
    stubble: float  # 0 none .. 1 a dark shade
    freckles: float
    brow: float  # thickness, about 1
    hair_depth: float  # thickness of the hair on top
    parting: float  # where the parting lies, -1..1 across the head
    neckline: float  # how far the collar dips at the throat
    shape_seed: int  # draws the shape coefficients


def draw_look(seed: int, speaker: int) -> Look:
    """The same look for the same seed and speaker, another for each speaker."""
    rng = np.random.default_rng([seed, speaker, 7])
    tone = (seed + speaker) % len(_SKIN)  # neighbours differ for certain
    dark = tone >= 3

    def near(colours: np.ndarray, row: int, spread: float) -> np.ndarray:
        return (colours[row] * (1 + spread * rng.uniform(-1, 1, 3))).clip(0.02, 0.95).astype(np.float32)

    masculine = rng.random() < 0.5
    return Look(
        skin=near(_SKIN, tone, 0.02),
        lips=near(_LIPS, tone, 0.04),
        hair=near(_HAIR, 1 if dark else int(rng.integers(len(_HAIR))), 0.08),
        iris=near(_IRIS, 0 if dark else int(rng.integers(len(_IRIS))), 0.08),
        cloth=near(_CLOTH, int(rng.integers(len(_CLOTH))), 0.08),
        wall=near(_WALL, int(rng.integers(len(_WALL))), 0.04),
        blush=float(rng.uniform(0.5, 1.0)),
        stubble=float(rng.uniform(0.35, 0.8)) if masculine else 0.05,
        freckles=0.0 if dark else float(rng.uniform(0, 0.5)),
        brow=float(rng.uniform(1.0, 1.25) if masculine else rng.uniform(0.8, 1.0)),
        hair_depth=float(rng.uniform(0.014, 0.022)),
        parting=float(rng.choice([-1, 1]) * rng.uniform(0.2, 0.5)),
        neckline=float(rng.uniform(0.0, 0.02)),
        shape_seed=int(rng.integers(2**31)),
    )
