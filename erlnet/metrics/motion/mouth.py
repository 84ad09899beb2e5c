"""Does the made mouth follow the true one? The guard's own scores, on the mesh instead of on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.metrics.motion.record import Motion
from erlnet.metrics.mouth import MouthScores, join_short, mouth_scores


@dataclass(frozen=True)
class MouthUnit:
    """One clip of 2 s or more, or several shorter ones of a speaker."""

    clips: tuple[str, ...]
    scores: MouthScores


def mouth_units(
    clips: Sequence[Motion], reference: Sequence[np.ndarray], made: Sequence[np.ndarray]
) -> list[MouthUnit]:
    """r, slope and lag (erlnet.metrics.mouth) of mouth openings (T,) over interocular, one of each side a clip.

    Openings are those of `FaceMotion`: mean distance of the three inner lip pairs of the mesh's 68 points over the
    distance of its eyes' centres, in the head's frame, so neither pose nor a landmark detector has a part in them.
    """
    curves = list(zip(reference, made, strict=True))
    units = join_short([clip.speaker for clip in clips], [clip.seconds for clip in clips])
    return [MouthUnit(tuple(clips[i].name for i in unit), mouth_scores([curves[i] for i in unit])) for unit in units]
