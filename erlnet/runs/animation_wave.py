"""Sound and curves thinned to what a picture can show."""

from __future__ import annotations

import numpy as np


def envelope(values: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest (n,) of `n` equal stretches of `values` (N,), N >= 1; what is short is repeated."""
    edges = np.linspace(0, len(values), n + 1)[:-1].astype(int).clip(0, len(values) - 1)
    if len(values) < n:
        return values[edges], values[edges]
    return np.minimum.reduceat(values, edges), np.maximum.reduceat(values, edges)


def thinned(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions, values) of a curve (T,) with at most `most` points: of each stretch its least and largest, in their
    order, so that no peak is lost. As it is where it is short enough."""
    if len(values) <= most:
        return np.arange(len(values)), values
    picked = []
    for stretch in np.array_split(np.arange(len(values)), most // 2):
        ends = {int(stretch[np.argmin(values[stretch])]), int(stretch[np.argmax(values[stretch])])}
        picked += sorted(ends)
    return np.array(picked), values[picked]
