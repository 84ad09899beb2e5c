"""Continuous latents -> codes, through vector-quantize-pytorch.

A learned codebook moves while training only, and starts from k-means of the first latents that it sees there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ, ResidualVQ, VectorQuantize

from erlnet.errors import UserError

Quantised = tuple[Float[Tensor, "B T C"], Int64[Tensor, "B T"], Float[Tensor, ""]]
"""(quantised, straight-through gradient; indices; commitment loss)"""


@dataclass(frozen=True)
class Learning:
    """How a codebook follows the latents."""

    decay: float  # of the moving averages, a batch
    commitment: float  # weight of the latents' distance from their codes
    restart_below: float  # running count a batch under which a code is set to a latent of the batch; 0: never

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1 or self.commitment < 0 or self.restart_below < 0:
            raise UserError("quantizer: decay lies in [0,1), commitment and restart_below are not negative")

    def arguments(self) -> dict:
        """In the library's names."""
        return {
            "decay": self.decay,
            "commitment_weight": self.commitment,
            "threshold_ema_dead_code": self.restart_below,
            "kmeans_init": True,
            "kmeans_iters": 10,
            "rotation_trick": False,
            "sync_codebook": False,
        }


class LearnedQuantizer(nn.Module):
    """What EmaQuantizer and ResidualQuantizer share; `restarted` counts the codes set to a latent since it was made."""

    codebook_size: int
    library: nn.Module

    def __init__(self, restart_below: float):
        super().__init__()
        self.restart_below, self.restarted = restart_below, 0

    @property
    def _books(self) -> list[nn.Module]:
        return [module for module in self.library.modules() if hasattr(module, "cluster_size")]

    def _through(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with _kept_as_it_is(() if self.training else self._books):
            quantised, indices, losses = self.library(latents)
        if self.training and self.restart_below:
            # The library resets a restarted code's running count to exactly the threshold.
            self.restarted += sum(int((book.cluster_size == self.restart_below).sum()) for book in self._books)
        # Straight through, once: the library's residual form would pass the gradient once for every level.
        return latents + (quantised - latents).detach(), indices, losses.sum()


class EmaQuantizer(LearnedQuantizer):
    """The nearest of `codes` vectors that follow the latents by moving averages."""

    def __init__(self, width: int, codes: int, learning: Learning):
        super().__init__(learning.restart_below)
        if codes < 2:
            raise UserError(f"quantizer.codes={codes}: a codebook has at least 2 codes")
        self.codebook_size = codes
        self.library = VectorQuantize(dim=width, codebook_size=codes, **learning.arguments())

    def forward(self, latents: Float[Tensor, "B T C"]) -> Quantised:
        return self._through(latents)

    def decode_indices(self, indices: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        return self.library.get_output_from_indices(indices)


class ResidualQuantizer(LearnedQuantizer):
    """`levels` small codebooks in a row, each coding what the ones before left over; together `codes` combinations.

    One index stands for a combination: sum over levels of index * size^level.
    """

    def __init__(self, width: int, codes: int, levels: int, learning: Learning):
        super().__init__(learning.restart_below)
        size = round(codes ** (1 / max(levels, 1)))
        if levels < 1 or size < 2 or size**levels != codes:
            raise UserError(
                f"quantizer.codes={codes} is no whole number (of 2 or more) to the power of quantizer.levels={levels}; "
                f"take {max(size, 2) ** max(levels, 1)}"
            )
        self.codebook_size = codes
        self.library = ResidualVQ(dim=width, num_quantizers=levels, codebook_size=size, **learning.arguments())
        self.register_buffer("place_value", size ** torch.arange(levels), persistent=False)
        self.size = size

    def forward(self, latents: Float[Tensor, "B T C"]) -> Quantised:
        quantised, indices, loss = self._through(latents)
        return quantised, (indices * self.place_value).sum(-1), loss

    def decode_indices(self, indices: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        return self.library.get_output_from_indices(indices[..., None] // self.place_value % self.size)


class FsqQuantizer(nn.Module):
    """Finite scalar quantisation (Mentzer et al. 2023): few numbers, each rounded to one of a few levels.

    No codebook to learn: linear layers lead from the latents to the numbers and back. They start from the first latents
    seen in training: the numbers are their principal components, and the way back is the least-squares one.
    """

    started: Tensor

    def __init__(self, width: int, levels: Sequence[int]):
        super().__init__()
        if not levels or min(levels) < 3 or len(levels) > width:
            raise UserError(
                f"quantizer.levels={list(levels)}: give at most {width} (the codes' width) whole numbers from 3"
            )
        self.codebook_size = prod(levels)
        self.enter, self.leave = nn.Linear(width, len(levels)), nn.Linear(len(levels), width)
        self.library = FSQ(levels=list(levels))
        self.register_buffer("started", torch.tensor(False))

    def forward(self, latents: Float[Tensor, "B T C"]) -> Quantised:
        if self.training and not self.started:
            self._start(latents)
        numbers, indices = self.library(self.enter(latents))
        return self.leave(numbers), indices.long(), latents.new_zeros(())

    def decode_indices(self, indices: Int64[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        return self.leave(self.library.indices_to_codes(indices).to(self.leave.weight))

    @torch.no_grad()
    def _start(self, latents: Float[Tensor, "B T C"]) -> None:
        rows = latents.flatten(0, 1).double()
        centre = rows.mean(0)
        values, axes = torch.linalg.eigh((rows - centre).T @ (rows - centre) / len(rows))
        count = self.enter.out_features
        axes, deviation = axes[:, -count:].flip(1), values[-count:].flip(0).clamp_min(1e-12).sqrt()
        self.enter.weight.copy_((axes / deviation).T)
        self.enter.bias.copy_(-(centre @ (axes / deviation)))
        numbers = self.library(self.enter(latents))[0].flatten(0, 1).double()
        inputs = torch.cat([numbers, torch.ones_like(numbers[:, :1])], dim=1)
        ridge = 1e-6 * len(rows) * torch.eye(count + 1, dtype=rows.dtype, device=rows.device)
        back = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ rows)
        self.leave.weight.copy_(back[:-1].T)
        self.leave.bias.copy_(back[-1])
        self.started.fill_(True)


@contextmanager
def _kept_as_it_is(books: Sequence[nn.Module]) -> Iterator[None]:
    """Inside, no codebook starts from what it sees: the library would even in eval mode."""
    before = [book.initted.clone() for book in books]
    for book in books:
        book.initted.fill_(True)
    try:
        yield
    finally:
        for book, was in zip(books, before):
            book.initted.copy_(was)
