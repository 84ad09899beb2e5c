"""Profile `eat`: PSNR, SSIM and the landmark distances of mouth and face as EAT's published evaluation computes them.

Source: github.com/yuangan/evaluation_eat, code/test_psnr_ssim.py (scikit-image 0.17's defaults on bytes: 7 px uniform
window, sample covariance) and code/test_lmd.py. It scores faces that its own preprocessing has cut out and aligned.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect
from erlnet.metrics.image import psnr, squared_error_map
from erlnet.metrics.pairs import ClipPair, Row
from erlnet.metrics.profiles.landmarks import ALL, centred_distance, remembered, score_frames
from erlnet.metrics.ssim import UNIFORM, ssim_map


class EatFamily:
    """Frame by frame; a frame without a face on either side has no landmark distance, as in the script."""

    name = "eat"

    def __init__(self, detections: Path | None = None, detect: Detect | None = None):
        self._detections, self._detect = detections, detect

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        with remembered(self._detect, self._detections) as detect:

            def measure(true: np.ndarray, made: np.ndarray) -> dict[str, tuple[str, list[float]]]:
                a, b = (torch.from_numpy(np.ascontiguousarray(side)) for side in (true, made))
                decibels = psnr(squared_error_map(a, b).mean(dim=(1, 2)), data_range=255.0)
                similarity = ssim_map(a, b, data_range=255.0, window=UNIFORM).mean(dim=(1, 2))
                points = detect(true), detect(made)
                return {
                    "eat_psnr": ("frame", decibels.tolist()),
                    "eat_ssim": ("frame", similarity.tolist()),
                    "eat_m_lmd": ("mouth", centred_distance(*points).tolist()),
                    "eat_f_lmd": ("face", centred_distance(*points, points=ALL).tolist()),
                }

            return score_frames(pairs, measure, progress)
