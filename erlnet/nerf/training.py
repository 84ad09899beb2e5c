"""Training of one renderer."""

import time

import torch
from torch import Tensor

from erlnet.interfaces import Progress
from erlnet.nerf.footage import RendererData, carve, place_head, scene_of, tighten
from erlnet.nerf.losses import opacity_loss, ssim_map, weighted_l1
from erlnet.nerf.model import DbfNerf, RendererComponents
from erlnet.nerf.plate import mean_background
from erlnet.nerf.regions import bit, neck_middles
from erlnet.nerf.settings import RendererSettings
from erlnet.nerf.windows import Windows, draw_windows, part_centres
from erlnet.repeatable import fixed_order


class NotFinite(RuntimeError):
    """A loss that is no number; the message names the step and the frames."""


def batch_losses(
    model: DbfNerf, data: RendererData, neck_middle: Tensor, windows: Windows, generator: torch.Generator
) -> dict[str, Tensor]:
    """Loss terms of one batch of windows, each already weighted."""
    settings = model.settings
    head, static, plate = model.maps(data.driving(windows.frame), windows, generator)
    truth = windows.crop(data.frames, settings.factor).float() / 255
    regions = windows.crop(data.regions, settings.factor)
    parts = bit(regions, "mouth") | bit(regions, "eyes")
    weight = 1 + settings.mouth_weight * parts[:, None].float()
    middle = neck_middle[windows.frame] - windows.row * settings.factor
    targets = model.branches.targets(regions, middle, settings.factor)
    opacity = opacity_loss(head.opacity, targets.head, targets.head_weight)
    opacity = opacity + opacity_loss(static.opacity, targets.static, targets.static_weight)
    together = model.coverage(head, static)
    opacity = opacity + opacity_loss(together, torch.ones_like(together), targets.neck_weight)
    losses = {"opacity": settings.opacity_weight * opacity}
    if model.fusion.separate:
        layers = model.fusion.layers(head, static, plate, model.upsampler)
        ahead = (bit(regions, "head") | bit(regions, "unknown"))[:, None].float()
        losses["head"] = weighted_l1(layers.head, truth, weight * ahead)
        losses["static"] = weighted_l1(layers.static, truth, weight * (~bit(regions, "head"))[:, None].float())
        if model.fusion.refiner is None:
            return losses
    image = model.fuse(head, static, plate)
    losses["colour"] = weighted_l1(image, truth, weight)
    losses["structure"] = settings.structure_weight * (1 - ssim_map(image, truth).mean())
    return losses


def make_optimizer(model: DbfNerf, settings: RendererSettings) -> torch.optim.Optimizer:
    grids = [p for n, p in model.named_parameters() if ".encoding." in n]
    rest = [p for n, p in model.named_parameters() if ".encoding." not in n]
    groups = [{"params": grids, "lr": settings.grid_rate}, {"params": rest, "lr": settings.rate}]
    return torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-10, fused=True)


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: a short warm-up, then exponential decay to 1/30."""
    warm_up = max(1, min(50, steps // 20))
    return min(1.0, (step + 1) / warm_up) * 30 ** (-step / steps)


def train_renderer(
    data: RendererData, components: RendererComponents, settings: RendererSettings, seed: int, progress: Progress
) -> tuple[DbfNerf, dict[str, float]]:
    """Trains a renderer; the same bits for the same data, seed and number of threads.

    Returns the model in eval mode and: steps, seconds, parameters, and the last mean of every loss term.
    Raises NotFinite where a loss is no number.
    """
    start = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DbfNerf(components, settings, scene_of(data))
    valid = data.valid.nonzero()[:, 0]
    model.start_from(mean_background(data.frames[valid], data.regions[valid]), data.statistics(valid))
    place_head(model, data)
    carve(model, data)
    neck_middle = torch.cat([neck_middles(part) for part in data.regions.split(64)])
    centres = part_centres(data.landmarks, settings.factor)
    mouth, eyes = (round(s * settings.windows) for s in (settings.mouth_share, settings.eyes_share))
    shares = mouth, eyes, settings.windows - mouth - eyes
    generator = torch.Generator().manual_seed(seed)
    optimizer = make_optimizer(model, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, settings.steps))
    means: dict[str, float] = {}
    for step in range(settings.steps):
        if step == round(settings.tighten_after * settings.steps):
            tighten(model, data)
        windows = draw_windows(centres, valid, model.size, settings.window, shares, generator)
        losses = batch_losses(model, data, neck_middle, windows, generator)
        total = torch.stack(list(losses.values())).sum()
        value = total.item()
        if not value - value == 0:
            raise NotFinite(f"renderer loss is {value} at step {step}, frames {windows.frame.tolist()}")
        optimizer.zero_grad(set_to_none=True)
        with fixed_order():
            total.backward()
        optimizer.step()
        schedule.step()
        for name, term in losses.items():
            means[name] = 0.98 * means.get(name, term.item()) + 0.02 * term.item()
        progress.update(step + 1, settings.steps, value)
    metrics = {"steps": float(settings.steps), "seconds": time.perf_counter() - start}
    metrics["parameters"] = float(sum(p.numel() for p in model.parameters()))
    return model.eval(), metrics | {f"loss_{name}": value for name, value in means.items()}
