"""Motion codecs: transformer VQ-VAEs over the expression and the pose stream (paper: the two VQ-VAEs of ADF).

One token a frame and stream, so a code never lags a mouth that moves at the frame rate. Attention is local: what a
token or a decoded frame depends on is bounded, and so is memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from erlnet.adf.attention import Block, in_chunks
from erlnet.adf.scaling import StreamScale
from erlnet.interfaces import Quantizer

JAW, LIDS, ROTATION, TRANSLATION = 3, 2, 3, 3  # widths, docs/architecture.md, Streams


@dataclass(frozen=True)
class CodecShape:
    width: int
    layers: int  # in the encoder, and again in the decoder
    heads: int
    reach: int  # frames that a layer sees to either side
    code_dim: int


class Codebook(Protocol):
    """What the slot `quantizer` builds (erlnet.interfaces.Quantizer)."""

    codebook_size: int

    def __call__(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]: ...

    def decode_indices(self, indices: Tensor) -> Tensor: ...


class StreamCodec(nn.Module):
    """A VQ-VAE over one stream (T,C) in the stream's own units; `groups` as in StreamScale."""

    def __init__(self, groups: Sequence[int], quantizer: Quantizer, shape: CodecShape):
        super().__init__()
        self.scale = StreamScale(groups)
        self.halo = shape.layers * shape.reach
        self.encoder = _stack(self.scale.width, shape.code_dim, shape)
        self.quantizer = cast(Codebook, quantizer.build(shape.code_dim))
        self.decoder = _stack(shape.code_dim, self.scale.width, shape)

    @property
    def codebook(self) -> Float[Tensor, "K D"]:
        """Every code's vector."""
        device = self.scale.mean.device
        return self.quantizer.decode_indices(torch.arange(self.quantizer.codebook_size, device=device)[None])[0]

    def latents(self, stream: Float[Tensor, "B T C"]) -> Float[Tensor, "B T D"]:
        """Before the quantizer."""
        return in_chunks(self.encoder, self.scale.standardise(stream), self.halo)

    def encode(self, stream: Float[Tensor, "B T C"]) -> Int64[Tensor, "B T"]:
        return self.quantizer(self.latents(stream))[1]

    def decode(self, indices: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        return self.decode_latents(self.quantizer.decode_indices(indices))

    def decode_latents(self, latents: Float[Tensor, "B T D"]) -> Float[Tensor, "B T C"]:
        """Also of vectors that lie between codes, which the mapper's expected code is."""
        return self.scale.restore(in_chunks(self.decoder, latents, self.halo))

    def reconstruct(self, stream: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        return self.decode(self.encode(stream))

    def loss(self, stream: Float[Tensor, "B T C"], quantise: bool = True) -> Float[Tensor, ""]:
        """Error of values and velocities (StreamScale.error) + commitment; `quantise=False` trains without codes."""
        truth = self.scale.standardise(stream)
        latents = self.encoder(truth)
        commitment = latents.new_zeros(())
        if quantise:
            latents, _, commitment = self.quantizer(latents)
        return self.scale.error(self.decoder(latents), truth) + commitment


class MotionCodec(nn.Module):
    """What every codec offers the mapper and the `reconstructed` driving mode, over K = `tokens` codes a frame.

    `codebooks` (K,codes,D) holds every code's vector; `decode_latents` also takes vectors between codes.
    """

    tokens: int

    def __init__(self, streams: dict[str, StreamCodec]):
        super().__init__()
        self.streams = nn.ModuleDict(streams)

    @property
    def codebook_size(self) -> int:
        return self.codebooks.shape[1]

    @property
    def codebooks(self) -> Float[Tensor, "K codes D"]:
        raise NotImplementedError

    @property
    def scales(self) -> tuple[StreamScale, StreamScale]:
        """Of the expression and the pose stream."""
        raise NotImplementedError

    def encode(self, expression: Float[Tensor, "B T E"], pose: Float[Tensor, "B T 6"]) -> Int64[Tensor, "B T K"]:
        raise NotImplementedError

    def decode(self, indices: Int64[Tensor, "B T K"]) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        raise NotImplementedError

    def decode_latents(
        self, latents: Float[Tensor, "B T K D"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        raise NotImplementedError

    @property
    def widths(self) -> dict[str, int]:
        """What `build` was given; kept beside the weights."""
        return {"expression_width": self.scales[0].width, "pose_width": self.scales[1].width}

    @property
    def width(self) -> int:
        """Of both streams side by side."""
        return sum(self.widths.values())

    def reconstruct(
        self, expression: Float[Tensor, "B T E"], pose: Float[Tensor, "B T 6"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        """Both streams through the codes."""
        return self.decode(self.encode(expression, pose))

    def standardise(self, expression: Float[Tensor, "*L E"], pose: Float[Tensor, "*L 6"]) -> Float[Tensor, "*L M"]:
        """Both streams side by side in training sds, for what reads motion as a whole (the style encoder)."""
        return torch.cat([s.standardise(x) for s, x in zip(self.scales, (expression, pose))], dim=-1)


class DualCodec(MotionCodec):
    """Two StreamCodecs that know nothing of each other, one token a frame each."""

    tokens = 2

    def __init__(self, expression_width: int, pose_width: int, quantizer: Quantizer, shape: CodecShape):
        groups = (expression_width - JAW - LIDS, JAW, LIDS)
        if groups[0] < 1 or pose_width != ROTATION + TRANSLATION:
            raise ValueError(f"expression stream of width {expression_width}, pose stream of width {pose_width}")
        super().__init__(
            {
                "expression": StreamCodec(groups, quantizer, shape),
                "pose": StreamCodec((ROTATION, TRANSLATION), quantizer, shape),
            }
        )

    @property
    def _pair(self) -> tuple[StreamCodec, StreamCodec]:
        expression, pose = self.streams.values()
        return cast(StreamCodec, expression), cast(StreamCodec, pose)

    @property
    def scales(self) -> tuple[StreamScale, StreamScale]:
        expression, pose = self._pair
        return expression.scale, pose.scale

    @property
    def codebooks(self) -> Float[Tensor, "2 codes D"]:
        return torch.stack([codec.codebook for codec in self._pair])

    def encode(self, expression: Float[Tensor, "B T E"], pose: Float[Tensor, "B T 6"]) -> Int64[Tensor, "B T 2"]:
        return torch.stack([c.encode(x) for c, x in zip(self._pair, (expression, pose))], dim=-1)

    def decode(self, indices: Int64[Tensor, "B T 2"]) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        expression, pose = self._pair
        return expression.decode(indices[..., 0]), pose.decode(indices[..., 1])

    def decode_latents(
        self, latents: Float[Tensor, "B T 2 D"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T 6"]]:
        expression, pose = self._pair
        return expression.decode_latents(latents[..., 0, :]), pose.decode_latents(latents[..., 1, :])


def _stack(width_in: int, width_out: int, shape: CodecShape) -> nn.Sequential:
    blocks = [Block(shape.width, shape.heads, shape.reach) for _ in range(shape.layers)]
    return nn.Sequential(
        nn.Linear(width_in, shape.width), *blocks, nn.LayerNorm(shape.width), nn.Linear(shape.width, width_out)
    )
