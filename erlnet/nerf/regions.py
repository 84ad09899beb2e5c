"""Region bits as tensors, and what each branch's opacity is taught by them."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from erlnet.interfaces import REGIONS


def bit(regions: UInt8[Tensor, "*B"], name: str) -> Bool[Tensor, "*B"]:
    return (regions & (1 << REGIONS.index(name))) != 0


class OpacityTargets(NamedTuple):
    """At feature resolution: the share of the block's known pixels that the branch covers, and the known share."""

    head: Tensor  # (B,1,h,w)
    head_weight: Tensor
    static: Tensor
    static_weight: Tensor
    neck_weight: Tensor  # the share that is neck: there the two opacities together are 1, whoever's it is


def neck_middles(regions: UInt8[Tensor, "B H W"]) -> Float[Tensor, " B"]:
    """The row (px) half way down each image's neck; infinity where there is none.

    The lower half belongs to the torso; the upper half moves with the jaw.
    """
    rows = bit(regions, "neck").any(2)  # (B,H)
    index = torch.arange(rows.shape[1])
    top = torch.where(rows, index, rows.shape[1]).amin(1)
    bottom = torch.where(rows, index, -1).amax(1)
    return torch.where(rows.any(1), (top + bottom) / 2, torch.inf)


def opacity_targets(regions: UInt8[Tensor, "B H W"], neck_middle: Float[Tensor, " B"], factor: int) -> OpacityTargets:
    """Head: 1 on head, 0 on torso and background. Static: 1 on torso and lower neck, 0 on face and background.

    Nothing in the unknown band. `neck_middle` (px) is counted from the top of `regions`.
    """
    rows = torch.arange(regions.shape[1])
    neck_bottom = bit(regions, "neck") & (rows > neck_middle[:, None])[:, :, None]
    known = ~bit(regions, "unknown")
    torso, background = bit(regions, "torso"), bit(regions, "background")
    head = _share(bit(regions, "head") & known, (torso | background) & known, factor)
    static = _share((torso | neck_bottom) & known, (bit(regions, "face") | background) & known, factor)
    neck = F.avg_pool2d((bit(regions, "neck") & ~background & known)[:, None].float(), factor)
    return OpacityTargets(*head, *static, neck)


def whole_targets(regions: UInt8[Tensor, "B H W"], neck_middle: Float[Tensor, " B"], factor: int) -> OpacityTargets:
    """For one NeRF of head and torso: 1 on head, torso and lower neck, 0 on background; nothing for a static map.

    What the two branches are taught together, so that neither design is helped more.
    """
    rows = torch.arange(regions.shape[1], device=regions.device)
    neck_bottom = bit(regions, "neck") & (rows > neck_middle[:, None])[:, :, None]
    known = ~bit(regions, "unknown")
    person = (bit(regions, "head") | bit(regions, "torso") | neck_bottom) & known
    one, weight = _share(person, bit(regions, "background") & known, factor)
    neck = F.avg_pool2d((bit(regions, "neck") & ~bit(regions, "background") & known)[:, None].float(), factor)
    return OpacityTargets(one, weight, torch.zeros_like(one), torch.zeros_like(one), neck)


def _share(ones: Tensor, zeros: Tensor, factor: int) -> tuple[Float[Tensor, "B 1 h w"], Float[Tensor, "B 1 h w"]]:
    one = F.avg_pool2d(ones[:, None].float(), factor)
    zero = F.avg_pool2d((zeros & ~ones)[:, None].float(), factor)
    weight = one + zero
    return one / weight.clamp_min(1e-6), weight
