"""From a difference and its error to one word.

Order of the rules, first that applies:
1. every difference is exactly zero: `identical` (a shared stage), no p;
2. a health gate failed on either side: `blocked`;
3. the difference lies within the margin that matters (two one-sided tests at 5 %): `equivalent`, even where it is
   distinguishable from zero;
4. the sign of the difference was the other one after half of the steps, and one of the two differences matters:
   `not_converged`;
5. the adjusted p is under 5 % and the metric has a direction: `better` or `worse`; `blocked` where the side that would
   win failed its mouth guard or lost the face in more than 1 % of the frames;
6. else `undecided`. Not significant is not tied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from erlnet.report.statistics import LEVEL, Estimate

Verdict = Literal["better", "worse", "equivalent", "undecided", "identical", "not_converged", "blocked"]

MARGINS: dict[str, float] = {
    "ssim": 0.005,
    "psnr": 0.3,
    "lpips": 0.005,
    "lmd": 0.2,
    "lmd_mouth": 0.2,
    "mouth_open_r": 0.05,
    "mouth_open_slope": 0.1,
    "eye_open_r": 0.05,
    "eye_open_slope": 0.1,
    "mesh_mouth_r": 0.05,
    "mesh_mouth_slope": 0.1,
}
"""Differences that do not matter; those of LMD are px in a frame 256 px high and scale with the height."""

MAX_LOST_FACES = 0.01
LOST_FACES = "faces_missed"  # the metric that counts them
IN_PIXELS = ("lmd", "lmd_mouth")


@dataclass(frozen=True)
class Arm:
    """What one side of a comparison brings beside its scores."""

    healthy: bool  # the health gate did not fail
    guarded: bool  # the mouth guard did not fail
    lost_faces: float = 0.0  # share of frames in which the detector found no face


def margin(metric: str, height_px: int) -> float | None:
    """The equivalence margin of a metric at a frame height, None where there is none."""
    value = MARGINS.get(metric)
    return value * height_px / 256 if value is not None and metric in IN_PIXELS else value


def ranking_flips(half: float, full: float, margin: float | None) -> bool:
    """Whether a difference to the baseline changed its sign between half and all of the steps, and matters in one."""
    return half * full < 0 and max(abs(half), abs(full)) > (margin or 0.0)


def decide(
    difference: Estimate,
    identical: bool,
    p_adjusted: float | None,
    higher_is_better: bool | None,
    equivalence_margin: float | None,
    arm: Arm,
    baseline: Arm,
    flipped: bool = False,
) -> Verdict:
    """The word for arm minus baseline; `flipped`: the ranking was the other one after half of the steps."""
    if identical:
        return "identical"
    if not (arm.healthy and baseline.healthy):
        return "blocked"
    if equivalence_margin is not None:
        p_equivalent = difference.equivalence_p(equivalence_margin)
        if p_equivalent is not None and p_equivalent < LEVEL:
            return "equivalent"
    if flipped:
        return "not_converged"
    if p_adjusted is None or p_adjusted >= LEVEL or higher_is_better is None:
        return "undecided"
    arm_wins = (difference.mean > 0) == higher_is_better
    winner = arm if arm_wins else baseline
    if not winner.guarded or winner.lost_faces > MAX_LOST_FACES:
        return "blocked"
    return "better" if arm_wins else "worse"
