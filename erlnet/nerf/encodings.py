"""What a field sees of a point in [-1,1]^3 (slot `encoding`); grids by hash are in hashgrid.py and tcnn.py."""

from math import pi

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

PLANE_AXES = ((0, 1), (0, 2), (1, 2))  # xy, xz, yz


class TriPlaneEncoding(nn.Module):
    """Three feature planes; a point reads each at its projection (tri-planes of EG3D, concatenated, not summed)."""

    def __init__(self, resolution: int, channels: int):
        super().__init__()
        self.width = 3 * channels
        self.planes = nn.Parameter(torch.empty(3, channels, resolution, resolution).uniform_(-0.01, 0.01))

    def forward(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N D"]:
        """`points` in [-1,1], clamped to the border outside -> features, D = 3 * channels."""
        grid = torch.stack([points[:, axes] for axes in PLANE_AXES])[:, None]  # (3,1,N,2)
        read = F.grid_sample(self.planes, grid, align_corners=True, padding_mode="border")  # (3,C,1,N)
        return read.flatten(0, 2).t()


class FrequencyEncoding(nn.Module):
    """The point, and sines and cosines of 2^k pi times it (Mildenhall et al. 2020, equation 4); nothing is trained."""

    scales: Tensor

    def __init__(self, octaves: int):
        super().__init__()
        self.width = 3 + 6 * octaves
        self.register_buffer("scales", pi * 2.0 ** torch.arange(octaves), persistent=False)

    def forward(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N D"]:
        """Points in [-1,1], clamped to the border outside -> x y z, then sines, then cosines, octave by octave."""
        inside = points.clamp(-1, 1)
        angles = (inside[:, None] * self.scales[:, None]).flatten(1)
        return torch.cat([inside, angles.sin(), angles.cos()], 1)
