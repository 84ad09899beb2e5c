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
from erlnet.metrics.pairs import ClipPair, Row, read_both
from erlnet.metrics.profiles.landmarks import ALL, BATCH, centred_distance, remembered
from erlnet.metrics.ssim import UNIFORM, ssim_map


class EatFamily:
    """Frame by frame; a frame without a face on either side has no landmark distance, as in the script."""

    name = "eat"

    def __init__(self, detections: Path | None = None, detect: Detect | None = None):
        self._detections, self._detect = detections, detect

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        with remembered(self._detect, self._detections) as detect:
            for pair in pairs:
                for start in range(0, len(pair), BATCH):
                    stop = min(start + BATCH, len(pair))
                    true, made = read_both(pair, start, stop)
                    a, b = (torch.from_numpy(np.ascontiguousarray(side)) for side in (true, made))
                    decibels = psnr(squared_error_map(a, b).mean(dim=(1, 2)), data_range=255.0)
                    similarity = ssim_map(a, b, data_range=255.0, window=UNIFORM).mean(dim=(1, 2))
                    points = detect(true), detect(made)
                    found = {
                        "eat_psnr": ("frame", decibels.tolist()),
                        "eat_ssim": ("frame", similarity.tolist()),
                        "eat_m_lmd": ("mouth", centred_distance(*points).tolist()),
                        "eat_f_lmd": ("face", centred_distance(*points, points=ALL).tolist()),
                    }
                    rows += [
                        Row(pair.name, start + t, metric, region, float(value) if np.isfinite(value) else None)
                        for metric, (region, values) in found.items()
                        for t, value in enumerate(values)
                    ]
                    done += stop - start
                    if progress is not None:
                        progress.update(done, total)
        return rows
