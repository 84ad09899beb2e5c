"""LPIPS v0.1 with AlexNet (Zhang et al. 2018): a small network of our own, weights from the asset `lpips`."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Num
from torch import Tensor, nn

_STRIDE, _PADDING, _POOL_BEFORE = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), (False, True, True, False, False)
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of inputs in [-1,1]
MIN_SIZE = 32  # px; below it the network's last layers have no pixel left


class Lpips(nn.Module):
    """The judge: frozen, no gradient. `weights` as erlnet.asset_files.lpips_arrays lays them out."""

    shift: Tensor
    scale: Tensor

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        self.depth = len(_STRIDE)
        for name, array in weights.items():
            self.register_buffer(name.replace(".", "_"), torch.from_numpy(array))
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))

    @torch.no_grad()
    def features(self, frames: Num[Tensor, "N 3 H W"], *, data_range: float) -> list[Float[Tensor, "N _ _ _"]]:
        """The five layers' activations, each pixel's channels scaled to unit length; frames in [0, data_range]."""
        if min(frames.shape[-2:]) < MIN_SIZE:
            raise ValueError(f"LPIPS needs frames of at least {MIN_SIZE} px, these are {tuple(frames.shape[-2:])}")
        x = frames.float() * (2 / data_range) - 1
        x = (x - self.shift) / self.scale
        x = x.contiguous(memory_format=torch.channels_last)
        layers = []
        for i in range(self.depth):
            if _POOL_BEFORE[i]:
                x = F.max_pool2d(x, kernel_size=3, stride=2)
            kernel, bias = getattr(self, f"conv{i}_weight"), getattr(self, f"conv{i}_bias")
            x = F.conv2d(x, kernel, bias, stride=_STRIDE[i], padding=_PADDING[i]).relu_()
            layers.append(x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10))
        return layers

    @torch.no_grad()
    def layer_maps(
        self, reference: list[Float[Tensor, "N _ _ _"]], rendered: list[Float[Tensor, "N _ _ _"]]
    ) -> list[Float[Tensor, "N 1 _ _"]]:
        """Each layer's weighted squared difference at every feature pixel."""
        weights = (getattr(self, f"lin{i}_weight").view(1, -1, 1, 1) for i in range(self.depth))
        return [F.conv2d((a - b).square_(), w) for a, b, w in zip(reference, rendered, weights)]


def frame_distance(maps: list[Float[Tensor, "N 1 _ _"]]) -> Float[Tensor, "N"]:
    """Standard LPIPS: the layers' spatial means, summed."""
    return torch.stack([layer.mean(dim=(1, 2, 3)) for layer in maps]).sum(dim=0)


def spatial_map(maps: list[Float[Tensor, "N 1 _ _"]], height: int, width: int) -> Float[Tensor, "N H W"]:
    """The layers enlarged bilinearly to the frame, summed; its mean is near, not equal to, `frame_distance`."""
    size = (height, width)
    return torch.stack([F.interpolate(m, size=size, mode="bilinear", align_corners=False)[:, 0] for m in maps]).sum(0)


def load_lpips(path: Path) -> Lpips:
    """The network with the asset's weights."""
    with np.load(path) as archive:
        return Lpips({name: archive[name] for name in archive.files}).eval()
