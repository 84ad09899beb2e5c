"""Image metrics beside the main ones, in words: CPBD, and the SSIM that old tables hold. Torch-free."""

from __future__ import annotations

from typing import Any

from erlnet.metrics import protocol as p
from erlnet.metrics.card import Card

EXTRA_CARDS = (
    Card(
        "cpbd", "cpbd", "CPBD", "", None,
        "Cumulative probability of blur detection (Narvekar and Karam 2011) of the render alone: over 64 x 64 px blocks"
        " (incomplete ones dropped) with more than .2 % edge pixels (Canny), the share of vertical edges whose blur is"
        " detected with a probability 1 - exp(-(width / w)^3.6) of at most 63 %; w is 5 px in blocks that span at most"
        " 50 grey levels, else 3. Grey as Pillow's mode L, 8 bits; whole frame, no value under 256 px. Noise raises"
        " it, and neither a seam at the neck nor a blurred mouth moves it: no winner is made by it.",
        ("frame",), False,
    ),
    Card(
        "cpbd_difference", "cpbd", "CPBD, less the truth's", "", None,
        "CPBD of the render less CPBD of the true frame: below 0 the render is blurred, above 0 it is sharper or"
        " noisier than the truth, which is not better.",
        ("frame",), True, 0.0,
    ),
    Card(
        "ssim_uniform7", "ssim_uniform7", "SSIM, 7x7 uniform", "", True,
        "Structural similarity as older tables report it, for comparison with them only: uniform window 7 px, sample"
        " covariance (48 in place of 49), K .01 and .03, data range 1, mean of the RGB channels, pixels with a full"
        " window only (3 px border cropped). scikit-image's default. A region's value is the mean of the whole frame's"
        " map over the region.",
        p.IMAGE_REGIONS, True, 1.0,
    ),
)  # fmt: skip

_VERSIONS = {"cpbd": 1, "ssim_uniform7": 1}  # raised when the same inputs give other scores


def extra_fingerprint(family: str) -> dict[str, Any]:
    """Everything that the scores of `cpbd` or `ssim_uniform7` depend on beside the frames; KeyError for another."""
    own: dict[str, dict[str, Any]] = {
        "cpbd": {
            "block_px": p.CPBD_BLOCK, "edge_share": p.CPBD_EDGE_SHARE, "beta": p.CPBD_BETA,
            "just_noticeable_px": list(p.CPBD_JUST_NOTICEABLE), "low_contrast": p.CPBD_LOW_CONTRAST,
            "unseen_per_cent": p.CPBD_UNSEEN, "canny": list(p.CPBD_CANNY), "min_size_px": p.CPBD_MIN_SIZE,
            "grey": "Pillow L, uint8",
        },
        "ssim_uniform7": {
            "window": f"uniform {p.SSIM_UNIFORM_WINDOW}", "covariance": "sample", "k": list(p.SSIM_K),
            "data_range": 1.0, "crop_px": p.SSIM_UNIFORM_WINDOW // 2, "mouth_box": list(p.MOUTH_BOX),
            "min_region_px": p.MIN_REGION_PX, "colour": "RGB",
        },
    }  # fmt: skip
    return {"family": family, "version": _VERSIONS[family]} | own[family]
