"""Multiresolution hash encoding (Mueller et al. 2022) in torch alone, laid out as tinycudann lays its own out."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

PRIMES = (1, 2654435761, 805459861)  # of the paper's equation 4
ALIGNED = 8  # entries: a level's size is a multiple of it
START = 1e-4  # entries begin within this of 0, as in the paper


@dataclass(frozen=True)
class GridShape:
    """Sizes of a hash encoding."""

    levels: int
    features: int  # of an entry
    table: int  # log2 of the most entries of a level
    coarsest: int  # vertices along an axis
    finest: int

    @property
    def width(self) -> int:
        return self.levels * self.features

    @property
    def growth(self) -> float:
        """How much finer than the one before a level is.

        A millionth less than the sizes ask for: where they would give a whole number, rounding must not decide between
        it and the next one, differently here and on a GPU.
        """
        return (self.finest / self.coarsest) ** (1 / max(1, self.levels - 1)) * (1 - 1e-6)


@dataclass(frozen=True)
class Level:
    scale: float  # cells along an axis, no whole number
    resolution: int  # vertices along an axis
    offset: int  # entries before this level's
    size: int  # entries
    dense: bool  # an entry for every vertex, else hashed

    def strides(self) -> list[int]:
        """What x, y and z count for in an entry's number; int32, because its overflow is the hash's modulus."""
        if self.dense:
            return [1, self.resolution, self.resolution**2]
        return [int(np.uint32(prime).astype(np.int32)) for prime in PRIMES]


def plan_levels(shape: GridShape) -> list[Level]:
    """The levels, dense ones first. Scales in float32, as tinycudann computes them (its grid_scale)."""
    growth, planned, offset = np.log2(np.float32(shape.growth)), [], 0
    for number in range(shape.levels):
        scale = np.exp2(np.float32(number) * growth) * np.float32(shape.coarsest) - np.float32(1)
        resolution = int(np.ceil(scale)) + 1
        size = min(-(-(resolution**3) // ALIGNED) * ALIGNED, 2**shape.table)
        planned.append(Level(float(scale), resolution, offset, size, resolution**3 <= size))
        offset += size
    return planned


class _WeightedRows(torch.autograd.Function):
    """Sums of eight weighted rows of a table, each.

    Forward is an embedding bag, and backward is not: sorting millions of indices took it five times as long as adding
    their gradients up one after the other, column by column. That is also the same to the bit every time.
    """

    @staticmethod
    def forward(
        ctx: Any, table: Float[Tensor, "P F"], index: Int[Tensor, "M 8"], weights: Float[Tensor, "M 8"]
    ) -> Float[Tensor, "M F"]:
        ctx.save_for_backward(table, index, weights)
        return F.embedding_bag(index, table, mode="sum", per_sample_weights=weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        table, index, weights = ctx.saved_tensors
        columns = gradients[0].unbind(1)
        to_table = to_weights = None
        if ctx.needs_input_grad[0]:
            flat = index.flatten().long()
            sums = [
                table.new_zeros(len(table)).scatter_add_(0, flat, (weights * g[:, None]).flatten()) for g in columns
            ]
            to_table = torch.stack(sums, 1)
        if ctx.needs_input_grad[2]:
            flat = index.flatten()
            read = (column.contiguous().index_select(0, flat).view_as(weights) for column in table.unbind(1))
            to_weights = reduce(torch.add, (rows * g[:, None] for rows, g in zip(read, columns)))
        return to_table, None, to_weights


def corners(low_high: Tensor, operation: Any) -> Tensor:
    """(3,2,L,N), both neighbours along x, y, z -> (L,N,8): `operation` over every choice of one a row, x fastest."""
    x, y, z = low_high
    eight = operation(operation(z[:, None, None], y[None, :, None]), x[None, None, :])
    return eight.flatten(0, 2).movedim(0, -1)


class HashGridEncoding(nn.Module):
    """Grids from coarse to fine, read trilinearly and laid side by side; a fine grid's vertices share a table by hash.

    Vertex i of a level stands at (i - 0.5) / scale of the cube's side, so that levels are staggered. `params` are
    tinycudann's own: level by level, entry by entry. So is the flaw that in the last half cell before the far faces a
    dense level reads entries of the opposite face.
    """

    strides: Tensor
    scales: Tensor
    sizes: Tensor
    offsets: Tensor

    def __init__(self, shape: GridShape):
        super().__init__()
        self.width, self.features = shape.width, shape.features
        self.levels = plan_levels(shape)
        self.dense = sum(level.dense for level in self.levels)
        entries = self.levels[-1].offset + self.levels[-1].size
        self.params = nn.Parameter(torch.empty(entries * shape.features).uniform_(-START, START))
        strides = torch.tensor([level.strides() for level in self.levels], dtype=torch.int32).t()
        columns = {
            "strides": strides[..., None],  # (3,L,1)
            "scales": torch.tensor([level.scale for level in self.levels])[:, None],
            "sizes": torch.tensor([level.size for level in self.levels], dtype=torch.int32)[:, None, None],
            "offsets": torch.tensor([level.offset for level in self.levels], dtype=torch.int32)[:, None, None],
        }
        for name, tensor in columns.items():
            self.register_buffer(name, tensor, persistent=False)

    def entries(self, cell: Int[Tensor, "3 L N"]) -> Int[Tensor, "L N 8"]:
        """Numbers of the entries at a cell's corners."""
        low = cell * self.strides
        both = torch.stack([low, low + self.strides], 1)
        dense = corners(both[:, :, : self.dense], torch.add)
        sizes = self.sizes[: self.dense]
        dense = torch.where(dense < sizes, dense, dense - sizes)
        hashed = corners(both[:, :, self.dense :], torch.bitwise_xor) & (self.sizes[self.dense :] - 1)
        return torch.cat([dense, hashed]) + self.offsets

    def forward(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N D"]:
        """`points` in [-1,1], clamped to the border outside -> features, D = levels * features."""
        unit = (points.clamp(-1, 1) + 1) / 2
        position = unit.t()[:, None] * self.scales + 0.5  # (3,L,N) cells
        cell = position.detach().floor()
        part = position - cell
        weights = corners(torch.stack([1 - part, part], 1), torch.mul)
        index = self.entries(cell.int())
        rows = _WeightedRows.apply(self.params.view(-1, self.features), index.flatten(0, 1), weights.flatten(0, 1))
        return rows.view(len(self.levels), len(points), self.features).transpose(0, 1).flatten(1)
