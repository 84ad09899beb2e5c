"""Smooth random processes and the one low-pass that all tracks share."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter


def hann_smooth(values: np.ndarray, n: int) -> np.ndarray:
    """Moving Hann average of (K,) over n (odd) samples; the ends are held."""
    kernel = np.hanning(n + 2)[1:-1]
    return np.convolve(np.pad(values, n // 2, mode="edge"), kernel / kernel.sum(), mode="valid")


def spring_noise(rng: np.random.Generator, n: int, channels: int, frequency: float, rate: float) -> np.ndarray:
    """(n, channels) of unit variance: a damped spring that white noise shakes, an AR(2) process.

    `frequency` Hz is the spring's own, `rate` Hz the samples'; the damping ratio is 0.8.
    """
    damping, omega = 0.8, 2 * np.pi * frequency / rate
    radius = np.exp(-damping * omega)
    first = 2 * radius * np.cos(omega * np.sqrt(1 - damping**2))
    second = -(radius**2)
    variance = (1 - second) / ((1 + second) * ((1 - second) ** 2 - first**2))
    settle = int(4 / (damping * omega)) + 1  # samples until the start at rest is forgotten
    noise = rng.standard_normal((n + settle, channels)) / np.sqrt(variance)
    return lfilter([1.0], [1.0, -first, -second], noise, axis=0)[settle:]


def decaying_noise(rng: np.random.Generator, n: int, channels: int, seconds: float, rate: float) -> np.ndarray:
    """(n, channels) of unit variance: AR(1) whose memory fades with the time constant `seconds`."""
    memory = np.exp(-1 / (seconds * rate))
    start = rng.standard_normal((1, channels))
    noise = np.sqrt(1 - memory**2) * rng.standard_normal((n, channels))
    return lfilter([1.0], [1.0, -memory], noise, axis=0, zi=memory * start)[0]


def bump(times: np.ndarray, centre: float, seconds: float) -> np.ndarray:
    """(K,) a raised cosine of height 1, `seconds` long in all."""
    return 0.5 + 0.5 * np.cos(np.pi * (2 * np.abs(times - centre) / seconds).clip(0, 1))


def soft_limit(values: np.ndarray, limit: float | np.ndarray) -> np.ndarray:
    """Bends values smoothly so that they stay within +-limit."""
    return limit * np.tanh(values / limit)
