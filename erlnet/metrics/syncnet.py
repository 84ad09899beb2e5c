"""LSE-C, LSE-D and offset, as the published evaluation of SyncNet computes them from its two networks' outputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from erlnet.metrics.protocol import MAX_LAG

_EPSILON = 1e-6  # added to each difference, as torch's pairwise distance does


@dataclass(frozen=True)
class Sync:
    """One clip's. `offset` frames, positive = the picture is late against the sound."""

    offset: int
    lse_d: float  # mean distance at that offset
    lse_c: float  # median over offsets of the mean distance, less lse_d


def mean_distances(lips: Float[Tensor, "W D"], sound: Float[Tensor, "W D"]) -> Float[Tensor, " 31"]:
    """Mean over windows of |lips(t) - sound(t + s)|, s = -15 .. 15.

    Where t + s lies outside the clip the sound's point is 0, as published: short clips feel it.
    """
    width = 2 * MAX_LAG + 1
    near = pad(sound, (0, 0, MAX_LAG, MAX_LAG)).unfold(0, width, 1)  # (W,D,31)
    return (lips[:, :, None] - near + _EPSILON).norm(dim=1).mean(dim=0)


def sync_of(lips: Float[Tensor, "W D"], sound: Float[Tensor, "W D"]) -> Sync:
    """From the points of all windows of a clip."""
    distances = mean_distances(lips, sound)
    least, at = torch.min(distances, dim=0)
    return Sync(MAX_LAG - int(at), float(least), float(torch.median(distances) - least))
