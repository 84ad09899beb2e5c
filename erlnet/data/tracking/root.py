"""Where the torso is. Face landmarks cannot tell a turned neck from a turned body, so the body is taken to stand still.

It stands upright and faces where the head faces on the whole; all of the head's turning is then the neck's.
"""

import torch
from jaxtyping import Float
from torch import Tensor

_UP = (0.0, -1.0, 0.0)  # in the world, whose y points down


def upright_root(head_to_world: Float[Tensor, "T 4 4"], neck: Float[Tensor, " 3"]) -> Float[Tensor, "4 4"]:
    """The torso's rigid transform from the head's through a clip; `neck` is the neck joint in rest coordinates, m.

    Its yaw is that of the head's median direction, and its neck joint stands where the head's median has it.
    """
    forward = head_to_world[:, :3, 2].median(0).values
    up = torch.tensor(_UP, dtype=neck.dtype, device=neck.device)
    out = forward - (forward @ up) * up
    out = out / out.norm()
    rotation = torch.stack([torch.linalg.cross(up, out), up, out], 1)  # columns: rest x, y, z
    place = (head_to_world[:, :3, :3] @ neck + head_to_world[:, :3, 3]).median(0).values
    root = torch.eye(4, dtype=neck.dtype, device=neck.device)
    root[:3, :3] = rotation
    root[:3, 3] = place - rotation @ neck
    return root
