"""Every score that one clip has by itself, under the names that a report uses."""

from __future__ import annotations

from erlnet.metrics.motion import dynamics, errors
from erlnet.metrics.motion.mesh import FaceMotion
from erlnet.metrics.motion.record import MotionPair


def pair_scores(pair: MotionPair, reference: FaceMotion, made: FaceMotion) -> dict[str, float | None]:
    """Metric -> value, None where the reference stands still. `reference` and `made` are the pair's faces (FaceMesh),
    with one shape."""
    a, b = pair.reference, pair.made
    return {
        "lip_vertex_error": errors.lip_vertex_error(reference.lips, made.lips),
        "lip_vertex_error_mean": errors.lip_vertex_error_mean(reference.lips, made.lips),
        "upper_face_dynamics": errors.upper_face_dynamics(reference.upper, made.upper),
        "expression_error": errors.expression_error(a.expression, b.expression),
        "jaw_error": errors.jaw_error(a.jaw, b.jaw),
        "pose_error": errors.pose_error(a.pose, b.pose),
        "translation_error": errors.translation_error(a.pose, b.pose),
        "lip_jitter_ratio": dynamics.lip_jitter_ratio(reference.lips, made.lips),
        "head_jitter_ratio": dynamics.head_jitter_ratio(a.pose, b.pose),
        "lip_speed_ratio": dynamics.lip_speed_ratio(reference.lips, made.lips),
        "head_speed_ratio": dynamics.head_speed_ratio(a.pose, b.pose),
        "opening_range_ratio": dynamics.opening_range_ratio(reference.opening, made.opening),
        "head_range_ratio": dynamics.head_range_ratio(a.pose, b.pose),
    }
