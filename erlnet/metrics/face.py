"""Distances read from the usual 68 face points; numpy, px unless said otherwise, NaN in gives NaN out."""

import numpy as np
from jaxtyping import Float

RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
UPPER_INNER_LIP, LOWER_INNER_LIP = [61, 62, 63], [67, 66, 65]  # pairs, one above the other
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]  # pairs, of both eyes
STEADY = [*range(27, 36), 36, 39, 42, 45]  # nose and eye corners: they move with the skull alone


def interocular(landmarks: Float[np.ndarray, "*T 68 2"]) -> Float[np.ndarray, "*T"]:
    """Distance between the centres of the eyes (means of 36-41 and 42-47)."""
    between = landmarks[..., RIGHT_EYE, :].mean(axis=-2) - landmarks[..., LEFT_EYE, :].mean(axis=-2)
    return np.asarray(np.linalg.norm(between, axis=-1))


def mouth_opening(landmarks: Float[np.ndarray, "*T 68 2"]) -> Float[np.ndarray, "*T"]:
    """Mean distance of the three inner lip pairs (61-67, 62-66, 63-65) over interocular distance."""
    gap = np.linalg.norm(landmarks[..., UPPER_INNER_LIP, :] - landmarks[..., LOWER_INNER_LIP, :], axis=-1)
    return np.asarray(gap.mean(axis=-1) / interocular(landmarks))


def eye_opening(landmarks: Float[np.ndarray, "*T 68 2"]) -> Float[np.ndarray, "*T"]:
    """Mean distance of the four lid pairs (37-41, 38-40, 43-47, 44-46) over interocular distance."""
    gap = np.linalg.norm(landmarks[..., UPPER_LIDS, :] - landmarks[..., LOWER_LIDS, :], axis=-1)
    return np.asarray(gap.mean(axis=-1) / interocular(landmarks))


def landmark_distance(
    reference: Float[np.ndarray, "*T 68 2"], rendered: Float[np.ndarray, "*T 68 2"]
) -> Float[np.ndarray, "*T"]:
    """LMD: mean Euclidean distance of the 68 points."""
    return np.asarray(np.linalg.norm(reference - rendered, axis=-1).mean(axis=-1))


def mouth_distance(
    reference: Float[np.ndarray, "*T 68 2"], rendered: Float[np.ndarray, "*T 68 2"]
) -> Float[np.ndarray, "*T"]:
    """LMD of points 48-67, each side centred on the mean of its own nose and eye corners."""

    def centred(points: np.ndarray) -> np.ndarray:
        return points[..., MOUTH, :] - points[..., STEADY, :].mean(axis=-2, keepdims=True)

    return np.asarray(np.linalg.norm(centred(reference) - centred(rendered), axis=-1).mean(axis=-1))
