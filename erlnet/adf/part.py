"""One transformer VQ-VAE over a run of motion channels."""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from erlnet.adf.attention import in_chunks
from erlnet.adf.stack import Stack
from erlnet.interfaces import Quantizer


class Codebook(Protocol):
    """What the slot `quantizer` builds (erlnet.interfaces.Quantizer)."""

    codebook_size: int

    def __call__(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]: ...

    def decode_indices(self, indices: Tensor) -> Tensor: ...


class Part(nn.Module):
    """Standardised motion of its streams (B,T,C) -> `tokens` codes a frame -> the same motion.

    With several tokens the quantizer is applied residually: each codes what those before left over, and the decoder
    reads their sum.
    """

    def __init__(
        self, streams: Sequence[int], encoder: Stack, quantizer: Quantizer, decoder: Stack, code_dim: int, tokens: int
    ):
        super().__init__()
        self.streams, self.tokens = tuple(streams), tokens  # streams: 0 expression, 1 pose
        self.encoder = encoder
        self.quantizers = nn.ModuleList(quantizer.build(code_dim) for _ in range(tokens))
        self.decoder = decoder

    @property
    def books(self) -> list[Codebook]:
        return [cast(Codebook, quantizer) for quantizer in self.quantizers]

    @property
    def codebooks(self) -> Float[Tensor, "K codes D"]:
        """Every code's vector."""
        device = next(self.parameters()).device
        codes = torch.arange(self.books[0].codebook_size, device=device)[None]
        return torch.cat([book.decode_indices(codes) for book in self.books])

    def quantise(
        self, latents: Float[Tensor, "B T D"]
    ) -> tuple[Float[Tensor, "B T D"], Int64[Tensor, "B T K"], Float[Tensor, ""]]:
        """(sum of the codes' vectors, indices, commitment loss); gradients pass straight through."""
        total, indices, losses = torch.zeros_like(latents), [], []
        for book in self.books:
            quantised, index, loss = book(latents - total)  # by the chain rule the codes together pass a gradient of 1
            total = total + quantised
            indices.append(index)
            losses.append(loss)
        return total, torch.stack(indices, dim=-1), torch.stack(losses).sum()

    def encode(self, standard: Float[Tensor, "B T C"]) -> Int64[Tensor, "B T K"]:
        return in_chunks(lambda latents: self.quantise(latents)[1], self.encoder(standard), 0, 0)

    def latents(self, indices: Int64[Tensor, "B T K"]) -> Float[Tensor, "B T K D"]:
        """The vector of each code."""
        return torch.stack([book.decode_indices(indices[..., k]) for k, book in enumerate(self.books)], dim=-2)
