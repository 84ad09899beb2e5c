"""The family `motion`: every metric of stage one over the test clips, as rows of scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from erlnet.metrics.motion import dynamics, errors
from erlnet.metrics.motion.coupling import expression_pose_coupling
from erlnet.metrics.motion.mesh import FaceMesh, FaceMotion
from erlnet.metrics.motion.mouth import mouth_units
from erlnet.metrics.motion.pose import (
    PoseFrechet,
    diversity_by_clip,
    pose_frechet,
    posture_scale,
    velocity_scale,
)
from erlnet.metrics.motion.record import Motion, MotionPair
from erlnet.metrics.motion.sound_pose import sound_pose, usual_lag
from erlnet.metrics.pairs import Row

PLACES = {"lip": "mouth", "mesh": "mouth", "mouth": "mouth", "jaw": "mouth", "expression": "face", "upper": "face"}
"""First word of a metric -> its region; the head for all others."""


@dataclass(frozen=True, eq=False)
class RealMotion:
    """What is known of real motion: the training clips, and how loud every clip is where there is sound."""

    train: Sequence[Motion]
    loud: Mapping[str, np.ndarray]  # test clip -> (T,) dB (erlnet.metrics.motion.sound_pose.loudness)
    train_loud: Sequence[np.ndarray]  # of `train`, in its order; empty without sound

    @cached_property
    def lag(self) -> int | None:
        """Frames by which real heads follow the sound; None where that cannot be told."""
        try:
            return usual_lag([(loud, m.pose) for loud, m in zip(self.train_loud, self.train)])
        except ValueError:
            return None


Openings = tuple[np.ndarray, np.ndarray]
"""Mouth opening (T,) of the true and of the made face."""


class Faces:
    """The face meshes of the test clips; None for a clip that fits no head model. Keeps no face: they are large."""

    def __init__(self, meshes: Mapping[str, FaceMesh | None]):
        self._meshes = meshes

    def of(self, pair: MotionPair) -> tuple[FaceMotion, FaceMotion] | None:
        """(true, made)."""
        mesh = self._meshes[pair.reference.name]
        if mesh is None:
            return None
        true = mesh(pair.reference)
        return true, true if pair.made is pair.reference else mesh(pair.made)


def motion_rows(pairs: Sequence[MotionPair], faces: Faces, real: RealMotion, wanted: Collection[str]) -> list[Row]:
    """Rows of the metrics in `wanted`; a metric that nothing can be said of for a clip has an empty value there.

    Beside them the series `mesh_open` and `mesh_open_reference` where a metric of the face or the mouth is wanted, and
    the clip fits a head model.
    """
    rows: list[Row] = []
    if any(place(metric) != "head" for metric in wanted):
        openings: list[Openings | None] = []
        for pair in pairs:  # one clip's faces at a time
            face = faces.of(pair)
            rows += _of_face(pair, face)
            openings.append(None if face is None else (face[0].opening, face[1].opening))
        rows += _of_mouth(pairs, openings)
    if any(place(metric) == "head" for metric in wanted):
        for pair in pairs:
            rows += [_row(pair, metric, value) for metric, value in _of_head(pair).items()]
    if {"pose_frechet", "pose_diversity", "sound_pose_gap", "coupling_gap"} & set(wanted):
        rows += _realism(pairs, real)
    series = {"mesh_open", "mesh_open_reference"}
    return [row for row in rows if row.metric in wanted or row.metric in series]


def place(metric: str) -> str:
    """The region that a metric belongs to."""
    return PLACES.get(metric.split("_")[0], "head")


def _row(pair: MotionPair, metric: str, value: float | None) -> Row:
    return Row(pair.reference.name, None, metric, place(metric), value)


def _of_face(pair: MotionPair, face: tuple[FaceMotion, FaceMotion] | None) -> list[Row]:
    values: dict[str, float | None] = {
        "expression_error": errors.expression_error(pair.reference.expression, pair.made.expression),
    }
    if face is None:
        return [_row(pair, metric, value) for metric, value in values.items()]
    true, made = face
    values |= {
        "jaw_error": errors.jaw_error(pair.reference.jaw, pair.made.jaw),
        "lip_vertex_error": errors.lip_vertex_error(true.lips, made.lips),
        "lip_vertex_error_mean": errors.lip_vertex_error_mean(true.lips, made.lips),
        "upper_face_dynamics": errors.upper_face_dynamics(true.upper, made.upper),
        "lip_jitter": dynamics.lip_jitter_ratio(true.lips, made.lips),
        "lip_speed_ratio": dynamics.lip_speed_ratio(true.lips, made.lips),
        "mouth_range_ratio": dynamics.opening_range_ratio(true.opening, made.opening),
    }
    rows = [_row(pair, metric, value) for metric, value in values.items()]
    for metric, curve in (("mesh_open", made.opening), ("mesh_open_reference", true.opening)):
        rows += [Row(pair.reference.name, t, metric, "mouth", float(value)) for t, value in enumerate(curve)]
    return rows


def _of_mouth(pairs: Sequence[MotionPair], openings: Sequence[Openings | None]) -> list[Row]:
    known = [(pair.reference, *both) for pair, both in zip(pairs, openings) if both is not None]
    if not known:
        return []
    clips, true, made = zip(*known)
    rows = []
    for unit in mouth_units(clips, true, made):
        scores = {"r": unit.scores.r, "slope": unit.scores.slope, "lag": unit.scores.lag}
        name = "+".join(unit.clips)
        rows += [
            Row(name, None, f"mesh_mouth_{what}", "mouth", None if value is None else float(value))
            for what, value in scores.items()
        ]
    return rows


def _of_head(pair: MotionPair) -> dict[str, float | None]:
    true, made = pair.reference.pose, pair.made.pose
    return {
        "pose_error": errors.pose_error(true, made),
        "pose_shift_error": errors.translation_error(true, made),
        "pose_jitter": dynamics.head_jitter_ratio(true, made),
        "pose_range_ratio": dynamics.head_range_ratio(true, made),
        "pose_speed_ratio": dynamics.head_speed_ratio(true, made),
    }


def _realism(pairs: Sequence[MotionPair], real: RealMotion) -> list[Row]:
    true, made = [p.reference.pose for p in pairs], [p.made.pose for p in pairs]
    poses = [motion.pose for motion in real.train]
    nothing: list[float | None] = [None] * len(pairs)

    def frechet() -> list[float | None]:
        found: PoseFrechet = pose_frechet(true, made, velocity_scale(poses))
        return list(found.by_clip or nothing)

    def diversity() -> list[float | None]:
        return list(diversity_by_clip(true, made, posture_scale(poses)) or nothing)

    def sound() -> list[float | None]:
        return [_sound_gap(pair, real) for pair in pairs]

    def coupling() -> list[float | None]:
        sides = [
            expression_pose_coupling([(m.stream, m.pose) for m in side])
            for side in ([p.reference for p in pairs], [p.made for p in pairs])
        ]
        return nothing if sides[0] is None or sides[1] is None else [b - a for a, b in zip(*sides)]

    rows = []
    measures: dict[str, Callable[[], list[float | None]]] = {
        "pose_frechet": frechet, "pose_diversity": diversity, "sound_pose_gap": sound, "coupling_gap": coupling,
    }  # fmt: skip
    for metric, measure in measures.items():
        try:
            values = measure()
        except ValueError:  # the training clips' heads do not move or do not differ: nothing to measure with
            values = nothing
        rows += [_row(pair, metric, value) for pair, value in zip(pairs, values)]
    return rows


def _sound_gap(pair: MotionPair, real: RealMotion) -> float | None:
    loud = real.loud.get(pair.reference.name)
    if loud is None or real.lag is None:
        return None
    true, made = (sound_pose(loud, motion.pose, real.lag) for motion in (pair.reference, pair.made))
    return None if true is None or made is None else made - true
