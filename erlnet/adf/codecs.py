"""The codecs that fill the slot `vq`, of equal size and, where they have codes, of equal rate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from torch import Tensor, nn

from erlnet.adf.attention import futures
from erlnet.adf.codec import Layout, MotionCodec
from erlnet.adf.part import Part
from erlnet.adf.stack import Stack, StackShape, joint_shape
from erlnet.errors import UserError
from erlnet.interfaces import Quantizer


@dataclass(frozen=True)
class CodecShape:
    """Sizes of each of the dual codec's two VQ-VAEs; the other codecs' follow from them."""

    width: int
    layers: int  # in the encoder, and again in the decoder
    heads: int
    reach: int  # frames that a layer sees to either side
    code_dim: int
    lookahead: int  # frames that the decoder sees ahead; -1: as far as reach goes

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.code_dim) < 1 or self.reach < 0:
            raise UserError("vq: width, layers, heads and code_dim are at least 1, reach is at least 0")
        if self.width % self.heads:
            raise UserError(f"vq.width={self.width} is no multiple of vq.heads={self.heads}")

    @property
    def encoder(self) -> StackShape:
        return StackShape(self.width, self.heads, self.reach, (self.reach,) * self.layers, 2 * self.width)

    @property
    def decoder(self) -> StackShape:
        ahead = futures(self.lookahead, self.reach, self.layers, "vq.lookahead")
        return StackShape(self.width, self.heads, self.reach, ahead, 2 * self.width)

    def layout(self, reads: Sequence[int], names: Sequence[str]) -> Layout:
        past, future = self.reach * self.layers, sum(self.decoder.futures)
        return Layout(tuple(reads), self.code_dim, tuple(names), past, future)


def dual_codec(expression_width: int, pose_width: int, quantizer: Quantizer, shape: CodecShape) -> MotionCodec:
    """Two VQ-VAEs that know nothing of each other, one token a frame each."""
    dim, parts = shape.code_dim, []
    for stream, width in enumerate((expression_width, pose_width)):
        encoder, decoder = Stack(width, dim, shape.encoder), Stack(dim, width, shape.decoder)
        parts.append(Part((stream,), encoder, quantizer, decoder, dim, 1))
    return MotionCodec(expression_width, pose_width, shape.layout((1, 1), ("expression", "pose")), parts)


def single_codec(
    expression_width: int, pose_width: int, quantizer: Quantizer, shape: CodecShape, tokens: int
) -> MotionCodec:
    """One VQ-VAE over both streams side by side, `tokens` codes a frame, residually; as many parameters as dual."""
    if tokens < 1:
        raise UserError(f"vq.tokens={tokens}: give 2 (the rate of vq=dual) or another number from 1")
    dim, both, widths = shape.code_dim, expression_width + pose_width, (expression_width, pose_width)
    encoder = Stack(both, dim, joint_shape(both, dim, shape.encoder, [(width, dim) for width in widths]))
    decoder = Stack(dim, both, joint_shape(dim, both, shape.decoder, [(dim, width) for width in widths]))
    names = [f"joint_{number + 1}" for number in range(tokens)]
    part = Part((0, 1), encoder, quantizer, decoder, dim, tokens)
    return MotionCodec(expression_width, pose_width, shape.layout((tokens,), names), [part])


class DirectCodec(MotionCodec):
    """No code: the mapper regresses latents and trains decoders of dual's size itself; only the scales are fitted."""

    def __init__(self, expression_width: int, pose_width: int, shape: CodecShape):
        super().__init__(expression_width, pose_width, shape.layout((1, 1), ()), [])
        self.shape = shape

    def fresh_decoders(self) -> nn.ModuleList:
        dim, shape = self.shape.code_dim, self.shape.decoder
        return nn.ModuleList(Stack(dim, width, shape) for width in self.widths.values())

    @property
    def codebook_size(self) -> int:
        _no_codes()

    @property
    def codebooks(self) -> Tensor:
        _no_codes()

    def encode(self, expression: Tensor, pose: Tensor) -> Tensor:
        _no_codes()

    def decode(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        _no_codes()

    def decode_latents(self, latents: Tensor, decoders: Iterable[nn.Module] | None = None) -> tuple[Tensor, Tensor]:
        if decoders is None:
            raise UserError("vq=none decodes with the decoders of a trained mapper alone; train the stage motion first")
        return super().decode_latents(latents, decoders)


def _no_codes() -> NoReturn:
    raise UserError("vq=none has no codes, so nothing can be encoded or reconstructed; choose vq=dual or vq=single")
