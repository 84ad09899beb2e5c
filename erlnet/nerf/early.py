"""The early look at a training: a start that came to nothing is begun again with other weights.

A branch that starts transparent, or falls transparent in its first steps, hardly gets a gradient: no number of further
steps brings it back. After a small share of them each branch must be seen where its part of the person is, and the loss
of a batch that is put aside at the start must have fallen.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from erlnet.nerf.footage import RendererData, sample_frames
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.regions import bit

SHARE = 0.05  # of the steps, after which it is looked
FEWEST_STEPS = 25  # before that nothing can be told
LEAST_OPACITY = 0.3  # a branch starts at about .6 (erlnet.nerf.fields) and is at .9 when the health gate looks
MOST_RESTARTS = 3
FRAMES = 8  # that are looked at


class Signs(NamedTuple):
    """What is looked at."""

    opacity: dict[str, float]  # part of the person -> mean opacity of the branch that should draw it
    loss_at_start: float
    loss: float  # of the same batch


def check_step(steps: int) -> int | None:
    """After how many of the steps it is looked; None where there are so few that it could not be begun again."""
    step = max(round(SHARE * steps), FEWEST_STEPS)
    return step if 2 * step <= steps else None


def begin_seed(seed: int, restarts: int) -> int:
    """The seed of the weights: the training's own at first, then others that follow from it."""
    return seed + 1_000_003 * restarts


def part_mean(maps: Tensor, mask: Tensor) -> float:
    """Mean of maps (N,1,h,w) over feature px of which most lies in the mask (N,H,W); NaN where none does."""
    inside = F.interpolate(mask[:, None].float(), size=maps.shape[2:], mode="area") > 0.5
    return float(maps.cpu()[inside].mean()) if inside.any() else math.nan


@torch.no_grad()
def part_opacity(model: DbfNerf, data: RendererData) -> dict[str, float]:
    """Opacity of the head branch in the face and of the static branch on the torso; of a single branch in both.

    A part that no frame shows is left out.
    """
    frames = sample_frames(data, FRAMES)
    head, static = [], []
    for part in frames.split(2):
        rendered = model.render(*data.driving(part))
        seen = [rendered.head.opacity, rendered.static.opacity]
        if not model.branches.gated:
            seen = [model.coverage(rendered.head, rendered.static)] * 2
        head.append(seen[0])
        static.append(seen[1])
    regions = data.regions[frames]
    known = ~bit(regions, "unknown")
    found = {
        "face": part_mean(torch.cat(head), bit(regions, "face") & known),
        "torso": part_mean(torch.cat(static), bit(regions, "torso") & known),
    }
    return {name: value for name, value in found.items() if not math.isnan(value)}


def what_is_dead(signs: Signs) -> str:
    """Why the start came to nothing, empty where it did not."""
    for part, opacity in signs.opacity.items():
        if opacity < LEAST_OPACITY:
            return f"opacity on the {part} is {opacity:.2g}, under {LEAST_OPACITY}"
    if not signs.loss < signs.loss_at_start:
        return f"the loss is {signs.loss:.4g} and was {signs.loss_at_start:.4g}"
    return ""
