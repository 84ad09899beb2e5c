"""How lively made motion is against the true one: ratios made / reference, 1 is the truth. None where the reference
stands still, because then there is no ratio."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

_STILL = 1e-6  # mm, degrees or interocular: a reference that moves less does not move


def lip_jitter_ratio(reference: Float[np.ndarray, "T L 3"], made: Float[np.ndarray, "T L 3"]) -> float | None:
    """Root mean square of the lip vertices' third differences, which smooth motion hardly has."""
    return _ratio(*(_rms(np.diff(x.astype(np.float64), n=3, axis=0)) for x in (reference, made)))


def head_jitter_ratio(reference: Float[np.ndarray, "T 6"], made: Float[np.ndarray, "T 6"]) -> float | None:
    """The same of the head's rotation: second differences of its turn from frame to frame, degrees."""
    return _ratio(*(_rms(np.diff(turns(pose), n=2, axis=0)) for pose in (reference, made)))


def lip_speed_ratio(reference: Float[np.ndarray, "T L 3"], made: Float[np.ndarray, "T L 3"]) -> float | None:
    """Mean speed over lip vertices and frames."""
    return _ratio(*(_mean_length(np.diff(x.astype(np.float64), axis=0)) for x in (reference, made)))


def head_speed_ratio(reference: Float[np.ndarray, "T 6"], made: Float[np.ndarray, "T 6"]) -> float | None:
    """Mean angular speed of the head."""
    return _ratio(*(_mean_length(turns(pose)) for pose in (reference, made)))


def opening_range_ratio(reference: Float[np.ndarray, " T"], made: Float[np.ndarray, " T"]) -> float | None:
    """Standard deviation of the mouth opening."""
    return _ratio(float(reference.std()), float(made.std()))


def head_range_ratio(reference: Float[np.ndarray, "T 6"], made: Float[np.ndarray, "T 6"]) -> float | None:
    """Spread of the head's rotation: root mean square angle to its mean rotation over the clip."""
    return _ratio(_spread(reference), _spread(made))


def turns(pose: Float[np.ndarray, "T 6"]) -> Float[np.ndarray, "T-1 3"]:
    """Degrees a frame: the rotation vector that takes the head from each frame to the next, in the head's own axes."""
    rotations = Rotation.from_rotvec(pose[:, :3])
    return np.asarray(np.rad2deg((rotations[:-1].inv() * rotations[1:]).as_rotvec())).reshape(-1, 3)


def _spread(pose: np.ndarray) -> float:
    rotations = Rotation.from_rotvec(pose[:, :3])
    return float(np.rad2deg(np.sqrt(np.mean((rotations.mean().inv() * rotations).magnitude() ** 2))))


def _rms(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=-1).mean())) if vectors.size else 0.0


def _mean_length(vectors: np.ndarray) -> float:
    return float(np.linalg.norm(vectors, axis=-1).mean()) if vectors.size else 0.0


def _ratio(reference: float, made: float) -> float | None:
    return made / reference if reference > _STILL else None
