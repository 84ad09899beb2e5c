"""How fast which parameters of a renderer learn."""

import torch

from erlnet.nerf.model import DbfNerf
from erlnet.nerf.settings import RendererSettings


def make_optimizer(model: DbfNerf, settings: RendererSettings) -> torch.optim.Optimizer:
    grids = [p for n, p in model.named_parameters() if ".encoding." in n]
    rest = [p for n, p in model.named_parameters() if ".encoding." not in n]
    groups = [{"params": grids, "lr": settings.grid_rate}, {"params": rest, "lr": settings.rate}]
    return torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-10, fused=True)


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: a short warm-up, then exponential decay to 1/30."""
    warm_up = max(1, min(50, steps // 20))
    return min(1.0, (step + 1) / warm_up) * 30 ** (-step / steps)
