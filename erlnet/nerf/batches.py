"""One batch of training windows: what is taken from the footage, and the losses on it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from erlnet.nerf.branches import Driving
from erlnet.nerf.footage import RendererData
from erlnet.nerf.fusion import Layers
from erlnet.nerf.losses import opacity_loss, ssim_map, surface_bend, surface_spread, weighted_l1
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.placement import made_on, moved
from erlnet.nerf.regions import OpacityTargets, bit
from erlnet.nerf.windows import Windows


class Taken(NamedTuple):
    """B windows of the footage, on the model's device."""

    driving: Driving
    windows: Windows
    truth: Tensor  # (B,3,H,W) in [0,1]
    weight: Tensor  # (B,1,H,W) of each pixel's colour
    ahead: Tensor  # (B,1,H,W) 1 where the head may be seen
    behind: Tensor  # (B,1,H,W) 1 where it is not
    targets: OpacityTargets


def take(model: DbfNerf, data: RendererData, neck_middle: Tensor, windows: Windows) -> Taken:
    settings, device = model.settings, model.plate.device
    factor = settings.factor
    regions = windows.crop(data.regions, factor)
    parts = bit(regions, "mouth") | bit(regions, "eyes")
    targets = model.branches.targets(regions, neck_middle[windows.frame] - windows.row * factor, factor)
    head = bit(regions, "head")
    return Taken(
        moved(data.driving(windows.frame), device),
        moved(windows, device),
        windows.crop(data.frames, factor).to(device).float() / 255,
        1 + settings.mouth_weight * parts[:, None].to(device).float(),
        (head | bit(regions, "unknown"))[:, None].to(device).float(),
        (~head)[:, None].to(device).float(),
        moved(targets, device),
    )


def batch_losses(
    model: DbfNerf,
    data: RendererData,
    neck_middle: Tensor,
    windows: Windows,
    generator: torch.Generator,
    perceptual: nn.Module | None = None,
) -> dict[str, Tensor]:
    """Loss terms of one batch of windows, each already weighted; `perceptual` (image, truth) -> () weighs itself."""
    batch = take(model, data, neck_middle, windows)
    with made_on(model.plate.device):
        return _losses(model, batch, generator, perceptual)


def _losses(
    model: DbfNerf, batch: Taken, generator: torch.Generator, perceptual: nn.Module | None
) -> dict[str, Tensor]:
    settings, truth, weight, targets = model.settings, batch.truth, batch.weight, batch.targets
    head, static, plate = model.maps(batch.driving, batch.windows, generator)
    opacity = opacity_loss(head.opacity, targets.head, targets.head_weight)
    opacity = opacity + opacity_loss(static.opacity, targets.static, targets.static_weight)
    together = model.coverage(head, static)
    opacity = opacity + opacity_loss(together, torch.ones_like(together), targets.neck_weight)
    losses = {
        "opacity": settings.opacity_weight * opacity,
        "spread": settings.spread_weight * (surface_spread(head) + surface_spread(static)),
        "bend": settings.bend_weight * (surface_bend(head) + surface_bend(static)),
    }
    if model.fusion.separate:
        layers = model.fusion.layers(head, static, plate, model.upsampler)
        losses["head"] = weighted_l1(layers.head, truth, weight * batch.ahead)
        losses["static"] = weighted_l1(layers.static, truth, weight * batch.behind)
        if model.fusion.refiner is None:
            if perceptual is not None:  # each layer by itself, with the truth where it is not meant to be seen
                shown = ((layers.head, batch.ahead), (layers.static, batch.behind))
                losses["perceptual"] = sum(perceptual(x * mask + truth * (1 - mask), truth) for x, mask in shown)
            return losses
        # The refiner alone learns from the finished picture, or the layers would not be trained apart.
        image = model.fusion.overlay(Layers(*(layer.detach() for layer in layers)))
    else:
        image = model.fuse(head, static, plate)
    losses["colour"] = weighted_l1(image, truth, weight)
    losses["structure"] = settings.structure_weight * (1 - ssim_map(image, truth).mean())
    if perceptual is not None:
        losses["perceptual"] = perceptual(image, truth)
    return losses
