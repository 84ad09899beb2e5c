"""Two branches' samples on the same rays, composited together by camera depth.

Both branches' ray parameters are the camera depth, so their samples lie in one order. A sample is a lump of optical
thickness tau = sigma delta at its depth; where the branches' bins overlap, thicknesses add, as those of two gases in
one place do. With all lumps of a ray sorted, w_i = exp(-sum of tau before i) (1 - exp(-tau_i)).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class Lumps(NamedTuple):
    """One branch's samples on K of all rays."""

    slot: Tensor  # (K,) int64, the ray's place among all
    depth: Tensor  # (K,S) m, rising along the ray
    thickness: Tensor  # (K,S) >= 0


def joint_weights(first: Lumps, second: Lumps, n_rays: int) -> tuple[Float[Tensor, "K S"], Float[Tensor, "M T"]]:
    """How much each sample is seen behind its own branch's and the other's.

    On one ray all weights of both add up to 1 - exp(-sum of all tau). Of two samples at one depth the first branch's
    lies before.
    """
    return (
        _seen(first, _behind(first, second, n_rays, last=False)),
        _seen(second, _behind(second, first, n_rays, last=True)),
    )


def _behind(mine: Lumps, other: Lumps, n_rays: int, last: bool) -> Float[Tensor, "K S"]:
    """The other branch's thickness before each of my samples.

    Each branch's samples are in order already: a search in the other's depths merges them, nothing is sorted anew.
    """
    count = other.depth.shape[1]
    sums = F.pad(other.thickness.cumsum(-1), (1, 0))
    # Rays that the other branch does not meet have no thickness, wherever their samples are said to lie.
    depth = other.depth.new_zeros(n_rays, count).index_copy(0, other.slot, other.depth)
    sums = sums.new_zeros(n_rays, count + 1).index_copy(0, other.slot, sums)
    before = torch.searchsorted(depth.index_select(0, mine.slot), mine.depth.contiguous(), right=last)
    return sums.index_select(0, mine.slot).gather(1, before)


def _seen(mine: Lumps, behind: Tensor) -> Float[Tensor, "K S"]:
    own = F.pad(mine.thickness.cumsum(-1)[:, :-1], (1, 0))
    return torch.exp(-(own + behind)) * -torch.expm1(-mine.thickness)
