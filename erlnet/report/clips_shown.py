"""Which frames and clips a reader sees: chosen by score, so that nobody picks the pretty ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from erlnet.report.inputs import Study

if TYPE_CHECKING:
    import pandas as pd

MAX_CLIPS = 16  # more test clips than that: the worst, the best and evenly ranked ones between


@dataclass(frozen=True)
class Moment:
    """One frame of a clip and why it is shown."""

    why: str  # "best", "median", "worst"
    frame: int
    value: float | None  # the ranking score, mean over the variants


@dataclass(frozen=True)
class ShownClip:
    name: str
    rank: str  # "worst", "median", "best" of the clips, else ""
    value: float | None
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Ranking:
    """What the frames are ranked by: the primary metric where it has a value per frame, else SSIM of the frame."""

    metric: str
    region: str
    driving: str
    higher_is_better: bool


def frame_rows(scores: pd.DataFrame, metric: str, region: str, driving: str) -> pd.DataFrame:
    """Rows of one key that belong to a frame, of the first seed."""
    rows = scores[(scores["metric"] == metric) & (scores["region"] == region) & (scores["driving"] == driving)]
    rows = rows[rows["frame"].notna()]
    return rows[rows["seed"] == rows["seed"].min()] if len(rows) else rows


def choose_ranking(study: Study) -> Ranking:
    primary = study.primary
    for metric, region in ((primary.metric, primary.region), ("ssim", "frame")):
        card = study.cards.get(metric)
        if card is None or card.higher_is_better is None:
            continue
        for driving in (primary.driving, *study.driving):
            if len(_ranked(study, Ranking(metric, region, driving, card.higher_is_better))):
                return Ranking(metric, region, driving, card.higher_is_better)
    return Ranking("ssim", "frame", primary.driving, True)


def choose_clips(study: Study, ranking: Ranking) -> list[ShownClip]:
    """The clips to show, in the study's order, each with its best, median and worst frame."""
    table = _ranked(study, ranking)  # index (clip, frame)
    lengths = {clip.name: len(clip.pictures) for clip in study.filmed}
    per_clip = table.groupby(level="clip").mean() if len(table) else table
    ranked = [c for c in per_clip.sort_values(ascending=ranking.higher_is_better).index if c in lengths]  # worst first
    order = ranked + [name for name in lengths if name not in ranked]
    places = np.linspace(0, len(order) - 1, min(len(order), MAX_CLIPS)).round().astype(int)
    keep = {order[place] for place in places}
    ranks = {ranked[len(ranked) // 2]: "median", ranked[-1]: "best", ranked[0]: "worst"} if len(ranked) > 2 else {}
    return [
        ShownClip(
            name,
            ranks.get(name, ""),
            float(per_clip[name]) if name in per_clip.index else None,
            _moments(table, name, lengths[name], ranking.higher_is_better),
        )
        for name in lengths
        if name in keep
    ]


def _ranked(study: Study, ranking: Ranking) -> pd.Series:
    """Mean over the finished variants per (clip, frame), without empty values."""
    import pandas as pd

    tables = [
        frame_rows(v.scores, ranking.metric, ranking.region, ranking.driving)
        for v in study.variants
        if v.status == "done" and v.scores is not None
    ]
    if not tables:
        return pd.Series(dtype=float)
    rows = pd.concat(tables)
    return rows.astype({"frame": int}).groupby(["clip", "frame"])["value"].mean().dropna()


def _moments(table: pd.Series, clip: str, n_frames: int, higher_is_better: bool) -> tuple[Moment, ...]:
    values = table.xs(clip, level="clip") if len(table) and clip in table.index.get_level_values("clip") else table[:0]
    values = values[values.index < n_frames].sort_values(ascending=not higher_is_better, kind="stable")  # best first
    if len(values) < 3:
        return (Moment("middle", n_frames // 2, None),)
    places = (("best", 0), ("median", len(values) // 2), ("worst", len(values) - 1))
    return tuple(Moment(why, int(values.index[i]), float(values.iloc[i])) for why, i in places)
