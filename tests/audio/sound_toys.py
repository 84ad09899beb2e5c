"""Sounds and measures that several tests of the encoders share."""

import numpy as np

RATE = 16_000


def syllables(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise in bursts of uneven length and loudness: like speech, no stretch of it repeats."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    knots = np.cumsum(rng.uniform(0.08, 0.25, int(seconds * 13) + 2)) * RATE
    envelope = np.interp(np.arange(n), knots, rng.uniform(0, 1, len(knots)) ** 2)
    return (0.2 * envelope * rng.standard_normal(n)).astype(np.float32)


def delayed(samples: np.ndarray, frames: int) -> np.ndarray:
    """The sound `frames` frames later (silence before it), or that much earlier."""
    if frames < 0:
        return samples[-frames * 640 :]
    return np.concatenate([np.zeros(640 * frames, np.float32), samples])


def best_shift(features: np.ndarray, other: np.ndarray, furthest: int = 12) -> int:
    """By how many rows `other` is later than `features`, by the highest correlation over time."""
    scores = {}
    for shift in range(-furthest, furthest + 1):
        length = min(len(features), len(other)) - abs(shift)
        a = features[max(-shift, 0) :][:length]
        b = other[max(shift, 0) :][:length]
        a, b = a - a.mean(0), b - b.mean(0)
        scores[shift] = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    return max(scores, key=lambda shift: scores[shift])


def mean_of_line(rows: np.ndarray, centres: np.ndarray, n_frames: int) -> np.ndarray:
    """What `frame_means` says in words, by brute force: the line through the rows, averaged over each frame."""
    times = (np.arange(n_frames * 640 * 2) + 0.5) / 2  # two points a sample
    lines = [np.interp(times, centres, column).reshape(n_frames, -1).mean(1) for column in rows.T]
    return np.stack(lines, axis=1)
