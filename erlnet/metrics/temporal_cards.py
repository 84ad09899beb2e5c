"""What the families `jitter` and `temporal` measure, in words, and what their scores depend on. Torch-free."""

from __future__ import annotations

from typing import Any

from erlnet.metrics import protocol as p
from erlnet.metrics.card import Card
from erlnet.metrics.detectors import LandmarkDetectorName, detector_fingerprint, opencv_version
from erlnet.metrics.neck import numbers as n

JITTER = "jitter"
TEMPORAL = "temporal"
_VERSIONS = {JITTER: 1, TEMPORAL: 1}  # raised when the same inputs give other scores
_SECOND = (
    "Root mean square, over landmarks and frames, of the length of p(t-1) - 2 p(t) + p(t+1), where p are the 68"
    " landmarks less the mean of the frame's nose and eye corners (a head that moves does not count); frame triples"
    " with a face throughout on both sides, at least 10"
)
_FLOW = (
    "the reference's own flow from frame t to t+1 (dense inverse search, OpenCV), over pixels that it leads inside the"
    " frame and back to within .5 px or 10 % of the way"
)

TEMPORAL_CARDS: tuple[Card, ...] = (
    Card(
        "jitter_ratio", JITTER, "landmark jitter, of the truth's", "", None,
        f"{_SECOND}: render's over reference's. 1 is as lively as the truth; above it the face shakes, below it the"
        " motion is smoothed; a still face reads near 0. The detector's own noise is in both. Does not see a head that"
        " shakes whole, nor when the face moves.",
        ("face",), True, 1.0,
    ),
    Card("jitter_px", JITTER, "landmark jitter", "px", None, f"{_SECOND}. Of the render.", ("face",), False),
    Card("jitter_reference_px", JITTER, "landmark jitter, truth", "px", None, f"{_SECOND}. Of the reference.",
         ("face",), False),
    Card(
        "jitter_missed", JITTER, "frames without a face (jitter)", "share", False,
        "Share of the frames with a face in the reference in which the detector finds none in the render; every triple"
        " with such a frame is left out of the jitter of both sides.",
        ("face",), False, 0.0,
    ),
    Card(
        "jitter_unseen", JITTER, "reference frames without a face (jitter)", "share", None,
        "Share of all frames in which the detector finds no face in the reference: left out of the jitter, and no"
        " fault of the render.",
        ("face",), False,
    ),
    Card(
        "warp_error", TEMPORAL, "warp error", "", None,
        "Mean over frame pairs of the mean |render(t) - render(t+1) fetched back| (RGB in [0,1], bilinear) along"
        f" {_FLOW}; regions of frame t, at least 64 px. Flicker raises it; blur lowers it under the truth's own value,"
        " and that is no merit, so no winner is made by it. Does not see a fault that keeps still or moves with the"
        " truth.",
        p.IMAGE_REGIONS, False,
    ),
    Card(
        "warp_error_difference", TEMPORAL, "warp error, less the truth's", "", None,
        "Warp error of the render less that of the reference along the same flow and over the same pixels: above 0 the"
        " render flickers or goes another way, below 0 it is blurred.",
        p.IMAGE_REGIONS, True, 0.0,
    ),
    Card(
        "background_sd", TEMPORAL, "background, spread over time", "grey levels", None,
        "Root of the mean temporal variance of the render's pixels (RGB of 255) that are background in every frame of"
        " the reference; at least 64 px and 10 frames. 0 is a still plate. A slow drift counts as flicker does.",
        ("background",), False,
    ),
    Card(
        "background_sd_difference", TEMPORAL, "background, spread over time, less the truth's", "grey levels", None,
        "The render's spread of the background over time less the reference's: above 0 the background boils; below 0"
        " it is stiller than the camera's noise, which is not better.",
        ("background",), True, 0.0,
    ),
)  # fmt: skip


def temporal_fingerprint(family: str, detector: LandmarkDetectorName = "mediapipe") -> dict[str, Any]:
    """Everything that the scores of `jitter` or `temporal` depend on beside the frames; KeyError for another."""
    own: dict[str, dict[str, Any]] = {
        JITTER: detector_fingerprint(detector) | {"min_triples": p.MIN_PAIRS, "centred_on": "nose and eye corners"},
        TEMPORAL: {
            "opencv": opencv_version(), "flow": "DIS fast, finest scale 0, one thread", "luma": "Rec. 601",
            "consistent": [n.CONSISTENT_PX, n.CONSISTENT_SHARE], "min_region_px": p.MIN_REGION_PX,
            "mouth_box": list(p.MOUTH_BOX), "min_frames": p.MIN_PAIRS, "colour": "RGB",
        },
    }  # fmt: skip
    return {"family": family, "version": _VERSIONS[family]} | own[family]
