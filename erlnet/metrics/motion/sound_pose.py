"""Does the head move with the voice? Correlation of its angular speed with the loudness of the sound.

A lag chosen where the correlation is highest would make any two signals look related. It is therefore chosen once, on
real training clips, and used for every clip that is scored, made or real; the difference between the two counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from erlnet.metrics.motion.dynamics import turns
from erlnet.metrics.protocol import MAX_LAG, MIN_PAIRS

FLOOR_DB = -60.0  # re full scale; below it is silence
_STILL = 1e-6  # degrees a frame, dB

Heard = tuple[Float[np.ndarray, " T"], Float[np.ndarray, "T 6"]]
"""Loudness (dB) and pose of one clip, frame by frame."""


def loudness(samples: Float[np.ndarray, " N"], n_frames: int, per_frame: int = 640) -> Float[np.ndarray, " T"]:
    """dB re full scale: root mean square of each video frame's own 40 ms of sound (16 kHz in [-1,1]), no less than -60.

    Sound that ends early counts as silence.
    """
    padded = np.zeros(n_frames * per_frame)
    kept = np.asarray(samples, np.float64)[: len(padded)]
    padded[: len(kept)] = kept
    power = (padded.reshape(n_frames, per_frame) ** 2).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10))))


def angular_speed(pose: Float[np.ndarray, "T 6"]) -> Float[np.ndarray, " T"]:
    """Degrees a frame at the middle of each frame: the mean of the turns before and after it, one alone at the ends."""
    speed = np.linalg.norm(turns(pose), axis=1)
    if not len(speed):
        return np.zeros(len(pose))
    return np.asarray((np.r_[speed[:1], speed] + np.r_[speed, speed[-1:]]) / 2)


def usual_lag(train: Sequence[Heard]) -> int:
    """Frames that real heads are late against the sound: where the mean of the clips' correlations is highest within
    +-15, of several equal ones the smallest. ValueError where no clip has one."""
    found = {}
    for lag in sorted(range(-MAX_LAG, MAX_LAG + 1), key=abs):
        values = [r for clip in train if (r := sound_pose(*clip, lag)) is not None]
        if values:
            found[lag] = float(np.mean(values))
    if not found:
        raise ValueError(f"none of {len(train)} training clips is long and loud enough to tell how heads follow sound")
    return max(found, key=found.__getitem__)


def sound_pose(loud: Float[np.ndarray, " T"], pose: Float[np.ndarray, "T 6"], lag: int) -> float | None:
    """Pearson's r of loudness[t] and angular speed[t + lag]; 0 for a still head, None for even sound or < 10 frames."""
    if len(loud) - abs(lag) < MIN_PAIRS:
        return None
    speed = angular_speed(pose)
    a = loud[max(-lag, 0) : len(loud) - max(lag, 0)]
    b = speed[max(lag, 0) : len(speed) - max(-lag, 0)]
    if a.std() < _STILL:
        return None
    return float(np.corrcoef(a, b)[0, 1]) if b.std() > _STILL else 0.0
