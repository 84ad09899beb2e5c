"""Faults to plant into true frames, each at five strengths: what a metric that is worth anything has to see.

Lengths are px of a frame 256 px high and grow with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from erlnet.metrics import faults_place as place
from erlnet.metrics import faults_time as time
from erlnet.metrics.faults_scene import Scene

Plant = Callable[[Scene, int, float], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """One kind of fault. `own` is the metric and region that it must raise at each of its strengths (ssim: lower)."""

    id: str
    title: str
    strengths: tuple[float, float, float, float, float]
    plant: Plant
    own: tuple[str, str]


FAULTS: tuple[Fault, ...] = (
    Fault("frame_shift", "everything to the right, px", (0.5, 1, 2, 4, 6), place.frame_shift, ("ssim", "frame")),
    Fault(
        "torso_shift", "neck and torso to the right, px", (1, 2, 4, 6, 8), place.torso_shift, ("neck_distance", "neck")
    ),
    Fault(
        "neck_band", "14 px of the neck to the right, px", (1, 2, 3, 4, 6), place.neck_band, ("neck_distance", "neck")
    ),
    Fault("gap", "background between head and neck, px", (4, 6, 8, 12, 16), place.gap, ("neck_match_failure", "neck")),
    Fault("ghost", "a second body 6 px off, share", (0.1, 0.2, 0.3, 0.4, 0.5), place.ghost, ("neck_softness", "neck")),
    Fault("seam", "a dark line along the head, px", (1, 2, 3, 4, 6), place.seam, ("neck_seam", "neck")),
    Fault("blur", "body blurred, px", (0.5, 1, 1.5, 2, 3), place.blur, ("neck_softness", "neck")),
    Fault(
        "flat_collar", "neck's texture lost, share", (0.2, 0.4, 0.6, 0.8, 1), place.flat_collar,
        ("neck_softness", "neck"),
    ),
    Fault("gain", "body darker, share", (0.05, 0.1, 0.15, 0.25, 0.4), place.gain, ("neck_seam", "neck")),
    Fault(
        "frozen_torso", "body renewed every so many frames", (2, 3, 5, 9, float("inf")), time.frozen_torso,
        ("torso_motion", "torso"),
    ),
    Fault("jitter", "body trembles, px sd", (0.25, 0.5, 1, 1.5, 2), time.jitter, ("neck_flow_error", "neck")),
    Fault("frozen_mouth", "a shut mouth, share", (0.2, 0.4, 0.6, 0.8, 1), time.frozen_mouth, ("ssim", "mouth")),
    Fault("delayed_mouth", "mouth late, frames", (1, 2, 3, 5, 8), time.delayed_mouth, ("ssim", "mouth")),
)  # fmt: skip


@dataclass(frozen=True)
class PlantedFrames:
    """A scene's frames with one fault, made as they are asked for."""

    scene: Scene
    fault: Fault
    strength: float

    def __len__(self) -> int:
        return len(self.scene)

    def frames(self, start: int, stop: int) -> np.ndarray:
        made = [self.fault.plant(self.scene, t, self.strength) for t in range(start, min(stop, len(self)))]
        return np.stack(made)
