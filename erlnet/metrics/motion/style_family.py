"""The family `style`: style asked for against style reached, what leaked, and the decoupling score, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.metrics.motion.decoupling import StreamScales, Swap, decoupling
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion
from erlnet.metrics.motion.style_judge import StyleJudge, TrainedJudge, reached, train_judge
from erlnet.metrics.mouth import mouth_scores
from erlnet.metrics.pairs import Row

REACHED = "style_reached"  # a series without a card: region ASKED>REACHED, 1 where it was so, else 0


@dataclass(frozen=True, eq=False)
class Restyled:
    """What was made of one test clip's sound."""

    truth: Motion
    asked: Mapping[str, Motion]  # style -> the motion made with a style clip of that style; empty: one style alone
    swap: Swap | None = None


def choose_judge(apart: Sequence[Motion], train: Sequence[Motion]) -> tuple[TrainedJudge, str]:
    """(the judge, what it saw): real motion set apart for it where that makes a judge, else the training clips."""
    own = train_judge(apart)
    return (own, "val") if own.judge is not None or not train else (train_judge(train), "train")


def style_rows(
    clips: Sequence[Restyled], judge: StyleJudge, scales: StreamScales, meshes: Mapping[str, FaceMesh | None]
) -> list[Row]:
    """Every row of the family, one value a test clip. Styles that the judge does not know are left out."""
    rows: list[Row] = []
    for clip in clips:
        asked = {style: motion for style, motion in clip.asked.items() if style in judge.styles}
        if asked:
            rows += _reached(clip.truth, asked, judge)
            rows.append(_sync_cost(clip.truth, asked, meshes[clip.truth.name]))
    swaps = [clip.swap for clip in clips if clip.swap is not None]
    if swaps:
        for stream, region in (("expression", "face"), ("pose", "head")):
            found = decoupling(swaps, scales)[stream]
            values: Sequence[float | None] = found.by_clip or [found.score] * len(found.clips)
            rows += [Row(c, None, f"decoupling_{stream}", region, v) for c, v in zip(found.clips, values)]
    return rows


def _reached(truth: Motion, asked: Mapping[str, Motion], judge: StyleJudge) -> list[Row]:
    seen = dict(zip(asked, reached(judge, list(asked.values()))))
    rows = [
        Row(truth.name, None, REACHED, f"{style}>{name}", float(seen[style] == name))
        for style in asked
        for name in judge.styles
    ]
    rows.append(Row(truth.name, None, "style_accuracy", "none", float(np.mean([seen[s] == s for s in asked]))))
    others = [style for style in asked if style != truth.style]
    if others and len(asked) > 1:
        rows.append(
            Row(truth.name, None, "style_leak", "none", float(np.mean([seen[s] == truth.style for s in others])))
        )
    return rows


def _sync_cost(truth: Motion, asked: Mapping[str, Motion], mesh: FaceMesh | None) -> Row:
    """Mouth correlation in the sound's own style less its mean over the others."""
    value = None
    if mesh is not None and truth.style in asked and len(asked) > 1:
        opening = mesh(truth).opening
        r = {style: mouth_scores([(opening, mesh(motion).opening)]).r for style, motion in asked.items()}
        others = [x for style, x in r.items() if style != truth.style]
        own = r[str(truth.style)]
        if own is not None and None not in others:
            value = own - float(np.mean(np.array(others, float)))
    return Row(truth.name, None, "style_sync_cost", "mouth", value)
