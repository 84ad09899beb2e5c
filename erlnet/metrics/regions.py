"""From region bits and landmarks to masks, and from per-pixel maps to one value a region."""

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from erlnet.interfaces import REGIONS
from erlnet.metrics.face import interocular
from erlnet.metrics.protocol import IMAGE_REGIONS, MIN_REGION_PX, MOUTH_BOX


def region_masks(bits: UInt8[np.ndarray, "N H W"], landmarks: Float[np.ndarray, "N 68 2"]) -> Bool[Tensor, "N R H W"]:
    """One mask for each of IMAGE_REGIONS, in that order. Regions overlap; `mouth` is empty where there is no face."""
    packed = torch.from_numpy(np.ascontiguousarray(bits))
    masks = torch.empty((packed.shape[0], len(IMAGE_REGIONS), *packed.shape[1:]), dtype=torch.bool)
    for i, region in enumerate(IMAGE_REGIONS):
        if region == "frame":
            masks[:, i] = True
        elif region == "mouth":
            masks[:, i] = mouth_boxes(landmarks, bits.shape[1], bits.shape[2])
        else:
            masks[:, i] = (packed & (1 << REGIONS.index(region))) != 0
    return masks


def mouth_boxes(landmarks: Float[np.ndarray, "N 68 2"], height: int, width: int) -> Bool[Tensor, "N H W"]:
    """The box 1.3 x 0.9 interocular centred on the mean of landmarks 48-67; pixel centres lie at +0.5."""
    points = torch.from_numpy(np.asarray(landmarks, np.float32))
    scale = torch.from_numpy(np.asarray(interocular(landmarks), np.float32))
    centre = points[:, 48:68].mean(dim=1)  # (N,2)
    half_width, half_height = MOUTH_BOX[0] / 2 * scale, MOUTH_BOX[1] / 2 * scale
    x, y = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    # NaN compares false, so a frame without a face has an empty box.
    columns = (x - centre[:, :1]).abs() <= half_width[:, None]
    rows = (y - centre[:, 1:]).abs() <= half_height[:, None]
    return rows[:, :, None] & columns[:, None, :]


def region_means(values: Float[Tensor, "N H W"], masks: Bool[Tensor, "N R H W"]) -> Float[Tensor, "N R"]:
    """Mean of each map over each mask; NaN where a mask has fewer than 64 pixels."""
    weights = masks.to(values.dtype).flatten(2)
    sums = torch.bmm(weights, values.flatten(1)[:, :, None])[:, :, 0]
    counts = weights.sum(dim=2)
    return torch.where(counts >= MIN_REGION_PX, sums / counts, torch.nan)
