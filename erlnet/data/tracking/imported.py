"""What all importing trackers share: frames that are missing, rows between rows, and the figures of a report."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp

from erlnet.data.clip import Coefficients
from erlnet.data.tracking.figures import BRIDGED, MEDIAN_LENGTH, figures
from erlnet.data.tracking.root import upright_root
from erlnet.head.model import HeadModel
from erlnet.interfaces import Observation, Tracked

_NECK = 1  # joint
_BLOCK = 500  # frames projected at once: bounds memory


def short_gaps(known: np.ndarray) -> np.ndarray:
    """(T,) bool: the unknown frames in gaps of at most BRIDGED frames that have known ones on both sides."""
    out = np.zeros(len(known), bool)
    places = np.flatnonzero(known)
    for before, after in pairwise(places):
        if 1 < after - before <= BRIDGED + 1:
            out[before + 1 : after] = True
    return out


def between(values: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Rows (N,K) that stand at rising positions (N,) -> rows at `wanted` (M,), linear; held beyond the ends."""
    columns = [np.interp(wanted, at, column) for column in values.reshape(len(values), -1).T]
    return np.stack(columns, 1).reshape(len(wanted), *values.shape[1:]) if columns else np.zeros((len(wanted), 0))


def turned_between(rotations: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Matrices (N,3,3) at rising positions -> matrices at `wanted` along the shortest turns; held beyond the ends."""
    if len(at) == 1:
        return np.repeat(rotations, len(wanted), axis=0)
    return Slerp(at, Rotation.from_matrix(rotations))(np.clip(wanted, at[0], at[-1])).as_matrix()


def placed_between(rigid: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The same for (N,4,4) rigid transforms, translations linearly."""
    out = np.tile(np.eye(4), (len(wanted), 1, 1))
    out[:, :3, :3] = turned_between(rigid[:, :3, :3], at, wanted)
    out[:, :3, 3] = between(rigid[:, :3, 3], at, wanted)
    return out


def positions(known: np.ndarray) -> np.ndarray:
    """(T,) float: where each frame takes its values from, counted in frames. Short gaps lie between their neighbours,
    longer ones are held at the nearest known frame. At least one frame must be known."""
    at, frames = np.flatnonzero(known), np.arange(len(known))
    after = np.searchsorted(at, frames).clip(0, len(at) - 1)
    before = (after - 1).clip(0)
    nearest = at[np.where(frames - at[before] < at[after] - frames, before, after)]
    return np.where(known | short_gaps(known), frames, nearest).astype(float)


def filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T,...) with unknown rows made up (`positions`); known rows stay to the bit. Unknown rows may hold anything."""
    return _made_up(values, known, between)


def filled_rotations(rotations: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T,3,3), the same along the shortest turns."""
    return _made_up(rotations, known, turned_between)


def filled_rigid(rigid: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T,4,4), the same."""
    return _made_up(rigid, known, placed_between)


def _made_up(
    values: np.ndarray, known: np.ndarray, how: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    out = values.copy()
    if not known.all():
        out[~known] = how(values[known], np.flatnonzero(known).astype(float), positions(known)[~known])
    return out


def is_flame(model: HeadModel) -> bool:
    """Whether the expression numbers are FLAME's components, which have numbers for names."""
    return all(name.removeprefix("expression").isdigit() for name in model.expression_names)


def joints_of(model: HeadModel, shape: np.ndarray) -> np.ndarray:
    """(5,3) root, neck, jaw, eyes in rest coordinates, m."""
    with torch.no_grad():
        return model.joints(torch.as_tensor(shape).to(model.joint_template)[None])[0].double().numpy()


def standing_root(model: HeadModel, shape: np.ndarray, head_to_world: np.ndarray) -> np.ndarray:
    """(4,4) a torso that stands upright and still under the head of (T,4,4); all turning is then the neck's."""
    neck = torch.from_numpy(joints_of(model, shape)[_NECK])
    return upright_root(torch.from_numpy(head_to_world.astype(np.float64)), neck).numpy()


def projected_landmarks(
    model: HeadModel, coefficients: Coefficients, focal: float, size: tuple[int, int]
) -> np.ndarray:
    """(T,68,2) px of a picture of `size` (height, width): where the head model has its landmarks."""
    part, c, out = model.landmark_model(), coefficients, []
    root, shape = torch.from_numpy(c.root)[None], torch.from_numpy(c.shape)[None]
    with torch.no_grad():
        for start in range(0, len(c), _BLOCK):
            rows = slice(start, start + _BLOCK)
            motion = [torch.from_numpy(a[rows]) for a in (c.expression, c.jaw, c.eyes, c.lids, c.head_to_world)]
            out.append(part.landmarks68(part(shape, *motion, root)).double().numpy())
    world = np.concatenate(out)
    return focal * world[..., :2] / world[..., 2:] + np.array([size[1] / 2, size[0] / 2])


def with_figures(
    observation: Observation, model: HeadModel, coefficients: Coefficients, focal: float, more: dict[str, float]
) -> Tracked:
    """The result with its report: how far the import is from the landmarks seen in the pictures, and `more`.

    Nothing is rejected for its error: what was imported is what was asked for.
    """
    projected = projected_landmarks(model, coefficients, focal, observation.size)
    error = np.linalg.norm(observation.landmarks - projected, axis=-1)
    seen = np.isfinite(error)
    lost = ~np.isfinite(observation.landmarks).all((1, 2))
    rejected = np.zeros(len(error), bool)
    if seen.any():
        report = figures(error, projected, lost, rejected, float(np.median(error[seen])) / MEDIAN_LENGTH)
    else:  # no landmarks to compare with: the figures that need them are left out
        with_none = figures(np.zeros_like(error), projected, lost, rejected, 0.0)
        report = {key: value for key, value in with_none.items() if key.startswith(("frames", "jitter"))}
    return Tracked(coefficients, focal, report | more)
