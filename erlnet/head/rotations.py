"""Axis-angle vectors and rotation matrices, differentiable everywhere in the open ball of radius pi, zero included."""

import torch
from jaxtyping import Float
from torch import Tensor


def matrix_from_axis_angle(vector: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 3 3"]:
    """Rodrigues' formula R = I + a K + b K^2 with a = sin t / t, b = (1 - cos t) / t^2; near zero by series."""
    squared = (vector * vector).sum(-1)  # t^2
    small = squared < 1e-6
    # `where` passes gradients of both arms: the arm not taken must be finite too.
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    a = torch.where(small, 1 - squared / 6, torch.sin(angle) / angle)
    b = torch.where(small, 0.5 - squared / 24, 2 * (torch.sin(angle / 2) / angle) ** 2)
    k = skew(vector)
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return eye + a[..., None, None] * k + b[..., None, None] * (k @ k)


def axis_angle_from_matrix(matrix: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 3"]:
    """The rotation vector with angle in [0, pi]; gradients are finite for angles below pi.

    Goes through the quaternion of the largest component (Shepperd), which is exact near pi, where the trace is not.
    """
    m = matrix
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Four times the outer product q q^T of the quaternion (w, x, y, z): any of its rows is a multiple of q.
    outer = torch.stack(
        [
            1 + m00 + m11 + m22, m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1],
            m[..., 2, 1] - m[..., 1, 2], 1 + m00 - m11 - m22, m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0],
            m[..., 0, 2] - m[..., 2, 0], m[..., 0, 1] + m[..., 1, 0], 1 - m00 + m11 - m22, m[..., 1, 2] + m[..., 2, 1],
            m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1], 1 - m00 - m11 + m22,
        ],
        dim=-1,
    ).unflatten(-1, (4, 4))  # fmt: skip
    largest = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = outer.gather(-2, largest[..., None, None].expand(*largest.shape, 1, 4)).squeeze(-2)
    quaternion = row / row.norm(dim=-1, keepdim=True)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, xyz = quaternion[..., 0], quaternion[..., 1:]
    squared = (xyz * xyz).sum(-1)  # sin^2(t/2)
    small = squared < 1e-7
    sine = torch.where(small, torch.ones_like(squared), squared).sqrt()
    # t / sin(t/2); its series in sin(t/2) is 2 + sin^2 / 3.
    factor = torch.where(
        small, 2 + squared / 3, 2 * torch.atan2(sine, torch.where(small, torch.ones_like(w), w)) / sine
    )
    return factor[..., None] * xyz


def skew(vector: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 3 3"]:
    """The matrix K with K u = vector x u."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))


def rigid(rotation: Float[Tensor, "*B 3"], translation: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 4 4"]:
    """The 4x4 transform p -> R(rotation) p + translation."""
    top = torch.cat([matrix_from_axis_angle(rotation), translation[..., None]], dim=-1)
    bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=rotation.dtype, device=rotation.device)
    return torch.cat([top, bottom.expand(*top.shape[:-2], 1, 4)], dim=-2)
