"""The family `sync_ridge`: are sound and the render's mouth in step? Without weights (erlnet.metrics.ridge_sync)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from erlnet.audio.logmel import LogMelEncoder
from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect
from erlnet.metrics.detector_pass import landmarks_of, missed_rows
from erlnet.metrics.detectors import LandmarkDetectorName
from erlnet.metrics.face import mouth_opening
from erlnet.metrics.mouth import join_short
from erlnet.metrics.pairs import ClipPair, Row
from erlnet.metrics.ridge_sync import BANDS, Curve, Lag, Sounding, band_means, cross_fitted, fit_ridge, lag_of
from erlnet.metrics.sync_cards import SYNC_RIDGE, check_sounds


def log_mels(sound: Float[np.ndarray, " N"], frames: int) -> Float[np.ndarray, "T 20"]:
    """Mono at 16 kHz in [-1,1] -> what the ridge hears of each of so many frames at 25 a second."""
    return band_means(LogMelEncoder(BANDS, 0, 8000, -80)(np.asarray(sound, np.float32), frames))


class SyncRidgeFamily:
    """Rows a unit (a clip of 2 s or more, or shorter ones joined): lag, peak z and r, undetermined or not."""

    name = SYNC_RIDGE

    def __init__(
        self,
        detections: Path | None = None,
        detect: Detect | None = None,
        detector: LandmarkDetectorName = "mediapipe",
        train: Sequence[Sounding] = (),
    ):
        """`train`: log-mels and openings of reference clips that are in step and none of which is scored.

        Without them a clip is predicted by the references of the other clips, a lone one by its own other stretches.
        The rest as of LandmarkFamily.
        """
        self._detections, self._detect, self._detector = detections, detect, detector
        self._train = list(train)

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        """Raises Unavailable without a detector or sound, or at another rate than 25."""
        check_sounds(pairs)
        found = landmarks_of(pairs, self._detector, self._detections, progress, self._detect)
        openings = [(mouth_opening(reference), mouth_opening(rendered)) for reference, rendered in found]
        heard = [None if pair.sound is None else log_mels(pair.sound(), len(pair)) for pair in pairs]
        predicted = predictions(heard, [reference for reference, _ in openings], self._train)
        rows = [row for pair, sides in zip(pairs, found) for row in missed_rows(pair.name, sides, self.name)]
        for unit in join_short([pair.speaker for pair in pairs], [pair.seconds for pair in pairs]):
            curves = [(curve, openings[i][1]) for i in unit if (curve := predicted[i]) is not None]
            rows += _rows("+".join(pairs[i].name for i in unit), curves)
        return rows


def predictions(
    heard: Sequence[Float[np.ndarray, "T 20"] | None],
    openings: Sequence[Float[np.ndarray, " T"]],
    train: Sequence[Sounding] = (),
) -> list[Float[np.ndarray, " T"] | None]:
    """Each clip's opening as its sound has it, never by a ridge that saw the same frames; None where there is none.

    `openings` are the references'. A ridge comes from `train`, else from the other clips, else from the clip's own
    stretches; one that cannot be fitted (too few known openings) predicts nothing.
    """
    clips = [(mels, opening) for mels, opening in zip(heard, openings, strict=True) if mels is not None]
    out: list[np.ndarray | None] = []
    for mels, opening in zip(heard, openings, strict=True):
        if mels is None:
            out.append(None)
            continue
        others = list(train) or [clip for clip in clips if clip[0] is not mels]
        try:
            out.append(fit_ridge(others)(mels) if others else cross_fitted(mels, opening))
        except ValueError:
            out.append(None)
    return out


def _rows(name: str, curves: list[Curve]) -> list[Row]:
    lag: Lag | None = lag_of(curves) if curves else None
    values: dict[str, float | None] = dict.fromkeys(("lag", "z", "r", "undetermined"))
    if lag is not None:
        frames = None if lag.frames is None else float(lag.frames)
        values = {"lag": frames, "z": lag.z, "r": lag.r, "undetermined": float(lag.frames is None)}
    return [Row(name, None, f"{SYNC_RIDGE}_{key}", "mouth", value) for key, value in values.items()]
