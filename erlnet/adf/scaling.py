"""What a motion channel is measured in: train statistics, and how much of a channel is motion at all."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class StreamScale(nn.Module):
    """Standardises a stream by training statistics, kept as buffers, and weighs errors on it.

    `groups` are the widths of the runs of channels that share a unit (expression, jaw, lids; rotation, translation).
    - A channel's scale is its sd, but at least `FLOOR` of its group's: a channel that barely moves is not blown up.
    - A channel's weight in its group goes by its sd times its share of motion, 1 - noise share: tracked coefficients
      carry white noise from frame to frame, and nothing should be spent on reproducing it.
    - Groups weigh alike: the jaw counts as much as forty expression units. A group that stands still throughout, like
      the jaw of a data set without one, weighs nothing, or it would dilute every error. All weights sum to 1.
    """

    FLOOR = 0.1
    VELOCITY, ACCELERATION = 0.1, 0.02  # weights in `error` beside that of the values, 1
    LEAST_MOTION = 0.02  # a channel of noise still learns its mean
    STILL = 1e-6  # sd in the stream's units (rad, m, ...) up to which a channel stands still

    mean: Tensor
    scale: Tensor
    weight: Tensor
    speed: Tensor  # RMS change from frame to frame, standardised
    acceleration: Tensor  # and of that change

    def __init__(self, groups: Sequence[int]):
        super().__init__()
        self.groups = tuple(groups)
        self.width = sum(groups)
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self.register_buffer("weight", torch.full((self.width,), 1 / self.width))
        self.register_buffer("speed", torch.ones(self.width))
        self.register_buffer("acceleration", torch.ones(self.width))

    @torch.no_grad()
    def fit(self, streams: Sequence[Float[Tensor, "_ C"]]) -> None:
        """Takes the statistics of all frames of all clips."""
        frames = torch.cat(list(streams)).double()
        mean, deviation = frames.mean(0), frames.std(0, unbiased=False)
        motion = (1 - noise_share(streams)).clamp_min(self.LEAST_MOTION)
        moving = [bool(sd.max() > self.STILL) for sd in deviation.split(self.groups)]
        if not any(moving):
            moving = [True] * len(moving)  # nothing to prefer
        scale, weight = [], []
        for sd, share, moves in zip(deviation.split(self.groups), motion.split(self.groups), moving):
            scale.append(sd.maximum(self.FLOOR * sd.square().mean().sqrt()).clamp_min(1e-6))
            importance = share * scale[-1]
            weight.append(moves * importance / importance.sum() / sum(moving))
        self.mean.copy_(mean)
        self.scale.copy_(torch.cat(scale))
        self.weight.copy_(torch.cat(weight))
        for order, kept in ((1, self.speed), (2, self.acceleration)):
            changes = [self.standardise(s).double().diff(n=order, dim=0) for s in streams if len(s) > order]
            if changes:
                size = torch.cat(changes).square().mean(0).sqrt()
                kept.copy_(size.maximum(self.FLOOR * size.square().mean().sqrt()).clamp_min(1e-3))

    def standardise(self, stream: Float[Tensor, "*L C"]) -> Float[Tensor, "*L C"]:
        """In training sds. 0 where a group stood still in training: what never moved cannot be told apart by units."""
        return (stream - self.mean) / self.scale * (self.weight > 0)

    def restore(self, standard: Float[Tensor, "*L C"]) -> Float[Tensor, "*L C"]:
        return standard * self.scale + self.mean

    def square_error(self, made: Float[Tensor, "*L C"], truth: Float[Tensor, "*L C"]) -> Float[Tensor, "*L"]:
        """Weighted mean over channels of the square of the difference of two streams in their own units, in sds^2."""
        return (((made - truth) / self.scale).square() * self.weight).sum(-1)

    def only(self, *groups: int) -> Float[Tensor, " C"]:
        """The weights with those of other groups set to 0; all of them where the chosen ones stand still."""
        kept = torch.cat([torch.full((n,), float(i in groups)) for i, n in enumerate(self.groups)]).to(self.weight)
        chosen = self.weight * kept
        return chosen / chosen.sum() if float(chosen.sum()) > 0 else self.weight

    def error(
        self,
        standard: Float[Tensor, "B T C"],
        truth: Float[Tensor, "B T C"],
        weight: Float[Tensor, " C"] | None = None,
    ) -> Float[Tensor, ""]:
        """Weighted mean square of the difference of two standardised streams, of their velocities and accelerations.

        The last two count by the size that they have in training: a head sways so slowly that its velocity, measured
        in sds of its posture, would weigh nothing, and a decoded head would tremble. `weight` as of `only`; all by
        default.
        """
        weight = self.weight if weight is None else weight
        difference = standard - truth
        error = (difference.square() * weight).sum(-1).mean()
        for order, share, size in ((1, self.VELOCITY, self.speed), (2, self.ACCELERATION, self.acceleration)):
            if difference.shape[1] > order:
                change = difference.diff(n=order, dim=1) / size
                error = error + share * (change.square() * weight).sum(-1).mean()
        return error


def noise_share(streams: Sequence[Float[Tensor, "_ C"]]) -> Float[Tensor, " C"]:
    """The part of each channel's variance that is white noise, in [0,1], float64.

    Fourth differences of white noise have 70 times its variance (1, 4, 6, 4, 1 squared and summed), those of motion
    below 3 Hz at 25 fps less than a hundredth of its own, so their variance / 70 estimates the noise.
    A channel that stands still counts as noise; clips under five frames tell nothing.
    """
    frames = torch.cat(list(streams)).double()
    variance = frames.var(0, unbiased=False)
    differences = [s.double().diff(n=4, dim=0) for s in streams if len(s) > 4]
    if not differences:
        return torch.zeros_like(variance)
    noise = torch.cat(differences).square().mean(0) / 70
    still = variance <= 1e-12
    return torch.where(still, 1.0, noise / variance.clamp_min(1e-12)).clamp(0, 1)
