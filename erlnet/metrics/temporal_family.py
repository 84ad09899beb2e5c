"""The families `jitter` (needs the landmark detector) and `temporal` (needs OpenCV)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from erlnet.interfaces import REGIONS, Progress
from erlnet.metrics.detector import Detect
from erlnet.metrics.detector_pass import landmarks_of, missed_rows
from erlnet.metrics.detectors import LandmarkDetectorName
from erlnet.metrics.neck.flow import dense_flow, grey
from erlnet.metrics.pairs import ClipPair, Row, batches, read_both
from erlnet.metrics.protocol import IMAGE_REGIONS, MIN_REGION_PX
from erlnet.metrics.regions import region_masks
from erlnet.metrics.temporal import Spread, change_along, followed, jitter

_BACKGROUND = np.uint8(1 << REGIONS.index("background"))

_Frame = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # reference, render (3,H,W); bits (H,W); masks (R,H,W)


class JitterFamily:
    """Rows a clip: `jitter_ratio`, both sides' px, frames without a face."""

    name = "jitter"

    def __init__(
        self,
        detections: Path | None = None,
        detect: Detect | None = None,
        detector: LandmarkDetectorName = "mediapipe",
    ):
        """As of LandmarkFamily, whose file of detections serves this family, too."""
        self._detections, self._detect, self._detector = detections, detect, detector

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        found = landmarks_of(pairs, self._detector, self._detections, progress, self._detect)
        rows: list[Row] = []
        for pair, sides in zip(pairs, found, strict=True):
            shaking = jitter(*sides)
            rows += [
                Row(pair.name, None, "jitter_ratio", "face", shaking.ratio),
                Row(pair.name, None, "jitter_px", "face", shaking.rendered),
                Row(pair.name, None, "jitter_reference_px", "face", shaking.reference),
                *missed_rows(pair.name, sides, "jitter"),
            ]
        return rows


class TemporalFamily:
    """Rows a frame pair and region for warp errors, rows a clip for the background; memory is flat in the length.

    Raises Unavailable without OpenCV (the extra `track`), ValueError where reference and render differ in size.
    """

    name = "temporal"

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        for pair in pairs:
            spreads, still, last = (Spread(), Spread()), None, None
            for t, frame in enumerate(_frames(pair)):
                for spread, side in zip(spreads, frame[:2], strict=True):
                    spread.add(side)
                background = (frame[2] & _BACKGROUND) != 0
                still = background if still is None else still & background
                if last is not None:
                    rows += _warp_rows(pair.name, t - 1, last, frame)
                last = frame
                done += 1
                if progress is not None:
                    progress.update(done, total)
            assert still is not None  # a clip has frames
            own, true = spreads[1].over(still), spreads[0].over(still)
            less = None if own is None or true is None else own - true
            rows += [
                Row(pair.name, None, "background_sd", "background", own),
                Row(pair.name, None, "background_sd_difference", "background", less),
            ]
        return rows


def _frames(pair: ClipPair) -> Iterator[_Frame]:
    """The clip frame by frame, read in batches."""
    for start, stop in batches(pair):
        references, renders = read_both(pair, start, stop)
        bits = pair.region_bits(start, stop)
        masks = region_masks(bits, pair.landmarks[start:stop]).numpy()
        yield from zip(references, renders, bits, masks, strict=True)


def _warp_rows(clip: str, t: int, before: _Frame, after: _Frame) -> list[Row]:
    """What changes from frame t to t + 1 along the reference's flow, by region of frame t."""
    source, target = grey(before[0]), grey(after[0])
    forward, backward = dense_flow(source, target), dense_flow(target, source)
    where = followed(forward, backward)
    own = change_along(before[1], after[1], forward)
    less = own - change_along(before[0], after[0], forward)
    rows = []
    for region, mask in zip(IMAGE_REGIONS, before[3] & where, strict=True):
        enough = mask.sum() >= MIN_REGION_PX
        for metric, change in (("warp_error", own), ("warp_error_difference", less)):
            rows.append(Row(clip, t, metric, region, float(change[mask].mean()) if enough else None))
    return rows
