"""Coefficient sequences as other tools write them: `.npz` of a stated layout, and Deep3D's `.mat`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.data.clip import FPS, Coefficients
from erlnet.data.resampling import Resampler
from erlnet.data.video import read_audio
from erlnet.errors import InputError

SHORTEST = 10  # frames at 25 fps

_MAT_FPS = 30.0  # of Deep3D's files, which do not say
_MAT_WIDTH = 257
_MAT_METRES = 0.1  # Deep3D's lengths are decimetres
_RATES = (5.0, 1000.0)  # fps that are believed
_SOUND_OFF = 0.5  # s that sound and motion may differ in length
# A torso one metre before the camera, facing it: y up, z out of the face -> y down, z away from the camera.
_ROOT = np.diag([1.0, -1.0, -1.0, 1.0])
_ROOT[2, 3] = 1.0


@dataclass(frozen=True)
class Motion:
    """One sequence at 25 fps."""

    coefficients: Coefficients
    style: str  # "" where the file does not say
    speaker: str


@dataclass(frozen=True)
class _Read:
    """One sequence of N frames as in its file."""

    expression: np.ndarray  # (N,E)
    rotations: np.ndarray  # (N,3,3) the head against the torso
    fps: float  # 0: the file does not say
    translation: np.ndarray  # (N,3) m
    jaw: np.ndarray  # (N,3) axis-angle rad
    lids: np.ndarray  # (N,2)
    style: str = ""
    speaker: str = ""


def read_motion(path: Path, fps: float) -> Motion:
    """`fps` over 0 stands in for what the file says; InputError, one line that names the file, where it is no use."""
    reader = _from_npz if path.suffix.lower() == ".npz" else _from_mat
    try:
        read = reader(path)
    except InputError:
        raise
    except Exception as error:  # a broken file may fail anywhere within its reader
        text = (str(error).splitlines() or [""])[0]
        raise InputError(f"{path}: it cannot be read ({type(error).__name__}: {text})") from None
    rate = fps or read.fps
    if not rate:
        raise InputError(f"{path}: it has no array 'fps'; give its frame rate by sequences.fps=...")
    if not _RATES[0] <= rate <= _RATES[1]:
        raise InputError(f"{path}: {rate:g} frames a second is not between {_RATES[0]:g} and {_RATES[1]:g}")
    n = len(read.expression)
    if n * FPS / rate < SHORTEST:
        raise InputError(
            f"{path}: {n} frames at {rate:g} fps are {n / rate:.2f} s; at least {SHORTEST / FPS} s are needed"
        )
    return Motion(_at_25(read, rate), read.style, read.speaker)


def read_sound(path: Path, n_frames: int) -> np.ndarray:
    """(N,) float32 16 kHz of `n_frames` at 25 fps, from the .wav beside `path`; InputError where it is no use."""
    wav = path.with_suffix(".wav")
    if not wav.is_file():
        raise InputError(f"{path}: there is no {wav.name} beside it; put it there, or set sequences.sound=false")
    sound = read_audio(wav, 0.0, n_frames)
    if sound is None:
        raise InputError(f"{wav}: it holds no sound")
    seconds = sound_seconds(wav)
    if abs(seconds - n_frames / FPS) > _SOUND_OFF:
        raise InputError(
            f"{wav}: {seconds:.2f} s of sound beside {n_frames / FPS:.2f} s of motion; are they of one clip?"
        )
    return sound


def sound_seconds(wav: Path) -> float:
    """How long a sound file says that it is."""
    import av

    with av.open(str(wav)) as container:
        return (container.duration or 0) / av.time_base


def _from_npz(path: Path) -> _Read:
    with np.load(path, allow_pickle=False) as archive:
        held = dict(archive)
    if "expression" not in held:
        raise InputError(f"{path}: it has no array 'expression', only {', '.join(sorted(held)) or 'nothing'}")
    expression = _array(path, held, "expression", None, 0)
    n = len(expression)
    lids = _array(path, held, "lids", 2, n)
    if n and (lids.min() < 0 or lids.max() > 1):
        raise InputError(f"{path}: 'lids' lies between {lids.min():g} and {lids.max():g}; 0 is open, 1 is shut")
    return _Read(
        expression,
        Rotation.from_rotvec(_array(path, held, "rotation", 3, n)).as_matrix(),
        _number(path, held, "fps"),
        _array(path, held, "translation", 3, n),
        _array(path, held, "jaw", 3, n),
        lids,
        str(held.get("style", "")),
        str(held.get("speaker", "")),
    )


def _from_mat(path: Path) -> _Read:
    """Deep3DFaceRecon's `coeff` (N,257).

    Its angles turn about x, y, z (pitch, yaw, roll): R = Rz Ry Rx on column vectors. Its axes are those of the head
    model here (x to the subject's left, y up, z out of the face), its origin the middle of the mean face.
    """
    from scipy.io import loadmat

    held = loadmat(str(path), variable_names=["coeff"])
    if "coeff" not in held:
        raise InputError(f"{path}: it has no array 'coeff'")
    rows = _array(path, held, "coeff", _MAT_WIDTH, 0)
    n = len(rows)
    rotations = Rotation.from_euler("xyz", rows[:, 224:227]).as_matrix()
    return _Read(
        rows[:, 80:144], rotations, _MAT_FPS, _MAT_METRES * rows[:, 254:257], np.zeros((n, 3)), np.zeros((n, 2))
    )


def _array(path: Path, held: Mapping[str, Any], name: str, width: int | None, length: int) -> np.ndarray:
    """(N,width) float64, zeros where the file has none of that name; `width` None: any, `length` 0: any."""
    if name not in held:
        return np.zeros((length, width or 0))
    array = np.asarray(held[name])
    if array.dtype.kind not in "fiu" or array.ndim != 2 or array.shape[1] != (width or max(array.shape[1], 1)):
        wanted = f"(frames,{width or 'at least 1'})"
        raise InputError(f"{path}: '{name}' is {array.dtype} {array.shape}, expected numbers {wanted}")
    if length and len(array) != length:
        raise InputError(f"{path}: '{name}' has {len(array)} frames, 'expression' has {length}")
    bad = ~np.isfinite(array).all(1)
    if bad.any():
        raise InputError(
            f"{path}: '{name}' holds a value that is no number in {bad.sum()} of {len(array)} frames, first in frame "
            f"{int(bad.argmax())}"
        )
    return array.astype(np.float64)


def _number(path: Path, held: Mapping[str, Any], name: str) -> float:
    if name not in held:
        return 0.0
    value = np.asarray(held[name])
    if value.size != 1 or value.dtype.kind not in "fiu" or not math.isfinite(value.item()) or value.item() <= 0:
        raise InputError(f"{path}: '{name}' is {value}, expected one number over 0")
    return float(value.item())


def _at_25(read: _Read, fps: float) -> Coefficients:
    resample = Resampler.of(len(read.expression), fps)
    n = len(resample.source)
    neck = np.tile(np.eye(4), (n, 1, 1))
    neck[:, :3, :3] = resample.turn(read.rotations)
    neck[:, :3, 3] = resample(read.translation)
    return Coefficients(
        expression=resample(read.expression).astype(np.float32), jaw=resample(read.jaw).astype(np.float32),
        lids=resample(read.lids).clip(0, 1).astype(np.float32), head_to_world=(_ROOT @ neck).astype(np.float32),
        root=_ROOT.astype(np.float32), torso_offset=np.zeros((n, 2), np.float32), eyes=np.zeros((n, 6), np.float32),
        shape=np.zeros(0, np.float32), valid=np.ones(n, bool),
    )  # fmt: skip
