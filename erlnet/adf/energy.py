"""The energy score: a loss that rewards a generator for the whole distribution of its motion, not for the mean.

With two motions a, b made of the same sound and style from different noise, and the true y:
(|a - y| + |b - y| - |a - b|) / 2. Its expectation is least where a and y have the same distribution (a strictly proper
score: Szekely 2003; Gneiting and Raftery 2007): the last term pays for the spread that the first two cost.

Distances are weighted RMS differences over stretches of 1, 16 and 64 frames, of values, of velocities and of
accelerations (in the size that each has in training), so that posture, sway and smoothness count beside each other;
and for each group of channels apart (units, jaw, lids; rotation, translation), because in one distance over all of them
what is left open of the lids drowns in what the sound decides of the jaw, and no eye ever shuts.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.scaling import StreamScale

SPANS = (1, 16, 64)  # frames
VELOCITY, ACCELERATION = 1.0, 0.3  # weights beside that of the values, 1

Motion = Float[Tensor, "B T C"]


def energy_score(scale: StreamScale, one: Motion, other: Motion, truth: Motion) -> Float[Tensor, ""]:
    """Of standardised streams; mean over the spans, weighted sum of values, velocities and accelerations.

    Each group counts by the share that it has of all weights.
    """
    total = one.new_zeros(())
    for order, (weight, unit) in enumerate(
        ((1.0, torch.ones_like(scale.speed)), (VELOCITY, scale.speed), (ACCELERATION, scale.acceleration))
    ):
        if truth.shape[1] <= order:
            continue
        a, b, y = (torch.diff(x, n=order, dim=1) / unit for x in (one, other, truth))
        near, far, apart = (_group_squares(scale, p - q) for p, q in ((a, y), (b, y), (a, b)))
        for span in SPANS:
            total = total + weight * (_size(near, span) + _size(far, span) - _size(apart, span)) / 2 / len(SPANS)
    return total


def _group_squares(scale: StreamScale, difference: Motion) -> Float[Tensor, "B T G"]:
    """Weighted sums of squares, times the share of their group: the root of it is the share times the RMS."""
    squares = (difference.square() * scale.weight).split(scale.groups, dim=-1)
    shares = [weight.sum() for weight in scale.weight.split(scale.groups)]
    return torch.stack([square.sum(-1) * share for square, share in zip(squares, shares)], dim=-1)


def _size(squares: Float[Tensor, "B T G"], span: int) -> Float[Tensor, ""]:
    """Sum over groups of the mean RMS over stretches of `span` frames (one of all where there are fewer)."""
    span = min(span, squares.shape[1])
    whole = squares[:, : squares.shape[1] // span * span].unflatten(1, (-1, span))
    return (whole.mean(2) + 1e-7).sqrt().mean((0, 1)).sum()  # the root's slope at 0 is infinite
