"""Motion codecs over the expression and the pose stream (paper: the two transformer VQ-VAEs of ADF).

A whole number of codes a frame, so a code never lags a mouth that moves at the frame rate. Attention is local: what a
code or a decoded frame depends on is bounded, and so is memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from erlnet.adf.part import Part
from erlnet.adf.scaling import StreamScale
from erlnet.adf.stack import Stack, parameters_of

JAW, LIDS, ROTATION, TRANSLATION = 3, 2, 3, 3  # widths, docs/architecture.md, Streams


@dataclass(frozen=True)
class Layout:
    """What lies where in a codec: K latents a frame, of which each decoder reads some, and their size."""

    reads: tuple[int, ...]  # how many of the K latents each decoder sums up, in order
    code_dim: int
    names: tuple[str, ...]  # of the codebooks, one for each token
    past: int  # frames that a decoder sees back
    future: int  # and ahead

    @property
    def places(self) -> int:
        """K, the latents a frame."""
        return sum(self.reads)


class MotionCodec(nn.Module):
    """What every codec offers mapper, streaming and the `reconstructed` driving mode.

    `tokens` codes a frame; `codebooks` (K,codes,D) holds every code's vector; `decode_latents` also takes vectors that
    lie between codes, which the mapper's expected code is. `parts` are trained one after the other by stage `codec`.
    """

    def __init__(self, expression_width: int, pose_width: int, layout: Layout, parts: Sequence[Part]):
        super().__init__()
        self.expression_scale = StreamScale(expression_groups(expression_width))
        self.pose_scale = StreamScale(pose_groups(pose_width))
        self.layout = layout
        self.parts: Sequence[Part] = nn.ModuleList(parts)  # type: ignore[assignment]

    @property
    def scales(self) -> tuple[StreamScale, StreamScale]:
        """Of the expression and the pose stream."""
        return self.expression_scale, self.pose_scale

    @property
    def widths(self) -> dict[str, int]:
        """What `build` was given; kept beside the weights."""
        return {"expression_width": self.expression_scale.width, "pose_width": self.pose_scale.width}

    @property
    def width(self) -> int:
        """Of both streams side by side."""
        return sum(self.widths.values())

    @property
    def tokens(self) -> int:
        """Codes a frame; 0 where there is no code."""
        return sum(part.tokens for part in self.parts)

    @property
    def codebook_size(self) -> int:
        return self.parts[0].books[0].codebook_size

    @property
    def codebooks(self) -> Float[Tensor, "K codes D"]:
        return torch.cat([part.codebooks for part in self.parts])

    @property
    def decoders(self) -> Sequence[Stack]:
        """Latents -> standardised motion; side by side they give both streams."""
        return [part.decoder for part in self.parts]

    @property
    def inference_parameters(self) -> int:
        """Of what turns latents into motion."""
        return sum(parameters_of(decoder) for decoder in self.decoders)

    def fresh_decoders(self) -> nn.ModuleList | None:
        """Decoders for a mapper to train along with itself; None where the codec's own are trained and frozen."""
        return None

    def standardise(self, expression: Float[Tensor, "*L E"], pose: Float[Tensor, "*L 6"]) -> Float[Tensor, "*L M"]:
        """Both streams side by side in training sds."""
        return torch.cat([s.standardise(x) for s, x in zip(self.scales, (expression, pose))], dim=-1)

    def restore(self, standard: Float[Tensor, "*L M"]) -> tuple[Float[Tensor, "*L E"], Float[Tensor, "*L 6"]]:
        """Undoes `standardise`."""
        expression, pose = self.split(standard)
        return self.expression_scale.restore(expression), self.pose_scale.restore(pose)

    def split(self, motion: Float[Tensor, "*L M"]) -> tuple[Float[Tensor, "*L E"], Float[Tensor, "*L 6"]]:
        """Expression and pose of what lies side by side."""
        return motion[..., : self.expression_scale.width], motion[..., self.expression_scale.width :]

    def inputs(self, standard: Float[Tensor, "*L M"]) -> list[Float[Tensor, "*L _"]]:
        """The channels of each part."""
        streams = self.split(standard)
        return [torch.cat([streams[number] for number in part.streams], dim=-1) for part in self.parts]

    def encode(self, expression: Float[Tensor, "B T E"], pose: Float[Tensor, "B T 6"]) -> Int64[Tensor, "B T K"]:
        parts = zip(self.parts, self.inputs(self.standardise(expression, pose)))
        return torch.cat([part.encode(channels) for part, channels in parts], dim=-1)

    def decode(self, indices: Int64[Tensor, "B T K"]) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        pieces = zip(self.parts, indices.split([part.tokens for part in self.parts], dim=-1))
        return self.decode_latents(torch.cat([part.latents(piece) for part, piece in pieces], dim=-2))

    def decode_latents(
        self, latents: Float[Tensor, "B T K D"], decoders: Iterable[nn.Module] | None = None
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        """Motion of latents, by the codec's own decoders or by those that a mapper trained (`fresh_decoders`)."""
        pieces = zip(self.decoders if decoders is None else decoders, latents.split(self.layout.reads, dim=-2))
        return self.restore(torch.cat([decoder(piece.sum(-2)) for decoder, piece in pieces], dim=-1))

    def reconstruct(
        self, expression: Float[Tensor, "B T E"], pose: Float[Tensor, "B T 6"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        """Both streams through the codes."""
        return self.decode(self.encode(expression, pose))

    @property
    def mark(self) -> Float[Tensor, " N"]:
        """By which a mapper knows the codec that it was trained on: scales, and the centres of the codebooks."""
        statistics = [tensor for scale in self.scales for tensor in (scale.mean, scale.scale)]
        centres = [self.codebooks.mean(1).flatten()] if self.tokens else []
        return torch.cat([*statistics, *centres]).detach()


def expression_groups(width: int) -> tuple[int, int, int]:
    """Expression units, jaw, lids (StreamScale); ValueError where nothing remains for the units."""
    if width <= JAW + LIDS:
        raise ValueError(f"expression stream of width {width}, expected more than {JAW + LIDS}: jaw and lids count in")
    return width - JAW - LIDS, JAW, LIDS


def pose_groups(width: int) -> tuple[int, int]:
    """Rotation and translation (StreamScale); ValueError where the stream holds something else."""
    if width != ROTATION + TRANSLATION:
        raise ValueError(f"pose stream of width {width}, expected {ROTATION + TRANSLATION}")
    return ROTATION, TRANSLATION
