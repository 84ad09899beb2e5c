"""One metric, described."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One metric. `higher_is_better` is None where neither direction is better (a slope, a lag)."""

    id: str
    family: str
    title: str
    unit: str
    higher_is_better: bool | None
    definition: str  # exact, printed beside the column
    regions: tuple[str, ...]
    full_reference: bool  # it compares with the true frame, so a gain over a floor means something
    perfect: float | None = None  # what the truth scores, where that is finite
