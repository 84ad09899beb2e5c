"""Driving signals -> the head field's condition vector (slot `conditioning`)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Standardise(nn.Module):
    """(x - mean) / max(sd, floor), with the training set's statistics kept as buffers."""

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
        self.scale.copy_(1 / samples.std(0, correction=0).clamp_min(floor))

    def forward(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        # Four standard deviations bound what a tracker's outlier can do to the field.
        return ((x - self.mean) * self.scale).clamp(-4, 4)


class StreamConditioning(nn.Module):
    """The expression stream through a small network."""

    def __init__(self, signal_width: int, hidden: int, width: int):
        super().__init__()
        self.width = width
        self.standardise = Standardise(signal_width)
        self.net = nn.Sequential(nn.Linear(signal_width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.direct = nn.Linear(signal_width, width, bias=False)

    def forward(self, signal: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        standard = self.standardise(signal)
        return self.net(standard) + self.direct(standard)
