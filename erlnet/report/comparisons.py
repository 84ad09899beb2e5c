"""Variants against the baseline, key by key: paired differences, their p, adjusted, and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from erlnet.report.inputs import Study, VariantResult
from erlnet.report.statistics import (
    LEVEL,
    Estimate,
    Paired,
    benjamini_hochberg,
    estimate,
    group_means,
    holm,
    paired_differences,
)
from erlnet.report.verdicts import LOST_FACES, Arm, Verdict, decide, margin, ranking_flips

if TYPE_CHECKING:
    import pandas as pd

Key = tuple[str, str, str]  # metric, region, driving
Values = dict[str, dict[Key, "pd.Series"]]  # variant or reference name -> key -> one value per (clip, seed)


@dataclass(frozen=True)
class Comparison:
    """A variant against the baseline on one key; the difference is variant minus baseline."""

    variant: str
    baseline: str
    metric: str
    region: str
    driving: str
    difference: Estimate
    paired: Paired
    p: float | None
    p_adjusted: float | None
    is_primary: bool
    margin: float | None  # the smallest difference that matters
    n_speakers: int = 0  # whom the clips show; 0: not known
    people: Estimate | None = None  # the same difference with speakers as units, where there are several
    level: float = LEVEL  # of the test that the power is that of: 5 %, shared over the variants on the primary endpoint
    verdict: Verdict = "undecided"

    @property
    def key(self) -> Key:
        return self.metric, self.region, self.driving

    @property
    def power(self) -> float | None:
        """How often such a design finds a true difference as large as the margin; None without margin or error."""
        return None if self.margin is None else self.difference.power(self.margin, self.level)

    @property
    def detectable(self) -> float | None:
        """The true difference that such a design finds in 80 % of studies; None without an error."""
        return self.difference.detectable(level=self.level)


def compare(study: Study, done: list[VariantResult], values: Values, keys: tuple[Key, ...]) -> tuple[Comparison, ...]:
    """Every variant that is done against the baseline on every key that both have; none without a baseline."""
    base = next((v for v in done if v.name == study.baseline), None)
    if base is None:
        return ()
    height = study.filmed[0].pictures.frame(0).shape[1] if study.filmed else 256
    primary = (study.primary.metric, study.primary.region, study.primary.driving)
    raw: list[Comparison] = []
    for variant in (v for v in done if v.name != base.name):
        ours, theirs = values[variant.name], values[base.name]
        for key in (k for k in keys if k in ours and k in theirs):
            paired = paired_differences(ours[key], theirs[key])
            if not paired.table.size:
                continue
            difference = estimate(paired.table)
            p = difference.p_value() if paired.table.any() else None
            limit = margin(key[0], height)
            shown = _speakers(study, paired)
            people = estimate(group_means(paired.table, shown)) if len(set(shown)) > 1 else None
            raw.append(
                Comparison(
                    variant.name, base.name, *key, difference, paired, p, None, key == primary, limit,
                    len(set(shown)), people,
                )
            )  # fmt: skip
    shared = LEVEL / max(1, sum(c.is_primary and c.p is not None for c in raw))
    arms = {(v.name, driving): _arm(v, values, driving) for v in done for driving in {k[2] for k in keys}}
    return tuple(
        replace(
            c,
            p_adjusted=p,
            level=shared if c.is_primary else LEVEL,
            verdict=decide(
                c.difference, not c.paired.table.any(), p, study.cards[c.metric].higher_is_better, c.margin,
                arms[c.variant, c.driving], arms[c.baseline, c.driving], c.is_primary and _flips(study, c),
            ),
        )
        for c, p in zip(raw, _adjust(raw))
    )  # fmt: skip


def _arm(result: VariantResult, values: Values, driving: str) -> Arm:
    faces = values[result.name].get((LOST_FACES, "face", driving))
    lost = float(faces.mean()) if faces is not None else 0.0
    return Arm(result.health.status != "failed", result.mouth_guard.status != "failed", lost)


def _speakers(study: Study, paired: Paired) -> list[str]:
    """Whom each clip shows, empty where that is not known of every one; joined clips ("a+b") are of one speaker."""
    known = {clip.name: clip.speaker for clip in study.clips}
    found = [known.get(clip) or known.get(clip.split("+")[0], "") for clip in paired.clips]
    return found if all(found) else []


def _flips(study: Study, c: Comparison) -> bool:
    """Whether variant and baseline stood the other way round after half of the renderer's steps."""
    sides = [{p.share: p.value for p in v.budget} for name in (c.variant, c.baseline) if (v := study.variant(name))]
    if len(sides) < 2 or not all({0.5, 1.0} <= side.keys() for side in sides):
        return False
    half, full = (sides[0][share] - sides[1][share] for share in (0.5, 1.0))
    return ranking_flips(half, full, c.margin)


def _adjust(comparisons: list[Comparison]) -> list[float | None]:
    """Holm over the variants on the primary endpoint, Benjamini and Hochberg over everything else."""
    adjusted: list[float | None] = [None] * len(comparisons)
    for is_primary, method in ((True, holm), (False, benjamini_hochberg)):
        family = [(i, c.p) for i, c in enumerate(comparisons) if c.is_primary == is_primary and c.p is not None]
        for (index, _), value in zip(family, method([p for _, p in family])):
            adjusted[index] = value
    return adjusted
