"""Per-frame curves as small multiples: one chart per clip, one row per series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from erlnet.report.charts import Line, curve_chart
from erlnet.report.clips_shown import MAX_CLIPS, Ranking, frame_rows
from erlnet.report.inputs import Study

if TYPE_CHECKING:
    import pandas as pd

OPENINGS = {
    "mouth_open": ("mouth opening", "mouth"),
    "mesh_open": ("mouth opening of the mesh", "mouth"),
    "eye_open": ("eye opening", "eyes"),
}
"""Series, not scores -> title and region: a gap between lips or lids over the interocular distance, frame by frame."""


def curve_rows(study: Study, ranking: Ranking, colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """The primary series, SSIM of frame and mouth, the openings of mouth and eyes, where there are values per frame."""
    wanted = [(ranking.metric, ranking.region), ("ssim", "frame"), ("ssim", "mouth")]
    wanted += [(opening, region) for opening, (_, region) in OPENINGS.items()]
    rows = []
    for metric, region in dict.fromkeys(wanted):
        row = _row(study, metric, region, ranking.driving, colours)
        if row:
            rows.append(row)
    return rows


def _row(study: Study, metric: str, region: str, driving: str, colours: Mapping[str, str]) -> dict[str, Any] | None:
    tables = {
        v.name: frame_rows(v.scores, metric, region, driving)
        for v in study.variants
        if v.status == "done" and v.scores is not None
    }
    if metric in OPENINGS:  # the truth has a curve of its own here; elsewhere it would be a constant
        tables |= {r.name: frame_rows(r.scores, metric, region, driving) for r in study.references if r.name == "truth"}
    values = np.concatenate([t["value"].to_numpy(float) for t in tables.values()] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    card = study.cards.get(metric)
    title, unit = (card.title, card.unit) if card else (OPENINGS[metric][0], "")
    span = (float(values.min()), float(values.max()))
    charts = []
    for clip in study.clips[:MAX_CLIPS]:
        lines = [
            Line(name, series, colours.get(name, "currentColor"), name not in colours)
            for name, table in tables.items()
            if (series := _series(table, clip.name)) is not None
        ]
        if lines:
            label = f"{region} {title} over the frames of {clip.name}, {driving}: {', '.join(x.label for x in lines)}"
            charts.append({"clip": clip.name, "svg": curve_chart(lines, span, label, unit)})
    if not charts:
        return None
    return {"title": title if region in title else f"{region} {title}", "driving": driving, "charts": charts}


def _series(table: pd.DataFrame, clip: str) -> np.ndarray | None:
    """(T,) values in frame order, NaN where a frame has none; None where the clip has no row."""
    rows = table[table["clip"] == clip]
    if not len(rows):
        return None
    frames = rows["frame"].to_numpy(int)
    values = np.full(frames.max() + 1, np.nan)
    values[frames] = rows["value"].to_numpy(float)
    return values
