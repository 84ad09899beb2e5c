"""Options of slot `encoding`; importing this imports neither torch nor numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from erlnet.nerf.settings import check_least

if TYPE_CHECKING:
    from torch import nn

    from erlnet.nerf.hashgrid import GridShape


@dataclass(frozen=True)
class TriPlane:
    """Features on three axis-aligned planes, read bilinearly and laid side by side."""

    resolution: int = 128
    channels: int = 24

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_least(self, 1, "resolution", "channels")

    def build(self, times: int = 1) -> nn.Module:
        from erlnet.nerf.encodings import TriPlaneEncoding

        return TriPlaneEncoding(self.resolution, self.channels * times)


@dataclass(frozen=True)
class HashGrid:
    """Grids from coarse to fine whose vertices share tables by a hash (instant-ngp's), in torch alone."""

    levels: int = 6
    features: int = 4  # of a vertex, on each level
    table: int = 16  # log2 of the most vertices that a level stores
    coarsest: int = 16  # vertices along an axis
    finest: int = 256

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.levels < 1 or self.features < 1:
            raise ValueError(f"levels={self.levels} features={self.features}: expected numbers from 1")
        if not 3 <= self.table <= 24:
            raise ValueError(f"table={self.table}: expected the logarithm of a table's size, from 3 to 24")
        if not 2 <= self.coarsest <= self.finest <= 4096:
            raise ValueError(f"coarsest={self.coarsest} finest={self.finest}: expected from 2 to 4096, coarsest first")

    def shape(self, times: int) -> GridShape:
        from erlnet.nerf.hashgrid import GridShape

        return GridShape(self.levels, self.features * times, self.table, self.coarsest, self.finest)

    def build(self, times: int = 1) -> nn.Module:
        from erlnet.nerf.hashgrid import HashGridEncoding

        return HashGridEncoding(self.shape(times))


@dataclass(frozen=True)
class Tcnn(HashGrid):
    """The hash grid as CUDA kernels of tinycudann: the same features, for a GPU."""

    def build(self, times: int = 1) -> nn.Module:
        from erlnet.nerf.tcnn import TcnnEncoding

        return TcnnEncoding(self.shape(times))


@dataclass(frozen=True)
class Frequency:
    """The point itself with sines and cosines of it, octave by octave (NeRF's); nothing of it is trained."""

    octaves: int = 8

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 1 <= self.octaves <= 16:
            raise ValueError(f"octaves={self.octaves}: expected a number from 1 to 16")

    def build(self, times: int = 1) -> nn.Module:
        from erlnet.nerf.encodings import FrequencyEncoding

        return FrequencyEncoding(self.octaves)
