"""Mouth shapes with co-articulation, from the phonemes that the voice speaks.

Each phoneme pulls five articulators to its targets with a dominance that is full over the middle of its segment and
fades exponentially to both sides; an articulator stands at the dominance-weighted mean (Cohen and Massaro, 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.demo.sentence import Segment
from erlnet.data.demo.smoothing import hann_smooth

JAW_RADIANS = 0.26  # of an open vowel at an articulation of 1
CLOSED_RADIANS = 0.433  # the jaw's opening that mouthClose = 1 closes the lips over: that of the unit jawOpen
_HOLD = 0.35  # of a segment's length to either side of its middle: there the target is met
_FADE = (0.034, 0.020, 0.045, 0.040, 0.022)  # s; the lips close and part faster than the jaw swings
_REACH = 0.4  # s; beyond it a dominance has faded to nothing


@dataclass(frozen=True)
class Articulators:
    """What the mouth does, each (K,) in about [0,1] (phonemes.Viseme)."""

    jaw: np.ndarray
    lips: np.ndarray
    rounding: np.ndarray
    spreading: np.ndarray
    tuck: np.ndarray


def articulate(segments: tuple[Segment, ...], times: np.ndarray) -> Articulators:
    """The articulators at `times` (K,) s."""
    visemes = [s.phoneme.viseme for s in segments]
    targets = np.array([(v.jaw, v.lips, v.rounding, v.spreading, v.tuck) for v in visemes], float)  # (S,5)
    strength = np.array([v.strength for v in visemes])  # (S,5)
    centre = np.array([s.centre for s in segments])
    hold = np.array([_HOLD * (s.end - s.start) for s in segments])
    away = np.maximum(np.abs(times[None, :] - centre[:, None]) - hold[:, None], 0).clip(max=_REACH)  # (S,K) s
    values = []
    for i, fade in enumerate(_FADE):
        dominance = strength[:, i, None] * np.exp(-away / fade)
        values.append((targets[:, i, None] * dominance).sum(0) / dominance.sum(0))
    # 5 samples at 200 Hz take the corners off without lifting a closure, which is held for longer.
    return Articulators(*(hann_smooth(v, 5) for v in values))


def jaw_opening(mouth: Articulators, articulation: float) -> np.ndarray:
    """(K,) rad."""
    return JAW_RADIANS * articulation * mouth.jaw


def lip_units(mouth: Articulators, articulation: float) -> dict[str, np.ndarray]:
    """Face units (K,) of the lips, without a side: both sides take them. `articulation` scales all but closures."""
    opening = mouth.jaw * articulation
    press = (1 - mouth.lips / 0.12).clip(0, 1)
    return {
        # The jaw opens the lips; mouthClose takes that back, so it goes by the jaw.
        "mouthClose": (1 - mouth.lips) * jaw_opening(mouth, articulation) / CLOSED_RADIANS,
        "mouthPress": 0.35 * press,
        "mouthRollLower": 0.12 * press + 0.7 * mouth.tuck,
        "mouthRollUpper": 0.1 * press,
        "mouthUpperUp": (0.12 * mouth.lips * opening + 0.2 * mouth.tuck + 0.1 * mouth.spreading) * articulation,
        "mouthLowerDown": (0.3 * opening + 0.3 * mouth.spreading) * mouth.lips * articulation,
        "mouthFunnel": 0.35 * mouth.rounding * mouth.lips * articulation,
        "mouthPucker": 0.8 * mouth.rounding * (1 - 0.4 * mouth.lips) * articulation,
        "mouthStretch": 0.35 * mouth.spreading * mouth.lips * articulation,
        "mouthSmile": 0.1 * mouth.spreading * articulation,
    }
