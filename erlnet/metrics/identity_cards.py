"""What the family `identity` measures, in words, and what its scores depend on. Torch-free.

Measured on one frame of each of GRID's ten speakers (360x288): another frame of the same person reads a cosine of .990
to .996 and a distance of .13 to .21, the mirrored frame .991 to .997, a blur of 2 px .98, of 4 px .95, another person
.73 to .91 and .63 to 1.06.
"""

from __future__ import annotations

from typing import Any

from erlnet.metrics.card import Card
from erlnet.metrics.detectors import FaceEmbedderName, LandmarkDetectorName, detector_fingerprint, embedder_fingerprint

FAMILY = "identity"
_VERSION = 1  # raised when the same inputs give other scores
_FACES = (
    "Same detector and embedder on reference and render, every frame by itself; frames where either has no face have no"
    " value: see identity_missed."
)

IDENTITY_CARDS: tuple[Card, ...] = (
    Card(
        "identity", FAMILY, "identity, cosine", "", True,
        "Cosine of the face embeddings of render and true frame (dlib's ResNet, 128 numbers, unless the fingerprint"
        " names another), the face turned upright and cut out by its landmarks. With dlib all faces share a direction:"
        " two frames of one person read .99, two people .73 to .91, so it is not a scale from 0 to 1. Does not see a"
        f" mirrored face (.99) nor a slight blur (.98 at 2 px). {_FACES}",
        ("face",), True, 1.0,
    ),
    Card(
        "identity_distance", FAMILY, "identity, distance", "", False,
        "Euclidean distance of the same embeddings as they come. dlib's maker calls two faces one person under .6; two"
        f" frames of one person read .13 to .21. {_FACES}",
        ("face",), True, 0.0,
    ),
    Card(
        "identity_missed", FAMILY, "frames without a face (identity)", "share", False,
        "Share of the frames with a face in the reference in which none is found in the render. Those frames are"
        " missing from the identity metrics, so a row above .01 cannot win.",
        ("face",), False, 0.0,
    ),
    Card(
        "identity_unseen", FAMILY, "reference frames without a face (identity)", "share", None,
        "Share of all frames in which no face is found in the reference: they have no value, and it is no fault of the"
        " render.",
        ("face",), False,
    ),
)  # fmt: skip


def identity_fingerprint(
    embedder: FaceEmbedderName = "dlib", detector: LandmarkDetectorName = "mediapipe"
) -> dict[str, Any]:
    """Everything that the scores depend on beside the frames, JSON-able."""
    looks = {f"face_{key}": value for key, value in detector_fingerprint(detector).items()}
    return {"family": FAMILY, "version": _VERSION} | looks | embedder_fingerprint(embedder)
