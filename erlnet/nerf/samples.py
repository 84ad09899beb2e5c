"""Where a branch's rays are looked at: only those that meet its box, and only where something may be."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.nerf.cameras import Crossing, Rays, cross_box
from erlnet.nerf.occupancy import Occupancy
from erlnet.nerf.volume import bin_samples


class Samples(NamedTuple):
    """Points on the K rays, of all images together, that cross the branch's box."""

    image: Tensor  # (K,) int64, which image the ray belongs to
    slot: Tensor  # (K,) int64, the ray's place among all B*P
    points: Tensor  # (K,S,3) m, in the branch's frame
    depth: Tensor  # (K,S) camera depth, m, rising along the ray
    lengths: Tensor  # (K,S) m

    def part(self, rays: Tensor | slice, along: slice) -> "Samples":
        """Some of the rays, some of their samples."""
        return Samples(
            self.image[rays], self.slot[rays], self.points[rays][:, along], self.depth[rays][:, along],
            self.lengths[rays][:, along],
        )  # fmt: skip


def sample_rays(rays: Rays, crossing: Crossing, count: int, generator: torch.Generator | None) -> Samples:
    """Only rays that hit: no samples where the branch cannot be."""
    slot = crossing.hit.flatten().nonzero()[:, 0]
    image = slot // crossing.hit.shape[1]
    near, far = crossing.near.flatten()[slot], crossing.far.flatten()[slot]
    directions = rays.directions.flatten(0, 1)[slot]
    depth = bin_samples(near, far, count, generator)
    points = rays.origins[image] + directions[:, None] * depth[..., None]
    lengths = ((far - near) * directions.norm(dim=-1) / count)[:, None].expand(-1, count)
    return Samples(image, slot, points, depth, lengths)


class Box(nn.Module):
    """An axis-aligned box in metres and its map to [-1,1]^3."""

    corners: Tensor  # (2,3) m

    def __init__(self, corners: Float[Tensor, "2 3"]):
        super().__init__()
        self.register_buffer("corners", corners.clone())
        self.occupancy = Occupancy(corners[0], corners[1])

    def normalise(self, points: Tensor) -> Tensor:
        low, high = self.corners
        return (points - low) * (2 / (high - low)) - 1

    def cross(self, rays: Rays) -> Crossing:
        """Where rays may meet something."""
        return self.occupancy.narrow(rays, cross_box(rays, self.corners[0], self.corners[1]))

    @property
    def thickness(self) -> float:
        return float((self.corners[1] - self.corners[0])[2])
