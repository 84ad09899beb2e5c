"""Fused features -> image (slot `upsampler`)."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def block_mixture(channels: int, factor: int) -> Float[Tensor, "P C"]:
    """Which channel each of the block's 3 * factor^2 values reads: its own, or a coarser pixel's if there are fewer."""
    step = factor
    while 3 * step**2 > channels:
        step //= 2
    colour, y, x = torch.meshgrid(torch.arange(3), torch.arange(factor), torch.arange(factor), indexing="ij")
    source = (colour * step + y * step // factor) * step + x * step // factor
    return F.one_hot(source.flatten(), channels).float()


class SubPixelCnn(nn.Module):
    """Convolutions at feature resolution and one sub-pixel shuffle (Shi et al. 2016), beside a linear skip path.

    The skip path, learned too, starts by reading the first channels as the pixels of each block. So a plate that is a
    space-to-depth image decodes to that image before any training, and the CNN, whose last layer starts at zero, only
    learns what is missing.
    """

    def __init__(self, channels: int, factor: int, width: int, layers: int):
        super().__init__()
        self.factor = factor
        pixels = 3 * factor**2
        widths = [channels] + [width] * layers
        self.body = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, padding_mode="replicate") for a, b in pairwise(widths))
        self.last = nn.Conv2d(width, pixels, 3, padding=1, padding_mode="replicate")
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.skip = nn.Conv2d(channels, pixels, 1, bias=False)
        with torch.no_grad():
            self.skip.weight.copy_(block_mixture(channels, factor)[..., None, None])

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 3 H W"]:
        """Image in [0,1] where trained so; not clipped."""
        hidden = features
        for layer in self.body:
            hidden = F.leaky_relu(layer(hidden), 0.1)
        return F.pixel_shuffle(self.skip(features) + self.last(hidden), self.factor) + 0.5


class BilinearDecoder(nn.Module):
    """Three linear sums of the features, enlarged bilinearly: no finer than the feature map, but nothing is made up.

    It starts by averaging the pixels of each block, so that a plate that is a space-to-depth image decodes to that
    image, reduced and enlarged.
    """

    def __init__(self, channels: int, factor: int):
        super().__init__()
        self.factor = factor
        self.colour = nn.Conv2d(channels, 3, 1)
        nn.init.zeros_(self.colour.bias)
        with torch.no_grad():
            block = block_mixture(channels, factor).unflatten(0, (3, factor**2)).mean(1)
            self.colour.weight.copy_(block[..., None, None])

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 3 H W"]:
        """Image in [0,1] where trained so; not clipped."""
        image = self.colour(features) + 0.5
        return F.interpolate(image, scale_factor=float(self.factor), mode="bilinear", align_corners=False)
