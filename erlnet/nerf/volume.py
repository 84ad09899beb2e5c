"""Volume rendering along rays (NeRF, Mildenhall et al. 2020, eq. 3), for samples that lie side by side in bins."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class Weights(NamedTuple):
    """How much each sample of a ray is seen."""

    weights: Tensor  # (K,S) in [0,1], w_i = T_i (1 - exp(-sigma_i delta_i))
    opacity: Tensor  # (K,) in [0,1], sum_i w_i = 1 - exp(-sum_i sigma_i delta_i)


def thickness_weights(thickness: Float[Tensor, "K S"]) -> Weights:
    """`thickness` sigma_i delta_i, >= 0: density per metre times the length of the bin in metres."""
    depth = thickness.cumsum(-1)
    transmittance = torch.exp(-F.pad(depth[:, :-1], (1, 0)))  # what is left when the ray enters the bin
    return Weights(transmittance * -torch.expm1(-thickness), -torch.expm1(-depth[:, -1]))


def bin_samples(
    near: Float[Tensor, " K"], far: Float[Tensor, " K"], count: int, generator: torch.Generator | None = None
) -> Float[Tensor, "K S"]:
    """One sample in each of `count` equal bins of [near, far]: its middle, or a random place with a `generator`."""
    if generator is None:
        place = torch.full((1, count), 0.5, device=near.device)
    else:
        place = torch.rand((len(near), count), generator=generator, device=generator.device).to(near.device)
    fraction = (torch.arange(count, device=near.device) + place) / count
    return near[:, None] + (far - near)[:, None] * fraction
