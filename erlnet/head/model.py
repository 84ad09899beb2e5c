"""The deformable head: blend shapes and linear blend skinning in FLAME's layout (Li et al. 2017, equations 1-5).

One layer for the shipped model and a user's FLAME file. It differs from FLAME in one point (docs/architecture.md,
Coordinates): skull and torso each get a full rigid transform to the world, and the neck is the blend of the two.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from erlnet.head.arrays import HeadArrays
from erlnet.head.rotations import matrix_from_axis_angle

N_LANDMARKS = 68


class HeadModel(nn.Module):
    """Coefficients -> vertices in the world.

    `n_shape` S, `n_expression` E, `shape_names`, `expression_names`; `faces` (F,3) int64; `mask(name)` (V,) bool for
    the names in `mask_names`. Its arrays are buffers that no checkpoint holds.
    """

    v_template: Tensor  # (V*3,)
    shape_rows: Tensor  # (S, V*3)
    moving_rows: Tensor  # (E+2+P, V*3)
    joint_template: Tensor  # (15,)
    joint_rows: Tensor  # (S,15)
    weights: Tensor  # (V,5)
    faces: Tensor  # (F,3) int64
    pose_columns: Tensor  # (P,) int64
    landmark_vertices: Tensor  # (68,3) int64
    landmark_barycentric: Tensor  # (68,3)
    neck_vertices: Tensor  # (N,) int64

    def __init__(self, arrays: HeadArrays):
        super().__init__()
        self.arrays = arrays
        self.shape_names, self.expression_names = arrays.shape_names, arrays.expression_names
        self.n_shape, self.n_expression = len(arrays.shape_names), len(arrays.expression_names)
        self.n_vertices = len(arrays.v_template)
        self.neck_names, self.mask_names = arrays.neck_names, tuple(arrays.masks)
        self.jaw_open_angle = arrays.jaw_open_angle

        # All directions as rows of one matrix, so that a frame costs one product: (E + 2 + P, V*3).
        moving = np.concatenate([arrays.exprdirs, arrays.lid_dirs, arrays.posedirs], axis=2)
        joints = arrays.J_regressor @ arrays.v_template
        joint_moves = np.einsum("jv,vxs->sjx", arrays.J_regressor, arrays.shapedirs)
        floats = {
            "v_template": arrays.v_template.reshape(-1),
            "shape_rows": arrays.shapedirs.reshape(-1, self.n_shape).T,
            "moving_rows": moving.reshape(-1, moving.shape[2]).T,
            "joint_template": joints.reshape(-1),
            "joint_rows": joint_moves.reshape(self.n_shape, -1),
            "weights": arrays.weights,
            "landmark_barycentric": arrays.landmark_barycentric,
        }
        for name, array in floats.items():
            tensor = torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
            self.register_buffer(name, tensor, persistent=False)
        integers = {
            "faces": arrays.faces,
            "pose_columns": arrays.pose_columns,
            "landmark_vertices": arrays.landmark_vertices,
            "neck_vertices": arrays.neck_vertices,
        }
        for name, array in integers.items():
            tensor = torch.as_tensor(np.ascontiguousarray(array), dtype=torch.int64)
            self.register_buffer(name, tensor, persistent=False)

    def forward(
        self,
        shape: Float[Tensor, "#B S"],
        expression: Float[Tensor, "B E"],
        jaw: Float[Tensor, "B 3"],
        eyes: Float[Tensor, "B 6"],
        lids: Float[Tensor, "B 2"],
        head_to_world: Float[Tensor, "B 4 4"],
        root: Float[Tensor, "#B 4 4"],
    ) -> Float[Tensor, "B V 3"]:
        """Vertices in the world, metres. Rotations are axis-angle in rad, `eyes` left then right, `lids` left, right.

        `head_to_world` and `root` take rest coordinates of skull and torso vertices to the world; vertices with mixed
        weights lie between.
        """
        batch = len(expression)
        root = root.expand(batch, 4, 4)
        turns = matrix_from_axis_angle(torch.cat([jaw, eyes], dim=1).unflatten(1, (3, 3)))  # (B,3,3,3) jaw and eyes
        moving = torch.cat([expression, lids, self._pose_features(head_to_world, root, turns)], dim=1)
        rest = (self.v_template + shape @ self.shape_rows + moving @ self.moving_rows).unflatten(1, (-1, 3))  # (B,V,3)

        transforms = self._joint_transforms(shape, turns, head_to_world, root)  # (B,5,3,4)
        blended = torch.einsum("vj,bjk->bvk", self.weights, transforms.flatten(2)).unflatten(2, (3, 4))  # (B,V,3,4)
        return (blended[..., :3] @ rest[..., None]).squeeze(-1) + blended[..., 3]

    def _pose_features(self, head_to_world: Tensor, root: Tensor, turns: Tensor) -> Float[Tensor, "B P"]:
        """FLAME's R - I of neck, jaw and eyes, 36 numbers; only those that a direction belongs to."""
        if not len(self.pose_columns):
            return turns.new_zeros(len(turns), 0)
        neck = root[:, :3, :3].transpose(1, 2) @ head_to_world[:, :3, :3]
        local = torch.cat([neck[:, None], turns], dim=1)  # (B,4,3,3)
        eye = torch.eye(3, dtype=local.dtype, device=local.device)
        return (local - eye).flatten(1)[:, self.pose_columns]

    def _joint_transforms(
        self, shape: Tensor, turns: Tensor, head_to_world: Tensor, root: Tensor
    ) -> Float[Tensor, "B 5 3 4"]:
        """Rest coordinates -> world for each joint: root, skull, and jaw and eyes turned in rest coordinates first."""
        joints = self.joints(shape)[:, 2:]  # (1|B,3,3)
        shift = joints - (turns @ joints[..., None]).squeeze(-1)  # (B,3,3)
        turned = torch.cat([turns, shift[..., None]], dim=-1)  # (B,3,3,4)
        rotation, translation = head_to_world[:, None, :3, :3], head_to_world[:, None, :3, 3:]
        moved = rotation @ turned
        moved = torch.cat([moved[..., :3], moved[..., 3:] + translation], dim=-1)
        return torch.cat([root[:, None, :3], head_to_world[:, None, :3], moved], dim=1)

    def joints(self, shape: Float[Tensor, "B S"]) -> Float[Tensor, "B 5 3"]:
        """Joint positions in rest coordinates, metres: root, neck, jaw, left eye, right eye."""
        return (self.joint_template + shape @ self.joint_rows).unflatten(1, (-1, 3))

    def landmarks68(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B 68 3"]:
        """The 68 points of 300-W, the subject's right first. ValueError in a subset that lacks some of them."""
        if not len(self.landmark_vertices):
            raise ValueError("this subset of the head model does not hold all vertices of the 68 landmarks")
        return (vertices[:, self.landmark_vertices] * self.landmark_barycentric[..., None]).sum(2)

    def neck_points(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B N 3"]:
        """The points in `neck_names`: front of the neck and collar line; N is 0 for a model without any."""
        return vertices[:, self.neck_vertices]

    def mask(self, name: str) -> Bool[Tensor, " V"]:
        """The vertices of a named region, e.g. "lips"; ValueError names the regions there are."""
        if name not in self.arrays.masks:
            raise ValueError(f"no vertex mask '{name}'; there are: {', '.join(self.mask_names)}")
        return torch.as_tensor(self.arrays.masks[name], device=self.weights.device)

    def neutral(self, batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """`forward`'s arguments at rest: `model(*model.neutral(4))` is the template four times."""
        zeros = self.v_template.new_zeros
        eye = torch.eye(4, dtype=self.v_template.dtype, device=self.v_template.device)
        return (
            zeros(1, self.n_shape), zeros(batch, self.n_expression), zeros(batch, 3), zeros(batch, 6), zeros(batch, 2),
            eye.expand(batch, 4, 4), eye[None],
        )  # fmt: skip

    def subset(self, vertex_ids: np.ndarray) -> "HeadModel":
        """A model of these vertices alone, in this order; joints stay where the whole model has them.

        Faces, landmarks and neck points survive where all their vertices do (landmarks and neck points: all or none).
        """
        ids = np.asarray(vertex_ids)
        number = np.full(self.n_vertices, -1)
        number[ids] = np.arange(len(ids))
        a = self.arrays
        faces, landmarks, neck = number[a.faces], number[a.landmark_vertices], number[a.neck_vertices]
        has_landmarks, has_neck = (landmarks >= 0).all(), (neck >= 0).all()
        # The regressor needs vertices that are gone: the joints are copied instead.
        part = HeadModel(
            replace(
                a, v_template=a.v_template[ids], faces=faces[(faces >= 0).all(1)],
                shapedirs=a.shapedirs[ids], exprdirs=a.exprdirs[ids], lid_dirs=a.lid_dirs[ids],
                posedirs=a.posedirs[ids], J_regressor=a.J_regressor[:, ids], weights=a.weights[ids],
                landmark_vertices=np.where(has_landmarks, landmarks, 0),
                neck_vertices=neck if has_neck else neck[:0], neck_names=a.neck_names if has_neck else (),
                masks={name: mask[ids] for name, mask in a.masks.items()},
            )
        )  # fmt: skip
        part.joint_template, part.joint_rows = self.joint_template, self.joint_rows
        if not has_landmarks:
            part.landmark_vertices, part.landmark_barycentric = (
                part.landmark_vertices[:0],
                part.landmark_barycentric[:0],
            )
        return part.to(self.v_template.device, self.v_template.dtype)

    def landmark_model(self) -> "HeadModel":
        """The subset that the 68 landmarks and the neck points need: a fit evaluates some 150 vertices, not all."""
        a = self.arrays
        return self.subset(np.unique(np.concatenate([a.landmark_vertices.ravel(), a.neck_vertices])))
