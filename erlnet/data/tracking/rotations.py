"""The derivative of a rotation with respect to its axis-angle vector, which Gauss-Newton needs."""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.head.rotations import skew

_SMALL = 1e-4  # rad^2; under it the series replace the quotients


def right_jacobian(vector: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 3 3"]:
    """J with exp(v + dv) = exp(v) exp(J dv) to first order (Sola et al., "A micro Lie theory", eq. 143)."""
    squared, k = (vector * vector).sum(-1)[..., None, None], skew(vector)
    small = squared < _SMALL
    safe = torch.where(small, torch.ones_like(squared), squared)
    angle = safe.sqrt()
    b = torch.where(small, 0.5 - squared / 24, (1 - angle.cos()) / safe)
    c = torch.where(small, 1 / 6 - squared / 120, (angle - angle.sin()) / (safe * angle))
    return torch.eye(3, dtype=vector.dtype, device=vector.device) - b * k + c * (k @ k)
