"""Structural similarity as a pure batched function, on whatever device the frames lie."""

from dataclasses import dataclass
from math import exp

import torch
from jaxtyping import Float, Num
from torch import Tensor

from erlnet.metrics.protocol import SSIM_K, SSIM_SIGMA, SSIM_UNIFORM_WINDOW, SSIM_WINDOW

_BLOCK = 1 << 17  # pixels worked on at once on a CPU: what four float32 maps of them need stays in its cache


@dataclass(frozen=True)
class Window:
    """A separable, symmetric window and what its variances are multiplied by."""

    half: tuple[float, ...]  # weights of one axis from the middle outwards; the whole axis sums to 1
    covariance: float = 1.0  # 1: of the population; n / (n - 1): of a sample of the window's n pixels

    @property
    def crop(self) -> int:
        """px at each border whose window is incomplete."""
        return len(self.half) - 1


def _gaussian(size: int, sigma: float) -> Window:
    weights = [exp(-(k**2) / (2 * sigma**2)) for k in range(size // 2 + 1)]
    total = 2 * sum(weights) - weights[0]
    return Window(tuple(weight / total for weight in weights))


GAUSSIAN = _gaussian(SSIM_WINDOW, SSIM_SIGMA)
"""Wang et al. 2004: 11 px, sigma 1.5, population covariance."""

UNIFORM = Window((1 / SSIM_UNIFORM_WINDOW,) * (SSIM_UNIFORM_WINDOW // 2 + 1), 1 + 1 / (SSIM_UNIFORM_WINDOW**2 - 1))
"""Of older tables: 7 px, sample covariance; scikit-image's default."""


@torch.no_grad()
def ssim_map(
    reference: Num[Tensor, "N C H W"],
    rendered: Num[Tensor, "N C H W"],
    *,
    data_range: float,
    window: Window = GAUSSIAN,
) -> Float[Tensor, "N h w"]:
    """SSIM at every pixel with a full window (h = H - 2 crop, w = W - 2 crop), mean of the channels; no gradient.

    K .01 and .03. With the Gaussian window (crop 5) equal to scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)` with its border cropped, with
    the uniform one (crop 3) to its default. Integer frames are taken as they are (uint8: data_range 255). Raises
    ValueError where the frames differ in shape or are smaller than the window.
    """
    if reference.shape != rendered.shape:
        raise ValueError(f"reference is {tuple(reference.shape)}, render is {tuple(rendered.shape)}")
    n, channels, height, width = reference.shape
    crop = window.crop
    if min(height, width) <= 2 * crop:
        raise ValueError(f"SSIM needs frames of at least {2 * crop + 1} px, these are {height} x {width}")
    a, b = reference.reshape(-1, height, width), rendered.reshape(-1, height, width)
    valid = (height - 2 * crop, width - 2 * crop)
    similarity = torch.empty((n * channels, *valid), device=a.device)
    planes, rows = n * channels, valid[0]
    if a.device.type == "cpu":
        planes = min(planes, max(1, _BLOCK // (height * width)))
        rows = min(rows, max(16, _BLOCK // width - 2 * crop))
    work = torch.empty((4, planes, rows + 2 * crop, width), device=a.device)
    for i in range(0, len(a), planes):
        for top in range(0, valid[0], rows):
            out = similarity[i : i + planes, top : top + rows]
            source = slice(top, top + out.shape[1] + 2 * crop)
            block = work[:, : out.shape[0], : out.shape[1] + 2 * crop]
            _ssim_block(a[i : i + planes, source], b[i : i + planes, source], data_range, window, block, out)
    return similarity.view(n, channels, *valid).mean(dim=1)


def _ssim_block(a: Tensor, b: Tensor, data_range: float, window: Window, work: Tensor, out: Tensor) -> None:
    """SSIM of planes (P,H,W) into `out`; everything in place, for speed on a CPU.

    With s = a + b and d = a - b, SSIM = [(S^2 - D^2 + 2 c1) (vs - vd + 2 c2)] / [(S^2 + D^2 + 2 c1) (vs + vd + 2 c2)],
    S, D the local means and vs, vd the local variances of s and d: four filtered maps instead of five. Frames are
    taken about mid-grey and in units of the range, or the variances would lose their last digits in float32.
    """
    total, difference, *_ = work
    torch.add(work[2].copy_(a), work[3].copy_(b), out=total).sub_(data_range)
    torch.sub(work[2], work[3], out=difference)
    torch.square(work[:2].mul_(1 / data_range), out=work[2:])
    filtered = _blur(work, window.half)
    mean_s, _, square_s, square_d = filtered
    squares = filtered[:2].square()
    variance_s, variance_d = square_s.sub_(squares[0]), square_d.sub_(squares[1])
    if window.covariance != 1:
        filtered[2:].mul_(window.covariance)
    c1, c2 = (k**2 for k in SSIM_K)
    torch.sub(variance_s, variance_d, out=out).add_(2 * c2).div_(variance_s.add_(variance_d).add_(2 * c2))
    brightness, difference = mean_s.add_(1).square_(), squares[1]
    out.mul_(torch.sub(brightness, difference, out=squares[0]).add_(2 * c1))
    out.div_(brightness.add_(difference).add_(2 * c1))


def _blur(maps: Float[Tensor, "K P H W"], half: tuple[float, ...]) -> Float[Tensor, "K P h w"]:
    """The separable window over the valid area, as shifted sums: on a CPU faster than a depthwise convolution."""
    crop = len(half) - 1
    for dim in (2, 3):
        length = maps.shape[dim] - 2 * crop
        filtered = maps.narrow(dim, crop, length) * half[0]
        for k in range(1, crop + 1):
            filtered.add_(maps.narrow(dim, crop - k, length), alpha=half[k])
            filtered.add_(maps.narrow(dim, crop + k, length), alpha=half[k])
        maps = filtered
    return maps
