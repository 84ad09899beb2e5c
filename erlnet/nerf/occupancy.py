"""Which part of a box can hold anything: rays spend their samples there alone.

It starts as the visual hull of the region masks (carving) and is tightened to what a half-trained branch really shows.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from erlnet.nerf.cameras import Crossing, Pinhole, Rays, project

RESOLUTION = 48
PROBES = 32  # a ray


class Occupancy(nn.Module):
    """A bit per cell of [low, high], all set at first."""

    low: Tensor  # (3,) m
    high: Tensor  # (3,) m
    cells: Tensor  # (RESOLUTION^3,) uint8

    def __init__(self, low: Float[Tensor, " 3"], high: Float[Tensor, " 3"]):
        super().__init__()
        self.register_buffer("low", low.clone())
        self.register_buffer("high", high.clone())
        self.register_buffer("cells", torch.ones(RESOLUTION**3, dtype=torch.uint8))

    def index(self, points: Float[Tensor, "*B 3"]) -> Tensor:
        """(*B,) flat cell of each point, clamped into the box."""
        place = ((points - self.low) * (RESOLUTION / (self.high - self.low))).long().clamp(0, RESOLUTION - 1)
        return (place[..., 0] * RESOLUTION + place[..., 1]) * RESOLUTION + place[..., 2]

    def centres(self) -> Float[Tensor, "M 3"]:
        """Cell centres in metres, in the order of `index`."""
        line = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION
        grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).flatten(0, 2)
        return self.low + (self.high - self.low) * grid

    def narrow(self, rays: Rays, crossing: Crossing) -> Crossing:
        """The crossing cut to between its first and last occupied probe; rays that meet none no longer hit."""
        slot = crossing.hit.flatten().nonzero()[:, 0]
        near, far = crossing.near.flatten()[slot], crossing.far.flatten()[slot]
        origins = rays.origins[slot // crossing.hit.shape[1], 0]
        step = (far - near) / PROBES
        depth = near[:, None] + step[:, None] * (torch.arange(PROBES) + 0.5)
        points = origins[:, None] + rays.directions.flatten(0, 1)[slot][:, None] * depth[..., None]
        occupied = self.cells[self.index(points)]  # (K,PROBES)
        first = occupied.argmax(1)
        last = PROBES - 1 - occupied.flip(1).argmax(1)
        new_near, new_far = crossing.near.flatten().clone(), crossing.far.flatten().clone()
        new_near[slot], new_far[slot] = near + step * first, near + step * (last + 1)
        hit = torch.zeros_like(crossing.hit).flatten().index_copy(0, slot, occupied.any(1).bool())
        shape = crossing.hit.shape
        return Crossing(new_near.view(shape), new_far.view(shape), hit.view(shape))

    def restrict(self, keep: Bool[Tensor, " M"], grow: int) -> None:
        """Keeps only cells of `keep`, grown by `grow` cells; nothing that was empty comes back."""
        side = RESOLUTION
        grown = F.max_pool3d(keep.float().view(1, 1, side, side, side), 2 * grow + 1, 1, grow).flatten()
        self.cells &= (grown > 0).to(torch.uint8)


@torch.no_grad()
def seen_share(
    centres: Float[Tensor, "M 3"],
    masks: Bool[Tensor, "N H W"],
    frame_to_world: Float[Tensor, "N 4 4"],
    camera: Pinhole,
) -> Float[Tensor, " M"]:
    """Share of the images in whose mask a point lies; images that do not see the point do not count against it."""
    inside, seen = torch.zeros(len(centres)), torch.zeros(len(centres))
    for mask, transform in zip(masks, frame_to_world):
        world = centres @ transform[:3, :3].T + transform[:3, 3]
        x, y = project(camera, world).floor().long().unbind(-1)
        in_view = (world[:, 2] > 0) & (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
        hit = mask[y.clamp(0, camera.height - 1), x.clamp(0, camera.width - 1)] & in_view
        inside += hit
        seen += in_view
    return torch.where(seen > 0, inside / seen.clamp_min(1), 0.0)
