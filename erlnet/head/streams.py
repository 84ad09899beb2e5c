"""The two motion streams of ADF, packed from coefficients and back (docs/architecture.md, Streams)."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

POSE_WIDTH = 6


def pack_expression(expression: np.ndarray, jaw: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """(T,E), (T,3), (T,2) -> (T,E+5) float32."""
    return np.concatenate([expression, jaw, lids], axis=1).astype(np.float32)


def unpack_expression(stream: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T,E+5) -> expression (T,E), jaw (T,3), lids (T,2) clipped to [0,1]."""
    return stream[:, :-5], stream[:, -5:-2], stream[:, -2:].clip(0, 1)


def pack_pose(head_to_world: np.ndarray, root: np.ndarray) -> np.ndarray:
    """(T,4,4), (4,4) -> (T,6) float32: axis-angle rad and translation m of the head relative to the torso."""
    neck = np.linalg.inv(root) @ head_to_world
    rotation = Rotation.from_matrix(neck[:, :3, :3]).as_rotvec()
    return np.concatenate([rotation, neck[:, :3, 3]], axis=1).astype(np.float32)


def unpack_pose(stream: np.ndarray, root: np.ndarray) -> np.ndarray:
    """(T,6), (4,4) -> head_to_world (T,4,4) float32."""
    neck = np.tile(np.eye(4), (len(stream), 1, 1))
    neck[:, :3, :3] = Rotation.from_rotvec(stream[:, :3]).as_matrix()
    neck[:, :3, 3] = stream[:, 3:]
    return (root @ neck).astype(np.float32)
