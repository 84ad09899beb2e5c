"""How far a score lies between a floor and the truth. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable


def gain(score: float, floor: float, perfect: float) -> float | None:
    """(score - floor) / (perfect - floor): 0 at the floor, 1 at the truth, below 0 worse than the floor.

    None where the floor is as good as the truth and nothing could be gained.
    """
    return (score - floor) / (perfect - floor) if perfect != floor else None


def best_floor(floors: Iterable[float], higher_is_better: bool) -> float | None:
    """The floor that is hardest to beat; None where there is none."""
    values = list(floors)
    if not values:
        return None
    return max(values) if higher_is_better else min(values)
