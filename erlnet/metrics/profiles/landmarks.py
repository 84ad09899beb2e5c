"""What both profiles measure on landmarks, and how a family of theirs finds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float

from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect, FaceLandmarker, RememberedDetector
from erlnet.metrics.detectors import detector_fingerprint
from erlnet.metrics.face import MOUTH
from erlnet.metrics.pairs import ClipPair, Row, read_both

BATCH = 8  # frames a side
Measure = Callable[[np.ndarray, np.ndarray], dict[str, tuple[str, list[float]]]]
"""(true, made) (N,3,H,W) uint8 -> metric -> its region and N values."""
ALL = slice(0, 68)


def centred_distance(
    reference: Float[np.ndarray, "*T 68 2"], rendered: Float[np.ndarray, "*T 68 2"], points: slice = MOUTH
) -> Float[np.ndarray, "*T"]:
    """Mean Euclidean distance, px, of some points after each side's points are centred on their own mean.

    NaN in gives NaN out. A mouth that is open but shifted reads 0: our `lmd_mouth` centres on nose and eyes instead.
    """
    sides = (side[..., points, :].astype(np.float64) for side in (reference, rendered))
    a, b = (side - side.mean(axis=-2, keepdims=True) for side in sides)
    return np.asarray(np.linalg.norm(a - b, axis=-1).mean(axis=-1))


@contextmanager
def remembered(detect: Detect | None, file: Path | None) -> Iterator[RememberedDetector]:
    """`detect`, or ours, with what it found kept in `file` for later calls and for the family `landmarks`."""
    with FaceLandmarker() as landmarker:
        known = RememberedDetector(
            detect or landmarker, file, json.dumps(detector_fingerprint("mediapipe"), sort_keys=True)
        )
        yield known
        known.save()


def score_frames(pairs: list[ClipPair], measure: Measure, progress: Progress | None) -> list[Row]:
    """Rows of what `measure` says of each batch of true and made frames; NaN is no value."""
    rows: list[Row] = []
    done, total = 0, sum(len(pair) for pair in pairs)
    for pair in pairs:
        for start in range(0, len(pair), BATCH):
            stop = min(start + BATCH, len(pair))
            for metric, (region, values) in measure(*read_both(pair, start, stop)).items():
                rows += [
                    Row(pair.name, start + t, metric, region, float(value) if np.isfinite(value) else None)
                    for t, value in enumerate(values)
                ]
            done += stop - start
            if progress is not None:
                progress.update(done, total)
    return rows
