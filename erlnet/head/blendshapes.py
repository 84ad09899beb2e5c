"""mediapipe's 52 blendshape scores -> the shipped head model's coefficients, by name."""

from dataclasses import dataclass

import numpy as np

MEDIAPIPE_NAMES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""mediapipe's category names, in the order of its scores."""


@dataclass(frozen=True)
class BlendshapeMotion:
    """What 52 scores say about one clip; rad and [0,1]."""

    expression: np.ndarray  # (T,E)
    lids: np.ndarray  # (T,2) left, right
    jaw_open: np.ndarray  # (T,) rad about +x


def from_mediapipe(scores: np.ndarray, expression_names: tuple[str, ...], jaw_open_angle: float) -> BlendshapeMotion:
    """(T,52) scores in [0,1] -> coefficients; a unit that mediapipe lacks (tongueOut) stays 0.

    ValueError where no expression name is mediapipe's (FLAME's components have no names): nothing could be mapped.
    """
    if scores.shape[-1] != len(MEDIAPIPE_NAMES):
        raise ValueError(f"expected {len(MEDIAPIPE_NAMES)} scores a frame, got {scores.shape[-1]}")
    column = {name: i for i, name in enumerate(MEDIAPIPE_NAMES)}
    shared = [(k, column[name]) for k, name in enumerate(expression_names) if name in column]
    if not shared:
        raise ValueError("none of the head model's expression units has a mediapipe name")
    expression = np.zeros((len(scores), len(expression_names)), np.float32)
    units, columns = zip(*shared)
    expression[:, units] = scores[:, columns]
    lids = scores[:, [column["eyeBlinkLeft"], column["eyeBlinkRight"]]].astype(np.float32)
    return BlendshapeMotion(expression, lids, (scores[:, column["jawOpen"]] * jaw_open_angle).astype(np.float32))
