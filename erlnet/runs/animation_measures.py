"""What an animation's curves show of a motion, frame by frame, and the figures that the command prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.metrics.motion.dynamics import head_jitter_ratio, head_speed_ratio
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion

_PART = 1000  # frames whose faces are held at a time

TITLES: dict[str, str] = {
    "mouth": "mouth opening of the mesh, over the eyes' distance",
    "jaw": "jaw, opened by (\N{DEGREE SIGN})",
    "brows down": "brow units: down",
    "brows up": "brow units: up",
    "upper face": "upper face, mean distance from neutral (mm)",
    "lids": "lids, 0 open to 1 shut",
    "pitch": "head pitch, nodding down is + (\N{DEGREE SIGN})",
    "yaw": "head yaw, turning to its own left is + (\N{DEGREE SIGN})",
    "roll": "head roll, leaning to its own right is + (\N{DEGREE SIGN})",
}
"""Curve -> what it is; the order in which they are drawn."""

_BROWS = {
    "brows down": ("browDownLeft", "browDownRight"),
    "brows up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
}


def measure(motion: Motion, mesh: FaceMesh, expression_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Curves (T,) in the order of `TITLES`; the upper face's movement where the head model names no brow units."""
    opening, upper = _face(motion, mesh)
    named = {name: i for i, name in enumerate(expression_names)}
    curves = {"mouth": opening, "jaw": np.rad2deg(motion.jaw[:, 0])}
    for curve, units in _BROWS.items():
        columns = [named[unit] for unit in units if unit in named]
        if columns:
            curves[curve] = motion.expression[:, columns].mean(axis=1)
    if not _BROWS.keys() & curves.keys():
        curves["upper face"] = upper
    # Intrinsic: turned about the vertical first, then nodded, then leaned.
    yaw, pitch, roll = Rotation.from_rotvec(motion.pose[:, :3]).as_euler("YXZ", degrees=True).T
    return curves | {"lids": motion.lids.mean(axis=1), "pitch": pitch, "yaw": yaw, "roll": roll}


def _face(motion: Motion, mesh: FaceMesh) -> tuple[np.ndarray, np.ndarray]:
    """Mouth opening and mean movement of the upper face (T,), a part at a time so that memory stays bounded."""
    found = []
    for start in range(0, len(motion), _PART):
        part = slice(start, start + _PART)
        arrays = {name: getattr(motion, name)[part] for name in ("expression", "jaw", "lids", "pose")}
        face = mesh(replace(motion, **arrays))
        found.append((face.opening, face.upper.mean(axis=1)))
    opening, upper = zip(*found)
    return np.concatenate(opening), np.concatenate(upper)


@dataclass(frozen=True)
class HeadFigures:
    """How the made head moves, over how the style clip's does; 1 is the same. None where that one stands still."""

    speed: float | None
    jitter: float | None


def head_figures(style: Motion, made: Motion) -> HeadFigures:
    return HeadFigures(head_speed_ratio(style.pose, made.pose), head_jitter_ratio(style.pose, made.pose))


def npz_arrays(motion: Motion, extra: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of `motion.npz`, in the layout that dataset=sequences reads (docs/data.md)."""
    arrays = {
        "expression": motion.expression, "jaw": motion.jaw, "lids": motion.lids,
        "rotation": motion.pose[:, :3], "translation": motion.pose[:, 3:],
    }  # fmt: skip
    kept = {name: np.asarray(rows, np.float32) for name, rows in arrays.items()}
    words = {"style": np.array(motion.style or ""), "speaker": np.array(motion.speaker)}
    return kept | words | {"fps": np.array(motion.fps)} | dict(extra)
