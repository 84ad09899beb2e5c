"""How the head moves on the torso, how the torso sways, and the motion that no coefficient holds.

Axes are the head model's rest axes: x to the subject's left, y up, z out of the face; pitch turns about x (positive
nods down), yaw about y, roll about z.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from erlnet.data.demo.sentence import Accent
from erlnet.data.demo.smoothing import bump, decaying_noise, hann_smooth, soft_limit, spring_noise
from erlnet.data.demo.styles import HeadStyle, Speaker
from erlnet.data.demo.synthesis import CONTROL_RATE

HIDDEN = ("cheek_puff", "lip_corner_asymmetry", "skin_flush")
"""What the channels of `hidden` are meant for: each in [-1,1]; a renderer applies them outside of the coefficients."""

_LIMITS = np.deg2rad([8.0, 15.0, 5.0])  # pitch, yaw, roll
_SHIFT = np.array([0.0020, 0.0015, 0.0025])  # m, standard deviation of the head's shift on the neck
_WAIST = np.array([0.0, -0.35, -0.05])  # m from the neck's pivot: the torso sways about it
_SWAY = np.deg2rad([0.55, 0.45, 0.55])  # rad, standard deviation of the torso's sway
_SWAY_SHIFT = np.array([0.0025, 0.0012, 0.0020])  # m
_HEAD_SHARE = 0.6  # of the torso's variance: it follows the head that far and no further
_TORSO_MEMORY = 0.4  # s


def head_angles(
    rng: np.random.Generator, times: np.ndarray, style: HeadStyle, speaker: Speaker, accents: tuple[Accent, ...]
) -> np.ndarray:
    """(K,3) pitch, yaw, roll in rad at CONTROL_RATE: a sprung, wandering head that nods on the accents."""
    angles = spring_noise(rng, len(times), 3, style.speed, CONTROL_RATE) * style.spread
    angles += np.array(style.offset) + speaker.posture
    for accent in accents:
        nod, yaw, roll = style.nod * rng.uniform(0.6, 1.2), *(style.swing * rng.normal(0, (1.0, 0.5)))
        # The head's stroke peaks just after the syllable.
        shape = bump(times, accent.time + 0.04, style.nod_seconds) * accent.strength
        angles += shape[:, None] * (nod, yaw, roll)
    return soft_limit(np.deg2rad(angles), _LIMITS)


def head_pose(rng: np.random.Generator, angles: np.ndarray, speed: float, pivot: np.ndarray) -> np.ndarray:
    """(K,6) axis-angle and translation m of the head on the torso: `angles` (K,3) about `pivot`, and a small shift."""
    shift = spring_noise(rng, len(angles), 3, speed, CONTROL_RATE) * _SHIFT
    shift[:, 2] += 0.03 * angles[:, 0]  # a nod also brings the head forward
    return _rigid(angles, pivot, soft_limit(shift, 0.01))


def torso_sway(rng: np.random.Generator, times: np.ndarray, pose: np.ndarray, pivot: np.ndarray) -> np.ndarray:
    """(K,6) axis-angle and translation m of the torso: partly late after the head `pose` (K,6), partly its own.

    Own: AR(1) sway and breathing. So the head explains well under 80 % of it.
    """
    n = len(times)
    # What the torso does because of the head comes late and slowly.
    memory = np.exp(-1 / (0.2 * CONTROL_RATE))
    source = pose[:, [0, 1, 2, 1, 0, 0]] / np.deg2rad([2.6, 3.8, 1.6, 3.8, 2.6, 2.6])
    follow = lfilter([1 - memory], [1, -memory], source, axis=0, zi=memory * source[:1])[0]
    own = decaying_noise(rng, n, 6, _TORSO_MEMORY, CONTROL_RATE)
    own = 1.35 * np.stack([hann_smooth(column, 81) for column in own.T], axis=1)  # smoothing costs variance
    mixed = np.sqrt(_HEAD_SHARE) * follow * (0.9, 0.9, 1.0, 1.0, 0.5, 0.9) + np.sqrt(1 - _HEAD_SHARE) * own
    breath = np.sin(2 * np.pi * (rng.uniform(0.22, 0.32) * times + rng.random()))
    shift = _SWAY_SHIFT * mixed[:, 3:] + np.outer(breath, (0.0, 0.0012, 0.0008))
    return _rigid(soft_limit(_SWAY * mixed[:, :3], np.deg2rad(2.0)), pivot + _WAIST, soft_limit(shift, 0.01))


def hidden_motion(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """(K,3) in [-1,1], see HIDDEN: slow, smooth, drawn apart from everything else."""
    return soft_limit(0.5 * spring_noise(rng, len(times), len(HIDDEN), 0.5, CONTROL_RATE), 1.0)


def _rigid(angles: np.ndarray, pivot: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(K,3) axis-angle about `pivot` (3,), then `shift` (K,3): T(shift) T(pivot) R T(-pivot), as (K,6)."""
    return np.concatenate([angles, pivot - Rotation.from_rotvec(angles).apply(pivot) + shift], axis=1)
