"""Blinks and gaze."""

from __future__ import annotations

import numpy as np

from erlnet.data.demo.smoothing import hann_smooth

_CLOSING, _SHUT, _OPENING = 0.070, 0.045, 0.125  # s; shut for longer than a frame, so that every blink is seen shut
_REFRACTORY = 0.6  # s
_GAZE_LIMIT = 0.35  # rad


def blinks(rng: np.random.Generator, times: np.ndarray, rate: float, rest: float) -> np.ndarray:
    """Lids (K,2), left and right, in [0,1]; `rate` blinks a second, `rest` how far the lids hang between them."""
    closure = np.zeros(len(times))
    start = -_REFRACTORY + rng.exponential(max(1 / rate - _REFRACTORY, 0.1))
    while start < times[-1]:
        since = times - start
        shut = (since / _CLOSING).clip(0, 1) * ((_CLOSING + _SHUT + _OPENING - since) / _OPENING).clip(0, 1)
        closure = np.maximum(closure, shut)
        start += _CLOSING + _SHUT + _OPENING + _REFRACTORY + rng.exponential(max(1 / rate - _REFRACTORY, 0.1))
    closure = closure**2 * (3 - 2 * closure)
    return np.stack([rest + (1 - rest) * closure, rest + (1 - rest) * np.minimum(closure, 0.985)], axis=1)


def gaze(rng: np.random.Generator, times: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Eyes (K,6): axis-angle rad of the left and the right eye relative to the head.

    Saccades to random points; between them the eyes hold their point in space, so they turn against `head` (K,3)
    axis-angle rad.
    """
    target = np.zeros((len(times), 2))
    now = 0.0
    while now < times[-1]:
        # Half of the looks go to the viewer.
        aim = rng.normal(0, (0.035, 0.075)) if rng.random() < 0.5 else np.zeros(2)
        target[times >= now] = aim
        now += rng.uniform(0.3, 0.5) + rng.exponential(0.6)
    # A saccade takes about 50 ms.
    looking = np.stack([hann_smooth(column, 11) for column in target.T], axis=1) - 0.7 * head[:, :2]
    looking = looking.clip(-_GAZE_LIMIT, _GAZE_LIMIT)
    eyes = np.zeros((len(times), 6))
    eyes[:, 0:2] = eyes[:, 3:5] = looking
    eyes[:, 1] -= 0.02  # both axes meet about 1.5 m ahead
    eyes[:, 4] += 0.02
    return eyes
