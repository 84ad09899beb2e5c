"""Style clip -> style vector."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, in_chunks


class StyleEncoder(nn.Module):
    """Local self-attention over a style clip, pooled over time by learned attention: mean and sd of every channel.

    The sd tells how lively a style is, which no mean does. Reads standardised streams and their velocities.
    """

    def __init__(self, width_in: int, width_out: int, width: int, layers: int, heads: int, reach: int):
        super().__init__()
        self.halo = layers * reach
        self.project = nn.Linear(2 * width_in, width)
        self.blocks = nn.ModuleList(Block(width, heads, reach) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)
        self.out = nn.Linear(2 * width, width_out)

    def forward(self, motion: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B S"]:
        """Frames with mask False count for nothing; any T >= 1. The vector's entries lie in [-1,1]."""
        hidden = in_chunks(self._frames, torch.cat([motion, mask[..., None].to(motion)], dim=-1), self.halo + 1)
        score = self.score(hidden).masked_fill(~mask[..., None], -1e9).softmax(dim=1)  # (B,T,1)
        mean = (score * hidden).sum(1)
        deviation = ((score * (hidden - mean[:, None]).square()).sum(1) + 1e-4).sqrt()
        return torch.tanh(self.out(torch.cat([mean, deviation], dim=-1)))

    def _frames(self, motion_and_mask: Float[Tensor, "B T C+1"]) -> Float[Tensor, "B T H"]:
        motion, mask = motion_and_mask[..., :-1], motion_and_mask[..., -1] > 0.5
        motion = motion * mask[..., None]
        step = motion.diff(dim=1) * (mask[:, 1:] & mask[:, :-1])[..., None]
        velocity = torch.cat([torch.zeros_like(motion[:, :1]), step], dim=1)
        hidden = self.project(torch.cat([motion, velocity], dim=-1))
        for block in self.blocks:
            hidden = block(hidden, mask)
        return self.norm(hidden)
