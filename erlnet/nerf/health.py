"""The health gate: whether the branches hold what they should, before any verdict (docs/architecture.md, Fusion).

A variant with a head that is half transparent, or a torso branch that draws the face, says nothing about fusion.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from erlnet.nerf.model import DbfNerf
from erlnet.nerf.regions import bit

LIMITS: dict[str, tuple[str, float]] = {
    "head_opacity_face": (">=", 0.9),
    "head_opacity_torso": ("<=", 0.1),
    "head_opacity_background": ("<=", 0.1),
    "static_opacity_face": ("<=", 0.2),
    "dropping_head_costs_face_db": (">=", 10.0),
    "dropping_head_costs_torso_db": ("<", 1.0),
}


NOT_APPLICABLE: dict[str, str | dict[str, str]] = {
    "status": "n/a",
    "values": {"reason": "one NeRF draws head and torso, so neither has a part of its own"},
}


class HealthFrames(NamedTuple):
    """A batch of rendered frames to judge."""

    head_opacity: Tensor  # (B,1,h,w)
    static_opacity: Tensor  # (B,1,h,w)
    image: Tensor  # (B,3,H,W) in [0,1]
    without_head: Tensor  # (B,3,H,W), Head-NeRF dropped
    truth: Tensor  # (B,3,H,W)
    regions: Tensor  # (B,H,W) uint8


def region_sum(maps: Float[Tensor, "B 1 h w"], regions: UInt8[Tensor, "B H W"], name: str) -> tuple[float, float]:
    """(sum over the region's known pixels of the maps, brought to the regions' size; number of pixels)."""
    mask = bit(regions, name) & ~bit(regions, "unknown")
    large = F.interpolate(maps, size=regions.shape[1:], mode="bilinear", align_corners=False)[:, 0]
    return float((large * mask).sum()), float(mask.sum())


def squared_error(image: Tensor, truth: Tensor) -> Float[Tensor, "B 1 H W"]:
    return (image.clamp(0, 1) - truth).square().mean(1, keepdim=True)


class HealthTotals:
    """The gate over any number of batches: means over pixels, and what dropping Head-NeRF costs in dB."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    def _count(self, name: str, maps: Tensor, regions: Tensor, region: str) -> None:
        total, pixels = region_sum(maps, regions, region)
        before = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = before[0] + total, before[1] + pixels

    def count(self, frames: HealthFrames) -> None:
        """Takes a rendered batch."""
        for region in ("face", "torso", "background"):
            self._count(f"head_opacity_{region}", frames.head_opacity, frames.regions, region)
        self._count("static_opacity_face", frames.static_opacity, frames.regions, "face")
        for region in ("face", "torso"):
            self._count(f"with_{region}", squared_error(frames.image, frames.truth), frames.regions, region)
            self._count(f"without_{region}", squared_error(frames.without_head, frames.truth), frames.regions, region)

    def add(
        self,
        model: DbfNerf,
        signal: Float[Tensor, "B D"],
        head_to_world: Float[Tensor, "B 4 4"],
        root: Float[Tensor, "B 4 4"] | Float[Tensor, "4 4"],
        truth: UInt8[Tensor, "B 3 H W"],
        regions: UInt8[Tensor, "B H W"],
    ) -> None:
        """Renders held-out frames with and without Head-NeRF and takes them."""
        self.count(health_frames(model, signal, head_to_world, root, truth, regions))

    def values(self) -> dict[str, float]:
        """By the names of LIMITS; what could not be had (no such region) is missing, which fails."""
        means = {name: total / pixels for name, (total, pixels) in self._sums.items() if pixels}
        values = {name: means[name] for name in LIMITS if name in means}
        for region in ("face", "torso"):
            if f"with_{region}" in means:
                ratio = max(means[f"without_{region}"], 1e-10) / max(means[f"with_{region}"], 1e-10)
                values[f"dropping_head_costs_{region}_db"] = 10 * math.log10(ratio)
        return values

    def verdict(self) -> dict[str, str | dict[str, float]]:
        """{"status": "passed" or "failed", "values": ...}."""
        values = self.values()
        return {"status": "passed" if passes(values) else "failed", "values": values}


def passes(values: dict[str, float]) -> bool:
    """Whether every value of LIMITS is there and within its limit."""
    compare = {">=": float.__ge__, "<=": float.__le__, "<": float.__lt__}
    return all(name in values and compare[sign](values[name], limit) for name, (sign, limit) in LIMITS.items())


@torch.inference_mode()
def health_frames(
    model: DbfNerf,
    signal: Float[Tensor, "B D"],
    head_to_world: Float[Tensor, "B 4 4"],
    root: Float[Tensor, "B 4 4"] | Float[Tensor, "4 4"],
    truth: UInt8[Tensor, "B 3 H W"],
    regions: UInt8[Tensor, "B H W"],
) -> HealthFrames:
    """Renders what the gate needs of some held-out frames."""
    whole = model.render(signal, head_to_world, root)
    headless = model.render(signal, head_to_world, root, drop_head=True)
    return HealthFrames(
        whole.head.opacity.cpu(), whole.static.opacity.cpu(), whole.image.cpu(), headless.image.cpu(),
        truth.float() / 255, regions,
    )  # fmt: skip
