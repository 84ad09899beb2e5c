"""Where the eyes look, from mediapipe's iris points."""

from __future__ import annotations

import numpy as np

from erlnet.head.mediapipe68 import LEFT_IRIS, RIGHT_IRIS

_CORNERS = {"left": (362, 263), "right": (33, 133)}  # mesh vertices
_IRIS_RADIUS = 0.0115  # m from the eyeball's centre to the iris
_LIMIT = 0.5  # rad


def gaze(mesh: np.ndarray | None, head_to_world: np.ndarray, eye_joints: np.ndarray, focal: float) -> np.ndarray:
    """(T,6) float32 axis-angles of the left and right eyeball; zeros without a mesh.

    `mesh` (T,478,2) px, `eye_joints` (2,3) rest coordinates m, left first. An iris off its usual place between the
    corners of its eye is read as a turn of an eyeball that looks straight ahead on the median of the clip.
    """
    out = np.zeros((len(head_to_world), 6), np.float32)
    if mesh is None:
        return out
    in_plane = head_to_world[:, :2, :2]  # how the skull's x and y lie in the picture
    for side, (name, iris) in enumerate((("left", LEFT_IRIS), ("right", RIGHT_IRIS))):
        depth = head_to_world[:, 2, :3] @ eye_joints[side] + head_to_world[:, 2, 3]
        off = mesh[:, iris[0]] - mesh[:, _CORNERS[name]].mean(1)  # px
        shift = np.linalg.solve(in_plane, off[..., None])[..., 0] * (depth / focal)[:, None]  # m along skull x, y
        shift = shift - np.nanmedian(shift, axis=0)
        angle = np.arcsin(np.clip(shift / _IRIS_RADIUS, -np.sin(_LIMIT), np.sin(_LIMIT)))
        angle = np.nan_to_num(angle)
        # A turn about +y carries the front of the eye to +x, one about +x carries it to -y.
        out[:, 3 * side] = -angle[:, 1]
        out[:, 3 * side + 1] = angle[:, 0]
    return out
