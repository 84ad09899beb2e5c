"""Pinhole projection, OpenCV axes."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Pinhole(Protocol):
    """Intrinsics in px (erlnet.data.clip.Camera is one)."""

    @property
    def fx(self) -> float: ...
    @property
    def fy(self) -> float: ...
    @property
    def cx(self) -> float: ...
    @property
    def cy(self) -> float: ...


def project(points: Float[Tensor, "*B 3"], camera: Pinhole) -> Float[Tensor, "*B 2"]:
    """World points (x right, y down, z forward, m) -> px. Points behind the camera give mirrored nonsense."""
    x, y, z = points.unbind(-1)
    return torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], dim=-1)
