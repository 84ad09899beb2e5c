"""The energy score: a loss that rewards a generator for the whole distribution of its motion, not for the mean.

With two motions a, b made of the same sound and style from different noise, and the true y:
(|a - y| + |b - y| - |a - b|) / 2. Its expectation is least where a and y have the same distribution (a strictly proper
score: Szekely 2003; Gneiting and Raftery 2007): the last term pays for the spread that the first two cost.

Distances are weighted RMS differences over stretches of 1, 16 and 64 frames, of values, of velocities and of
accelerations (in the sd that each has in training), so that posture, sway and smoothness count beside each other.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.scaling import StreamScale

SPANS = (1, 16, 64)  # frames
VELOCITY, ACCELERATION = 1.0, 0.3  # weights beside that of the values, 1

Motion = Float[Tensor, "B T C"]


def energy_score(scale: StreamScale, one: Motion, other: Motion, truth: Motion) -> Float[Tensor, ""]:
    """Of standardised streams; mean over the spans, the weighted sum of values, velocities and accelerations."""
    total = one.new_zeros(())
    for order, (weight, unit) in enumerate(
        ((1.0, torch.ones_like(scale.speed)), (VELOCITY, scale.speed), (ACCELERATION, scale.acceleration))
    ):
        if truth.shape[1] <= order:
            continue
        a, b, y = (torch.diff(x, n=order, dim=1) / unit for x in (one, other, truth))
        for span in SPANS:
            apart = [_distance(scale, p, q, span) for p, q in ((a, y), (b, y), (a, b))]
            total = total + weight * (apart[0] + apart[1] - apart[2]) / 2 / len(SPANS)
    return total


def _distance(scale: StreamScale, a: Motion, b: Motion, span: int) -> Float[Tensor, ""]:
    """Mean, over stretches of `span` frames (one of all where there are fewer), of their RMS difference."""
    square = ((a - b).square() * scale.weight).sum(-1)
    span = min(span, square.shape[1])
    whole = square[:, : square.shape[1] // span * span].unflatten(1, (-1, span))
    return (whole.mean(-1) + 1e-6).sqrt().mean()  # the root's slope at 0 is infinite
