"""A head model's arrays in FLAME's layout, whatever file they came from."""

from dataclasses import dataclass, field

import numpy as np

from erlnet.errors import UserError

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
"""FLAME's joints, in its order; `neck` carries the skull."""


@dataclass(frozen=True)
class HeadArrays:
    """What `HeadModel` evaluates. V vertices, F faces, S shape and E expression directions, P pose features.

    Metres; x to the subject's left, y up, z out of the face. Directions are displacements at coefficient 1.
    """

    v_template: np.ndarray  # (V,3)
    faces: np.ndarray  # (F,3) int
    shapedirs: np.ndarray  # (V,3,S)
    exprdirs: np.ndarray  # (V,3,E)
    lid_dirs: np.ndarray  # (V,3,2) left, right: lids shut
    posedirs: np.ndarray  # (V,3,P)
    pose_columns: np.ndarray  # (P,) int: which of FLAME's 36 pose features each posedirs column belongs to
    J_regressor: np.ndarray  # (5,V)
    weights: np.ndarray  # (V,5)
    shape_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    landmark_vertices: np.ndarray  # (68,3) int: corners of the face that holds each of the 68 points
    landmark_barycentric: np.ndarray  # (68,3)
    neck_names: tuple[str, ...] = ()
    neck_vertices: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # (N,) int
    masks: dict[str, np.ndarray] = field(default_factory=dict)  # name -> (V,) bool
    jaw_open_angle: float = 0.4  # rad: a jaw as far open as mediapipe's jawOpen = 1

    def __post_init__(self) -> None:
        v, s, e = len(self.v_template), len(self.shape_names), len(self.expression_names)
        expected = {
            "v_template": (v, 3), "shapedirs": (v, 3, s), "exprdirs": (v, 3, e), "lid_dirs": (v, 3, 2),
            "posedirs": (v, 3, len(self.pose_columns)), "J_regressor": (len(JOINTS), v), "weights": (v, len(JOINTS)),
            "landmark_vertices": (68, 3), "landmark_barycentric": (68, 3), "neck_vertices": (len(self.neck_names),),
            **{f"masks[{name}]": (v,) for name in self.masks},
        }  # fmt: skip
        for name, shape in expected.items():
            array = self.masks[name[6:-1]] if name.startswith("masks[") else getattr(self, name)
            if array.shape != shape:
                raise UserError(f"the head model's {name} has shape {array.shape}, expected {shape}; use another file")
