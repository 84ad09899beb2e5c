"""Landmarks in the picture as a function of one frame's unknowns, with the Jacobian written out.

A frame's unknowns are one vector: [face F (expression units, lids), jaw 3 rad, rotation 3 rad, translation 3 m]. The
skull's rotation is `base` exp(rotation), so that angles stay small about a clip's middle pose.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.data.tracking.basis import Identity, LandmarkBasis, Posed, pose_face
from erlnet.data.tracking.rotations import right_jacobian
from erlnet.head.rotations import matrix_from_axis_angle, skew

CHUNK = 128  # frames whose derivatives are in memory at once
POSE = 9  # unknowns of a frame beside the face units: jaw, rotation, translation


@dataclass(frozen=True)
class View:
    """The camera, and the rotation that a clip's head poses are counted from."""

    focal: float  # px
    centre: Float[Tensor, " 2"]  # principal point, px
    base: Float[Tensor, "3 3"]


@dataclass(frozen=True)
class Projected:
    """Landmarks in the picture, with what derivatives need."""

    pixels: Float[Tensor, "T N 2"]
    by_world: Float[Tensor, "T N 2 3"]  # d pixels / d world position
    by_skull: Float[Tensor, "T N 2 3"]  # d pixels / d skull coordinates
    posed: Posed


def project(basis: LandmarkBasis, identity: Identity, view: View, unknowns: Float[Tensor, "T K"]) -> Projected:
    face, jaw, rotation, translation = split_unknowns(unknowns)
    posed = pose_face(basis, identity, face, jaw)
    head = view.base @ matrix_from_axis_angle(rotation)  # (T, 3, 3)
    world = torch.einsum("tij,tnj->tni", head, posed.points) + translation[:, None]
    flat, depth = world[..., :2], world[..., 2:]
    pixels = view.focal * flat / depth + view.centre
    by_world = torch.zeros(*flat.shape, 3, dtype=flat.dtype, device=flat.device)
    by_world[..., 0, 0] = by_world[..., 1, 1] = view.focal / depth[..., 0]
    by_world[..., 2] = -view.focal * flat / depth**2
    return Projected(pixels, by_world, by_world @ head[:, None], posed)


def pixels_of(
    basis: LandmarkBasis, identity: Identity, view: View, unknowns: Float[Tensor, "T K"]
) -> Float[Tensor, "T N 2"]:
    """The picture alone, of any number of frames."""
    return torch.cat([project(basis, identity, view, part).pixels for part in unknowns.split(CHUNK)])


def jacobian(basis: LandmarkBasis, seen: Projected, unknowns: Float[Tensor, "T K"]) -> Float[Tensor, "T N 2 K"]:
    """d pixels / d unknowns."""
    _, jaw, rotation, _ = split_unknowns(unknowns)
    posed = seen.posed
    by_rest = seen.by_skull @ posed.linear
    by_face = torch.einsum("tnij,njf->tnif", by_rest, basis.face_dirs)
    jaw_turn = right_jacobian(jaw)  # (T, 3, 3), columns: d turn / d jaw
    turned = posed.jaw[:, None] @ skew(posed.from_joint) @ jaw_turn[:, None]
    by_jaw = seen.by_skull @ (-basis.jaw_weight[:, None, None] * turned)
    by_unit = posed.jaw[:, None] @ skew(jaw_turn.transpose(1, 2))  # (T, 3, 3, 3): d R / d jaw_k
    features = by_unit.flatten(2)[..., basis.pose_columns]  # (T, 3, P)
    by_jaw = by_jaw + by_rest @ torch.einsum("nip,tkp->tnik", basis.pose_dirs, features)
    by_rotation = -seen.by_skull @ skew(posed.points) @ right_jacobian(rotation)[:, None]
    return torch.cat([by_face, by_jaw, by_rotation, seen.by_world], -1)


def identity_jacobian(
    basis: LandmarkBasis, seen: Projected, view: View
) -> tuple[Float[Tensor, "T N 2 S"], Float[Tensor, "T N 2"]]:
    """d pixels / d shape, d pixels / d log focal."""
    posed = seen.posed
    by_rest = seen.by_skull @ posed.linear
    eye = torch.eye(3, dtype=by_rest.dtype, device=by_rest.device)
    by_joint = seen.by_skull @ (eye - posed.linear)
    by_shape = torch.einsum("tnij,njs->tnis", by_rest, basis.shape_dirs)
    by_shape = by_shape + torch.einsum("tnij,js->tnis", by_joint, basis.jaw_joint_dirs)
    return by_shape, seen.pixels - view.centre


def split_unknowns(unknowns: Float[Tensor, "T K"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """face (T,F), jaw (T,3), rotation (T,3), translation (T,3)."""
    n_face = unknowns.shape[-1] - POSE
    return torch.split(unknowns, [n_face, 3, 3, 3], dim=-1)  # type: ignore[return-value]
