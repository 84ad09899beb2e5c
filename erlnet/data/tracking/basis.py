"""A head model reduced to its 68 landmarks, so that a fit over a thousand frames takes seconds.

Landmarks are linear in shape, expression and lids, and in the jaw's pose correctives; the jaw then turns them about
its joint as far as its skinning weight says. It is the head model's own forward pass in skull coordinates, but for the
few hundredths of a weight that points under the jaw have on the torso.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from erlnet.head.blendshapes import MEDIAPIPE_NAMES
from erlnet.head.model import HeadModel
from erlnet.head.rotations import matrix_from_axis_angle

_WIDE = {"sex": 1.5}  # shape directions in which people differ more than in others: there few stand in the middle
_JAW = 2  # index of the jaw among the joints
_JAW_FEATURES = range(9, 18)  # its rotation among FLAME's 36 pose features


@dataclass(frozen=True)
class LandmarkBasis:
    """The parts of a head model that move its landmarks; skull rest coordinates, metres."""

    template: Float[Tensor, "N 3"]
    shape_dirs: Float[Tensor, "N 3 S"]
    shape_spread: Float[Tensor, " S"]  # how far people differ in each, over Spreads.shape
    face_dirs: Float[Tensor, "N 3 F"]  # expression units, then the two lids
    face_low: Float[Tensor, " F"]  # bounds of each unit, -inf and inf where there are none
    face_high: Float[Tensor, " F"]
    pose_dirs: Float[Tensor, "N 3 P"]
    pose_columns: Int[Tensor, " P"]  # entries of the jaw's flattened rotation that they go with
    jaw_weight: Float[Tensor, " N"]  # in [0,1]
    jaw_joint: Float[Tensor, " 3"]
    jaw_joint_dirs: Float[Tensor, "3 S"]

    @property
    def n_face(self) -> int:
        return self.face_dirs.shape[-1]

    @property
    def n_shape(self) -> int:
        return self.shape_dirs.shape[-1]


def landmark_basis(model: HeadModel) -> LandmarkBasis:
    """In double precision: depth and its smoothness differ by ten orders of magnitude in the normal equations."""
    arrays = model.arrays

    def at_landmarks(values: np.ndarray) -> Tensor:
        picked = np.einsum("nk,nk...->n...", arrays.landmark_barycentric, values[arrays.landmark_vertices])
        return torch.from_numpy(picked.astype(np.float64))

    kept = [k for k, column in enumerate(arrays.pose_columns) if column in _JAW_FEATURES]
    # Units with mediapipe's names are amounts of an action; principal components have no bounds.
    bounded = bool(set(model.expression_names) & set(MEDIAPIPE_NAMES))
    n_face = model.n_expression + 2
    low = torch.zeros(n_face, dtype=torch.float64)
    high = torch.ones(n_face, dtype=torch.float64)
    if not bounded:
        low[:-2], high[:-2] = -torch.inf, torch.inf
    weights = at_landmarks(arrays.weights)
    joint_moves = np.einsum("v,vxs->xs", arrays.J_regressor[_JAW].astype(np.float64), arrays.shapedirs)
    return LandmarkBasis(
        template=at_landmarks(arrays.v_template),
        shape_dirs=at_landmarks(arrays.shapedirs),
        shape_spread=torch.tensor([_WIDE.get(name, 1.0) for name in model.shape_names], dtype=torch.float64),
        face_dirs=torch.cat([at_landmarks(arrays.exprdirs), at_landmarks(arrays.lid_dirs)], -1),
        face_low=low,
        face_high=high,
        pose_dirs=at_landmarks(arrays.posedirs[..., kept]),
        pose_columns=torch.tensor([int(arrays.pose_columns[k]) - _JAW_FEATURES.start for k in kept], dtype=torch.int64),
        jaw_weight=weights[:, _JAW],
        jaw_joint=torch.from_numpy((arrays.J_regressor[_JAW] @ arrays.v_template).astype(np.float64)),
        jaw_joint_dirs=torch.from_numpy(joint_moves),
    )


@dataclass(frozen=True)
class Identity:
    """One person's resting landmarks."""

    rest: Float[Tensor, "N 3"]
    jaw_joint: Float[Tensor, " 3"]


def identity_of(basis: LandmarkBasis, shape: Float[Tensor, " S"], offsets: Float[Tensor, "N 3"]) -> Identity:
    """`offsets` (m) are what the shape directions cannot reach."""
    return Identity(basis.template + basis.shape_dirs @ shape + offsets, basis.jaw_joint + basis.jaw_joint_dirs @ shape)


@dataclass(frozen=True)
class Posed:
    """Landmarks in skull coordinates with what their derivatives need."""

    points: Float[Tensor, "T N 3"]
    from_joint: Float[Tensor, "T N 3"]  # before the jaw turned them, relative to its joint
    jaw: Float[Tensor, "T 3 3"]  # the jaw's rotation
    linear: Float[Tensor, "T N 3 3"]  # d points / d points before the jaw turned them


def pose_face(basis: LandmarkBasis, identity: Identity, face: Float[Tensor, "T F"], jaw: Float[Tensor, "T 3"]) -> Posed:
    """Landmarks for expression units with lids, and jaw axis-angles (rad)."""
    rotation = matrix_from_axis_angle(jaw)
    eye = torch.eye(3, dtype=face.dtype, device=face.device)
    features = (rotation - eye).flatten(1)[:, basis.pose_columns]
    moved = torch.einsum("nif,tf->tni", basis.face_dirs, face) + torch.einsum("nip,tp->tni", basis.pose_dirs, features)
    from_joint = identity.rest + moved - identity.jaw_joint
    linear = eye + basis.jaw_weight[:, None, None] * (rotation - eye)[:, None]  # (T, N, 3, 3)
    points = torch.einsum("tnij,tnj->tni", linear, from_joint) + identity.jaw_joint
    return Posed(points, from_joint, rotation, linear)
