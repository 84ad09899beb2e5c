"""The family `landmarks`: one detection a frame gives landmark distances, openings of mouth and eyes, faces missed."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from erlnet.interfaces import Progress
from erlnet.metrics.cards import fingerprint
from erlnet.metrics.detector import Detect, FaceLandmarker, RememberedDetector
from erlnet.metrics.face import eye_opening, interocular, landmark_distance, mouth_distance, mouth_opening
from erlnet.metrics.mouth import join_short, mouth_scores
from erlnet.metrics.pairs import ClipPair, Row, read_both
from erlnet.metrics.protocol import MIN_EYE_OPENING_SD

_BATCH = 16  # frames a side


class LandmarkFamily:
    """Beside the metrics of its cards it gives series for curves: `mouth_open`, `eye_open` and both of the reference.

    A render without a face where the reference has one counts in `faces_missed`; its frame has no landmark value.
    """

    name = "landmarks"

    def __init__(self, detections: Path | None = None, detect: Detect | None = None):
        """`detections` keeps what was found between processes; `detect` replaces mediapipe (tests, other detectors)."""
        self._detections, self._detect = detections, detect

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        with FaceLandmarker() as landmarker:
            identity = json.dumps(fingerprint(self.name), sort_keys=True)
            detector = RememberedDetector(self._detect or landmarker, self._detections, identity)
            found = self._find(pairs, detector, progress)
            detector.save()
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

    @staticmethod
    def _find(pairs: list[ClipPair], detect: Detect, progress: Progress | None) -> list[tuple[np.ndarray, np.ndarray]]:
        """(reference, rendered) landmarks (T,68,2) of every pair."""
        done, total = 0, sum(len(pair) for pair in pairs)
        found = []
        for pair in pairs:
            sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
            for start in range(0, len(pair), _BATCH):
                stop = min(start + _BATCH, len(pair))
                both = detect(np.concatenate(read_both(pair, start, stop)))
                sides[0].append(both[: stop - start])
                sides[1].append(both[stop - start :])
                done += stop - start
                if progress is not None:
                    progress.update(done, total)
            found.append((np.concatenate(sides[0]), np.concatenate(sides[1])))
        return found


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
