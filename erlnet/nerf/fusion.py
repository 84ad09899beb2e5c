"""The branches' maps and the background plate -> the image (docs/architecture.md, Fusion; slot `fusion`).

F_b is premultiplied by A_b. The still background F_g is outside both opacities. A = 1 - (1 - A_h)(1 - A_s).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.interfaces import FeatureMaps

EPSILON = 1e-3

Decode = Callable[[Tensor], Tensor]


def coverage(head: Tensor, static: Tensor, joint: bool) -> Tensor:
    """What two opacities hide together: as layers one behind the other, or `joint` as shares of what is seen."""
    return head + static if joint else 1 - (1 - head) * (1 - static)


def fuse_features(head: FeatureMaps, static: FeatureMaps, plate: Tensor, rule: str) -> Float[Tensor, "B C h w"]:
    """`normalised`: A (F_h + F_s) / (A_h + A_s + eps) + (1 - A) F_g; `over`: F_h + (1 - A_h) F_s + (1 - A) F_g."""
    behind = (1 - head.opacity) * (1 - static.opacity)  # 1 - A
    if rule == "over":
        return head.features + (1 - head.opacity) * static.features + behind * plate
    share = (1 - behind) / (head.opacity + static.opacity + EPSILON)
    return share * (head.features + static.features) + behind * plate


class FeatureMerge(nn.Module):
    """One feature map, decoded once."""

    separate = False

    def __init__(self, rule: str):
        super().__init__()
        self.rule = rule

    def forward(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor, decode: Decode) -> Tensor:
        return decode(fuse_features(head, static, plate, self.rule))


class VolumeMerge(nn.Module):
    """F_h + F_s + (1 - A_h - A_s) F_g, decoded once: the samples were merged along the ray (erlnet.nerf.joint)."""

    separate = False

    def forward(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor, decode: Decode) -> Tensor:
        behind = 1 - coverage(head.opacity, static.opacity, joint=True)
        return decode(head.features + static.features + behind * plate)


class Layers(NamedTuple):
    head: Tensor  # (B,3,H,W) I_h
    static: Tensor  # (B,3,H,W) I_s
    alpha: Tensor  # (B,1,H,W) a, A_h upsampled


class PixelOverlay(nn.Module):
    """a I_h + (1 - a) I_s, both decoded by the same weights.

    I_s = decode(S), S = F_s + (1 - A_s) F_g. I_h = decode((F_h + eps S) / (A_h + eps)): the head map is
    un-premultiplied first, or alpha would count twice and plant a dark fringe at the neck. Where there is no head its
    layer shows what lies behind, not black: `a` is smooth, so it reaches further than the head does. `refiner`, if
    any, is an upsampler that sees the overlay as features (space to depth, grey at 0) and starts as the identity.
    """

    def __init__(self, factor: int, separate: bool, refiner: nn.Module | None):
        super().__init__()
        self.factor = factor
        self.separate = separate
        self.refiner = refiner

    def layers(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor, decode: Decode) -> Layers:
        behind = static.features + (1 - static.opacity) * plate
        # The filling is no way for the head's loss to teach the torso.
        ahead = (head.features + EPSILON * behind.detach()) / (head.opacity + EPSILON)
        images = decode(torch.cat([ahead, behind]))
        alpha = F.interpolate(head.opacity, scale_factor=self.factor, mode="bilinear", align_corners=False)
        head_image, static_image = images.chunk(2)
        return Layers(head_image, static_image, alpha)

    def overlay(self, layers: Layers) -> Tensor:
        image = layers.alpha * layers.head + (1 - layers.alpha) * layers.static
        if self.refiner is None:
            return image
        return self.refiner(F.pixel_unshuffle(image - 0.5, self.factor))

    def forward(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor, decode: Decode) -> Tensor:
        return self.overlay(self.layers(head, static, plate, decode))
