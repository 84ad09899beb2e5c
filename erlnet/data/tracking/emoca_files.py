"""EMOCA's output on disk (github.com/radekd91/emoca at fef5472 and its successor radekd91/inferno at ac21bcd).

Its video demo unpacks the video with ffmpeg, one picture a source frame, counted from 000001; it finds faces, cuts each
out as detections/NNNNNN_FFF.png (frame, face in the frame) of 224x224 px, and with `--save_codes true` writes a folder
for each face:

    OUT/processed_DATE/VIDEO/results/MODEL/NNNNNN_FFF/   relative OUT; an absolute OUT: OUT/MODEL/NNNNNN_FFF/
        shape.npy (100,)  exp.npy (50,)  tex.npy (50,)  detail.npy (128,)
        pose.npy (6,)     axis-angle rad of the whole head about FLAME's root joint, then of the jaw
        cam.npy (3,)      scale, x, y of the orthographic camera: inferno alone saves it, emoca does not
    OUT/processed_DATE/VIDEO/detections/bboxes.pkl       the crops (emoca_camera.py)

inferno's face reconstruction writes globalpose.npy (3,) and jawpose.npy (3,) in place of pose.npy. Neck, eyes and lids
are never estimated. Frames without a face have no folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from erlnet.errors import InputError, UserError
from erlnet.interfaces import Origin

_FACE = re.compile(r"(\d{5,})_(\d{3})")


@dataclass(frozen=True)
class Folder:
    """One video's output."""

    path: Path  # what holds the face folders
    faces: dict[int, list[str]]  # source frame, from 0 -> names of its faces' folders

    @property
    def length(self) -> int:
        """Source frames up to the last one with a face."""
        return max(self.faces) + 1


@dataclass(frozen=True)
class Codes:
    """EMOCA's codes of the faces that were asked for, in their order."""

    expression: np.ndarray  # (N,E)
    shape: np.ndarray  # (N,S)
    turn: np.ndarray  # (N,3) rad, the whole head
    jaw: np.ndarray  # (N,3) rad
    cam: np.ndarray  # (N,3) scale, x, y


def find_folder(path: str, origin: Origin) -> Folder:
    """The output that belongs to a clip. UserError where `path` is no folder, InputError where it has none or several
    for this clip."""
    if not path:
        raise UserError("tracker=emoca needs the folder that EMOCA wrote: set tracker.path")
    top = Path(path).expanduser()
    if not top.is_dir():
        raise UserError(f"tracker.path={path}: there is no such folder; give the one that EMOCA wrote")
    named = list(dict.fromkeys([origin.name, origin.video.stem]))
    places = [p for name in named for p in (top / name, *sorted(top.glob(f"processed_*/{name}")))] + [top]
    for place in places:
        found = [f for f in (place, *sorted(place.glob("results/*"))) if f.is_dir() and _faces(f)]
        if len(found) > 1:
            names = ", ".join(str(f.relative_to(top)) for f in found)
            raise InputError(f"{place} holds the output of several models ({names}): set tracker.path to one of them")
        if found:
            return Folder(found[0], _faces(found[0]))
    raise InputError(
        f"{top} holds no EMOCA output for clip '{origin.name}': expected folders 000001_000, 000002_000, ... in it, in "
        f"{' or '.join(f'{name}/' for name in named)} or in results/MODEL/ of these"
    )


def check_length(folder: Folder, origin: Origin, seen: np.ndarray) -> None:
    """InputError where the output cannot be of the clip's video: it goes on longer, or stops while `seen` (T,) bool
    still has faces."""
    total = _source_frames(origin.video)
    if total and folder.length > total + 2:  # a container's last frames may be counted either way
        raise InputError(
            f"{folder.path} holds frames up to {folder.length}, {origin.video.name} has {total}: EMOCA ran on another "
            "video or at another frame rate; run it on this one"
        )
    missed = seen & (origin.frames >= folder.length)
    if missed.sum() > 12:  # half a second: detectors disagree on single frames, not on so many
        raise InputError(
            f"{folder.path} ends at frame {folder.length}, clip '{origin.name}' shows a face up to frame "
            f"{int(origin.frames[missed].max()) + 1} of {origin.video.name}: EMOCA ran on another video, at another "
            "frame rate, or did not finish; run it on this one"
        )


def read_codes(folder: Folder, names: list[str], cams: dict[str, tuple[float, ...]]) -> Codes:
    """The codes of the face folders `names`; `cams` stands in for a cam.npy that was not saved.

    InputError names the file that is missing or has another width than the rest.
    """
    rows = [_read_face(folder.path / name, cams.get(name)) for name in names]
    columns = list(zip(*rows))
    for what, column in zip(("exp.npy", "shape.npy"), columns):
        widths = [len(values) for values in column]
        odd = next((i for i, width in enumerate(widths) if width != widths[0]), None)
        if odd is not None:
            raise InputError(
                f"{folder.path / names[odd] / what} has {widths[odd]} numbers, {names[0]}'s has {widths[0]}: "
                "outputs of several models are mixed; give one model's folder"
            )
    return Codes(*(np.stack(column) for column in columns))


def _read_face(face: Path, cam: tuple[float, ...] | None) -> tuple[np.ndarray, ...]:
    if cam and len(cam) != 3:
        raise InputError(f"the cam of {face} has {len(cam)} numbers in camera.json, expected 3: scale, x, y")
    expression, shape = _array(face, "exp.npy"), _array(face, "shape.npy")
    if (face / "pose.npy").is_file():
        pose = _array(face, "pose.npy", 6)
        turn, jaw = pose[:3], pose[3:]
    else:
        turn, jaw = _array(face, "globalpose.npy", 3), _array(face, "jawpose.npy", 3)
    return expression, shape, turn, jaw, np.asarray(cam, float) if cam else _array(face, "cam.npy", 3)


def _array(face: Path, name: str, width: int | None = None) -> np.ndarray:
    """(K,) float64."""
    path = face / name
    try:
        values = np.load(path, allow_pickle=False).astype(np.float64).reshape(-1)
    except FileNotFoundError:
        remedy = "run EMOCA with --save_codes true"
        if name == "cam.npy":
            remedy = "save vals['cam'] in EMOCA's save_codes, or write scale, x, y under 'cam' in camera.json"
        elif name == "globalpose.npy":
            name, remedy = "pose.npy (nor globalpose.npy)", "run EMOCA with --save_codes true"
        raise InputError(f"{face} has no {name}; {remedy}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {' '.join(str(error).split())[:150]}; run EMOCA again") from None
    if width and len(values) != width:
        raise InputError(f"{path} has {len(values)} numbers, expected {width}; it is no output of EMOCA's")
    return values


def _faces(folder: Path) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for entry in sorted(folder.iterdir()):
        match = _FACE.fullmatch(entry.name)
        if match and entry.is_dir():
            found.setdefault(int(match[1]) - 1, []).append(entry.name)
    return found


def _source_frames(video: Path) -> int:
    """Pictures in the file, by its packets, nothing decoded; 0 where it cannot be told."""
    try:
        with av.open(str(video)) as container:
            return sum(1 for packet in container.demux(video=0) if packet.size)
    except (OSError, ValueError, IndexError, av.FFmpegError):
        return 0
