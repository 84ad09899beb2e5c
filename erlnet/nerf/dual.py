"""`branches=dual`: Head-NeRF beside Static-NeRF."""

import torch
from torch import Tensor, nn

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.branches import Branch, BranchParts, Driving, HeadBranch, StaticBranch, empty_maps, to_maps
from erlnet.nerf.cameras import Rays, pose_vector
from erlnet.nerf.joint import joint_weights
from erlnet.nerf.regions import OpacityTargets, opacity_targets
from erlnet.nerf.volume import Weights


class DualBranches(nn.Module):
    """Head-NeRF beside Static-NeRF; their maps are merged by the fusion.

    Where the fusion composites them together (`joint`), each map is what of its branch is seen: the two opacities of a
    ray add up to at most 1.
    """

    gated = True  # each branch has a part of its own, which the health gate can ask for

    def __init__(self, parts: BranchParts):
        super().__init__()
        self.head = HeadBranch(parts)
        self.static = StaticBranch(parts)
        self.joint = parts.joint

    def each(self) -> tuple[Branch, ...]:
        return self.head, self.static

    @torch.no_grad()
    def tighten(self, views: list[tuple[Rays, Driving]]) -> None:
        """Once both branches have taken shape: samples only where they show, each seen alone."""
        self.head.tighten(views)
        self.static.tighten(views, grow=2)  # deformed points leave their cells

    @torch.no_grad()
    def fit(self, driving: Driving) -> None:
        """Takes the training set's statistics."""
        self.head.conditioning.fit(driving.signal)
        self.static.standardise.fit(pose_vector(driving.neck))

    def targets(self, regions: Tensor, neck_middle: Tensor, factor: int) -> OpacityTargets:
        """What the opacities are taught."""
        return opacity_targets(regions, neck_middle, factor)

    def forward(
        self,
        rays: Rays,
        driving: Driving,
        size: tuple[int, int],
        generator: torch.Generator | None = None,
        drop_head: bool = False,
    ) -> tuple[FeatureMaps, FeatureMaps]:
        """Rays of B windows of `size` (h,w), row by row -> head and static maps (B,C,h,w).

        `generator` jitters the samples, for training. `drop_head` leaves out Head-NeRF: what lies behind is seen.
        """
        n_rays = rays.directions.shape[0] * rays.directions.shape[1]
        if drop_head:
            behind = to_maps(self.static.alone(self.static.march(rays, driving, generator), n_rays), size)
            return empty_maps(behind), behind
        head, static = self.head.march(rays, driving, generator), self.static.march(rays, driving, generator)
        if not self.joint:
            rows = self.head.alone(head, n_rays), self.static.alone(static, n_rays)
        else:
            seen = joint_weights(head.lumps, static.lumps, n_rays)
            head_weights, static_weights = (Weights(weights, weights.sum(-1)) for weights in seen)
            rows = (
                self.head.composite(head, head_weights, n_rays),
                self.static.composite(static, static_weights, n_rays),
            )
        return to_maps(rows[0], size), to_maps(rows[1], size)
