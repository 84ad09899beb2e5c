"""The coefficients that a performance is drawn from."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.data.clip import Coefficients
from erlnet.data.demo.speech import Performance


def true_coefficients(performance: Performance, shape: np.ndarray, root: np.ndarray) -> Coefficients:
    """Of a speaker with `shape` (S,) whose torso rests at `root` (4,4): the head goes by root @ pose."""
    n = len(performance.jaw)
    return Coefficients(
        expression=performance.expression, jaw=performance.jaw, lids=performance.lids,
        head_to_world=(root.astype(np.float64) @ rigid(performance.pose)).astype(np.float32), root=root,
        torso_offset=np.zeros((n, 2), np.float32), eyes=performance.eyes, shape=shape, valid=np.ones(n, bool),
    )  # fmt: skip


def rigid(pose: np.ndarray) -> np.ndarray:
    """(T,6) axis-angle rad and translation m -> (T,4,4) float64."""
    out = np.tile(np.eye(4), (len(pose), 1, 1))
    out[:, :3, :3] = Rotation.from_rotvec(pose[:, :3].astype(np.float64)).as_matrix()
    out[:, :3, 3] = pose[:, 3:]
    return out
