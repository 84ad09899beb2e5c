"""Tracker `precomputed`: coefficients of the same head model that another program found, from an npz or mat file.

Rows become clip frames as `rows` says: `clip`, one each; `frames`, row i is source frame i; `time`, row r stands at
(r + .5) / fps s after the video's first picture and frames take what lies between rows, rotations along the shortest
turn. Nothing else is changed: an exported clip's own coefficients.npz comes back to the bit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.data.clip import FPS, Coefficients
from erlnet.data.tracking.figures import BRIDGED
from erlnet.data.tracking.imported import (
    between,
    filled,
    filled_rigid,
    placed_between,
    standing_root,
    turned_between,
    with_figures,
)
from erlnet.data.tracking.layout import Layout, Rows, read_rows
from erlnet.errors import InputError, UserError
from erlnet.head.model import HeadModel
from erlnet.interfaces import Observation, Origin, Progress, Tracked


@dataclass(frozen=True)
class PrecomputedTracker:
    """The callable that slot `tracker` asks for."""

    path: str
    focal: float  # px of the clip, 0: not stated
    layout: Layout

    def __call__(self, observation: Observation, model: HeadModel, progress: Progress) -> Tracked:
        """InputError where this clip's file is missing, malformed or of other widths than the head model, or nothing
        states its focal length; UserError where the options are wrong for every clip."""
        origin = observation.origin
        if self.focal < 0:
            raise UserError(f"tracker.focal={self.focal:g}: expected px of the clip, > 0")
        path = find_file(self.path, origin)
        rows = read_rows(path, self.layout)
        _check_widths(rows, model, self.layout, path)
        focal = self.focal or observation.focal or _focal_beside(path, observation.size[0])
        if not focal > 0:
            raise InputError(
                f"no focal length for {path}: set tracker.focal (px of the clip), or keep clip.json beside"
            )
        moved = _on_frames(rows, self.layout, len(observation.landmarks), origin, path)
        known, n_frames = moved.finite, len(moved.pose)
        head = filled_rigid(moved.pose, known)
        shape = rows.shape.astype(np.float32)
        root = rows.root
        if root is None:
            root = standing_root(model, shape, head) if observation.root is None else observation.root

        def whole(values: np.ndarray | None, width: int) -> np.ndarray:
            return np.zeros((n_frames, width), np.float32) if values is None else _single(filled(values, known))

        coefficients = Coefficients(
            expression=_single(filled(moved.expression, known)),
            jaw=whole(moved.jaw, 3),
            lids=whole(moved.lids, 2),
            head_to_world=_single(head),
            root=_single(root),
            torso_offset=whole(moved.torso_offset, 2),
            eyes=whole(moved.eyes, 6),
            shape=shape,
            valid=known & moved.valid,
        )
        given = {f"{what}_known": float(getattr(rows, what) is not None) for what in ("jaw", "lids", "eyes", "root")}
        report = given | {"frames_held": float((~known).sum())}
        progress.update(1, 1)
        return with_figures(observation, model, coefficients, float(focal), report)


def find_file(path: str, origin: Origin | None) -> Path:
    """The file of a clip. UserError where `path` is nothing, InputError where a folder has none for this clip."""
    if not path:
        raise UserError("tracker=precomputed needs a file or a folder of them: set tracker.path")
    top = Path(path).expanduser()
    if top.is_file():
        return top
    if not top.is_dir():
        raise UserError(f"tracker.path={path}: there is no such file or folder")
    if origin is None:
        raise UserError(f"tracker.path={path} is a folder, and this clip was not cut from a video; name a file")
    names = dict.fromkeys([origin.name, origin.video.stem])
    choices = [top / f"{name}{end}" for name in names for end in (".npz", ".mat", "/coefficients.npz")]
    found = next((choice for choice in choices if choice.is_file()), None)
    if found is None:
        listed = ", ".join(str(choice.relative_to(top)) for choice in choices)
        raise InputError(f"{top} holds nothing for clip '{origin.name}'; expected one of {listed}")
    return found


def _on_frames(rows: Rows, layout: Layout, n_frames: int, origin: Origin | None, path: Path) -> Rows:
    """The same with a row a clip frame; rows that are not there are not finite."""
    n_rows = len(rows.pose)
    if layout.rows == "clip":
        if n_rows != n_frames:
            raise InputError(
                f"{path}: '{layout.expression}' has {n_rows} rows, the clip {n_frames} frames; state tracker.rows=time "
                "with tracker.fps, or tracker.rows=frames, if a row is not a frame of the clip"
            )
        return rows
    if layout.rows == "frames":
        if origin is None:
            raise UserError("tracker.rows=frames: this clip was not cut from a video; use tracker.rows=clip")
        wanted, unit = origin.frames.astype(float), "source frames"
    else:
        if layout.fps <= 0:
            raise UserError(f"tracker.fps={layout.fps:g}: expected rows a second, > 0")
        times = (np.arange(n_frames) + 0.5) / FPS if origin is None else origin.times
        wanted, unit = times * layout.fps - 0.5, f"rows at {layout.fps:g} fps"
    beyond = wanted > n_rows - 0.5 + 1e-6
    if beyond.sum() > BRIDGED:
        raise InputError(
            f"{path}: '{layout.expression}' has {n_rows} rows, the clip needs {int(np.ceil(wanted.max())) + 1} {unit}; "
            "it is cut short, or of another video"
        )
    return _taken(rows, wanted.clip(0, n_rows - 1), beyond)


def _taken(rows: Rows, wanted: np.ndarray, beyond: np.ndarray) -> Rows:
    """The rows at positions `wanted` (M,), between finite rows; a frame is finite where both its neighbours are."""
    at = np.flatnonzero(rows.finite).astype(float)
    # Rounding in times must not make a row that is hit exactly depend on its neighbour.
    wanted = np.where(np.abs(wanted - np.round(wanted)) < 1e-6, np.round(wanted), wanted)
    low, high = np.floor(wanted).astype(int), np.ceil(wanted).astype(int)

    def take(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else between(values[rows.finite], at, wanted)

    jaw = rows.jaw
    if jaw is not None:
        turns = Rotation.from_rotvec(jaw[rows.finite]).as_matrix()
        jaw = Rotation.from_matrix(turned_between(turns, at, wanted)).as_rotvec()
    expression = take(rows.expression)
    assert expression is not None
    return Rows(
        expression, jaw, take(rows.lids), take(rows.eyes), rows.shape,
        placed_between(rows.pose[rows.finite], at, wanted), rows.root, take(rows.torso_offset),
        rows.valid[low] & rows.valid[high], rows.finite[low] & rows.finite[high] & ~beyond,
    )  # fmt: skip


def _check_widths(rows: Rows, model: HeadModel, layout: Layout, path: Path) -> None:
    for spec, given, wanted, what in (
        (layout.expression, rows.expression.shape[1], model.n_expression, "expression"),
        (layout.shape, len(rows.shape), model.n_shape, "shape"),
    ):
        if given != wanted:
            raise InputError(
                f"{path}: '{spec}' has {given} {what} numbers, the head model has {wanted}: they are another model's; "
                "choose the head model that they were made with"
            )


def _focal_beside(path: Path, height: int) -> float:
    """px of a clip `height` px high, from an exported clip's own description; 0 where there is none."""
    try:
        camera = json.loads((path.parent / "clip.json").read_text())["camera"]
        return float(camera["fx"]) * height / camera["height"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0.0


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)
