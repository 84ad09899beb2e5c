"""A speaker before the camera: shape, place, and what a performance makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from erlnet.data.clip import Camera, Coefficients
from erlnet.data.demo.appearance import Surface
from erlnet.data.demo.filming import Set
from erlnet.data.demo.look import Look, draw_look
from erlnet.data.demo.speech import Performance
from erlnet.data.demo.true_motion import rigid, true_coefficients
from erlnet.head.project import project

if TYPE_CHECKING:
    from erlnet.head.model import HeadModel

_FOCAL = 3.0  # of the picture's height: a short telephoto, as for portraits
_EYE_DISTANCE = 25 / 128  # of the picture's height, at rest
_EYE_ROW = 0.455  # of the picture's height
_CHEEK, _LIP_CORNER = 0.0050, 0.0025  # m that the hidden channels move at 1
_SWAY = 0.6  # of the performance's sway: a renderer that cannot know it must still reach an SSIM of .97
_BATCH = 32  # frames that the head model takes at once


@dataclass(frozen=True)
class Actor:
    """Everything of one speaker that stays."""

    stage: Set
    shape: np.ndarray  # (S,) the head model's shape coefficients
    root: np.ndarray  # (4,4) rest coordinates -> world
    hidden: np.ndarray  # (2,V,3) m, what cheek and lip corner do outside of the coefficients
    pivot: np.ndarray  # (3,) the neck's joint, rest coordinates
    torso_point: np.ndarray  # (2,) px, where the torso's middle is seen at rest


@dataclass(frozen=True)
class Take:
    """One performance as geometry: the truth of a clip of T frames."""

    points: np.ndarray  # (T,V,3) float32 m, the head model's vertices in the world
    coefficients: Coefficients
    torso_to_world: np.ndarray  # (T,4,4)
    landmarks: np.ndarray  # (T,68,2) px
    neck_points: np.ndarray  # (T,K,2) px
    torso_point: np.ndarray  # (T,2) px, where the torso's middle is seen
    flush: np.ndarray  # (T,) in [-1,1]


def cast(model: HeadModel, seed: int, speaker: int, size: int) -> Actor:
    """The speaker of that number before a camera of `size` x `size` px; the same for the same arguments."""
    look = draw_look(seed, speaker)
    shape = _draw_shape(model.shape_names, look)
    with torch.no_grad():
        neutral = model.neutral(1)
        rest = model(torch.from_numpy(shape)[None], *neutral[1:])
        landmarks = model.landmarks68(rest)[0].double().numpy()
        pivot = model.joints(torch.from_numpy(shape)[None])[0, 1].double().numpy()
    masks = {name: model.mask(name).numpy() for name in model.mask_names}
    surface = Surface(rest[0].double().numpy(), model.faces.numpy(), masks, landmarks)
    eyes = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    depth = _FOCAL * float(np.linalg.norm(eyes[1] - eyes[0])) / _EYE_DISTANCE
    middle = (eyes[0] + eyes[1]) / 2
    root = np.diag([1.0, -1.0, -1.0, 1.0])  # y up, z out of the face -> y down, z away from the camera
    root[:3, 3] = np.array([0.0, (_EYE_ROW - 0.5) * depth / _FOCAL, depth]) - root[:3, :3] @ middle
    camera = Camera(_FOCAL * size, _FOCAL * size, size / 2, size / 2, size, size)
    stage = Set(seed, speaker, look, surface, camera)
    torso = root[:3, :3] @ surface.points[masks["torso"]].mean(0) + root[:3, 3]
    torso_point = camera.fx * torso[:2] / torso[2] + (camera.cx, camera.cy)
    return Actor(stage, shape, root.astype(np.float32), _hidden_moves(model, surface), pivot, torso_point)


def act(model: HeadModel, actor: Actor, performance: Performance) -> Take:
    """The performance as seen by the actor's camera.

    Head by root @ pose, torso by root @ torso: the torso's sway is its own and does not carry the head.
    """
    coefficients = true_coefficients(performance, actor.shape, actor.root)
    head_to_world = coefficients.head_to_world
    torso_to_world = (actor.root.astype(np.float64) @ rigid(_SWAY * performance.torso)).astype(np.float32)
    vertices = pose_vertices(model, coefficients, torso_to_world)
    moved = np.einsum("tk,kvi->tvi", performance.hidden[:, :2], actor.hidden, optimize=True)
    vertices = vertices + torch.from_numpy(moved @ head_to_world[:, :3, :3].transpose(0, 2, 1))
    torso = model.mask("torso")
    return Take(
        points=vertices.numpy(),
        coefficients=coefficients,
        torso_to_world=torso_to_world,
        landmarks=project(model.landmarks68(vertices), actor.stage.camera).numpy(),
        neck_points=project(model.neck_points(vertices), actor.stage.camera).numpy(),
        torso_point=project(vertices[:, torso].mean(1), actor.stage.camera).numpy(),
        flush=performance.hidden[:, 2],
    )


def pose_vertices(model: HeadModel, coefficients: Coefficients, torso_to_world: np.ndarray) -> torch.Tensor:
    """Vertices in the world (T,V,3) for any coefficients; the torso where `torso_to_world` (T,4,4) puts it."""
    c, parts = coefficients, []
    with torch.no_grad():
        for start in range(0, len(c), _BATCH):
            rows = slice(start, start + _BATCH)
            moving = c.expression, c.jaw, c.eyes, c.lids, c.head_to_world, torso_to_world
            parts.append(model(torch.from_numpy(c.shape)[None], *(torch.from_numpy(x[rows]) for x in moving)))
    return torch.cat(parts)


def _draw_shape(names: tuple[str, ...], look: Look) -> np.ndarray:
    """Moderate everywhere, so that every face is a likely one; the sex goes with the beard."""
    rng = np.random.default_rng(look.shape_seed)
    shape = (0.28 * rng.standard_normal(len(names))).clip(-0.6, 0.6)
    fixed = {
        "sex": 0.75 if look.stubble > 0.1 else -0.75, "age": 0.0, "double_chin": 0.0, "ear_wing": 0.0,
        "eye_size": 0.6, "eye_opening": 0.5,  # eyes are few pixels wide: they must be seen
    }  # fmt: skip
    for i, name in enumerate(names):
        shape[i] = fixed.get(name, shape[i])
    return shape.astype(np.float32)


def _hidden_moves(model: HeadModel, surface: Surface) -> np.ndarray:
    """A cheek that fills and a lip corner that pulls, on one side, less what expression and lids could do of it."""
    marks, points = surface.landmarks, surface.points
    skin = surface.masks["head"] & ~(surface.masks["eyeballs"] | surface.masks["teeth"] | surface.masks["tongue"])
    cheek, corner = (marks[12] + marks[54]) / 2 + (0.006, 0.004, 0.0), marks[54]
    moves = np.stack([
        _bump(points, cheek, 0.018)[:, None] * (0.6, -0.1, 0.8) * _CHEEK,
        _bump(points, corner, 0.009)[:, None] * (0.75, 0.6, -0.25) * _LIP_CORNER,
    ]) * skin[:, None]  # fmt: skip
    lids_and_units = model.moving_rows[: model.n_expression + 2].double().numpy()  # (E+2, V*3)
    flat = moves.reshape(2, -1)
    spanned, *_ = np.linalg.lstsq(lids_and_units @ lids_and_units.T, lids_and_units @ flat.T, rcond=None)
    return (flat - spanned.T @ lids_and_units).reshape(2, -1, 3).astype(np.float32)


def _bump(points: np.ndarray, centre: np.ndarray, spread: float) -> np.ndarray:
    return np.exp(-((points - centre) ** 2).sum(1) / (2 * spread**2))
