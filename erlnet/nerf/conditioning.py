"""Driving signals -> the head field's condition vector (slot `conditioning`)."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from erlnet.nerf.warp import HeadWarp

BOUND = 4.0  # standardised values end there, which bounds what a tracker's outlier can do to the field
TAIL = 0.002  # share of the training set that may lie beyond


class Standardise(nn.Module):
    """(x - mean) / scale, cut to +-BOUND, with the training set's statistics kept as buffers.

    The scale is the standard deviation, or more where a column's tail is long, so that all but TAIL of the training set
    lies within: lids are open for a hundred frames and shut for one, ten deviations away, and a blink that is cut off
    half way cannot be told from a squint.
    """

    mean: Tensor  # (D,)
    scale: Tensor  # (D,)

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    @torch.no_grad()
    def fit(self, samples: Float[Tensor, "N D"], floor: float = 1e-3) -> None:
        """Takes the statistics of `samples`; a column that hardly varies is not blown up beyond 1 / `floor`."""
        self.mean.copy_(samples.mean(0))
        within = math.ceil((1 - TAIL) * len(samples))
        tail = (samples - self.mean).abs().kthvalue(within, dim=0).values / BOUND
        self.scale.copy_(1 / samples.std(0, correction=0).maximum(tail).clamp_min(floor))

    def forward(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        return ((x - self.mean) * self.scale).clamp(-BOUND, BOUND)


class Condition(nn.Module):
    """What the head branch asks of a conditioning; by itself nothing enters the field and no point moves."""

    width = 0

    def fit(self, signals: Float[Tensor, "N D"]) -> None:
        """Takes the training set's statistics."""

    def canonical(
        self, points: Float[Tensor, "K S 3"], image: Int[Tensor, " K"], signals: Float[Tensor, "B D"]
    ) -> Float[Tensor, "K S 3"]:
        """Sample points (m, in the head's frame) to where the field is read; `image` says whose each ray is."""
        return points

    def forward(self, signals: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        return signals[:, :0]


class StreamConditioning(Condition):
    """The expression stream through a small network."""

    def __init__(self, signal_width: int, hidden: int, width: int):
        super().__init__()
        self.width = width
        self.standardise = Standardise(signal_width)
        self.net = nn.Sequential(nn.Linear(signal_width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.direct = nn.Linear(signal_width, width, bias=False)

    def fit(self, signals: Float[Tensor, "N D"]) -> None:
        self.standardise.fit(signals)

    def forward(self, signals: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        standard = self.standardise(signals)
        return self.net(standard) + self.direct(standard)


class WarpConditioning(Condition):
    """Points brought back to the neutral head, where the field is read; `stream` is what enters the field beside."""

    def __init__(self, signal_width: int, stream: Condition):
        super().__init__()
        self.stream, self.width = stream, stream.width
        self.warp = HeadWarp(signal_width)

    def fit(self, signals: Float[Tensor, "N D"]) -> None:
        self.stream.fit(signals)

    def canonical(
        self, points: Float[Tensor, "K S 3"], image: Int[Tensor, " K"], signals: Float[Tensor, "B D"]
    ) -> Float[Tensor, "K S 3"]:
        return self.warp(points, image, signals)

    def forward(self, signals: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        return self.stream(signals)
