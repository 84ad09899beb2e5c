"""Head-pose tracks: where head and torso are in every frame, read from files and fitted to a length."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from erlnet.data.clip import FPS
from erlnet.data.resampling import Resampler
from erlnet.errors import UserError
from erlnet.head.streams import unpack_pose
from erlnet.runs.render_rows import read_rows

_TURNS = 100.0  # rad; a rotation beyond it is no head's
_RIGID = 1e-3  # how far R^T R may be from the identity


@dataclass(frozen=True, eq=False)
class HeadPath:
    """Rigid transforms of T frames, float32, from the head model's rest coordinates to the world, m."""

    head_to_world: np.ndarray  # (T,4,4)
    root: np.ndarray  # (T,4,4) the torso's

    def __len__(self) -> int:
        return len(self.head_to_world)


def on_root(neck: np.ndarray, root: np.ndarray) -> HeadPath:
    """The head's motion `neck` (T,4,4) against a torso that stands at `root` (4,4)."""
    return _still(root @ neck, root)


def from_stream(pose: np.ndarray, root: np.ndarray) -> HeadPath:
    """A pose stream (T,6) on `root` (4,4)."""
    return _still(unpack_pose(pose, root), root)


def _still(head_to_world: np.ndarray, root: np.ndarray) -> HeadPath:
    torso = np.tile(root.astype(np.float32), (len(head_to_world), 1, 1))
    return HeadPath(head_to_world.astype(np.float32), torso)


def read_track(path: Path, root: np.ndarray) -> HeadPath:
    """A track at 25 fps; UserError, one line that names the file, where it is none.

    `.csv`: rows of six numbers, the head against the torso: axis-angle (rad), translation (m); the torso stands at
    `root` (4,4). `.npz`: the same as `rotation` (T,3) and `translation` (T,3, zero where absent), which is what
    `animate` writes; or `head_to_world` (T,4,4), in the world where the torso stands at the file's `root` (4,4), or at
    `root` where it has none. A scalar `fps` is believed.
    """
    if path.suffix.lower() not in (".csv", ".npz"):
        raise UserError(f"--pose {path}: a track is a prepared clip's folder, an .npz or a .csv file")
    track = _from_rows(path, root) if path.suffix.lower() == ".csv" else _from_arrays(path, root)
    bad = ~np.isfinite(track.head_to_world).all((1, 2))
    if bad.any():
        raise UserError(f"--pose {path}: the head is out of all bounds in frame {int(bad.argmax())}")
    return track


def _from_rows(path: Path, root: np.ndarray) -> HeadPath:
    with np.errstate(all="ignore"):  # what overflows is told by read_track
        return from_stream(read_rows(path, "--pose", 6).astype(np.float32), root)


def _from_arrays(path: Path, root: np.ndarray) -> HeadPath:
    held = _held(path)
    if "head_to_world" in held:
        return _in_world(path, held, root)
    if "rotation" not in held:
        raise UserError(
            f"--pose {path}: has neither 'head_to_world' nor 'rotation', only {', '.join(held) or 'nothing'}"
        )
    rotation = _array(path, held, "rotation", (3,))
    shift = _array(path, held, "translation", (3,)) if "translation" in held else np.zeros_like(rotation)
    if len(shift) != len(rotation):
        raise UserError(f"--pose {path}: 'rotation' has {len(rotation)} frames, 'translation' has {len(shift)}")
    if np.abs(rotation).max() > _TURNS:
        raise UserError(f"--pose {path}: 'rotation' turns by up to {np.abs(rotation).max():g} rad; it is in radians")
    neck = unpack_pose(np.concatenate([rotation, shift], axis=1), np.eye(4))
    return on_root(_at_25(path, held, neck), root)


def _held(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays; UserError where it is no whole .npz."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is one array")
        with archive:
            held = dict(archive)
        if not all(isinstance(array, np.ndarray) for array in held.values()):
            raise ValueError("it holds what is no array")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"--pose {path}: cannot be read as .npz ({' '.join(str(error).split())})") from None
    return held


def _in_world(path: Path, held: Mapping[str, np.ndarray], root: np.ndarray) -> HeadPath:
    head = _array(path, held, "head_to_world", (4, 4))
    _check_rigid(path, head, "head_to_world")
    if "root" not in held:
        return _still(_at_25(path, held, head), root)
    own = _array(path, {"root": held["root"][None]}, "root", (4, 4))
    _check_rigid(path, own, "root")
    return on_root(_at_25(path, held, np.linalg.inv(own[0]) @ head), root)


def _array(path: Path, held: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = held[name]
    if array.dtype.kind not in "fiu" or array.shape[1:] != shape or not len(array):
        wanted = ", ".join(map(str, ("frames", *shape)))
        raise UserError(f"--pose {path}: '{name}' is {array.dtype} {array.shape}, expected numbers ({wanted})")
    bad = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bad.any():
        raise UserError(f"--pose {path}: '{name}' holds a value that is no number in frame {int(bad.argmax())}")
    return array.astype(np.float64)


def _check_rigid(path: Path, transforms: np.ndarray, name: str) -> None:
    turn = transforms[:, :3, :3]
    off = np.abs(turn.transpose(0, 2, 1) @ turn - np.eye(3)).max((1, 2)) > _RIGID
    off |= (np.linalg.det(turn) < 0) | (np.abs(transforms[:, 3] - [0, 0, 0, 1]).max(1) > _RIGID)
    if off.any():
        raise UserError(f"--pose {path}: '{name}' is no rotation and translation in frame {int(off.argmax())}")


def _at_25(path: Path, held: Mapping[str, np.ndarray], transforms: np.ndarray) -> np.ndarray:
    """(T,4,4) at 25 fps."""
    named = held.get("fps", np.array(float(FPS)))
    if named.size != 1 or named.dtype.kind not in "fiu":
        raise UserError(f"--pose {path}: 'fps' is {named.dtype} {named.shape}, expected one number")
    fps = float(named.item())
    if not 5 <= fps <= 1000:
        raise UserError(f"--pose {path}: {fps:g} frames a second is not between 5 and 1000")
    resample = Resampler.of(len(transforms), fps)
    if not len(resample.source):
        raise UserError(f"--pose {path}: {len(transforms)} frames at {fps:g} fps are less than one at {FPS}")
    out = np.tile(np.eye(4), (len(resample.source), 1, 1))
    out[:, :3, :3] = resample.turn(transforms[:, :3, :3])
    out[:, :3, 3] = resample(transforms[:, :3, 3])
    return out


def to_and_fro(n_have: int, n_want: int) -> np.ndarray:
    """(n_want,) indices into n_have frames, forwards and backwards in turn: a loop without a jump."""
    if n_have == 1:
        return np.zeros(n_want, int)
    step = np.arange(n_want) % (2 * n_have - 2)
    return np.minimum(step, 2 * n_have - 2 - step)


def fitted(path: HeadPath, n_frames: int) -> HeadPath:
    """The path over `n_frames`: cut where it is longer, played to and fro where it is shorter."""
    index = to_and_fro(len(path), n_frames)
    return HeadPath(path.head_to_world[index], path.root[index])
