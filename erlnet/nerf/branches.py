"""Which NeRFs there are and how their rays are marched (slot `branches`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.interfaces import Conditioning, Deform, Encoding, FeatureMaps
from erlnet.nerf.cameras import Crossing, Rays, cross_box, invert_rigid, pose_vector, rays_in_frame
from erlnet.nerf.conditioning import Standardise
from erlnet.nerf.fields import Field
from erlnet.nerf.occupancy import Occupancy
from erlnet.nerf.volume import bin_samples, render_weights

POSE_WIDTH = 6


@dataclass(frozen=True)
class BranchParts:
    """What a `branches` component is built from."""

    encoding: Encoding
    conditioning: Conditioning
    deform: Deform
    signal_width: int
    channels: int  # of the feature maps
    hidden: int  # width of the fields
    head_samples: tuple[int, ...]  # a ray, before and after the occupancy is tightened
    static_samples: tuple[int, ...]
    head_box: Tensor  # (2,3) m, lowest and highest corner in the head's frame
    static_box: Tensor  # (2,3) m, in the torso's frame


class Driving(NamedTuple):
    """What moves the person, one row an image."""

    signal: Tensor  # (B,D) expression stream
    head_to_world: Tensor  # (B,4,4)
    root: Tensor  # (B,4,4) torso to world

    @property
    def neck(self) -> Tensor:
        """(B,4,4) the head relative to the torso."""
        return invert_rigid(self.root) @ self.head_to_world


class Samples(NamedTuple):
    """Points on the K rays, of all images together, that cross the branch's box."""

    image: Tensor  # (K,) int64, which image the ray belongs to
    slot: Tensor  # (K,) int64, the ray's place among all B*P
    points: Tensor  # (K,S,3) m, in the branch's frame
    depth: Tensor  # (K,S) camera depth, m
    lengths: Tensor  # (K,S) m


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


def to_maps(flat: Float[Tensor, "R C"], height: int, width: int) -> FeatureMaps:
    maps = flat.unflatten(0, (-1, height, width)).permute(0, 3, 1, 2)
    return FeatureMaps(maps[:, :-2], maps[:, -2:-1], maps[:, -1:])


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


class Branch(nn.Module):
    """One NeRF: rays into its own frame, samples where it may be, field, compositing."""

    field: Field
    samples: Tensor  # () int64

    def __init__(self, box: Tensor, samples: int, fine_samples: int):
        super().__init__()
        self.box = Box(box)
        self.fine_samples = fine_samples
        self.register_buffer("samples", torch.tensor(samples))  # a buffer: it changes when the occupancy is tightened

    def frame(self, driving: Driving) -> Tensor:
        """(B,4,4) the branch's own frame to the world."""
        raise NotImplementedError

    def evaluate(self, samples: Samples, driving: Driving) -> tuple[Tensor, Tensor]:
        """Density per metre (K,S) and hidden layer (K,S,H)."""
        raise NotImplementedError

    def sample(self, rays: Rays, driving: Driving, generator: torch.Generator | None) -> Samples:
        rays = rays_in_frame(rays, self.frame(driving))
        return sample_rays(rays, self.box.cross(rays), int(self.samples), generator)

    def forward(self, rays: Rays, driving: Driving, generator: torch.Generator | None) -> Tensor:
        """World rays (B,P) -> (B*P, C+2) features, opacity, depth; zero where no ray meets the branch."""
        samples = self.sample(rays, driving, generator)
        density, hidden = self.evaluate(samples, driving)
        weights, opacity = render_weights(density, samples.lengths)
        features = self.field.features(torch.bmm(weights[:, None], hidden)[:, 0], opacity)
        seen = torch.cat([features, opacity[:, None], (weights * samples.depth).sum(-1, keepdim=True)], -1)
        n_rays = rays.directions.shape[0] * rays.directions.shape[1]
        return torch.zeros(n_rays, seen.shape[1], dtype=seen.dtype).index_copy(0, samples.slot, seen)

    @torch.no_grad()
    def tighten(self, views: Iterable[tuple[Rays, Driving]], threshold: float = 0.01, grow: int = 1) -> None:
        """Empties the cells of which no view shows more than `threshold`; from then on fewer samples do."""
        occupancy = self.box.occupancy
        seen = torch.zeros(len(occupancy.cells))
        for rays, driving in views:
            samples = self.sample(rays, driving, None)
            weights, _ = render_weights(self.evaluate(samples, driving)[0], samples.lengths)
            cells = occupancy.index(samples.points)
            seen.scatter_reduce_(0, cells.flatten(), weights.flatten(), "amax")
        occupancy.restrict(seen > threshold, grow)
        self.samples.fill_(self.fine_samples)


class HeadBranch(Branch):
    """Head-NeRF: a field in the head's own frame, conditioned on the signal; the head's motion is the camera's."""

    def __init__(self, parts: BranchParts):
        super().__init__(parts.head_box, *parts.head_samples)
        self.encoding = parts.encoding.build()
        self.conditioning = parts.conditioning.build(parts.signal_width)
        self.field = Field(
            self.encoding.width, self.conditioning.width, parts.hidden, parts.channels, self.box.thickness
        )

    def frame(self, driving: Driving) -> Tensor:
        return driving.head_to_world

    def evaluate(self, samples: Samples, driving: Driving) -> tuple[Tensor, Tensor]:
        encoded = self.encoding(self.box.normalise(samples.points).flatten(0, 1))
        condition = self.conditioning(driving.signal)[samples.image]
        return self.field(encoded.unflatten(0, samples.depth.shape), condition)


class StaticBranch(Branch):
    """Static-NeRF: neck and torso, in the torso's frame; the head pose displaces its points."""

    def __init__(self, parts: BranchParts):
        super().__init__(parts.static_box, *parts.static_samples)
        self.encoding = parts.encoding.build()
        self.standardise = Standardise(POSE_WIDTH)
        self.deform = parts.deform.build(POSE_WIDTH)
        self.field = Field(self.encoding.width, 0, parts.hidden, parts.channels, self.box.thickness)

    def frame(self, driving: Driving) -> Tensor:
        return driving.root

    def evaluate(self, samples: Samples, driving: Driving) -> tuple[Tensor, Tensor]:
        pose = self.standardise(pose_vector(driving.neck))[samples.image]
        points = self.deform(samples.points, pose)
        encoded = self.encoding(self.box.normalise(points).flatten(0, 1))
        return self.field(encoded.unflatten(0, samples.depth.shape), None)


class DualBranches(nn.Module):
    """Head-NeRF beside Static-NeRF; their maps are merged by the fusion."""

    def __init__(self, parts: BranchParts):
        super().__init__()
        self.head = HeadBranch(parts)
        self.static = StaticBranch(parts)

    @torch.no_grad()
    def tighten(self, views: list[tuple[Rays, Driving]]) -> None:
        """Once both branches have taken shape: samples only where they show."""
        self.head.tighten(views)
        self.static.tighten(views, grow=2)  # deformed points leave their cells

    @torch.no_grad()
    def fit(self, driving: Driving) -> None:
        """Takes the training set's statistics."""
        self.head.conditioning.standardise.fit(driving.signal)
        self.static.standardise.fit(pose_vector(driving.neck))

    def forward(
        self, rays: Rays, driving: Driving, size: tuple[int, int], generator: torch.Generator | None = None
    ) -> tuple[FeatureMaps, FeatureMaps]:
        """Rays of B windows of `size` (h,w), row by row -> head and static maps (B,C,h,w).

        `generator` jitters the samples, for training.
        """
        head = self.head(rays, driving, generator)
        return to_maps(head, *size), to_maps(self.static(rays, driving, generator), *size)
