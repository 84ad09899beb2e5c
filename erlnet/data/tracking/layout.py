"""What the arrays of a precomputed file are called and mean: names with slices -> arrays in erlnet's own units."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from scipy.spatial.transform import Rotation

from erlnet.errors import InputError, UserError

NONE = "none"
_SPEC = re.compile(r"([^\[\]]+?)(?:\[(\d*):(\d*)\])?")
_OPTIONAL = ("lids", "eyes", "root", "torso_offset", "valid")  # absent under its own name: not there
_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_FLIP = np.diag([1.0, -1.0, -1.0])  # OpenGL's camera axes (y up, z towards the viewer) <-> OpenCV's


@dataclass(frozen=True)
class Layout:
    """The options of tracker `precomputed` that say how to read a file; its docstring explains them."""

    expression: str
    jaw: str
    lids: str
    eyes: str
    shape: str
    pose: str
    rotation: str
    translation: str
    root: str
    torso_offset: str
    valid: str
    form: str
    angles: str
    lengths: str
    axes: str
    rows: str
    fps: float


@dataclass(frozen=True)
class Rows:
    """A file's content: float64, rad, metres, OpenCV's axes. N rows; None for what it does not hold."""

    expression: np.ndarray  # (N,E)
    jaw: np.ndarray | None  # (N,3)
    lids: np.ndarray | None  # (N,2)
    eyes: np.ndarray | None  # (N,6)
    shape: np.ndarray  # (S,)
    pose: np.ndarray  # (N,4,4)
    root: np.ndarray | None  # (4,4)
    torso_offset: np.ndarray | None  # (N,2) px
    valid: np.ndarray  # (N,) bool: not marked invalid by the file itself
    finite: np.ndarray  # (N,) bool: every number of the row is one


def read_rows(path: Path, layout: Layout) -> Rows:
    """InputError names the file and the array that is missing, misshapen or too short."""
    arrays = read_arrays(path)
    read = {what: _pick(arrays, what, getattr(layout, what), path) for what in _WIDTHS}
    split = layout.rotation != NONE or layout.translation != NONE
    if split:
        pose = _assembled(arrays, layout, path)
    else:
        given = _pick(arrays, "pose", layout.pose, path)
        if given is None:
            raise UserError("tracker.pose=none: state tracker.rotation and tracker.translation in its place")
        if given.size != given.shape[0] * 16:
            raise _misshapen(layout.pose, path, given, "(rows,4,4)")
        pose = given.reshape(-1, 4, 4)
    if layout.axes == "opengl":
        pose = np.concatenate([_FLIP @ pose[:, :3], pose[:, 3:]], 1)
    pose = pose.copy()
    pose[:, :3, 3] *= _METRES[layout.lengths]
    n_rows = len(pose)

    expression, shape = read["expression"], read["shape"]
    if expression is None or shape is None:
        raise UserError("tracker.expression and tracker.shape name arrays: there is no clip without these")
    if shape.ndim == 2:  # a row each time: one person has one shape
        shape = np.nanmedian(shape, axis=0)
    if shape.ndim != 1 or not np.isfinite(shape).all():
        raise InputError(f"{path}: '{layout.shape}' is no row of numbers; state another array or slice")
    turn = np.pi / 180 if layout.angles == "deg" else 1.0
    rows: dict[str, np.ndarray] = {}
    for what in ("expression", "jaw", "lids", "eyes", "torso_offset", "valid"):
        values = read[what]
        if values is None:
            continue
        values = values.reshape(-1) if what == "valid" else values
        width = _WIDTHS[what]
        if len(values) != n_rows or (what != "valid" and (values.ndim != 2 or width not in (None, values.shape[1]))):
            raise _misshapen(getattr(layout, what), path, values, f"({n_rows},{width or 'units'})")
        rows[what] = values * turn if what in ("jaw", "eyes") else values
    root = read["root"]
    if root is not None and root.shape != (4, 4):
        raise _misshapen(layout.root, path, root, "(4,4)")
    finite = np.isfinite(pose).all((1, 2))
    for values in rows.values():
        finite &= np.isfinite(values).reshape(n_rows, -1).all(1)
    if (np.linalg.det(pose[finite, :3, :3]) <= 0).any():
        raise InputError(
            f"{path}: a row of its poses turns nothing: a rotation's determinant is 1; state another array"
        )
    if not finite.any():
        raise InputError(f"{path}: no row of it is free of NaN")
    valid = rows.pop("valid").astype(bool) if "valid" in rows else np.ones(n_rows, bool)
    return Rows(
        rows["expression"], rows.get("jaw"), rows.get("lids"), rows.get("eyes"), shape, pose, root,
        rows.get("torso_offset"), valid, finite,
    )  # fmt: skip


_WIDTHS: dict[str, int | None] = {
    "expression": None, "jaw": 3, "lids": 2, "eyes": 6, "shape": None, "root": None, "torso_offset": 2, "valid": 1,
}  # fmt: skip


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every numeric array of an npz or mat file; InputError where it is neither."""
    try:
        if path.suffix == ".mat":
            held = scipy.io.loadmat(path)
            return {k: v for k, v in held.items() if isinstance(v, np.ndarray) and v.dtype.kind in "biuf"}
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
            return {k: v for k, v in held.items() if v.dtype.kind in "biuf"}
    except NotImplementedError:
        raise InputError(f"{path} is a MATLAB 7.3 file; save it with -v7") from None
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(f"cannot read {path}: {reason}; expected .npz or .mat with plain arrays") from None


def _pick(arrays: dict[str, np.ndarray], what: str, spec: str, path: Path) -> np.ndarray | None:
    """The array that `spec` names, float64; None where there is none."""
    if spec == NONE or (what in _OPTIONAL and spec == what and spec not in arrays):
        return None
    match = _SPEC.fullmatch(spec.strip())
    if not match:
        raise UserError(f"tracker.{what}={spec}: expected an array's name, NAME[first:end] or none")
    name, first, end = match[1], match[2], match[3]
    if name not in arrays:
        raise InputError(
            f"{path} has no array '{name}' for tracker.{what}; it holds {', '.join(sorted(arrays)) or 'none'}: "
            f"set tracker.{what}"
        )
    values = np.atleast_1d(arrays[name]).astype(np.float64)
    if what == "shape" and values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)  # MATLAB has no vectors
    if first is not None:
        columns = slice(int(first or 0), int(end) if end else None)
        width = values.shape[-1]
        if columns.start >= width or (columns.stop or width) > width or columns.start >= (columns.stop or width):
            raise InputError(f"{path}: tracker.{what}={spec}, but '{name}' has columns 0 to {width}")
        values = values[..., columns]
    return values


def _assembled(arrays: dict[str, np.ndarray], layout: Layout, path: Path) -> np.ndarray:
    """(N,4,4) from a rotation and a translation."""
    turn, place = (_pick(arrays, what, getattr(layout, what), path) for what in ("rotation", "translation"))
    if turn is None or place is None:
        raise UserError("tracker.rotation and tracker.translation go together: state both, or tracker.pose alone")
    width = 9 if layout.form == "matrix" else 3
    turn = turn.reshape(len(turn), -1)
    if turn.shape[1] != width:
        raise _misshapen(layout.rotation, path, turn, f"(rows,{width}) for tracker.form={layout.form}")
    if place.shape != (len(turn), 3):
        raise _misshapen(layout.translation, path, place, f"({len(turn)},3)")
    pose = np.tile(np.eye(4), (len(turn), 1, 1))
    pose[:, :3, 3] = place
    finite = np.isfinite(turn).all(1)
    pose[~finite, :3, :3] = np.nan
    if layout.form == "matrix":
        pose[:, :3, :3] = turn.reshape(-1, 3, 3)
    elif finite.any():
        degrees = layout.angles == "deg"
        known = turn[finite]
        # Lower case: about fixed axes, x first, so that R = Rz Ry Rx.
        made = (
            Rotation.from_euler("xyz", known, degrees=degrees)
            if layout.form == "euler"
            else Rotation.from_rotvec(known, degrees=degrees)
        )
        pose[finite, :3, :3] = made.as_matrix()
    return pose


def _misshapen(spec: str, path: Path, values: np.ndarray, wanted: str) -> InputError:
    return InputError(f"{path}: '{spec}' has shape {values.shape}, expected {wanted}; state another array or slice")
