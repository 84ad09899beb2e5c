"""One NeRF branch: rays in its own frame, samples where it may be, field, compositing (slot `branches`)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.interfaces import Conditioning, Deform, Encoding, FeatureMaps
from erlnet.nerf.cameras import Rays, invert_rigid, pose_vector, rays_in_frame
from erlnet.nerf.conditioning import Standardise
from erlnet.nerf.deform import condition_width
from erlnet.nerf.fields import Field
from erlnet.nerf.joint import Lumps
from erlnet.nerf.samples import Box, Samples, sample_rays
from erlnet.nerf.volume import Weights, thickness_weights

POSE_WIDTH = 6
DARK = 1 / 256  # share of light behind which nothing is looked at: one level of a frame
STOP_FROM = 16  # samples a ray; with fewer, looking twice costs more than it saves (docs/render.md)


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
    whole_box: Tensor  # (2,3) m, of head and torso in the head's frame
    joint: bool  # whether the fusion wants both branches' samples composited together


class Driving(NamedTuple):
    """What moves the person, one row an image."""

    signal: Tensor  # (B,D) expression stream
    head_to_world: Tensor  # (B,4,4)
    root: Tensor  # (B,4,4) torso to world

    @property
    def neck(self) -> Tensor:
        """(B,4,4) the head relative to the torso."""
        return invert_rigid(self.root) @ self.head_to_world


class Marched(NamedTuple):
    """What a branch's field says along its K rays."""

    samples: Samples
    thickness: Tensor  # (K,S) optical, sigma delta
    hidden: Tensor  # (K,S,H)

    @property
    def lumps(self) -> Lumps:
        return Lumps(self.samples.slot, self.samples.depth, self.thickness)


def to_maps(flat: Float[Tensor, "R C"], size: tuple[int, int]) -> FeatureMaps:
    """Rows of features, opacity, depth, squared depth for all rays -> maps of `size`."""
    maps = flat.unflatten(0, (-1, *size)).permute(0, 3, 1, 2)
    return FeatureMaps(maps[:, :-3], maps[:, -3:-2], maps[:, -2:-1], maps[:, -1:])


def empty_maps(like: FeatureMaps) -> FeatureMaps:
    """A branch that is nowhere."""
    nothing = torch.zeros_like(like.opacity)
    return FeatureMaps(torch.zeros_like(like.features), nothing, nothing, nothing)


class Branch(nn.Module):
    """One NeRF: rays into its own frame, samples where it may be, field, compositing."""

    carving: ClassVar[tuple[tuple[str, float], ...]]
    """A cell may hold something if it lies in the mask so named ("head", "static") in at least that share of the
    images, for one of the pairs (erlnet.nerf.footage.carve)."""

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

    def march(self, rays: Rays, driving: Driving, generator: torch.Generator | None) -> Marched:
        """The field along world rays (B,P)."""
        samples = self.sample(rays, driving, generator)
        if samples.depth.shape[1] >= STOP_FROM and not torch.is_grad_enabled():
            return self._march_until_dark(samples, driving)
        density, hidden = self.evaluate(samples, driving)
        return Marched(samples, density * samples.lengths, hidden)

    def _march_until_dark(self, samples: Samples, driving: Driving) -> Marched:
        """The nearer half of every ray; of the farther half only what light still reaches."""
        half = samples.depth.shape[1] // 2
        near = samples.part(slice(None), slice(0, half))
        density, hidden = self.evaluate(near, driving)
        thickness = density * near.lengths
        going = (thickness.sum(-1) < -math.log(DARK)).nonzero()[:, 0]
        far = samples.part(going, slice(half, None))
        far_density, far_hidden = self.evaluate(far, driving)
        every = thickness.new_zeros(samples.depth.shape)
        every[:, :half] = thickness
        every[going, half:] = far_density * far.lengths
        whole = hidden.new_zeros(*samples.depth.shape, hidden.shape[-1])
        whole[:, :half] = hidden
        whole[going, half:] = far_hidden
        return Marched(samples, every, whole)

    def composite(self, marched: Marched, weights: Weights, n_rays: int) -> Float[Tensor, "R C"]:
        """Features, opacity, depth, squared depth of all rays by the samples' weights; zero where no ray meets us."""
        samples, (seen, opacity) = marched.samples, weights
        features = self.field.features(torch.bmm(seen[:, None], marched.hidden)[:, 0], opacity)
        depths = torch.stack([(seen * samples.depth).sum(-1), (seen * samples.depth**2).sum(-1)], -1)
        rows = torch.cat([features, opacity[:, None], depths], -1)
        return rows.new_zeros(n_rays, rows.shape[1]).index_copy(0, samples.slot, rows)

    def alone(self, marched: Marched, n_rays: int) -> Float[Tensor, "R C"]:
        """`composite` with nothing else on the rays."""
        return self.composite(marched, thickness_weights(marched.thickness), n_rays)

    @torch.no_grad()
    def tighten(self, views: Iterable[tuple[Rays, Driving]], threshold: float = 0.01, grow: int = 1) -> None:
        """Empties the cells of which no view shows more than `threshold`; from then on fewer samples do."""
        occupancy = self.box.occupancy
        seen = torch.zeros(len(occupancy.cells))
        for rays, driving in views:
            marched = self.march(rays, driving, None)
            weights, _ = thickness_weights(marched.thickness)
            cells = occupancy.index(marched.samples.points)
            seen.scatter_reduce_(0, cells.flatten(), weights.flatten(), "amax")
        occupancy.restrict(seen > threshold, grow)
        self.samples.fill_(self.fine_samples)


class HeadBranch(Branch):
    """Head-NeRF: a field in the head's own frame, conditioned on the signal; the head's motion is the camera's."""

    carving = (("head", 0.8),)  # the head moves with its frame, so nearly all images must agree

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
        points = self.conditioning.canonical(samples.points, samples.image, driving.signal)
        encoded = self.encoding(self.box.normalise(points).flatten(0, 1))
        condition = self.conditioning(driving.signal)[samples.image]
        return self.field(encoded.unflatten(0, samples.depth.shape), condition)


class StaticBranch(Branch):
    """Static-NeRF: neck and torso, in the torso's frame; the head pose moves its points, or is an input."""

    carving = (("static", 0.02),)  # the torso deforms, so a few images are enough

    def __init__(self, parts: BranchParts):
        super().__init__(parts.static_box, *parts.static_samples)
        self.encoding = parts.encoding.build()
        self.standardise = Standardise(POSE_WIDTH)
        self.deform = parts.deform.build(POSE_WIDTH)
        width = condition_width(self.deform)
        self.field = Field(self.encoding.width, width, parts.hidden, parts.channels, self.box.thickness)

    def frame(self, driving: Driving) -> Tensor:
        return driving.root

    def evaluate(self, samples: Samples, driving: Driving) -> tuple[Tensor, Tensor]:
        pose = self.standardise(pose_vector(driving.neck))
        points = self.deform(samples.points, pose[samples.image])
        encoded = self.encoding(self.box.normalise(points).flatten(0, 1))
        condition = self.deform.condition(pose)[samples.image] if condition_width(self.deform) else None
        return self.field(encoded.unflatten(0, samples.depth.shape), condition)
