"""DBF-NeRF: two branches marched at feature resolution, fused, upsampled (paper: Dual-Branch Fusion NeRF)."""

from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from erlnet.interfaces import Branches, Conditioning, Deform, Encoding, FeatureMaps, Fusion, Perceptual, Upsampler
from erlnet.nerf.branches import BranchParts, Driving
from erlnet.nerf.cameras import Pinhole, Rays, camera_rays
from erlnet.nerf.fusion import coverage
from erlnet.nerf.placement import made_on, moved
from erlnet.nerf.settings import RendererSettings
from erlnet.nerf.windows import Windows, whole


@dataclass(frozen=True)
class RendererComponents:
    """One component a slot; field names are slot names."""

    branches: Branches
    conditioning: Conditioning
    encoding: Encoding
    deform: Deform
    fusion: Fusion
    upsampler: Upsampler
    perceptual: Perceptual

    def describe(self) -> dict[str, dict]:
        """Slot -> class name, version and options, JSON-able: what a checkpoint is compared with."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: {"class": type(c).__name__, "version": c.VERSION, **asdict(c)} for k, c in parts.items()}


class Scene(NamedTuple):
    """What is known of the clip beside its frames."""

    camera: Pinhole
    signal_width: int
    head_box: Tensor  # (2,3) m
    static_box: Tensor  # (2,3) m
    whole_box: Tensor  # (2,3) m, of both in the head's frame


class Rendered(NamedTuple):
    image: Tensor  # (B,3,H,W), not clipped
    head: FeatureMaps
    static: FeatureMaps


def plate_features(image: Float[Tensor, "1 3 H W"], factor: int, channels: int) -> Float[Tensor, "1 C h w"]:
    """An image as feature maps that the upsampler's skip path decodes back: space to depth, or coarser if too wide."""
    step = factor
    while 3 * step**2 > channels:
        step //= 2
    blocks = F.pixel_unshuffle(F.avg_pool2d(image, factor // step) - 0.5, step)
    return F.pad(blocks, (0, 0, 0, 0, 0, channels - blocks.shape[1]))


class DbfNerf(nn.Module):
    """(signal, head pose, torso pose) -> image, for one person before one camera."""

    def __init__(self, components: RendererComponents, settings: RendererSettings, scene: Scene):
        super().__init__()
        self.components, self.settings, self.scene = components, settings, scene
        self.joint: bool = getattr(components.fusion, "JOINT", False)
        camera, factor = scene.camera, settings.factor
        self.size = camera.height // factor, camera.width // factor
        self.branches = components.branches.build(
            BranchParts(
                components.encoding,
                components.conditioning,
                components.deform,
                scene.signal_width,
                settings.channels,
                settings.hidden,
                settings.head_samples,
                settings.static_samples,
                scene.head_box,
                scene.static_box,
                scene.whole_box,
                self.joint,
            )
        )
        self.plate = nn.Parameter(torch.zeros(1, settings.channels, *self.size))
        self.upsampler = components.upsampler.build(settings.channels, factor)
        self.fusion = components.fusion.build(settings.channels, factor, components.upsampler)

    @torch.no_grad()
    def start_from(self, background: Float[Tensor, "1 3 H W"], driving: Driving) -> None:
        """Takes the mean background and the statistics of the training set."""
        self.plate.copy_(plate_features(background, self.settings.factor, self.settings.channels))
        self.branches.fit(driving)

    def rays(self, windows: Windows) -> Rays:
        """World rays through the middles of the windows' feature px, row by row."""
        factor = self.settings.factor
        y = (windows.rows()[:, :, None].float() + 0.5) * factor  # (B,h,1) px
        x = (windows.columns()[:, None, :].float() + 0.5) * factor
        shape = (len(windows.row), *windows.size)
        return camera_rays(self.scene.camera, x.expand(shape).flatten(1), y.expand(shape).flatten(1))

    def maps(
        self,
        driving: Driving,
        windows: Windows,
        generator: torch.Generator | None = None,
        drop_head: bool = False,
    ) -> tuple[FeatureMaps, FeatureMaps, Tensor]:
        """Head map, static map and plate of the windows, each (B,C,h,w); `generator` jitters the samples."""
        rays = self.rays(windows)
        rows, columns = windows.rows(), windows.columns()
        head, static = self.branches(rays, driving, windows.size, generator, drop_head)
        if windows.size == self.size:
            return head, static, self.plate.expand(len(rows), -1, -1, -1)
        plate = self.plate[0][:, rows[:, :, None], columns[:, None, :]].transpose(0, 1)
        return head, static, plate

    def coverage(self, head: FeatureMaps, static: FeatureMaps) -> Float[Tensor, "B 1 h w"]:
        """How much of the plate the branches hide together, in [0,1]."""
        return coverage(head.opacity, static.opacity, self.joint)

    def fuse(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor) -> Float[Tensor, "B 3 H W"]:
        return self.fusion(head, static, plate, self.upsampler)

    def render(
        self,
        signal: Float[Tensor, "B D"],
        head_to_world: Float[Tensor, "B 4 4"],
        root: Float[Tensor, "B 4 4"] | Float[Tensor, "4 4"],
        drop_head: bool = False,
    ) -> Rendered:
        """Whole images on the model's device, wherever the inputs are.

        `drop_head` leaves out Head-NeRF, for the health gate: what lies behind is seen.
        """
        device = self.plate.device
        driving = moved(Driving(signal, head_to_world, root.expand(len(signal), 4, 4)), device)
        with made_on(device):
            head, static, plate = self.maps(driving, whole(len(signal), self.size), drop_head=drop_head)
            return Rendered(self.fuse(head, static, plate), head, static)

    @torch.inference_mode()
    def frames(
        self,
        signal: Float[Tensor, "N D"],
        head_to_world: Float[Tensor, "N 4 4"],
        root: Float[Tensor, "N 4 4"] | Float[Tensor, "4 4"],
        drop_head: bool = False,
    ) -> UInt8[Tensor, "N 3 H W"]:
        """Rendered frames as bytes on the CPU, a few at once; the caller bounds N."""
        root = root.expand(len(signal), 4, 4)
        out = []
        for part in torch.arange(len(signal)).split(self.settings.render_batch):
            image = self.render(signal[part], head_to_world[part], root[part], drop_head).image
            out.append((image.clamp(0, 1) * 255).round().to(torch.uint8).cpu())
        return torch.cat(out)
