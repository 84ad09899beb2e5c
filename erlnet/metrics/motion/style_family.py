"""The family `style`: style asked for against style reached, what leaked, and the decoupling score, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.metrics.motion.decoupling import Swap, decoupling, stream_scales
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion
from erlnet.metrics.motion.style_judge import StyleJudge, TrainedJudge, reached, train_judge
from erlnet.metrics.mouth import mouth_scores
from erlnet.metrics.pairs import Row

REACHED = "style_reached"  # a series without a card: region ASKED>REACHED, 1 where it was so, else 0
TOGETHER = "all clips"  # in place of a clip's name: one value for all, because there is none by clip


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
    clips: Sequence[Restyled], judge: StyleJudge | None, train: Sequence[Motion], meshes: Mapping[str, FaceMesh | None]
) -> list[Row]:
    """Every row of the family, one value a test clip. Styles that the judge does not know are left out; without a judge
    the decoupling score alone is there, which needs none.

    A decoupling score that has no values by clip (fewer than three, or a pair of styles that one clip alone was asked
    for) is one row, of `TOGETHER`: repeated for every clip it would look like a value without any spread.
    """
    rows: list[Row] = []
    if judge is not None:
        for clip in clips:
            asked = {style: motion for style, motion in clip.asked.items() if style in judge.styles}
            if asked:
                rows += _reached(clip.truth, asked, judge)
                rows.append(_sync_cost(clip.truth, asked, meshes[clip.truth.name]))
    swaps = [clip.swap for clip in clips if clip.swap is not None]
    if swaps:  # so there are training clips that differ
        decoupled = decoupling(swaps, stream_scales(train))
        for stream, region in (("expression", "face"), ("pose", "head")):
            found = decoupled[stream]
            values = dict(zip(found.clips, found.by_clip)) if found.by_clip else {TOGETHER: found.score}
            rows += [Row(clip, None, f"decoupling_{stream}", region, value) for clip, value in values.items()]
    return rows


def _reached(truth: Motion, asked: Mapping[str, Motion], judge: StyleJudge) -> list[Row]:
    seen = dict(zip(asked, reached(judge, list(asked.values()))))
    rows = [
        Row(truth.name, None, REACHED, f"{_plain(style)}>{_plain(name)}", float(seen[style] == name))
        for style in asked
        for name in judge.styles
    ]
    rows.append(Row(truth.name, None, "style_accuracy", "none", float(np.mean([seen[s] == s for s in asked]))))
    others = [style for style in asked if style != truth.style]
    if others and truth.style in judge.styles:  # a style that the judge does not know cannot be seen to leak
        rows.append(
            Row(truth.name, None, "style_leak", "none", float(np.mean([seen[s] == truth.style for s in others])))
        )
    return rows


def _plain(style: str) -> str:
    """Without the character that parts the two styles of a region."""
    return style.replace(">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}")


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
