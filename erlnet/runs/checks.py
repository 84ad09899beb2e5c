"""The two conditions of every verdict, gathered from stored figures: the health gate and the mouth guard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlnet.metrics.cards import REFERENCES
from erlnet.metrics.guard import MouthEvidence, mouth_guard
from erlnet.report.inputs import Check
from erlnet.stages import Plan

HEALTH_RULE = (
    "Head opacity at least .9 in the face and at most .1 on torso and background, torso opacity at most .2 in the "
    "face; dropping Head-NeRF costs at least 10 dB in the face and less than 1 dB on the torso."
)
GUARD_RULE = (
    "Mouth opening against the reference's: r at least .8, slope .7 to 1.3, median lag within one frame; mouth SSIM "
    "above the best floor; a face found in 99 % of the frames. In audio: r of the mesh's mouth above that of the ridge "
    "regression from sound, slope .6 to 1.4, mouth SSIM not judged. Without frames the mesh's mouth stands for the "
    "picture's; where sound conditions the renderer, so that there is no mesh, the picture's is held to the ridge's."
)

if TYPE_CHECKING:
    import pandas as pd

    from erlnet.report.inputs import ReferenceResult


def health_check(group: Sequence[Plan], out: Path) -> Check:
    """The gate over a variant's seeds, from its `tracked` renders or, without any, its `audio` renders, whose pose is
    the tracked one too: one failed seed fails it, its values are shown.
    """
    measured: dict[str, list[dict[str, Any]]] = {"tracked": [], "audio": []}
    for plan in group:
        for mode, stage in plan.renders:
            if mode in measured and stage.done(out):
                measured[mode].append(json.loads((stage.folder(out) / "metrics.json").read_text())["health"])
    found = measured["tracked"] or measured["audio"]
    if not found:
        return Check("n/a", {"reason": "nothing was rendered under the tracked head pose"})
    worst = next((h for h in found if h["status"] == "failed"), found[0])
    return Check(worst["status"], worst["values"], HEALTH_RULE)


def mouth_guard_check(
    scores: pd.DataFrame | None, references: Sequence[ReferenceResult], driving: str, has_frames: bool
) -> Check:
    """The guard in one driving mode, over all seeds."""
    if scores is None:
        return Check("n/a", {"reason": "no scores"})
    mine = scores[scores["driving"] == driving]
    ridge = next((row.scores for row in references if row.name == "ridge"), mine[:0])

    def values(metric: str, table: pd.DataFrame = mine) -> list[float | None]:
        column = table.loc[(table["metric"] == metric) & (table["driving"] == driving), "value"]
        return [None if value != value else float(value) for value in column]

    evidence = MouthEvidence(
        r=values("mouth_open_r" if has_frames else "mesh_mouth_r"),
        slope=values("mouth_open_slope" if has_frames else "mesh_mouth_slope"),
        lag=values("mouth_lag" if has_frames else "mesh_mouth_lag"),
        mesh_r=values("mesh_mouth_r"),
        ridge_r=values("mesh_mouth_r", ridge),
        faces_missed=values("faces_missed") if has_frames else None,
        mouth_ssim=mouth_ssim(mine),
        floors_mouth_ssim=[
            value
            for row in references
            if REFERENCES[row.name] == "floor"
            and (value := mouth_ssim(row.scores[row.scores["driving"] == driving])) is not None
        ],
    )
    if all(value is None for value in evidence.r) and not has_frames:
        return Check("n/a", {"reason": "no mesh, so no mouth"})
    guard = mouth_guard(driving, evidence)
    shown: dict[str, Any] = {"driving": driving} | {name: _shown(value) for name, value in guard.values.items()}
    return Check(guard.status, shown, GUARD_RULE)


def mouth_ssim(scores: pd.DataFrame) -> float | None:
    """Mean over clips of the clip's mean over frames."""
    rows = scores[(scores["metric"] == "ssim") & (scores["region"] == "mouth")]
    value = rows.groupby(["seed", "clip"])["value"].mean().mean()
    return None if value != value else float(value)


def _shown(value: Any) -> Any:
    """Lists and mappings as a reader sees them in a cell."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {reason}" for name, reason in value.items()) or "none"
    return (", ".join(value) or "none") if isinstance(value, list) else value
