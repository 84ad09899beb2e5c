"""What each metric is, in words and numbers, without computing any: the planner and the report read this.

Imports no torch. A *family* is what is computed in one pass and stored under one fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from erlnet.assets import find_asset
from erlnet.metrics import protocol as p
from erlnet.metrics.card import Card
from erlnet.metrics.detectors import detector_fingerprint
from erlnet.metrics.extra_cards import EXTRA_CARDS, extra_fingerprint
from erlnet.metrics.identity_cards import IDENTITY_CARDS, identity_fingerprint
from erlnet.metrics.motion_cards import MOTION_CARDS, MOTION_IN_MODE
from erlnet.metrics.neck.cards import NECK_CARDS, neck_fingerprint
from erlnet.metrics.sync_cards import SYNC_CARDS, sync_fingerprint
from erlnet.metrics.temporal_cards import TEMPORAL_CARDS, temporal_fingerprint

_FACE, _MOUTH, _EYES = ("face",), ("mouth",), ("eyes",)
_SHIFT = "Same detector on reference and render, every frame by itself; frames where either has no face have no value."

_CARDS = (
    Card(
        "ssim", "ssim", "SSIM", "", True,
        "Structural similarity (Wang et al. 2004): Gaussian window 11 px, sigma 1.5, K .01 and .03, population"
        " covariance, data range 1, mean of the RGB channels, pixels with a full window only (5 px border cropped). A"
        " region's value is the mean of the whole frame's map over the region.",
        p.IMAGE_REGIONS, True, 1.0,
    ),
    Card(
        "psnr", "psnr", "PSNR", "dB", True,
        "10 log10(1 / mean squared error) of RGB in [0,1] over the region's pixels, per frame, capped at 100 dB, then"
        " averaged over frames (the mean of dB, not the dB of the mean).",
        p.IMAGE_REGIONS, True,
    ),
    Card(
        "lpips", "lpips", "LPIPS", "", False,
        "Learned perceptual distance v0.1 (Zhang et al. 2018), AlexNet, input scaled to [-1,1]. A region's value is the"
        " mean over the region of the spatial map, each layer enlarged bilinearly to the frame.",
        p.IMAGE_REGIONS, True, 0.0,
    ),
    Card(
        "lmd", "landmarks", "LMD", "px", False,
        f"Mean Euclidean distance of the 68 face landmarks. {_SHIFT}", _FACE, True, 0.0,
    ),
    Card(
        "lmd_mouth", "landmarks", "LMD, mouth", "px", False,
        "Mean Euclidean distance of landmarks 48-67 after each side is centred on the mean of its own nose and eye"
        f" corners, so that a shifted head does not count. {_SHIFT}", _MOUTH, True, 0.0,
    ),
    Card(
        "lmd_relative", "landmarks", "LMD / interocular", "", False,
        "LMD over the reference's interocular distance (between the centres of the eyes) in that frame.",
        _FACE, True, 0.0,
    ),
    Card(
        "lmd_mouth_relative", "landmarks", "LMD, mouth / interocular", "", False,
        "The mouth's LMD over the reference's interocular distance in that frame.", _MOUTH, True, 0.0,
    ),
    Card(
        "mouth_open_r", "landmarks", "mouth opening, r", "", True,
        "Pearson correlation, over frames, of render's and reference's mouth opening: mean distance of the three inner"
        " lip point pairs over interocular distance. Clips under 2 s are joined in order with others of their speaker"
        " until 2 s are reached; no value where the reference's opening has a standard deviation under .01; a render"
        " that never moves reads 0.",
        _MOUTH, True, 1.0,
    ),
    Card(
        "mouth_open_slope", "landmarks", "mouth opening, slope", "", None,
        "Least-squares slope of the render's mouth opening on the reference's: 1 is the true amplitude, 0 a mouth that"
        " does not follow. Clips as for mouth_open_r.",
        _MOUTH, True, 1.0,
    ),
    Card(
        "mouth_lag", "landmarks", "mouth opening, lag", "frames", None,
        "The shift within +-15 frames at which render's and reference's mouth opening correlate best over the pairs of"
        " frames that it leaves; positive means that the render is late. Clips as for mouth_open_r; no pair spans two"
        " clips.",
        _MOUTH, True, 0.0,
    ),
    Card(
        "eye_open_r", "landmarks", "eye opening, r", "", True,
        "Pearson correlation, over frames, of render's and reference's eye opening: mean distance of the two lid pairs"
        " of both eyes over interocular distance; blinks carry most of it. Clips as for mouth_open_r; no value where"
        " the reference's opening has a standard deviation under .005; a render that never blinks reads near 0.",
        _EYES, True, 1.0,
    ),
    Card(
        "eye_open_slope", "landmarks", "eye opening, slope", "", None,
        "Least-squares slope of the render's eye opening on the reference's: 1 is the true amplitude, 0 eyes that do"
        " not follow. Clips as for eye_open_r.",
        _EYES, True, 1.0,
    ),
    Card(
        "faces_missed", "landmarks", "frames without a face", "share", False,
        "Share of the frames with a face in the reference in which the detector finds none in the render. Those frames"
        " are missing from the landmark metrics, so a row above .01 cannot win.",
        _FACE, False, 0.0,
    ),
)  # fmt: skip

_ALL = _CARDS + NECK_CARDS + EXTRA_CARDS + TEMPORAL_CARDS + IDENTITY_CARDS + SYNC_CARDS + MOTION_CARDS

CARDS: dict[str, Card] = {card.id: card for card in _ALL}
"""Metric id -> card, in the order of the tables."""

FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(card.id for card in _ALL if card.family == family) for family in dict.fromkeys(c.family for c in _ALL)
}
"""Family -> the metric ids that one pass gives."""

USUAL = ("ssim", "psnr", "lpips", "landmarks", "motion", "style", "codebook")
"""What is scored where nothing is asked for; the rest costs more, or needs weights or a detector of its own."""

READS: dict[str, str] = dict.fromkeys(FAMILIES, "render") | {
    "motion": "drive", "style": "drive", "codebook": "codec",
}  # fmt: skip
"""Family -> the stage whose product it scores."""

_COMPARABLE = ("tracked", "reconstructed", "audio")  # modes in which every frame has a true one
MODES: dict[str, tuple[str, ...]] = dict.fromkeys(FAMILIES, _COMPARABLE) | {
    "motion": ("reconstructed", "audio", "audio_free"),  # `tracked` is the truth itself
    "style": ("audio_free",),
    "codebook": (),
}
"""Family -> the driving modes that it has a meaning in; a codebook has none."""

REFERENCES: dict[str, str] = {  # reference row -> role
    "mean_frame": "floor",
    "last_frame": "floor",
    "nearest_pose": "floor",
    "mean_motion": "floor",
    "ridge": "floor",
    "truth": "control",
    "frozen_mouth": "control",
    "delayed": "control",
    "passthrough": "control",
}
_OF_FRAMES = ("mean_frame", "last_frame", "nearest_pose", "truth", "frozen_mouth")
REFERENCE_ROWS: dict[str, tuple[str, ...]] = dict.fromkeys(FAMILIES, _OF_FRAMES) | {
    "motion": ("mean_motion", "ridge", "truth", "delayed"),
    "style": ("truth", "passthrough"),
    "codebook": (),
}
"""Family -> the rows that are no model and are scored by it."""


def said_in(mode: str, family: str, metric: str) -> bool:
    """Whether the metric (or series) of a family says something in a driving mode."""
    return family != "motion" or metric not in CARDS or metric in MOTION_IN_MODE[mode]


# raised when the same inputs give other scores
_VERSIONS = dict.fromkeys(FAMILIES, 1) | {"landmarks": 2, "motion": 3, "style": 3}


def fingerprint(family: str) -> dict[str, Any]:
    """Everything that a family's scores depend on beside the frames, JSON-able; KeyError for an unknown family."""
    return _FINGERPRINTS[family](family)


def _own_fingerprint(family: str) -> dict[str, Any]:
    image = {"mouth_box": list(p.MOUTH_BOX), "min_region_px": p.MIN_REGION_PX, "colour": "RGB"}
    own: dict[str, dict[str, Any]] = {
        "ssim": image | {
            "window": f"gaussian {p.SSIM_WINDOW}", "sigma": p.SSIM_SIGMA, "k": list(p.SSIM_K), "data_range": 1.0,
            "crop_px": p.SSIM_CROP,
        },
        "psnr": image | {"data_range": 1.0, "cap_db": p.PSNR_CAP},
        "lpips": image | {"network": "alex", "lpips": "0.1", "weights_sha256": find_asset("lpips").sha256},
        "landmarks": detector_fingerprint("mediapipe") | {
            "join_seconds": p.JOIN_SECONDS,
            "min_opening_sd": p.MIN_OPENING_SD,
            "min_eye_opening_sd": p.MIN_EYE_OPENING_SD,
            "max_lag": p.MAX_LAG,
            "min_pairs": p.MIN_PAIRS,
        },
    }  # fmt: skip
    return {"family": family, "version": _VERSIONS[family]} | own.get(family, {})


_FINGERPRINTS: dict[str, Callable[[str], dict[str, Any]]] = dict.fromkeys(FAMILIES, _own_fingerprint) | {
    "neck": lambda family: neck_fingerprint(),
    "identity": lambda family: identity_fingerprint(),
    "cpbd": extra_fingerprint, "ssim_uniform7": extra_fingerprint,
    "jitter": temporal_fingerprint, "temporal": temporal_fingerprint,
    "sync": sync_fingerprint, "sync_ridge": sync_fingerprint,
}  # fmt: skip
