"""Training of one renderer."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from erlnet.interfaces import Progress
from erlnet.nerf.branches import Driving
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.geometry import head_box, static_box
from erlnet.nerf.losses import opacity_loss, ssim_map, weighted_l1
from erlnet.nerf.model import DbfNerf, RendererComponents, Scene
from erlnet.nerf.occupancy import seen_share
from erlnet.nerf.plate import mean_background
from erlnet.nerf.regions import bit, neck_middles, opacity_targets
from erlnet.nerf.settings import RendererSettings
from erlnet.nerf.windows import Windows, draw_windows, part_centres, whole


@dataclass(frozen=True)
class RendererData:
    """One person's training frames, all clips in a row."""

    frames: UInt8[Tensor, "N 3 H W"]
    regions: UInt8[Tensor, "N H W"]  # bit i is erlnet.interfaces.REGIONS[i]
    signal: Float[Tensor, "N D"]  # the expression stream
    head_to_world: Float[Tensor, "N 4 4"]
    root: Float[Tensor, "N 4 4"]  # torso to world
    camera: Pinhole
    landmarks: Float[Tensor, "N 68 2"]  # px
    valid: Bool[Tensor, " N"]  # frames to train on
    head_box: Float[Tensor, "2 3"] | None = None  # m, in the head's frame; None: from the regions

    def driving(self, index: Tensor) -> Driving:
        return Driving(self.signal[index], self.head_to_world[index], self.root[index])


class NotFinite(RuntimeError):
    """A loss that is no number; the message names the step and the frames."""


def sample_frames(data: RendererData, limit: int = 64) -> Tensor:
    """At most `limit` valid frames, evenly spread."""
    valid = data.valid.nonzero()[:, 0]
    return valid[torch.linspace(0, len(valid) - 1, min(limit, len(valid))).long()]


def masks_of(regions: Tensor) -> tuple[Tensor, Tensor]:
    """(head, static) (N,H,W) bool: where each branch may show."""
    head = bit(regions, "head") | (bit(regions, "unknown") & ~bit(regions, "torso"))
    return head, bit(regions, "torso") | bit(regions, "neck")


def scene_of(data: RendererData) -> Scene:
    some = sample_frames(data)
    regions = data.regions[some]
    _, static = masks_of(regions)
    box = data.head_box
    if box is None:
        box = head_box(bit(regions, "head"), data.head_to_world[some], data.camera)
    return Scene(data.camera, data.signal.shape[1], box, static_box(static, data.root[some], data.camera))


def carve(model: DbfNerf, data: RendererData) -> None:
    """Empties the cells that the region masks rule out: the head moves with its frame, so nearly all images must agree;
    the torso deforms, so a few are enough."""
    some = sample_frames(data)
    head, static = masks_of(data.regions[some])
    for branch, masks, poses, share in (
        (model.branches.head, head, data.head_to_world, 0.8),
        (model.branches.static, static, data.root, 0.02),
    ):
        occupancy = branch.box.occupancy
        occupancy.restrict(seen_share(occupancy.centres(), masks, poses[some], data.camera) >= share, grow=1)


def tighten(model: DbfNerf, data: RendererData) -> None:
    """Samples only where the half-trained branches show something, over frames spread through the data."""
    views = []
    for part in sample_frames(data, 48).split(4):
        views.append((model.rays(whole(len(part), model.size)), data.driving(part)))
    model.branches.tighten(views)


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
    targets = opacity_targets(regions, neck_middle[windows.frame] - windows.row * settings.factor, settings.factor)
    opacity = opacity_loss(head.opacity, targets.head, targets.head_weight)
    opacity = opacity + opacity_loss(static.opacity, targets.static, targets.static_weight)
    together = 1 - (1 - head.opacity) * (1 - static.opacity)
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


def rate_at(step: int, steps: int, warm_up: int = 50) -> float:
    """Share of the learning rate: a short warm-up, then exponential decay to 1/30."""
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
    model.start_from(mean_background(data.frames[valid], data.regions[valid]), data.driving(valid))
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
        total.backward()
        optimizer.step()
        schedule.step()
        for name, term in losses.items():
            means[name] = 0.98 * means.get(name, term.item()) + 0.02 * term.item()
        progress.update(step + 1, settings.steps, value)
    metrics = {"steps": float(settings.steps), "seconds": time.perf_counter() - start}
    metrics["parameters"] = float(sum(p.numel() for p in model.parameters()))
    return model.eval(), metrics | {f"loss_{name}": value for name, value in means.items()}
