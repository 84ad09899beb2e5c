"""The profiles by name. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.metrics.card import Card
from erlnet.metrics.profiles.profile import Profile

if TYPE_CHECKING:
    from erlnet.metrics.detector import Detect
    from erlnet.metrics.pairs import Family


def _er_nerf(detections: Path | None, detect: Detect | None) -> Family:
    from erlnet.metrics.profiles.er_nerf import ErNerfFamily

    return ErNerfFamily(detections, detect)


def _eat(detections: Path | None, detect: Detect | None) -> Family:
    from erlnet.metrics.profiles.eat import EatFamily

    return EatFamily(detections, detect)


_PSNR = "10 log10(1 / mean squared error) over all pixels and channels of the frame, RGB in [0,1], per frame"
_CAPPED = "Capped at 100 dB, where the script gives infinity."
_CENTRED = "each side less its own mean, mean Euclidean distance in px, so where it lies as a whole does not count"

ER_NERF = Profile(
    name="er-nerf",
    cards=(
        Card(
            "er_nerf_psnr", "er-nerf", "PSNR, er-nerf", "dB", True,
            f"As ER-NeRF's PSNRMeter: {_PSNR}. {_CAPPED}", ("frame",), True,
        ),
        Card(
            "er_nerf_lpips", "er-nerf", "LPIPS, er-nerf", "", False,
            "As ER-NeRF's LPIPSMeter: LPIPS v0.1 with AlexNet of the whole frame, input scaled to [-1,1].",
            ("frame",), True, 0.0,
        ),
        Card(
            "er_nerf_lmd", "er-nerf", "LMD, er-nerf", "px", False,
            f"As ER-NeRF's LMDMeter for the mouth: landmarks 48-67, {_CENTRED}. The script detects with FAN (package"
            " face_alignment), here the toolkit's detector does.",
            ("mouth",), True, 0.0,
        ),
    ),
    script="github.com/Fictionarry/ER-NeRF, nerf_triplane/utils.py: PSNRMeter, LPIPSMeter, LMDMeter",
    differs=(
        "the script's landmarks are those of FAN (package face_alignment), these are the toolkit's detector's",
        "a frame without a face has no LMD, the script stops there",
    ),
    averages={"er_nerf_psnr": "frames", "er_nerf_lpips": "frames", "er_nerf_lmd": "frames"},
    options={"psnr": "frame, cap 100 dB", "lpips": "alex 0.1, frame", "lmd": "48-67 less own mean"},
    make=_er_nerf,
)  # fmt: skip

EAT = Profile(
    name="eat",
    cards=(
        Card(
            "eat_psnr", "eat", "PSNR, eat", "dB", True,
            f"As EAT's test_psnr_ssim.py: {_PSNR}. {_CAPPED}", ("frame",), True,
        ),
        Card(
            "eat_ssim", "eat", "SSIM, eat", "", True,
            "As EAT's test_psnr_ssim.py: scikit-image's default on bytes, 7 px uniform window, sample covariance, K .01"
            " and .03, mean of the channels, 3 px border cropped.",
            ("frame",), True, 1.0,
        ),
        Card(
            "eat_m_lmd", "eat", "M-LMD, eat", "px", False,
            f"As EAT's test_lmd.py: landmarks 48-67, {_CENTRED}. The script detects with dlib in whole px, here the"
            " toolkit's detector does.",
            ("mouth",), True, 0.0,
        ),
        Card(
            "eat_f_lmd", "eat", "F-LMD, eat", "px", False,
            f"As EAT's test_lmd.py: all 68 landmarks, {_CENTRED}. Detector as for M-LMD.", ("face",), True, 0.0,
        ),
    ),
    script="github.com/yuangan/evaluation_eat, code/test_psnr_ssim.py and code/test_lmd.py",
    differs=(
        "the script cuts out and aligns both faces first (128 px, by dlib and a template of its own): give frames that"
        " its preprocess.py has made",
        "the script's landmarks are dlib's, in whole px, these are the toolkit's detector's",
        "where two clips differ in length the script spreads the longer one's frames, here the rest is left out",
        "its FID, sync confidence and emotion accuracy need networks that are not here",
    ),
    averages={"eat_psnr": "frames", "eat_ssim": "frames", "eat_m_lmd": "videos", "eat_f_lmd": "videos"},
    options={"psnr": "frame, cap 100 dB", "ssim": "uniform 7, sample covariance, crop 3 px",
             "lmd": "48-67 and 0-67 less own mean"},
    make=_eat,
)  # fmt: skip

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (ER_NERF, EAT)}
