"""Rays of a pinhole camera that stands at the world's origin, and where they cross a box.

World = camera frame, OpenCV axes (x right, y down, z forward), metres; pixel centres lie at +0.5. A ray's direction has
z = 1 in the camera, so the ray parameter is the camera depth, in whatever frame the ray is expressed.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Pinhole:
    """Intrinsics in px of the full image."""

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int


class Rays(NamedTuple):
    origins: Tensor  # (B,1,3) m
    directions: Tensor  # (B,P,3), camera z = 1


def camera_rays(camera: Pinhole, x: Float[Tensor, "B P"], y: Float[Tensor, "B P"]) -> Rays:
    """Rays through image positions (px) in the world."""
    directions = torch.stack([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, torch.ones_like(x)], -1)
    return Rays(torch.zeros(len(x), 1, 3, device=x.device), directions)


def project(camera: Pinhole, points: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 2"]:
    """World points (m) -> image positions (px)."""
    x, y, z = points.unbind(-1)
    return torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1)


def rays_in_frame(rays: Rays, frame_to_world: Float[Tensor, "B 4 4"]) -> Rays:
    """World rays in the coordinates of a rigid frame: the frame's motion becomes the camera's, inversely."""
    rotation, translation = frame_to_world[:, :3, :3], frame_to_world[:, None, :3, 3]
    return Rays((rays.origins - translation) @ rotation, rays.directions @ rotation)  # x @ R is R^T x, row by row


def invert_rigid(transform: Float[Tensor, "*B 4 4"]) -> Float[Tensor, "*B 4 4"]:
    """The inverse of rotation and translation, exact where a general inverse is not."""
    rotation = transform[..., :3, :3].transpose(-1, -2)
    inverse = torch.zeros_like(transform)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3:] = -rotation @ transform[..., :3, 3:]
    inverse[..., 3, 3] = 1
    return inverse


def pose_vector(transform: Float[Tensor, "B 4 4"]) -> Float[Tensor, "B 6"]:
    """Axis-angle (rad) and translation (m) of rigid transforms whose angle is well below pi."""
    r = transform[:, :3, :3]
    twice_sine = torch.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], -1)
    sine = twice_sine.norm(dim=-1) / 2
    angle = torch.atan2(sine, (r.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2)
    ratio = torch.where(sine > 1e-6, angle / sine.clamp_min(1e-6), torch.ones_like(sine))
    return torch.cat([twice_sine / 2 * ratio[:, None], transform[:, :3, 3]], -1)


class Crossing(NamedTuple):
    near: Tensor  # (B,P) ray parameter, >= 0
    far: Tensor  # (B,P)
    hit: Tensor  # (B,P) bool


def cross_box(rays: Rays, low: Float[Tensor, " 3"], high: Float[Tensor, " 3"]) -> Crossing:
    """Where rays are inside an axis-aligned box (slab method), in front of the camera."""
    tiny = torch.where(rays.directions < 0, -1e-9, 1e-9)
    inverse = 1 / torch.where(rays.directions.abs() < 1e-9, tiny, rays.directions)
    a, b = (low - rays.origins) * inverse, (high - rays.origins) * inverse
    near = torch.minimum(a, b).amax(-1).clamp_min(0)
    far = torch.maximum(a, b).amin(-1)
    hit: Bool[Tensor, "B P"] = far > near
    return Crossing(near, far, hit)
