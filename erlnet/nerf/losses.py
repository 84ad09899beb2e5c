"""What the renderer is trained on: colour, structure, and opacity by regions."""

import torch
from jaxtyping import Float
from torch import Tensor

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def gaussian_band(size: int) -> Float[Tensor, "V S"]:
    """The valid 1-D Gaussian filter over `size` samples as a matrix, V = size - 10: two products filter an image."""
    offsets = torch.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    kernel = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    kernel = kernel / kernel.sum()
    band = torch.zeros(size - SSIM_WINDOW + 1, size)
    for i in range(len(band)):
        band[i, i : i + SSIM_WINDOW] = kernel
    return band


def ssim_map(x: Float[Tensor, "B C H W"], y: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C V U"]:
    """SSIM (Wang et al. 2004; Gaussian 11, sigma 1.5, data range 1), valid pixels only."""
    rows, columns = gaussian_band(x.shape[2]).to(x), gaussian_band(x.shape[3]).to(x)
    both = torch.stack([x, y, x * x, y * y, x * y])
    mx, my, xx, yy, xy = rows @ both @ columns.T
    vx, vy, covariance = xx - mx * mx, yy - my * my, xy - mx * my
    return ((2 * mx * my + C1) * (2 * covariance + C2)) / ((mx * mx + my * my + C1) * (vx + vy + C2))


def weighted_l1(
    image: Float[Tensor, "B 3 H W"], truth: Float[Tensor, "B 3 H W"], weight: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    return ((image - truth).abs() * weight).sum() / (3 * weight.sum()).clamp_min(1)


def opacity_loss(
    opacity: Float[Tensor, "B 1 h w"], target: Float[Tensor, "B 1 h w"], weight: Float[Tensor, "B 1 h w"]
) -> Float[Tensor, ""]:
    """Binary cross-entropy where the regions say what is there (`weight` 0: they do not)."""
    # The bound keeps log finite; below it the gradient of log(A) still is 1/A, so no branch dies transparent.
    bounded = opacity.clamp(1e-5, 1 - 1e-5)
    entropy = -(target * bounded.log() + (1 - target) * (1 - bounded).log())
    return (entropy * weight).mean()
