"""The family `landmarks`: one detection a frame gives landmark distances, openings of mouth and eyes, faces missed."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect
from erlnet.metrics.detector_pass import landmarks_of
from erlnet.metrics.detectors import LandmarkDetectorName
from erlnet.metrics.face import eye_opening, interocular, landmark_distance, mouth_distance, mouth_opening
from erlnet.metrics.mouth import join_short, mouth_scores
from erlnet.metrics.pairs import ClipPair, Row
from erlnet.metrics.protocol import MIN_EYE_OPENING_SD


class LandmarkFamily:
    """Beside the metrics of its cards it gives series for curves: `mouth_open`, `eye_open` and both of the reference.

    A render without a face where the reference has one counts in `faces_missed`; its frame has no landmark value.
    """

    name = "landmarks"

    def __init__(
        self,
        detections: Path | None = None,
        detect: Detect | None = None,
        detector: LandmarkDetectorName = "mediapipe",
    ):
        """`detections` keeps what was found between processes; `detect` looks in the detector's place (tests)."""
        self._detections, self._detect, self._detector = detections, detect, detector

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        found = landmarks_of(pairs, self._detector, self._detections, progress, self._detect)
        rows: list[Row] = []
        for pair, (reference, rendered) in zip(pairs, found, strict=True):
            rows += _frame_rows(pair.name, reference, rendered) + _missed_rows(pair.name, reference, rendered)
        openings = [(mouth_opening(reference), mouth_opening(rendered)) for reference, rendered in found]
        lids = [(eye_opening(reference), eye_opening(rendered)) for reference, rendered in found]
        for unit in join_short([pair.speaker for pair in pairs], [pair.seconds for pair in pairs]):
            scores = mouth_scores([openings[i] for i in unit])
            blinks = mouth_scores([lids[i] for i in unit], MIN_EYE_OPENING_SD)
            name = "+".join(pairs[i].name for i in unit)
            rows += [
                Row(name, None, "mouth_open_r", "mouth", scores.r),
                Row(name, None, "mouth_open_slope", "mouth", scores.slope),
                Row(name, None, "mouth_lag", "mouth", None if scores.lag is None else float(scores.lag)),
                Row(name, None, "eye_open_r", "eyes", blinks.r),
                Row(name, None, "eye_open_slope", "eyes", blinks.slope),
            ]
        return rows


def _frame_rows(clip: str, reference: Float[np.ndarray, "T 68 2"], rendered: Float[np.ndarray, "T 68 2"]) -> list[Row]:
    scale = interocular(reference)
    whole, mouth = landmark_distance(reference, rendered), mouth_distance(reference, rendered)
    series = [
        ("lmd", "face", whole),
        ("lmd_mouth", "mouth", mouth),
        ("lmd_relative", "face", whole / scale),
        ("lmd_mouth_relative", "mouth", mouth / scale),
        ("mouth_open", "mouth", mouth_opening(rendered)),
        ("mouth_open_reference", "mouth", mouth_opening(reference)),
        ("eye_open", "eyes", eye_opening(rendered)),
        ("eye_open_reference", "eyes", eye_opening(reference)),
    ]
    return [
        Row(clip, t, metric, region, float(value) if np.isfinite(value) else None)
        for metric, region, values in series
        for t, value in enumerate(values)
    ]


def _missed_rows(clip: str, reference: Float[np.ndarray, "T 68 2"], rendered: Float[np.ndarray, "T 68 2"]) -> list[Row]:
    seen = np.isfinite(reference[:, 0, 0])
    missed = seen & ~np.isfinite(rendered[:, 0, 0])
    share = float(missed.sum() / seen.sum()) if seen.any() else None
    return [Row(clip, None, "faces_missed", "face", share)]
