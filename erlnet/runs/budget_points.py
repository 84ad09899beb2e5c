"""What a variant's `budget` stages say of the primary endpoint, as the report takes it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from erlnet.stages import Plan

if TYPE_CHECKING:
    from erlnet.report.inputs import BudgetPoint, Primary

ALL = "all"  # the row of all steps


def budget_points(group: Sequence[Plan], primary: Primary, out: Path) -> tuple[BudgetPoint, ...]:
    """One point a share, the mean over clips and seeds; empty where a seed has none, or none of this endpoint."""
    from erlnet.report.inputs import BudgetPoint

    stages = [plan.budget for plan in group]
    if any(stage is None or not stage.done(out) or stage.config["driving"] != primary.driving for stage in stages):
        return ()
    steps = group[0].variant.settings["renderer"].steps
    shares = {**stages[0].config["shares"], ALL: 1.0}  # type: ignore[union-attr]
    by_seed = [share_means(stage.folder(out) / "scores.csv", primary) for stage in stages]  # type: ignore[union-attr]
    if not all(shares.keys() <= means.keys() for means in by_seed):
        return ()
    return tuple(
        BudgetPoint(
            share, max(1, round(share * steps)), primary.metric, primary.region, primary.driving,
            fmean(means[name] for means in by_seed),
        )
        for name, share in sorted(shares.items(), key=lambda item: item[1])
    )  # fmt: skip


def share_means(scores: Path, primary: Primary) -> dict[str, float]:
    """Row -> the mean over clips of the clip's mean; rows without a value are missing."""
    values: dict[str, dict[str, list[float]]] = {}
    with open(scores, newline="") as file:
        for row in csv.DictReader(file):
            if (row["metric"], row["region"]) == (primary.metric, primary.region) and row["value"]:
                values.setdefault(row["row"], {}).setdefault(row["clip"], []).append(float(row["value"]))
    return {name: fmean(fmean(clip) for clip in clips.values()) for name, clips in values.items()}
