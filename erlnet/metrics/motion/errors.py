"""How far made motion lies from the true one, frame by frame. One number a clip; 0 is the truth, lower is better.

Papers mean different things by the same names; which is meant here, and what theirs is, stands with each function.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

_MM = 1000.0


def lip_vertex_error(reference: Float[np.ndarray, "T L 3"], made: Float[np.ndarray, "T L 3"]) -> float:
    """mm: the distance of the worst lip vertex of each frame, averaged over frames.

    MeshTalk (Richard et al. 2021) and FaceFormer (Fan et al. 2022): "the maximal L2 error of all lip vertices". The
    code published with CodeTalker squares that distance; its numbers are areas and cannot be put beside these.
    """
    return float(_distances(reference, made).max(axis=1).mean())


def lip_vertex_error_mean(reference: Float[np.ndarray, "T L 3"], made: Float[np.ndarray, "T L 3"]) -> float:
    """mm: the distance averaged over lip vertices and frames, the other thing that is called lip vertex error."""
    return float(_distances(reference, made).mean())


def upper_face_dynamics(reference: Float[np.ndarray, "T U"], made: Float[np.ndarray, "T U"]) -> float:
    """mm: how much livelier the upper face is than the true one; negative: stiller. Neither sign is better.

    Both are distances from the person's neutral face (`FaceMotion.upper`). Each vertex's standard deviation over time,
    made less reference, averaged over vertices. CodeTalker (Xing et al. 2023, "FDD") takes reference less made, so
    its sign is the other one, and its code squares the distances.
    """
    return float((made.std(axis=0, dtype=np.float64) - reference.std(axis=0, dtype=np.float64)).mean())


def expression_error(reference: Float[np.ndarray, "T E"], made: Float[np.ndarray, "T E"]) -> float:
    """Mean absolute difference of the expression coefficients, in their own unit; jaw and lids are not among them."""
    return float(np.abs(np.subtract(made, reference, dtype=np.float64)).mean())


def jaw_error(reference: Float[np.ndarray, "T 3"], made: Float[np.ndarray, "T 3"]) -> float:
    """Degrees: the angle between the two jaw rotations, averaged over frames."""
    return float(_angles(reference, made).mean())


def pose_error(reference: Float[np.ndarray, "T 6"], made: Float[np.ndarray, "T 6"]) -> float:
    """Degrees: the geodesic angle between the two head rotations, averaged over frames."""
    return float(_angles(reference[:, :3], made[:, :3]).mean())


def translation_error(reference: Float[np.ndarray, "T 6"], made: Float[np.ndarray, "T 6"]) -> float:
    """mm: the distance between the two head translations, averaged over frames.

    The translation is that of the origin of rest coordinates, between the eyes, so a turn about the neck counts too.
    """
    return float(np.linalg.norm(np.subtract(made, reference, dtype=np.float64)[:, 3:], axis=1).mean() * _MM)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(np.subtract(a, b, dtype=np.float64), axis=-1))


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) degrees between rotations given as axis-angle rad."""
    between = Rotation.from_rotvec(a).inv() * Rotation.from_rotvec(b)
    return np.asarray(np.rad2deg(between.magnitude()))
