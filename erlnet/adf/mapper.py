"""Sound, style and noise -> latents of both motion streams, all frames at once.

The sound passes one trunk, so that mouth and head answer the same sound in step; a branch for each stream makes of it
what that stream does, styled by that stream's own part of the style vector. For each token a branch points to a place
in code space (erlnet.adf.code_head); without codes (vq=none) the place is the latent itself, and the mapper owns the
decoders that make motion of it.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, in_chunks
from erlnet.adf.branch import Branch, MapperShape, halves
from erlnet.adf.code_head import CodeHead
from erlnet.adf.codec import MotionCodec
from erlnet.adf.stack import parameters_of
from erlnet.errors import UserError


class Mapper(nn.Module):
    """(sound features, style vector, noise) -> a place in latent space for each of K latents a frame.

    `style` turns style clips into vectors (slot `style`). A latent that a decoder of one stream reads comes from that
    stream's branch; where one decoder gives both streams (vq=single), from the sum of the branches. `head` reads places
    as distributions over the codec's codes, or is None; `decoders` are the mapper's own, or None where the codec's are
    used.
    """

    mean: Tensor
    scale: Tensor
    codec_mark: Tensor

    def __init__(self, feature_width: int, style: nn.Module, codec: MotionCodec, shape: MapperShape):
        super().__init__()
        if shape.width % shape.heads:
            raise UserError(f"motion.width={shape.width} is no multiple of motion.heads={shape.heads}")
        ahead = shape.futures
        self.feature_width, self.reads = feature_width, codec.layout.reads
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
        self.expression, self.pose = Branch(shape), Branch(shape)
        self.place = nn.ModuleList(nn.Linear(shape.width, n * codec.layout.code_dim) for n in self.reads)
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

    def forward(
        self, features: Float[Tensor, "B T A"], style: Float[Tensor, "B S"], chance: Float[Tensor, "B T W"]
    ) -> Float[Tensor, "B T K D"]:
        """Places, from which `latents` and, with codes, `head.logits` follow; `chance` is of erlnet.adf.noise."""
        rows = torch.cat([features, chance.to(features)], dim=-1)
        return in_chunks(lambda stretch: self.stretch(stretch, style), rows, self.past, self.future)

    def stretch(self, rows: Float[Tensor, "B T A+W"], style: Float[Tensor, "B S"]) -> Float[Tensor, "B T K D"]:
        """`forward` of sound and noise side by side, in one piece."""
        sound = self.heard(rows[..., : self.feature_width])
        return self.places(sound, style, rows[..., self.feature_width :])

    def heard(self, features: Float[Tensor, "B T A"]) -> Float[Tensor, "B T C"]:
        """What both branches know of the sound."""
        return self.listen((features - self.mean) / self.scale)

    def places(
        self, sound: Float[Tensor, "B T C"], style: Float[Tensor, "B S"], chance: Float[Tensor, "B T W"]
    ) -> Float[Tensor, "B T K D"]:
        """What the branches make of `heard` sound."""
        pairs = zip((self.expression, self.pose), halves(self.style, style))
        hidden = [branch(sound, half, chance) for branch, half in pairs]
        if len(self.reads) == 1:
            hidden = [hidden[0] + hidden[1]]
        places = zip(self.place, hidden, self.reads, strict=True)
        return torch.cat([place(motion).unflatten(-1, (n, -1)) for place, motion, n in places], dim=-2)

    def latents(self, place: Float[Tensor, "B T K D"]) -> Float[Tensor, "B T K D"]:
        """The expected code of each place, or without codes the place itself."""
        if self.head is None:
            return place
        head = self.head  # a frame's code depends on that frame alone; distances to all codes are large
        return in_chunks(lambda stretch: head.expected(head.logits(stretch)), place, 0, 0)

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
