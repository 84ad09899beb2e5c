"""`branches=single`: one NeRF for head and torso, the control of what two branches are good for."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.branches import POSE_WIDTH, Branch, BranchParts, Driving, empty_maps, to_maps
from erlnet.nerf.cameras import Rays, pose_vector
from erlnet.nerf.conditioning import Standardise
from erlnet.nerf.deform import condition_width
from erlnet.nerf.fields import Field, field_parameters
from erlnet.nerf.regions import OpacityTargets, whole_targets
from erlnet.nerf.samples import Samples

MOST_HIDDEN = 4096


def both(head: tuple[int, ...], static: tuple[int, ...]) -> tuple[int, ...]:
    """As many samples a ray as the two branches take together."""
    return tuple(a + b for a, b in zip(head, static))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def nearest_width(wanted: int, size: Callable[[int], int]) -> int:
    """The hidden width from 1 whose `size` (rising) is nearest to `wanted`."""
    width = 1
    while width < MOST_HIDDEN and size(width) < wanted:
        width += 1
    return min(max(width - 1, 1), width, key=lambda w: abs(size(w) - wanted))


class WholeBranch(Branch):
    """Head, neck and torso in the head's own frame; conditioned on the signal and on the head's pose on the torso.

    Torso points move against that frame whenever the head does. The deform module moves them back as far as it
    reaches, and the field knows the pose: what a single NeRF can be given, this one has. It has the parameters of both
    branches: an encoding with twice the features, and a hidden layer as wide as makes up the rest.
    """

    carving = (("head", 0.8), ("static", 0.02))

    def __init__(self, parts: BranchParts):
        super().__init__(parts.whole_box, *both(parts.head_samples, parts.static_samples))
        self.encoding = parts.encoding.build(times=2)
        self.conditioning = parts.conditioning.build(parts.signal_width)
        self.standardise = Standardise(POSE_WIDTH)
        self.deform = parts.deform.build(POSE_WIDTH)
        one = parts.encoding.build()  # a branch's own, to be counted
        moved = condition_width(self.deform)
        condition = self.conditioning.width + POSE_WIDTH + moved
        head = field_parameters(one.width, self.conditioning.width, parts.hidden, parts.channels)
        static = field_parameters(one.width, moved, parts.hidden, parts.channels)
        rest = 2 * count(one) + head + static - count(self.encoding)
        width = self.encoding.width
        hidden = nearest_width(rest, lambda hidden: field_parameters(width, condition, hidden, parts.channels))
        self.field = Field(width, condition, hidden, parts.channels, self.box.thickness)

    def frame(self, driving: Driving) -> Tensor:
        return driving.head_to_world

    def evaluate(self, samples: Samples, driving: Driving) -> tuple[Tensor, Tensor]:
        pose = self.standardise(pose_vector(driving.neck))
        points = self.conditioning.canonical(samples.points, samples.image, driving.signal)
        points = self.deform(points, pose[samples.image])
        encoded = self.encoding(self.box.normalise(points).flatten(0, 1))
        conditions = [self.conditioning(driving.signal), pose]
        if condition_width(self.deform):
            conditions.append(self.deform.condition(pose))
        return self.field(encoded.unflatten(0, samples.depth.shape), torch.cat(conditions, -1)[samples.image])


class SingleBranch(nn.Module):
    """One NeRF gives the head map, which is all of the person; the static map is empty."""

    gated = False  # there are no two parts to be told apart

    def __init__(self, parts: BranchParts):
        super().__init__()
        self.whole = WholeBranch(parts)

    def each(self) -> tuple[Branch, ...]:
        return (self.whole,)

    @torch.no_grad()
    def tighten(self, views: list[tuple[Rays, Driving]]) -> None:
        """Once it has taken shape: samples only where it shows."""
        self.whole.tighten(views, grow=2)  # deformed points leave their cells

    @torch.no_grad()
    def fit(self, driving: Driving) -> None:
        """Takes the training set's statistics."""
        self.whole.conditioning.fit(driving.signal)
        self.whole.standardise.fit(pose_vector(driving.neck))

    def targets(self, regions: Tensor, neck_middle: Tensor, factor: int) -> OpacityTargets:
        """What the opacity is taught."""
        return whole_targets(regions, neck_middle, factor)

    def forward(
        self,
        rays: Rays,
        driving: Driving,
        size: tuple[int, int],
        generator: torch.Generator | None = None,
        drop_head: bool = False,
    ) -> tuple[FeatureMaps, FeatureMaps]:
        """Rays of B windows of `size` (h,w), row by row -> the person's map and an empty one, each (B,C,h,w).

        `generator` jitters the samples, for training. `drop_head` leaves nobody: head and torso are one.
        """
        n_rays = rays.directions.shape[0] * rays.directions.shape[1]
        whole = to_maps(self.whole.alone(self.whole.march(rays, driving, generator), n_rays), size)
        nobody = empty_maps(whole)
        return (nobody if drop_head else whole), nobody
