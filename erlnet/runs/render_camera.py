"""A camera that moves round the head: head and torso are turned before the camera that the renderer knows."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.data.clip import FPS
from erlnet.errors import UserError
from erlnet.nerf.cameras import Pinhole
from erlnet.runs.render_poses import HeadPath, to_and_fro
from erlnet.runs.render_rows import read_rows

LIMIT = 20.0  # degrees, either way: what lies further round was in no training picture
PERIOD = 4.0  # s of one swing of an orbit
_NEAREST = 0.05  # m before the camera
HOW = "orbit:DEGREES, yaw=DEGREES,pitch=DEGREES or a .csv of yaw,pitch"


def read_camera(words: str, n_frames: int) -> np.ndarray:
    """(n_frames,2) yaw and pitch in degrees; UserError where the words are no camera or go beyond LIMIT.

    `orbit:A` swings the yaw A degrees to each side, once in PERIOD s, from the front. `yaw=A,pitch=B` stays there, one
    of the two may be left out. A `.csv` has a row of yaw,pitch for each frame, played to and fro where it is shorter.
    Yaw > 0 takes the camera to the viewer's right, pitch > 0 upwards.
    """
    path = Path(words)
    if path.suffix.lower() == ".csv":
        if not path.is_file():
            raise UserError(f"--camera {words}: there is no such file; give {HOW}")
        rows = read_rows(path, "--camera", 2)
        angles = rows[to_and_fro(len(rows), n_frames)]
    elif words.startswith("orbit:"):
        swing = np.sin(2 * np.pi * np.arange(n_frames) / (PERIOD * FPS))
        angles = np.stack([_degrees(words, words.removeprefix("orbit:")) * swing, np.zeros(n_frames)], axis=1)
        _check(words, np.array([[_degrees(words, words.removeprefix("orbit:")), 0.0]]))
    else:
        fixed = {"yaw": 0.0, "pitch": 0.0}
        for part in words.split(","):
            name, found, value = (text.strip() for text in part.partition("="))
            if not found or name not in fixed:
                raise UserError(f"--camera {words}: '{part.strip()}' says nothing; give {HOW}")
            fixed[name] = _degrees(words, value)
        angles = np.tile([fixed["yaw"], fixed["pitch"]], (n_frames, 1))
    _check(words, angles)
    return angles


def _degrees(words: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"--camera {words}: '{text}' is no number of degrees; give {HOW}")
    return value


def _check(words: str, angles: np.ndarray) -> None:
    largest = float(np.abs(angles).max())
    if largest > 90:
        raise UserError(
            f"--camera {words}: {largest:g} degrees would put the camera behind the head, which no training picture "
            f"shows; stay within {LIMIT:g}"
        )
    if largest > LIMIT:
        raise UserError(
            f"--camera {words}: {largest:g} degrees is beyond the {LIMIT:g} to each side that can be rendered"
        )


def turned(path: HeadPath, angles: np.ndarray, centre: np.ndarray) -> HeadPath:
    """Head and torso as a camera sees them that stands (yaw, pitch) degrees (T,2) round the head.

    They turn rigidly about the mean place of `centre` (3,), given in the head's frame: the camera turns about a fixed
    point, so that the head's own motion stays. With R = R_x(pitch) R_y(yaw), a world point p goes to c + R (p - c).
    """
    c = (path.head_to_world[:, :3, :3] @ centre + path.head_to_world[:, :3, 3]).mean(0)
    move = np.tile(np.eye(4), (len(path), 1, 1))
    move[:, :3, :3] = Rotation.from_euler("yx", angles, degrees=True).as_matrix()
    move[:, :3, 3] = c - move[:, :3, :3] @ c
    return HeadPath((move @ path.head_to_world).astype(np.float32), (move @ path.root).astype(np.float32))


def check_in_view(what: str, path: HeadPath, centre: np.ndarray, camera: Pinhole) -> None:
    """UserError where in some frame the head is behind the camera, out of the picture, or seen from behind."""
    place = path.head_to_world[:, :3, :3] @ centre + path.head_to_world[:, :3, 3]
    depth = np.maximum(place[:, 2], _NEAREST)
    x, y = camera.fx * place[:, 0] / depth + camera.cx, camera.fy * place[:, 1] / depth + camera.cy
    outside = (x < 0) | (x > camera.width) | (y < 0) | (y > camera.height)
    # The face looks along the head's +z; towards the camera that is against the line of sight.
    away = (path.head_to_world[:, :3, 2] * place).sum(1) > 0
    for wrong, says in (
        (place[:, 2] < _NEAREST, "the head is behind the camera"),
        (outside, "the head is out of the picture"),
        (away, "the camera is behind the head, which no training picture shows"),
    ):
        if wrong.any():
            raise UserError(
                f"{what}: in frame {int(wrong.argmax())} {says}; tracks are in metres and radians, x right, y down, "
                "z away from the camera (docs/render.md)"
            )
