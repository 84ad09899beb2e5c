"""One look at every frame of both sides of some clips, remembered by content, and the count of faces not found."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped

from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect, RememberedDetector
from erlnet.metrics.detectors import LandmarkDetectorName, detector_fingerprint, landmark_detector
from erlnet.metrics.pairs import ClipPair, Row, read_both

_BATCH = 16  # frames a side

Sides = tuple[Shaped[np.ndarray, "T *S"], Shaped[np.ndarray, "T *S"]]
"""What was found in the reference and in the render, NaN where nothing was."""


def landmarks_of(
    pairs: list[ClipPair],
    detector: LandmarkDetectorName = "mediapipe",
    detections: Path | None = None,
    progress: Progress | None = None,
    detect: Detect | None = None,
) -> list[Sides]:
    """The 68 landmarks of every pair, (T,68,2) px a side; `detections` keeps them for later processes.

    `detect` looks in the named detector's place (tests). Raises Unavailable where the detector cannot be had.
    """
    with landmark_detector(detector) as named:
        identity = json.dumps(detector_fingerprint(detector), sort_keys=True)
        remembered = RememberedDetector(detect or named, detections, identity)
        found = found_in(pairs, remembered, progress)
        remembered.save()
    return found


def found_in(
    pairs: list[ClipPair], look: Callable[[np.ndarray], np.ndarray], progress: Progress | None = None
) -> list[Sides]:
    """`look` takes (N,3,H,W) uint8 frames and gives N arrays of one shape; frames are read 16 a side."""
    done, total = 0, sum(len(pair) for pair in pairs)
    found = []
    for pair in pairs:
        sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for start in range(0, len(pair), _BATCH):
            stop = min(start + _BATCH, len(pair))
            for side, frames in zip(sides, read_both(pair, start, stop), strict=True):
                side.append(look(frames))
            done += stop - start
            if progress is not None:
                progress.update(done, total)
        found.append((np.concatenate(sides[0]), np.concatenate(sides[1])))
    return found


def seen(found: Shaped[np.ndarray, "T *S"]) -> Bool[np.ndarray, " T"]:
    """The frames in which something was found."""
    return np.isfinite(found.reshape(len(found), -1)).all(axis=1)


def missed_rows(clip: str, sides: Sides, prefix: str) -> list[Row]:
    """`PREFIX_missed`: of the frames with a face in the reference, the share without one in the render (None where
    there is none to miss). `PREFIX_unseen`: of all frames, the share without a face in the reference, which says
    nothing of the render but leaves those frames out.
    """
    reference, rendered = seen(sides[0]), seen(sides[1])
    missed = float((reference & ~rendered).sum() / reference.sum()) if reference.any() else None
    unseen = float(1 - reference.mean())
    return [Row(clip, None, f"{prefix}_missed", "face", missed), Row(clip, None, f"{prefix}_unseen", "face", unseen)]
