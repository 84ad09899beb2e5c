"""The half of the mapper that makes one stream: sound, style and noise -> what that stream does, frame by frame."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.adf import noise
from erlnet.adf.attention import LocalAttention, feed_forward, futures


@dataclass(frozen=True)
class MapperShape:
    width: int
    layers: int
    heads: int
    reach: int  # frames of sound and of motion that a layer sees back
    lookahead: int  # frames of sound that all layers together see ahead; -1: as far as reach goes
    dropout: float  # of the sound's trunk
    style_width: int

    @property
    def futures(self) -> tuple[int, ...]:
        """Of the sound's own attention, of every layer's to the sound, then of each layer's to the motion.

        Their sum is how far a frame sees: the layers' looks at the sound do not add up, their looks at the motion do.
        """
        return futures(self.lookahead, self.reach, 2 + self.layers, "motion.lookahead")


class Branch(nn.Module):
    """`layers` styled blocks over the sound that both branches share.

    Without dropout: of the two motions that the energy score compares each would drop its own, and training would take
    for spread what generation does not have. The trunk's is the same for both.
    """

    def __init__(self, shape: MapperShape):
        super().__init__()
        ahead = shape.futures
        self.begin = nn.Linear(shape.style_width, shape.width)
        self.chance = nn.Linear(noise.WIDTH, shape.width, bias=False)
        self.blocks = nn.ModuleList(StyledBlock(shape, (ahead[1], own)) for own in ahead[2:])
        self.norm = nn.LayerNorm(shape.width)

    def forward(
        self, sound: Float[Tensor, "B T C"], style: Float[Tensor, "B S"], chance: Float[Tensor, "B T W"]
    ) -> Float[Tensor, "B T C"]:
        motion = self.begin(style)[:, None] + sound + self.chance(chance)
        for block in self.blocks:
            motion = block(motion, sound, style)
        return self.norm(motion)


def halves(encoder: nn.Module, style: Float[Tensor, "B S"]) -> tuple[Float[Tensor, "B S"], Float[Tensor, "B S"]]:
    """What the expression and the pose branch see of a style vector.

    An encoder with `halves = (n, m)` describes the expression in the first n entries and the pose in the other m: each
    branch sees its own, the rest as 0. Without, both see all.
    """
    widths = getattr(encoder, "halves", None)
    if widths is None:
        return style, style
    first = torch.arange(style.shape[-1], device=style.device) < widths[0]
    return style * first, style * ~first


class StyledBlock(nn.Module):
    """Cross-attention to the sound around a frame, self-attention to the motion around it, feed-forward layer.

    Each reads its input normalised, then scaled and shifted by the style vector (AdaLN). `ahead`: how many frames of
    sound, and of motion, the two attentions see ahead.
    """

    def __init__(self, shape: MapperShape, ahead: tuple[int, int]):
        super().__init__()
        self.norm = nn.LayerNorm(shape.width, elementwise_affine=False)
        self.modulation = nn.Linear(shape.style_width, 6 * shape.width)
        self.cross = LocalAttention(shape.width, shape.heads, shape.reach, ahead[0])
        self.own = LocalAttention(shape.width, shape.heads, shape.reach, ahead[1])
        self.feed_forward = feed_forward(shape.width, 0.0)

    def forward(
        self, motion: Float[Tensor, "B T C"], sound: Float[Tensor, "B T C"], style: Float[Tensor, "B S"]
    ) -> Float[Tensor, "B T C"]:
        gain = self.modulation(style)[:, None].chunk(6, dim=-1)
        motion = motion + self.cross(self._styled(motion, gain[0], gain[1]), sound)
        motion = motion + self.own(self._styled(motion, gain[2], gain[3]))
        return motion + self.feed_forward(self._styled(motion, gain[4], gain[5]))

    def _styled(
        self, motion: Float[Tensor, "B T C"], gain: Float[Tensor, "B 1 C"], shift: Float[Tensor, "B 1 C"]
    ) -> Float[Tensor, "B T C"]:
        return self.norm(motion) * (1 + gain) + shift
