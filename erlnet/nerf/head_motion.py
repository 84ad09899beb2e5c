"""How the vertices of one person's head move in the head's own frame: what `mode=warp` is made from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.head.model import HeadModel

JAW_JOINT = 2  # of erlnet.head.arrays.JOINTS
JAW_TURNS = range(9, 18)  # of FLAME's 36 pose features: R - I of the jaw, row by row


@dataclass(frozen=True)
class HeadMotion:
    """One person's head at rest and the linear part of its motion, in rest coordinates of the skull (metres).

    `moves` are displacements at coefficient 1: E expressions, 2 lids, then the 9 entries of the jaw's R - I.
    """

    vertices: Float[Tensor, "V 3"]
    moves: Float[Tensor, "M V 3"]  # M = E + 11
    jaw_weight: Float[Tensor, " V"]  # skinning weight, 0..1
    jaw_joint: Float[Tensor, " 3"]


@torch.no_grad()
def head_motion(model: HeadModel, shape: Float[Tensor, " S"]) -> HeadMotion:
    """The motion of the head of this shape; the torso counts as still and so does the gaze, which no stream holds."""
    vertices = (model.v_template + shape @ model.shape_rows).unflatten(0, (-1, 3))
    linear = model.n_expression + 2
    turns = torch.zeros(len(JAW_TURNS), model.moving_rows.shape[1])
    for row, column in enumerate(model.pose_columns.tolist()):
        if column in JAW_TURNS:
            turns[column - JAW_TURNS.start] = model.moving_rows[linear + row]
    moves = torch.cat([model.moving_rows[:linear], turns]).unflatten(1, (-1, 3))
    return HeadMotion(vertices, moves, model.weights[:, JAW_JOINT], model.joints(shape[None])[0, JAW_JOINT])
