"""What fills the slots `vq`, `quantizer`, `style` and `speech_loss`; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import nn

    from erlnet.adf.codec import DualCodec
    from erlnet.adf.quantizers import EmaQuantizer
    from erlnet.adf.style import StyleEncoder
    from erlnet.interfaces import Quantizer


@dataclass(frozen=True)
class Dual:
    """Two independent transformer VQ-VAEs, one for expression, one for head pose: a token a frame each."""

    VERSION: ClassVar[int] = 1

    width: int = 64
    layers: int = 1  # in the encoder and in the decoder
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side
    code_dim: int = 32

    def build(self, expression_width: int, pose_width: int, quantizer: Quantizer) -> DualCodec:
        """Expression width counts jaw (3) and lids (2); the codec starts untrained."""
        from erlnet.adf.codec import CodecShape, DualCodec

        shape = CodecShape(self.width, self.layers, self.heads, self.reach, self.code_dim)
        return DualCodec(expression_width, pose_width, quantizer, shape)


@dataclass(frozen=True)
class Ema:
    """Nearest code of a codebook that follows the latents by exponential moving averages; unused codes restart."""

    VERSION: ClassVar[int] = 1

    codes: int = 256
    decay: float = 0.9
    commitment: float = 0.25
    restart_below: float = 0.1  # running count a batch under which a code is set to a latent of the batch; 0: never

    def build(self, width: int) -> EmaQuantizer:
        from erlnet.adf.quantizers import EmaQuantizer

        return EmaQuantizer(width, self.codes, self.decay, self.commitment, self.restart_below)


@dataclass(frozen=True)
class TransformerStyle:
    """Self-attention over the style clip's coefficients, pooled to one vector by attention."""

    VERSION: ClassVar[int] = 1

    width: int = 48
    layers: int = 1
    heads: int = 4
    reach: int = 8  # frames that a layer sees to either side

    def build(self, width_in: int, width_out: int) -> StyleEncoder:
        from erlnet.adf.style import StyleEncoder

        return StyleEncoder(width_in, width_out, self.width, self.layers, self.heads, self.reach)


@dataclass(frozen=True)
class NoSpeechLoss:
    """No loss between motion and sound beside the mapper's own."""

    VERSION: ClassVar[int] = 1

    def build(self, motion_width: int, audio_width: int) -> nn.Module | None:
        return None
