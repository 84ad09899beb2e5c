"""Sound and style -> the codes of both motion streams, all frames at once.

One trunk carries both streams, so that mouth and head answer the same sound in step. For each token it points to a
place in code space, and a code is the likelier the nearer it lies: alike codes share what is learned of them, where
one logit a code of its own fails on a few hundred frames. Decoded is the *expected* code, the mean of the codebook
under that distribution: where several shapes are plausible their mean comes out, and gradients reach the mapper
through the frozen decoder.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, LocalAttention, feed_forward, in_chunks

SHARPNESS = (
    2.0  # log of the factor on squared distances (in units of the codebook's variance) that training starts from
)


@dataclass(frozen=True)
class MapperShape:
    width: int
    layers: int
    heads: int
    reach: int  # frames of sound and of motion that a layer sees to either side
    dropout: float
    style_width: int


class Mapper(nn.Module):
    """(sound features, style vector) -> logits over the codes of each of K tokens.

    `style` turns style clips into vectors (slot `style`); `codebooks` are the trained codec's.
    """

    mean: Tensor
    scale: Tensor
    codebooks: Tensor

    def __init__(self, feature_width: int, style: nn.Module, codebooks: Float[Tensor, "K codes D"], shape: MapperShape):
        super().__init__()
        tokens, _, code_dim = codebooks.shape
        self.feature_width, self.tokens = feature_width, tokens
        self.halo = (1 + 2 * shape.layers) * shape.reach
        self.register_buffer("mean", torch.zeros(feature_width))
        self.register_buffer("scale", torch.ones(feature_width))
        self.register_buffer("codebooks", codebooks.clone())
        self.style = style
        self.listen = nn.Sequential(
            nn.Linear(feature_width, shape.width),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            Block(shape.width, shape.heads, shape.reach, shape.dropout),
            nn.LayerNorm(shape.width),
        )
        self.begin = nn.Linear(shape.style_width, shape.width)
        self.blocks = nn.ModuleList(StyledBlock(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.place = nn.Linear(shape.width, tokens * code_dim)
        self.sharpness = nn.Parameter(torch.full((tokens, 1), SHARPNESS))

    @property
    def widths(self) -> dict[str, int]:
        """What the sizes of the data were; kept beside the weights."""
        return {"feature_width": self.feature_width}

    @torch.no_grad()
    def fit_features(self, features: Float[Tensor, "N A"]) -> None:
        """Takes mean and sd of the training sound; the sd is floored at a tenth of the median one."""
        deviation = features.double().std(0, unbiased=False)
        self.mean.copy_(features.double().mean(0))
        self.scale.copy_(deviation.clamp_min(max(0.1 * float(deviation.median()), 1e-6)))

    def forward(self, features: Float[Tensor, "B T A"], style: Float[Tensor, "B S"]) -> Float[Tensor, "B T K codes"]:
        return in_chunks(lambda stretch: self._stretch(stretch, style), features, self.halo)

    def _stretch(self, features: Float[Tensor, "B T A"], style: Float[Tensor, "B S"]) -> Float[Tensor, "B T K codes"]:
        sound = self.listen((features - self.mean) / self.scale)
        motion = self.begin(style)[:, None] + sound
        for block in self.blocks:
            motion = block(motion, sound, style)
        return self._logits(self.place(self.norm(motion)).unflatten(-1, (self.tokens, -1)))

    def _logits(self, place: Float[Tensor, "B T K D"]) -> Float[Tensor, "B T K codes"]:
        """-sharpness |place - code|^2, with `place` counted from the codebook's centre in units of its sd."""
        centre, variance = self.codebooks.mean(1), self.codebooks.var(1).sum(-1, keepdim=True).clamp_min(1e-12)  # (K,D)
        codes = (self.codebooks - centre[:, None]) / variance.sqrt()[:, None]
        product = torch.einsum("btkd,kcd->btkc", place, codes)
        distance = place.square().sum(-1, keepdim=True) - 2 * product + codes.square().sum(-1)
        return -self.sharpness.exp() * distance

    def expected_latents(self, logits: Float[Tensor, "B T K codes"]) -> Float[Tensor, "B T K D"]:
        """The mean code vector of each token under its distribution."""
        return torch.einsum("btkc,kcd->btkd", logits.softmax(-1), self.codebooks)


class StyledBlock(nn.Module):
    """Cross-attention to the sound around a frame, self-attention to the motion around it, feed-forward layer.

    Each reads its input normalised, then scaled and shifted by the style vector (AdaLN).
    """

    def __init__(self, shape: MapperShape):
        super().__init__()
        self.norm = nn.LayerNorm(shape.width, elementwise_affine=False)
        self.modulation = nn.Linear(shape.style_width, 6 * shape.width)
        self.cross = LocalAttention(shape.width, shape.heads, shape.reach, shape.reach)
        self.own = LocalAttention(shape.width, shape.heads, shape.reach, shape.reach)
        self.feed_forward = feed_forward(shape.width, shape.dropout)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(
        self, motion: Float[Tensor, "B T C"], sound: Float[Tensor, "B T C"], style: Float[Tensor, "B S"]
    ) -> Float[Tensor, "B T C"]:
        gain = self.modulation(style)[:, None].chunk(6, dim=-1)
        motion = motion + self.dropout(self.cross(self._styled(motion, gain[0], gain[1]), sound))
        motion = motion + self.dropout(self.own(self._styled(motion, gain[2], gain[3])))
        return motion + self.dropout(self.feed_forward(self._styled(motion, gain[4], gain[5])))

    def _styled(
        self, motion: Float[Tensor, "B T C"], gain: Float[Tensor, "B 1 C"], shift: Float[Tensor, "B 1 C"]
    ) -> Float[Tensor, "B T C"]:
        return self.norm(motion) * (1 + gain) + shift
