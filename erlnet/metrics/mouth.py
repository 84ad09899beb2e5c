"""Does the mouth follow? Correlation, slope and lag of a rendered mouth opening against the reference's.

Openings come as a *unit*: the curves of one clip, or of several short clips of a speaker, kept apart so that a lag
never pairs a frame of one clip with a frame of the next. Unknown frames are NaN and left out pairwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from erlnet.metrics.protocol import JOIN_SECONDS, MAX_LAG, MIN_OPENING_SD, MIN_PAIRS

Curve = tuple[Float[np.ndarray, "T"], Float[np.ndarray, "T"]]
"""(reference, rendered) opening of one clip over interocular distance."""

_STILL = 1e-6  # sd of an opening below which a render never moved at all


@dataclass(frozen=True)
class MouthScores:
    """None where the reference's mouth does not move (sd < .01), or where too few frames are known."""

    r: float | None
    slope: float | None
    lag: int | None  # frames, positive = render late; None too where the render never moves


def mouth_scores(unit: Sequence[Curve], still: float = MIN_OPENING_SD) -> MouthScores:
    """r, least-squares slope of render on reference, best lag of one unit; none where the reference's sd < `still`."""
    reference, rendered = _pairs(unit, 0)
    if len(reference) < MIN_PAIRS or reference.std() < still:
        return MouthScores(None, None, None)
    slope = float(np.cov(reference, rendered, bias=True)[0, 1] / reference.var())
    return MouthScores(_correlation(reference, rendered), slope, _best_lag(unit))


def _best_lag(unit: Sequence[Curve]) -> int | None:
    """The shift with the highest correlation over the pairs that it leaves; of several equal ones the smallest."""
    best, best_r = None, 0.0
    for lag in sorted(range(-MAX_LAG, MAX_LAG + 1), key=abs):
        reference, rendered = _pairs(unit, lag)
        if len(reference) < MIN_PAIRS:
            continue
        r = _correlation(reference, rendered)
        if r > best_r + 1e-9:
            best, best_r = lag, r
    return best


def _pairs(unit: Sequence[Curve], lag: int) -> tuple[np.ndarray, np.ndarray]:
    """All (reference[t], rendered[t + lag]) within clips, both known."""
    ahead, behind = max(lag, 0), max(-lag, 0)
    reference = np.concatenate([a[behind : max(len(a) - ahead, behind)] for a, _ in unit]).astype(np.float64)
    rendered = np.concatenate([b[ahead : max(len(b) - behind, ahead)] for _, b in unit]).astype(np.float64)
    known = np.isfinite(reference) & np.isfinite(rendered)
    return reference[known], rendered[known]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where either side is constant, because then it follows nothing."""
    if a.std() < _STILL or b.std() < _STILL:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def join_short(speakers: Sequence[str], seconds: Sequence[float]) -> list[list[int]]:
    """Clips -> units, each a list of indices: a clip of 2 s or more alone, shorter ones of one speaker together.

    Short clips are joined in their order until 2 s are reached, so that several units remain to compare; what is left
    over at the end goes to the speaker's last join.
    """
    units = [[i] for i in range(len(speakers)) if seconds[i] >= JOIN_SECONDS]
    for speaker in dict.fromkeys(speakers):
        joins: list[list[int]] = []
        current: list[int] = []
        for i in (i for i in range(len(speakers)) if speakers[i] == speaker and seconds[i] < JOIN_SECONDS):
            current.append(i)
            if sum(seconds[k] for k in current) >= JOIN_SECONDS - 1e-9:
                joins.append(current)
                current = []
        if current and joins:
            joins[-1] += current
        elif current:
            joins.append(current)
        units += joins
    return sorted(units)
