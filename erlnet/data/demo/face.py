"""The face's units from mouth, style and accents, by name."""

from __future__ import annotations

import numpy as np

from erlnet.data.demo.mouth import Articulators, jaw_opening, lip_units
from erlnet.data.demo.sentence import Accent
from erlnet.data.demo.smoothing import bump, spring_noise
from erlnet.data.demo.styles import Speaker, SpeakingStyle
from erlnet.data.demo.synthesis import CONTROL_RATE

_RAISES_LIP = ("noseSneer", "mouthUpperUp")  # would part lips that a bilabial shuts


def jaw_rotation(rng: np.random.Generator, mouth: Articulators, style: SpeakingStyle, speaker: Speaker) -> np.ndarray:
    """(K,3) axis-angle rad: opening about +x, and a little play to the sides while open."""
    opening = jaw_opening(mouth, style.articulation * speaker.articulation)
    play = spring_noise(rng, len(opening), 2, 0.8, CONTROL_RATE) * (0.05, 0.03) * opening[:, None]
    return np.concatenate([opening[:, None], play], axis=1)


def face_units(
    rng: np.random.Generator,
    times: np.ndarray,
    mouth: Articulators,
    accents: tuple[Accent, ...],
    style: SpeakingStyle,
    speaker: Speaker,
) -> dict[str, np.ndarray]:
    """Unit name (without a side: meant for both) -> weight (K,) at `times`."""
    units = lip_units(mouth, style.articulation * speaker.articulation)
    # A mood comes and goes a little; it is not a mask.
    mood = 1 + 0.18 * spring_noise(rng, len(times), 1, 0.25, CONTROL_RATE)[:, 0].clip(-2, 2)
    purse = 1 - 0.5 * mouth.rounding.clip(0, 1)
    for name, weight in style.expression:
        gain = 0.5 + 0.5 * mouth.lips if name in _RAISES_LIP else purse if name.startswith("mouth") else 1.0
        units[name] = units.get(name, 0.0) + weight * mood * gain
    for name, weight in style.brow_accent:
        units[name] = units.get(name, 0.0) + sum(
            (weight * a.strength * bump(times, a.time, 0.4) for a in accents), np.zeros(len(times))
        )
    return units


def by_name(units: dict[str, np.ndarray], names: tuple[str, ...], asymmetry: float) -> np.ndarray:
    """(K,E) in [0,1] in the order of `names`; a name that no unit drives stays 0.

    A name may carry a side, `Left` or `Right`; `asymmetry` > 0 lets the left side move more.
    """
    n = len(next(iter(units.values())))
    columns = np.zeros((n, len(names)))
    for i, name in enumerate(names):
        for ending, gain in (("Left", 1 + asymmetry), ("Right", 1 - asymmetry), ("", 1.0)):
            unit = name.removesuffix(ending) if name.endswith(ending) else None
            if unit in units:
                # What closes the lips must close them on both sides.
                columns[:, i] = units[unit] * (1.0 if unit in ("mouthPress", "mouthClose") else gain)
                break
    return columns.clip(0, 1)
