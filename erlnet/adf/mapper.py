"""Sound and style -> latents of both motion streams, all frames at once.

One trunk carries both streams, so that mouth and head answer the same sound in step. For each token it points to a
place in code space (erlnet.adf.code_head); without codes (vq=none) the place is the latent itself, and the mapper owns
the decoders that make motion of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, LocalAttention, feed_forward, futures, in_chunks
from erlnet.adf.code_head import CodeHead
from erlnet.adf.codec import MotionCodec
from erlnet.adf.stack import parameters_of
from erlnet.errors import UserError


@dataclass(frozen=True)
class MapperShape:
    width: int
    layers: int
    heads: int
    reach: int  # frames of sound and of motion that a layer sees back
    lookahead: int  # frames of sound that all layers together see ahead; -1: as far as reach goes
    dropout: float
    style_width: int

    @property
    def futures(self) -> tuple[int, ...]:
        """Of the sound's own attention, of every layer's to the sound, then of each layer's to the motion.

        Their sum is how far a frame sees: the layers' looks at the sound do not add up, their looks at the motion do.
        """
        return futures(self.lookahead, self.reach, 2 + self.layers, "motion.lookahead")


class Mapper(nn.Module):
    """(sound features, style vector) -> a place in latent space for each of K latents a frame.

    `style` turns style clips into vectors (slot `style`). `head` reads places as distributions over the codec's codes,
    or is None; `decoders` are the mapper's own, or None where the codec's are used.
    """

    mean: Tensor
    scale: Tensor
    codec_mark: Tensor

    def __init__(self, feature_width: int, style: nn.Module, codec: MotionCodec, shape: MapperShape):
        super().__init__()
        if shape.width % shape.heads:
            raise UserError(f"motion.width={shape.width} is no multiple of motion.heads={shape.heads}")
        ahead = shape.futures
        self.feature_width, self.places = feature_width, codec.layout.places
        self.past, self.future = shape.reach * len(ahead), sum(ahead)
        self.register_buffer("mean", torch.zeros(feature_width))
        self.register_buffer("scale", torch.ones(feature_width))
        self.register_buffer("codec_mark", codec.mark.clone())
        self.style = style
        self.listen = nn.Sequential(
            nn.Linear(feature_width, shape.width),
            nn.GELU(),
            nn.Dropout(shape.dropout),
            Block(shape.width, shape.heads, shape.reach, ahead[0], shape.dropout),
            nn.LayerNorm(shape.width),
        )
        self.begin = nn.Linear(shape.style_width, shape.width)
        self.blocks = nn.ModuleList(StyledBlock(shape, (ahead[1], own)) for own in ahead[2:])
        self.norm = nn.LayerNorm(shape.width)
        self.place = nn.Linear(shape.width, self.places * codec.layout.code_dim)
        self.head = CodeHead(codec.codebooks) if codec.tokens else None
        self.decoders = codec.fresh_decoders()

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

    def forward(self, features: Float[Tensor, "B T A"], style: Float[Tensor, "B S"]) -> Float[Tensor, "B T K D"]:
        """Places, from which `latents` and, with codes, `head.logits` follow."""
        return in_chunks(lambda stretch: self._stretch(stretch, style), features, self.past, self.future)

    def _stretch(self, features: Float[Tensor, "B T A"], style: Float[Tensor, "B S"]) -> Float[Tensor, "B T K D"]:
        sound = self.listen((features - self.mean) / self.scale)
        motion = self.begin(style)[:, None] + sound
        for block in self.blocks:
            motion = block(motion, sound, style)
        return self.place(self.norm(motion)).unflatten(-1, (self.places, -1))

    def latents(self, place: Float[Tensor, "B T K D"]) -> Float[Tensor, "B T K D"]:
        """The expected code of each place, or without codes the place itself."""
        return place if self.head is None else self.head.expected(self.head.logits(place))

    def motion(
        self, codec: MotionCodec, latents: Float[Tensor, "B T K D"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        """Both streams in their own units, through the codec's frozen decoders or the mapper's own."""
        return codec.decode_latents(latents, self.decoders)

    def inference_parameters(self, codec: MotionCodec) -> int:
        """Of all that turns sound into motion, the style encoder included."""
        decoders: Sequence[nn.Module] = codec.decoders if self.decoders is None else []  # its own are counted in it
        return parameters_of(self) + sum(parameters_of(decoder) for decoder in decoders)

    def check_codec(self, codec: MotionCodec) -> None:
        """UserError where this mapper was not trained on `codec`."""
        mark = codec.mark.to(self.codec_mark)
        if mark.shape != self.codec_mark.shape or not torch.allclose(mark, self.codec_mark, rtol=1e-4, atol=1e-6):
            raise UserError("the mapper was trained on another codec than the one given; train it again")


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
