"""Options of slot `fusion`; importing this imports neither torch nor numpy.

What a fusion says of itself, beside its options: `JOINT`, that both branches' samples are composited together;
`SEPARATE`, that head and torso are trained apart, so that there must be two; `KEEPS_CONSTANTS`, that features which are
the same everywhere stay so, whatever the opacities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from torch import nn

    from erlnet.interfaces import Upsampler


@dataclass(frozen=True)
class PixelFusion:
    """Two images laid over each other: both branches decoded apart by the same CNN, then blended by head opacity."""

    train: Literal["joint", "separate"] = "joint"
    refine: bool = False

    VERSION: ClassVar[int] = 2
    KEEPS_CONSTANTS: ClassVar[bool] = True

    @property
    def SEPARATE(self) -> bool:
        return self.train == "separate"

    def build(self, channels: int, factor: int, upsampler: Upsampler) -> nn.Module:
        from erlnet.nerf.fusion import PixelOverlay

        refiner = upsampler.build(3 * factor**2, factor) if self.refine else None
        return PixelOverlay(factor, separate=self.train == "separate", refiner=refiner)


@dataclass(frozen=True)
class FeatureFusion:
    """Feature maps merged by their opacities, then decoded once (the paper's)."""

    rule: Literal["normalised", "over"] = "normalised"

    VERSION: ClassVar[int] = 1
    KEEPS_CONSTANTS: ClassVar[bool] = True

    def build(self, channels: int, factor: int, upsampler: Upsampler) -> nn.Module:
        from erlnet.nerf.fusion import FeatureMerge

        return FeatureMerge(self.rule)


@dataclass(frozen=True)
class AttentionFusion:
    """Feature maps merged by cross-attention within windows, given both opacities; starts as the normalised rule."""

    width: int = 32
    heads: int = 4
    window: int = 4  # feature px, side

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if min(self.width, self.heads, self.window) < 1 or self.width % self.heads:
            raise ValueError(
                f"width={self.width} heads={self.heads} window={self.window}: expected numbers from 1, width a "
                "multiple of heads"
            )

    def build(self, channels: int, factor: int, upsampler: Upsampler) -> nn.Module:
        from erlnet.nerf.attention import AttentionMerge

        return AttentionMerge(channels, self.width, self.heads, self.window)


@dataclass(frozen=True)
class VolumeFusion:
    """Both branches' samples merged along the ray by depth and composited together, then decoded once."""

    VERSION: ClassVar[int] = 1
    JOINT: ClassVar[bool] = True
    KEEPS_CONSTANTS: ClassVar[bool] = True

    def build(self, channels: int, factor: int, upsampler: Upsampler) -> nn.Module:
        from erlnet.nerf.fusion import VolumeMerge

        return VolumeMerge()
