"""Style clip -> style vector. Every encoder reads standardised streams side by side, of any length from one frame."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, in_chunks
from erlnet.errors import UserError


@dataclass(frozen=True)
class StyleShape:
    width: int
    layers: int
    heads: int
    reach: int  # frames that a layer sees to either side

    def __post_init__(self) -> None:
        if self.heads < 1 or self.layers < 0 or self.reach < 0:
            raise UserError("style: heads is at least 1, layers and reach are at least 0")
        if self.width < 1 or self.width % self.heads:
            raise UserError(
                f"style: {self.width} channels are no multiple of style.heads={self.heads}; change style.width "
                "(with style.split each stream has half of it)"
            )


class StyleEncoder(nn.Module):
    """Local self-attention over a style clip, pooled over time by learned attention: mean and sd of every channel.

    The sd tells how lively a style is, which no mean does. Reads the velocities, too.
    """

    def __init__(self, width_in: int, width_out: int, shape: StyleShape):
        super().__init__()
        width, reach = shape.width, shape.reach
        self.halo = shape.layers * reach + 1  # a velocity looks one frame back
        self.project = nn.Linear(2 * width_in, width)
        self.blocks = nn.ModuleList(Block(width, shape.heads, reach, reach) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)
        self.out = nn.Linear(2 * width, width_out)

    def forward(self, motion: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B S"]:
        """Frames with mask False count for nothing; any T >= 1. The vector's entries lie in [-1,1]."""
        hidden = in_chunks(self._frames, torch.cat([motion, mask[..., None].to(motion)], dim=-1), self.halo, self.halo)
        score = self.score(hidden).masked_fill(~mask[..., None], -1e9).softmax(dim=1)  # (B,T,1)
        return torch.tanh(self.out(_mean_and_deviation(hidden, score)))

    def _frames(self, motion_and_mask: Float[Tensor, "B T C+1"]) -> Float[Tensor, "B T H"]:
        motion, mask = motion_and_mask[..., :-1], motion_and_mask[..., -1] > 0.5
        motion = motion * mask[..., None]
        step = motion.diff(dim=1) * (mask[:, 1:] & mask[:, :-1])[..., None]
        velocity = torch.cat([torch.zeros_like(motion[:, :1]), step], dim=1)
        hidden = self.project(torch.cat([motion, velocity], dim=-1))
        for block in self.blocks:
            hidden = block(hidden, mask)
        return self.norm(hidden)


class MeanEncoder(nn.Module):
    """Mean and sd over time of every channel, through one linear layer."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__()
        self.out = nn.Linear(2 * width_in, width_out)

    def forward(self, motion: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B S"]:
        """Frames with mask False count for nothing; any T >= 1. The vector's entries lie in [-1,1]."""
        share = mask[..., None].to(motion)
        return torch.tanh(self.out(_mean_and_deviation(motion, share / share.sum(1, keepdim=True))))


class ZeroStyle(nn.Module):
    """A vector of zeros, whatever the clip shows."""

    def __init__(self, width_out: int):
        super().__init__()
        self.width_out = width_out

    def forward(self, motion: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B S"]:
        return motion.new_zeros(len(motion), self.width_out)


class SplitStyle(nn.Module):
    """Two encoders, one a stream, each giving half of the vector: neither half knows of the other stream.

    With `halves` (erlnet.adf.branch) each half reaches its own stream's branch alone.
    """

    def __init__(self, expression_width: int, pose_width: int, width_out: int, build: Callable[[int, int], nn.Module]):
        super().__init__()
        self.expression_width = expression_width
        self.halves = (width_out - width_out // 2, width_out // 2)
        self.expression = build(expression_width, width_out - width_out // 2)
        self.pose = build(pose_width, width_out // 2)

    def forward(self, motion: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B S"]:
        expression, pose = motion[..., : self.expression_width], motion[..., self.expression_width :]
        return torch.cat([self.expression(expression, mask), self.pose(pose, mask)], dim=-1)


def _mean_and_deviation(rows: Float[Tensor, "B T C"], share: Float[Tensor, "B T 1"]) -> Float[Tensor, "B 2C"]:
    """Over time, weighted by shares that sum to 1; the sd is that of the variance + 1e-4, for its gradient."""
    mean = (share * rows).sum(1)
    deviation = ((share * (rows - mean[:, None]).square()).sum(1) + 1e-4).sqrt()
    return torch.cat([mean, deviation], dim=-1)
