"""The still background as a start for the learned plate."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from erlnet.nerf.regions import bit


def mean_background(
    frames: UInt8[Tensor, "N 3 H W"], regions: UInt8[Tensor, "N H W"], limit: int = 200
) -> Float[Tensor, "1 3 H W"]:
    """Mean colour of each pixel while it is background, over at most `limit` frames; the never seen is filled in."""
    total = torch.zeros(3, *frames.shape[2:])
    count = torch.zeros(1, *frames.shape[2:])
    for i in torch.linspace(0, len(frames) - 1, min(limit, len(frames))).long():
        seen = bit(regions[i], "background")[None].float()
        total += frames[i].float() / 255 * seen
        count += seen
    return fill(total[None], count[None])


def fill(total: Float[Tensor, "1 3 H W"], count: Float[Tensor, "1 1 H W"]) -> Float[Tensor, "1 3 H W"]:
    """Push-pull: where `count` is 0, the colour of the next coarser level that knows one."""
    if count.min() > 0:
        return total / count
    if max(total.shape[2:]) == 1:
        return torch.full_like(total, 0.5)
    coarse = fill(F.avg_pool2d(total, 2, ceil_mode=True), F.avg_pool2d(count, 2, ceil_mode=True))
    pulled = F.interpolate(coarse, size=total.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(count > 0, total / count.clamp_min(1e-6), pulled)
