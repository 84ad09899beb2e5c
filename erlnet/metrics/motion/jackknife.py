"""Values by clip for a statistic that has only one value for a whole set: jackknife pseudo-values (Tukey 1958).

With theta of all n clips and theta_i without clip i, the pseudo-value of clip i is n theta - (n - 1) theta_i. For a
mean it is the clip's own value. For others the mean of the pseudo-values is the statistic less its bias of order 1/n,
and they can be compared by clip like any score: differences between two variants over the same clips, intervals,
crossed with seeds. They are less than that where the statistic sits on its bound (a distance that is truly 0): there
their spread says little, and a single one may be negative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

MIN_CLIPS = 3


def pseudo_values(n: int, statistic: Callable[[Sequence[int]], float | None]) -> list[float] | None:
    """`statistic(indices)` of range(n) -> n pseudo-values; None with fewer than 3 clips, or where one has no value."""
    if n < MIN_CLIPS:
        return None
    whole = statistic(range(n))
    parts = [statistic([k for k in range(n) if k != i]) for i in range(n)]
    known = [part for part in parts if part is not None]
    if whole is None or len(known) < n:
        return None
    return [float(value) for value in n * whole - (n - 1) * np.array(known)]
