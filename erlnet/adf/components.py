"""What fills the slots `vq`, `quantizer`, `style` and `speech_loss`; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import nn

    from erlnet.adf.codec import MotionCodec
    from erlnet.adf.codecs import CodecShape
    from erlnet.adf.quantizers import EmaQuantizer, FsqQuantizer, ResidualQuantizer
    from erlnet.interfaces import Quantizer


@dataclass(frozen=True)
class Dual:
    """Two independent transformer VQ-VAEs, one for expression, one for head pose: a token a frame each."""

    VERSION: ClassVar[int] = 2

    width: int = 64
    layers: int = 1  # in the encoder and in the decoder
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side
    code_dim: int = 32
    lookahead: int = -1  # frames of codes that the decoder sees ahead; -1: as far as reach goes

    def build(self, expression_width: int, pose_width: int, quantizer: Quantizer) -> MotionCodec:
        """Expression width counts jaw (3) and lids (2); the codec starts untrained."""
        from erlnet.adf.codecs import dual_codec

        return dual_codec(expression_width, pose_width, quantizer, _shape(self))


@dataclass(frozen=True)
class Single:
    """One joint transformer VQ-VAE over both streams: two residual tokens a frame, as many parameters as dual."""

    VERSION: ClassVar[int] = 1

    width: int = 64  # of each half of the dual codec that this one equals in size; its own follows
    layers: int = 1  # in the encoder and in the decoder
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side
    code_dim: int = 32
    lookahead: int = -1  # frames of codes that the decoder sees ahead; -1: as far as reach goes
    tokens: int = 2  # a frame; 1 is the naive form, at half of dual's rate

    def build(self, expression_width: int, pose_width: int, quantizer: Quantizer) -> MotionCodec:
        """Widths as in Dual; `quantizer` is applied `tokens` times, each time to what is left over."""
        from erlnet.adf.codecs import single_codec

        return single_codec(expression_width, pose_width, quantizer, _shape(self), self.tokens)


@dataclass(frozen=True)
class Direct:
    """No codes: the mapper regresses motion directly, through decoders of dual's size that it trains itself."""

    VERSION: ClassVar[int] = 1
    CODES: ClassVar[bool] = False

    width: int = 64
    layers: int = 1  # in each decoder
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side
    code_dim: int = 32
    lookahead: int = -1  # frames of latents that the decoder sees ahead; -1: as far as reach goes

    def build(self, expression_width: int, pose_width: int, quantizer: Quantizer) -> MotionCodec:
        """Widths as in Dual; `quantizer` is not used."""
        from erlnet.adf.codecs import DirectCodec

        return DirectCodec(expression_width, pose_width, _shape(self))


def _shape(vq: Dual | Single | Direct) -> CodecShape:
    from erlnet.adf.codecs import CodecShape

    return CodecShape(vq.width, vq.layers, vq.heads, vq.reach, vq.code_dim, vq.lookahead)


@dataclass(frozen=True)
class Ema:
    """Nearest code of a codebook that follows the latents by exponential moving averages; unused codes restart."""

    VERSION: ClassVar[int] = 2

    codes: int = 256
    decay: float = 0.9
    commitment: float = 0.25
    restart_below: float = 0.1  # running count a batch under which a code is set to a latent of the batch; 0: never

    def build(self, width: int) -> EmaQuantizer:
        from erlnet.adf.quantizers import EmaQuantizer, Learning

        return EmaQuantizer(width, self.codes, Learning(self.decay, self.commitment, self.restart_below))


@dataclass(frozen=True)
class Residual:
    """Small codebooks in a row, each coding what the ones before left over; the same rate as one of `codes` codes."""

    VERSION: ClassVar[int] = 1

    codes: int = 256  # combinations; each codebook has codes^(1/levels)
    levels: int = 2
    decay: float = 0.9
    commitment: float = 0.25
    restart_below: float = 0.1  # running count a batch under which a code is set to a latent of the batch; 0: never

    def build(self, width: int) -> ResidualQuantizer:
        from erlnet.adf.quantizers import Learning, ResidualQuantizer

        learning = Learning(self.decay, self.commitment, self.restart_below)
        return ResidualQuantizer(width, self.codes, self.levels, learning)


@dataclass(frozen=True)
class Fsq:
    """Finite scalar quantisation: a few numbers rounded to a few levels each; no codebook is learned."""

    VERSION: ClassVar[int] = 1

    levels: tuple[int, ...] = (4, 4, 4, 4)  # 256 codes, the rate of the other quantizers

    def build(self, width: int) -> FsqQuantizer:
        from erlnet.adf.quantizers import FsqQuantizer

        return FsqQuantizer(width, self.levels)


@dataclass(frozen=True)
class TransformerStyle:
    """Self-attention over the style clip's coefficients, pooled to one vector by attention."""

    VERSION: ClassVar[int] = 3

    width: int = 48
    layers: int = 1
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side
    split: bool = True  # an encoder of half the width for each stream, whose half of the vector moves that stream alone

    def build(self, expression_width: int, pose_width: int, width_out: int) -> nn.Module:
        from erlnet.adf.style import SplitStyle, StyleEncoder, StyleShape

        if not self.split:
            shape = StyleShape(self.width, self.layers, self.heads, self.reach)
            return StyleEncoder(expression_width + pose_width, width_out, shape)
        half = StyleShape(self.width // 2, self.layers, self.heads, self.reach)
        return SplitStyle(expression_width, pose_width, width_out, lambda i, o: StyleEncoder(i, o, half))


@dataclass(frozen=True)
class MeanStyle:
    """Mean and sd over time of the style clip's coefficients, through one linear layer."""

    VERSION: ClassVar[int] = 1

    split: bool = True  # a linear layer for each stream, whose half of the vector moves that stream alone

    def build(self, expression_width: int, pose_width: int, width_out: int) -> nn.Module:
        from erlnet.adf.style import MeanEncoder, SplitStyle

        if not self.split:
            return MeanEncoder(expression_width + pose_width, width_out)
        return SplitStyle(expression_width, pose_width, width_out, MeanEncoder)


@dataclass(frozen=True)
class NoStyle:
    """The style clip is not looked at: the vector is zero, whatever it shows."""

    VERSION: ClassVar[int] = 1

    def build(self, expression_width: int, pose_width: int, width_out: int) -> nn.Module:
        from erlnet.adf.style import ZeroStyle

        return ZeroStyle(width_out)


@dataclass(frozen=True)
class Contrastive:
    """A critic learns on true motion which sound goes with it; generated motion is drawn to where it finds its own."""

    VERSION: ClassVar[int] = 1

    weight: float = 0.2  # of the generated motion's loss; the critic itself trains at its own
    window: int = 9  # frames of motion, and of sound, that are compared
    width: int = 64
    temperature: float = 0.1  # that training starts from; it is learned
    negatives_gap: int = 3  # frames at least between a window and its negatives of the same clip

    def build(self, motion_width: int, audio_width: int) -> nn.Module | None:
        from erlnet.adf.contrastive import ContrastiveLoss, ContrastiveShape

        shape = ContrastiveShape(self.window, self.width, self.temperature, self.negatives_gap)
        return ContrastiveLoss(motion_width, audio_width, shape, self.weight)


@dataclass(frozen=True)
class NoSpeechLoss:
    """No loss between motion and sound beside the mapper's own."""

    VERSION: ClassVar[int] = 1

    def build(self, motion_width: int, audio_width: int) -> nn.Module | None:
        return None
