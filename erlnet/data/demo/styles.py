"""Who speaks and how: the demo's speakers and its three speaking styles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeadStyle:
    """Head dynamics; angles in degrees as (pitch, yaw, roll)."""

    speed: float  # Hz, the spring's natural frequency
    spread: tuple[float, float, float]  # standard deviation before the soft limit
    offset: tuple[float, float, float]
    nod: float  # degrees of pitch at a full accent
    swing: float  # degrees of yaw and roll at a full accent, to either side
    nod_seconds: float


@dataclass(frozen=True)
class SpeakingStyle:
    name: str
    expression: tuple[tuple[str, float], ...]  # face unit (no side: both) -> mean weight
    articulation: float  # factor on the mouth's movements
    rate: float  # factor on the speech rate
    pitch: float  # semitones above the speaker's own
    pitch_range: float  # semitones
    open_quotient: float  # of the glottis: a pressed voice is below 0.5
    brightness: float  # Hz, where the voice's spectrum begins to tilt
    loudness: float
    blinks: float  # per second
    lids: float  # how far the lids hang
    brow_accent: tuple[tuple[str, float], ...]  # face unit -> weight at a full accent
    head: HeadStyle


STYLES: dict[str, SpeakingStyle] = {
    style.name: style
    for style in (
        SpeakingStyle(
            "neutral", (("mouthSmile", 0.04), ("browInnerUp", 0.03)),
            articulation=0.85, rate=1.0, pitch=0.0, pitch_range=4.0, open_quotient=0.6, brightness=2200, loudness=0.8,
            blinks=0.3, lids=0.05, brow_accent=(("browInnerUp", 0.25), ("browOuterUp", 0.15)),
            head=HeadStyle(0.22, (2.0, 3.6, 1.2), (0.0, 0.0, 0.0), nod=2.0, swing=1.0, nod_seconds=0.5),
        ),
        SpeakingStyle(
            "happy", (("mouthSmile", 0.55), ("cheekSquint", 0.4), ("eyeSquint", 0.2), ("mouthDimple", 0.15),
                      ("browOuterUp", 0.12), ("mouthUpperUp", 0.08)),
            articulation=1.0, rate=1.05, pitch=3.0, pitch_range=8.0, open_quotient=0.65, brightness=2800, loudness=0.9,
            blinks=0.38, lids=0.1, brow_accent=(("browInnerUp", 0.4), ("browOuterUp", 0.45)),
            head=HeadStyle(0.38, (2.6, 5.2, 2.2), (-1.0, 0.0, 0.8), nod=2.2, swing=3.0, nod_seconds=0.45),
        ),
        SpeakingStyle(
            "angry", (("browDown", 0.65), ("noseSneer", 0.4), ("eyeSquint", 0.3), ("mouthFrown", 0.3),
                      ("mouthShrugLower", 0.12)),
            articulation=1.12, rate=1.12, pitch=2.0, pitch_range=6.0, open_quotient=0.45, brightness=4500, loudness=1.1,
            blinks=0.22, lids=0.02, brow_accent=(("browDown", 0.3), ("noseSneer", 0.15)),
            head=HeadStyle(0.5, (2.2, 3.6, 1.2), (2.0, 0.0, 0.0), nod=4.5, swing=1.8, nod_seconds=0.32),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Speaker:
    pitch: float  # Hz
    tract: float  # factor on the formants: a shorter vocal tract is above 1
    articulation: float  # factor on the mouth's movements
    asymmetry: float  # in [-.15,.15]: the left side of the face moves more where positive
    posture: tuple[float, float, float]  # degrees, (pitch, yaw, roll) at which the head is held
    blinks: float  # factor on the style's rate


def speaker(index: int) -> Speaker:
    """The demo's speaker number `index` (>= 0); always the same one."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((0x5EA4, index))))
    tract = rng.uniform(0.96, 1.16)
    return Speaker(
        # Short tracts go with high voices.
        pitch=float(110.0 * 2 ** ((tract - 0.96) / 0.2 * 0.8 + rng.uniform(-0.12, 0.12))),
        tract=float(tract),
        articulation=float(rng.uniform(0.93, 1.07)),
        asymmetry=float(rng.uniform(-0.15, 0.15)),
        posture=(float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-2.5, 2.5)), float(rng.uniform(-1.0, 1.0))),
        blinks=float(rng.uniform(0.8, 1.2)),
    )
