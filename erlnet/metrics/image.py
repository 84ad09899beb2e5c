"""Squared error and PSNR as pure batched functions, on whatever device the frames lie."""

import torch
from jaxtyping import Float, Num
from torch import Tensor

from erlnet.metrics.protocol import PSNR_CAP


def squared_error_map(reference: Num[Tensor, "N C H W"], rendered: Num[Tensor, "N C H W"]) -> Float[Tensor, "N H W"]:
    """Squared error of every pixel in the frames' own units, mean of the channels."""
    if reference.shape != rendered.shape:
        raise ValueError(f"reference is {tuple(reference.shape)}, render is {tuple(rendered.shape)}")
    return reference.float().sub_(rendered).square_().mean(dim=1)


def psnr(squared_error: Float[Tensor, "..."], *, data_range: float) -> Float[Tensor, "..."]:
    """Mean squared error -> dB, capped at 100; NaN stays NaN."""
    floor = data_range**2 * 10 ** (-PSNR_CAP / 10)
    return 10 * torch.log10(data_range**2 / squared_error.clamp(min=floor))
