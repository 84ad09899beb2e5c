"""What a variant cost, gathered from the figures that its stages left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from erlnet.report.inputs import Cost
from erlnet.stages import Plan, Stage

TRAINED = "codec", "motion", "renderer"


def cost_of(group: Sequence[Plan], out: Path, peak_rss_bytes: int | None) -> Cost:
    """Seconds over all of a variant's seeds; sizes, and the arithmetic of a frame, are those of the first seed."""
    seconds = stage_seconds(group, out)
    networks = {
        stage.name: _figures(stage, out) for stage in group[0].stages if stage.name in TRAINED and stage.done(out)
    }
    return Cost(
        seconds=sum(seconds.values()),
        peak_rss_bytes=peak_rss_bytes,
        stages=seconds,
        parameters={name: int(figures["parameters"]) for name, figures in networks.items()},
        multiply_adds_per_frame=networks["renderer"]["multiply_adds_per_frame"] if "renderer" in networks else None,
    )


def stage_seconds(group: Sequence[Plan], out: Path) -> dict[str, float]:
    """Seconds that each stage took when it was made, over the group's seeds."""
    seconds: dict[str, float] = {}
    for stage in {s.key: s for plan in group for s in plan.stages}.values():
        if stage.done(out):
            seconds[stage.label] = seconds.get(stage.label, 0.0) + _figures(stage, out)["seconds"]
    return seconds


def _figures(stage: Stage, out: Path) -> dict[str, Any]:
    return json.loads((stage.folder(out) / "metrics.json").read_text())
