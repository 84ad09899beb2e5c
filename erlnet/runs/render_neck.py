"""Where the neck is in the pictures: from the head model's jaw line to the end of its neck, projected."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from erlnet.nerf.cameras import Pinhole, project
from erlnet.runs.render_person import Person
from erlnet.runs.render_poses import HeadPath

SIDE = 384  # px of the enlarged crop
_FRAMES = 24  # over which the neck is looked for
_PAD = 0.1  # of its extent, on each side
_JAW = slice(3, 14)  # of the 68 landmarks: the jaw line without its ends at the ears

Box = tuple[int, int, int, int]
"""left, top, right, bottom in px."""


def neck_box(person: Person, path: HeadPath) -> Box:
    """One square for the whole film, round the neck in the median of some frames: it stands still, so the neck's motion
    shows. The foot of the picture where the head model's neck is out of it."""
    component: Any = person.run.component("prepare", "head_model")
    model = component.build()
    clips = [clip for clip in person.run.split.train if clip.labels.speaker == person.speaker]
    shape = torch.from_numpy(np.mean([clip.coefficients.shape for clip in clips], axis=0)).float()[None]
    index = np.unique(np.linspace(0, len(path) - 1, _FRAMES).round().astype(int))
    poses = (torch.from_numpy(x[index]) for x in (path.head_to_world, path.root))
    camera = person.model.scene.camera
    with torch.no_grad():
        vertices = model(shape, *model.neutral(len(index))[1:5], *poses)
        jaw = project(camera, model.landmarks68(vertices)[:, _JAW]).numpy()
        neck = project(camera, vertices[:, model.mask("neck")]).numpy()
    return square_round(jaw, neck, camera)


def square_round(jaw: np.ndarray, neck: np.ndarray, camera: Pinhole) -> Box:
    """The padded square from the jaw line (T,J,2) px to the lower end of the neck (T,N,2) px, as wide as the jaw.

    As far as the picture reaches, and at least an eighth of its height.
    """
    height, width = camera.height, camera.width
    left, right = np.median(jaw[..., 0].min(1)), np.median(jaw[..., 0].max(1))
    top = np.median(jaw[..., 1].min(1)).clip(0, height * 7 / 8)
    bottom = np.median(neck[..., 1].max(1)).clip(top + height / 8, height)
    side = int(min(max(right - left, bottom - top) * (1 + 2 * _PAD), height, width))
    x = int(np.clip(round((left + right - side) / 2), 0, width - side))
    y = int(np.clip(round((top + bottom - side) / 2), 0, height - side))
    return x, y, x + side, y + side


def crop(picture: np.ndarray, box: Box) -> np.ndarray:
    """(H,W,3) -> (SIDE,SIDE,3) uint8: the square, enlarged."""
    return np.asarray(Image.fromarray(picture).crop(box).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
