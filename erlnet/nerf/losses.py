"""What the renderer is trained on: colour, structure, opacity by regions, and surfaces that are thin and smooth."""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.interfaces import FeatureMaps

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SURFACE_UNIT = 0.01  # m, in which spread and bend of a surface are counted
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


def surface_spread(maps: FeatureMaps) -> Float[Tensor, ""]:
    """How thick what is seen is: the standard deviation of depth along a ray, in cm, over rays that are mostly covered.

    With A = sum w, d = sum w z / A and q = sum w z^2 / A it is sqrt(q - d^2). One camera sees the same picture in a
    thick cloud as in a thin surface; from the side a cloud is a smear.
    """
    if maps.depth_squared is None:
        return maps.opacity.new_zeros(())
    opacity = maps.opacity.clamp_min(1e-3)
    variance = maps.depth_squared / opacity - (maps.depth / opacity) ** 2
    # A millimetre squared is added: the root's slope has no end at zero, and rounding can make zero negative.
    deviation = (variance.clamp_min(0) + 1e-6).sqrt()
    return (deviation * _covered(maps)).mean() / SURFACE_UNIT


def surface_bend(maps: FeatureMaps) -> Float[Tensor, ""]:
    """How uneven what is seen is: |second difference| of depth along rows and columns, in cm, over covered rays.

    A slope costs nothing, so a cheek may turn away; a texture carved into depth does.
    """
    depth, covered = maps.depth / maps.opacity.clamp_min(1e-3), _covered(maps)
    total = depth.new_zeros(())
    for axis in (2, 3):
        length = depth.shape[axis] - 2
        if length < 1:
            continue
        before, here, after = (depth.narrow(axis, start, length) for start in range(3))
        known = covered.narrow(axis, 0, length) * covered.narrow(axis, 1, length) * covered.narrow(axis, 2, length)
        total = total + ((before - 2 * here + after).abs() * known).mean()
    return total / SURFACE_UNIT


def _covered(maps: FeatureMaps) -> Float[Tensor, "B 1 h w"]:
    return (maps.opacity.detach() > 0.5).to(maps.opacity)
