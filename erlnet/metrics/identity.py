"""Is it the same person? Faces of render and reference compared by their embeddings, frame by frame."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from erlnet.interfaces import Progress
from erlnet.metrics.detector import RememberedDetector
from erlnet.metrics.detector_pass import found_in, missed_rows
from erlnet.metrics.detectors import FaceEmbedderName, LandmarkDetectorName, face_embedder, landmark_detector
from erlnet.metrics.identity_cards import identity_fingerprint
from erlnet.metrics.pairs import ClipPair, Row

Embed = Callable[[np.ndarray], np.ndarray]
"""(N,3,H,W) uint8 RGB -> (N,K), NaN where there is no face."""


def cosine(a: Float[np.ndarray, "*T K"], b: Float[np.ndarray, "*T K"]) -> Float[np.ndarray, "*T"]:
    """Of the angle between two embeddings; NaN where either is unknown or has no length."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.where(length > 0, (a * b).sum(axis=-1) / np.where(length > 0, length, 1), np.nan)


def distance(a: Float[np.ndarray, "*T K"], b: Float[np.ndarray, "*T K"]) -> Float[np.ndarray, "*T"]:
    """Euclidean, of embeddings as they come."""
    return np.asarray(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64), axis=-1))


class IdentityFamily:
    """Rows a frame: `identity` (cosine) and `identity_distance`; rows a clip: frames without a face.

    Each distinct frame is embedded once; `embeddings` is a file that keeps them for later processes.
    """

    name = "identity"

    def __init__(
        self,
        embeddings: Path | None = None,
        embed: Embed | None = None,
        embedder: FaceEmbedderName = "dlib",
        detector: LandmarkDetectorName = "mediapipe",
    ):
        """`embed` works in the embedder's and the detector's place (tests)."""
        self._embeddings, self._embed, self._embedder, self._detector = embeddings, embed, embedder, detector

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        """Raises Unavailable where detector or embedder cannot be had."""
        network = face_embedder(self._embedder)
        with landmark_detector(self._detector) as look:
            identity = json.dumps(identity_fingerprint(self._embedder, self._detector), sort_keys=True)
            embed = self._embed or (lambda frames: network(frames, look(frames)))
            remembered = RememberedDetector(embed, self._embeddings, identity)
            found = found_in(pairs, remembered, progress)
            remembered.save()
        rows: list[Row] = []
        for pair, sides in zip(pairs, found, strict=True):
            for metric, values in (("identity", cosine(*sides)), ("identity_distance", distance(*sides))):
                rows += [
                    Row(pair.name, t, metric, "face", float(value) if np.isfinite(value) else None)
                    for t, value in enumerate(values)
                ]
            rows += missed_rows(pair.name, sides, self.name)
        return rows
