"""Profile `er-nerf`: PSNR, LPIPS and the centred LMD of the mouth as ER-NeRF's published meters compute them.

Source: github.com/Fictionarry/ER-NeRF, nerf_triplane/utils.py (PSNRMeter, LPIPSMeter, LMDMeter, all on the whole
frame); the same meters read two videos side by side in the authors' TalkingGaussian, metrics.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from erlnet.interfaces import Progress
from erlnet.metrics.detector import Detect
from erlnet.metrics.families import load_judge
from erlnet.metrics.image import psnr, squared_error_map
from erlnet.metrics.lpips import Lpips, frame_distance
from erlnet.metrics.pairs import ClipPair, Row
from erlnet.metrics.profiles.landmarks import centred_distance, remembered, score_frames


class ErNerfFamily:
    """Frame by frame; a frame without a face on either side has no LMD (the script stops there)."""

    name = "er-nerf"

    def __init__(self, detections: Path | None = None, detect: Detect | None = None, judge: Lpips | None = None):
        """`judge` replaces the network of the asset `lpips`; Unavailable is raised where neither is there."""
        self._detections, self._detect, self._judge = detections, detect, judge

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        judge = self._judge = self._judge or load_judge()
        with remembered(self._detect, self._detections) as detect:

            def measure(true: np.ndarray, made: np.ndarray) -> dict[str, tuple[str, list[float]]]:
                a, b = (torch.from_numpy(np.ascontiguousarray(side)) for side in (true, made))
                decibels = psnr(squared_error_map(a, b).mean(dim=(1, 2)), data_range=255.0)
                layers = (judge.features(side, data_range=255.0) for side in (a, b))
                return {
                    "er_nerf_psnr": ("frame", decibels.tolist()),
                    "er_nerf_lpips": ("frame", frame_distance(judge.layer_maps(*layers)).tolist()),
                    "er_nerf_lmd": ("mouth", centred_distance(detect(true), detect(made)).tolist()),
                }

            return score_frames(pairs, measure, progress)
