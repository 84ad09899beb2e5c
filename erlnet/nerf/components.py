"""Options of the renderer's slots; importing this imports neither torch nor numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from erlnet.nerf.settings import check_least

if TYPE_CHECKING:
    from torch import nn

    from erlnet.nerf.branches import BranchParts


@dataclass(frozen=True)
class Dual:
    """Head-NeRF in the head's frame and Static-NeRF at the torso, each with its own samples (the paper's)."""

    VERSION: ClassVar[int] = 1

    def build(self, parts: BranchParts) -> nn.Module:
        from erlnet.nerf.dual import DualBranches

        return DualBranches(parts)


@dataclass(frozen=True)
class Single:
    """One NeRF of head and torso in the head's frame, with the samples and parameters of both branches: the control."""

    VERSION: ClassVar[int] = 1
    LAYERS: ClassVar[int] = 1

    def build(self, parts: BranchParts) -> nn.Module:
        from erlnet.nerf.single import SingleBranch

        return SingleBranch(parts)


@dataclass(frozen=True)
class FlameConditioning:
    """Head field conditioned on the expression stream: expression, jaw and lids (the paper's).

    `mode`: the coefficients enter the field (concat), or bring its points back to the neutral head by the head model's
    motion (warp), or both.
    """

    mode: Literal["concat", "warp", "both"] = "concat"
    width: int = 32
    hidden: int = 64

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_least(self, 1, "width", "hidden")

    @property
    def NEEDS_HEAD(self) -> bool:
        return self.mode != "concat"

    def build(self, signal_width: int) -> nn.Module:
        from erlnet.nerf.conditioning import Condition, StreamConditioning, WarpConditioning

        stream = Condition() if self.mode == "warp" else StreamConditioning(signal_width, self.hidden, self.width)
        return stream if self.mode == "concat" else WarpConditioning(signal_width, stream)


@dataclass(frozen=True)
class DirectConditioning:
    """Head field conditioned on sound itself: features of the frames around, weighed by attention; no coefficients."""

    window: int = 16  # frames at 25 fps, centred, that a condition is made from
    width: int = 32
    hidden: int = 32

    VERSION: ClassVar[int] = 1
    SIGNAL: ClassVar[str] = "sound"

    def __post_init__(self) -> None:
        check_least(self, 1, "window", "width", "hidden")

    def build(self, signal_width: int) -> nn.Module:
        from erlnet.nerf.sound import SoundConditioning

        return SoundConditioning(signal_width, self.window, self.hidden, self.width)


@dataclass(frozen=True)
class PoseDeform:
    """Static-NeRF's points moved by a displacement that depends on the head pose (the paper's)."""

    hidden: int = 32
    reach: float = 0.05  # m, the largest displacement along an axis

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_least(self, 1, "hidden")
        check_least(self, 0, "reach")

    def build(self, pose_width: int) -> nn.Module:
        from erlnet.nerf.deform import PoseDisplacement

        return PoseDisplacement(pose_width, self.hidden, self.reach)


@dataclass(frozen=True)
class ConditionDeform:
    """The head pose as an input of Static-NeRF's field; its points stay."""

    hidden: int = 32
    width: int = 8

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_least(self, 1, "hidden", "width")

    def build(self, pose_width: int) -> nn.Module:
        from erlnet.nerf.deform import PoseCondition

        return PoseCondition(pose_width, self.hidden, self.width)


@dataclass(frozen=True)
class NoDeform:
    """A torso that does not follow the head: its points stay, and the pose is not known to it."""

    VERSION: ClassVar[int] = 1

    def build(self, pose_width: int) -> nn.Module:
        from erlnet.nerf.deform import Unmoved

        return Unmoved()


@dataclass(frozen=True)
class Cnn:
    """Convolutions at feature resolution, then sub-pixel shuffling to the image."""

    width: int = 64
    layers: int = 2

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_least(self, 1, "width", "layers")

    def build(self, channels: int, factor: int) -> nn.Module:
        from erlnet.nerf.upsampler import SubPixelCnn

        return SubPixelCnn(channels, factor, self.width, self.layers)


@dataclass(frozen=True)
class Bilinear:
    """Features to colours linearly, then enlarged bilinearly: no network, the control of the CNN."""

    VERSION: ClassVar[int] = 1

    def build(self, channels: int, factor: int) -> nn.Module:
        from erlnet.nerf.upsampler import BilinearDecoder

        return BilinearDecoder(channels, factor)


@dataclass(frozen=True)
class NoPerceptual:
    """No perceptual loss: L1 and structural similarity alone."""

    VERSION: ClassVar[int] = 1

    def build(self) -> None:
        return None


@dataclass(frozen=True)
class Lpips:
    """LPIPS with VGG16 beside the other losses; the judge is LPIPS with AlexNet."""

    weight: float = 0.02
    windows: int = 4  # training windows of a step that it looks at: its time is in proportion

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.weight <= 0 or self.windows < 1:
            raise ValueError(f"weight={self.weight} windows={self.windows}: expected a weight above 0, windows from 1")

    def build(self) -> nn.Module:
        from erlnet.assets import asset_path
        from erlnet.nerf.perceptual import load_lpips_loss

        return load_lpips_loss(asset_path("lpips_vgg", "perceptual=lpips"), self.weight, self.windows)
