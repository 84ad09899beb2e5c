"""The mouth guard: the condition that a variant's mouth really follows, before it may be called better. Torch-free.

Whole-frame scores reward a mouth that never opens (true frames with a shut mouth: SSIM .993) and a late one; the guard
does not.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from erlnet.metrics.gain import best_floor, gain

MIN_R = 0.8
SLOPE = {"given": (0.7, 1.3), "tracked": (0.7, 1.3), "reconstructed": (0.7, 1.3), "audio": (0.6, 1.4)}
MAX_LAG = 1.0  # frames
MAX_FACES_MISSED = 0.01  # share of frames


@dataclass(frozen=True)
class MouthEvidence:
    """What the guard looks at: one value a unit (clip or joined clips), None where a unit has none."""

    r: Sequence[float | None]
    slope: Sequence[float | None]
    lag: Sequence[float | None]  # frames
    mesh_r: Sequence[float | None] = ()  # the same correlation on the head's mesh, before it is rendered
    ridge_r: Sequence[float | None] = ()  # that of a ridge regression from sound: the bar in `audio`
    faces_missed: Sequence[float | None] | None = ()  # share of frames, one value a clip; None: there are no frames
    mouth_ssim: float | None = None  # mean over clips, region mouth
    floors_mouth_ssim: Sequence[float] = ()  # the same of each floor


@dataclass(frozen=True)
class Guard:
    """`values` is JSON-able: the figures judged, which of them `failed`, which parts were `not_checked` and why."""

    status: Literal["passed", "failed", "n/a"]
    values: dict[str, object]


def mouth_guard(driving: str, evidence: MouthEvidence) -> Guard:
    """r >= .8, slope .7 to 1.3, lag 0 +- 1 (median), mouth SSIM above the best floor, faces found in 99 % of frames.

    In `audio` the bar of r is the ridge's, both on the mesh (a picture's mouth is read by a detector, the ridge's never
    was one), the slope may be .6 to 1.4, and the picture's mouth is not judged. A renderer that sound conditions has no
    mesh: its picture's r is held to that bar, the stricter for the detector's noise. Without frames no picture is. For
    `given` frames there may be no floor, so nothing that mouth SSIM has to be above. One failure fails it; it is passed
    only where everything asked for could be checked; n/a where the reference's mouth does not move or there is no
    reference.
    """
    if driving not in SLOPE:
        return Guard("n/a", {"not_checked": {"all": f"driving '{driving}' has no reference"}})
    r, slope, missed = _mean(evidence.r), _mean(evidence.slope), _mean(evidence.faces_missed or ())
    lags = [lag for lag in evidence.lag if lag is not None]
    lag = statistics.median(lags) if lags else None
    low, high = SLOPE[driving]
    checks: dict[str, tuple[float | None, bool]] = {
        "mouth_open_slope": (slope, slope is not None and low <= slope <= high),
        "mouth_lag": (lag, lag is not None and abs(lag) <= MAX_LAG),
    }
    filmed = evidence.faces_missed is not None
    if filmed:
        checks["faces_missed"] = (missed, missed is not None and missed <= MAX_FACES_MISSED)
    values: dict[str, object] = {"mouth_open_r": r}
    not_checked: dict[str, str] = {}
    if driving == "audio":
        ridge = _mean(evidence.ridge_r)
        has_mesh = bool(evidence.mesh_r) or ridge is None
        own = _mean(evidence.mesh_r) if has_mesh else r
        above = None if own is None or ridge is None else own - ridge
        values["ridge_r"] = ridge
        checks["mesh_r_above_ridge" if has_mesh else "mouth_open_r_above_ridge"] = (
            above,
            above is not None and above > 0,
        )
    elif not filmed:
        checks["mouth_open_r"] = (r, r is not None and r >= MIN_R)
    else:
        floor = best_floor(evidence.floors_mouth_ssim, higher_is_better=True)
        gained = None if evidence.mouth_ssim is None or floor is None else gain(evidence.mouth_ssim, floor, 1.0)
        checks["mouth_open_r"] = (r, r is not None and r >= MIN_R)
        if driving == "given" and floor is None:  # a stranger's frames come without training frames
            not_checked["mouth_ssim_gain"] = "no floor"
        else:
            checks["mouth_ssim_gain"] = (gained, gained is not None and gained > 0)
    values |= {name: value for name, (value, _) in checks.items()}
    failed = [name for name, (value, good) in checks.items() if value is not None and not good]
    not_checked |= {name: "no value" for name, (value, _) in checks.items() if value is None}
    unknown = any(value is None for value, _ in checks.values())
    status: Literal["passed", "failed", "n/a"] = "failed" if failed else "n/a" if unknown else "passed"
    return Guard(status, values | {"failed": failed, "not_checked": not_checked})


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
