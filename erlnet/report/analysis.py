"""A study's scores -> means, gains over the floors, comparisons with the baseline. Numbers only, no words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from erlnet.errors import UserError
from erlnet.report.inputs import Primary, ReferenceResult, Study, Unavailable, VariantResult
from erlnet.report.statistics import (
    Estimate,
    Paired,
    benjamini_hochberg,
    clip_scores,
    estimate,
    holm,
    paired_differences,
    score_table,
)
from erlnet.report.verdicts import LOST_FACES, Arm, Verdict, decide, margin, ranking_flips

if TYPE_CHECKING:
    import pandas as pd

Key = tuple[str, str, str]  # metric, region, driving
ScoredRow = VariantResult | ReferenceResult
Values = dict[str, dict[Key, "pd.Series"]]


@dataclass(frozen=True)
class Score:
    """One cell of a table."""

    metric: str
    region: str
    driving: str
    estimate: Estimate | None  # None: no clip has a value
    gain: float | None  # (score - best floor) / (perfect - best floor), 1 is the truth
    floor: str | None  # the best floor's name
    n_dropped: int  # clips without a value (in some seed)

    @property
    def mean(self) -> float | None:
        return self.estimate.mean if self.estimate else None


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
    verdict: Verdict = "undecided"

    @property
    def key(self) -> Key:
        return self.metric, self.region, self.driving


@dataclass(frozen=True)
class Analysis:
    """Everything that summary, sentences and page print."""

    study: Study
    values: Values  # variant or reference name -> key -> one value per (clip, seed)
    scores: dict[str, dict[Key, Score]]  # variant or reference name -> its cells
    comparisons: tuple[Comparison, ...]
    keys: tuple[Key, ...]  # every key that occurs, in the order of the tables

    @cached_property
    def primary_key(self) -> Key:
        primary: Primary = self.study.primary
        return primary.metric, primary.region, primary.driving

    @property
    def primary(self) -> tuple[Comparison, ...]:
        return tuple(c for c in self.comparisons if c.is_primary)

    def comparison(self, variant: str, key: Key) -> Comparison | None:
        return next((c for c in self.comparisons if c.variant == variant and c.key == key), None)

    def unavailable(self, result: VariantResult) -> tuple[Unavailable, ...]:
        """What has no value, metric by metric: a family is spelled out."""
        cards = self.study.cards
        members = {u.metric: [c.id for c in cards.values() if c.family == u.metric] for u in result.unavailable}
        return tuple(
            replace(u, metric=metric)
            for u in result.unavailable
            for metric in ([u.metric] if u.metric in cards else members[u.metric] or [u.metric])
        )

    @property
    def n_seeds(self) -> int:
        return max((len(v.seeds) for v in self.study.variants if v.status == "done"), default=0)


def analyse(study: Study) -> Analysis:
    """Pure: the same study gives the same analysis. UserError where two rows share a name."""
    done = [v for v in study.variants if v.status == "done" and v.scores is not None and len(v.scores)]
    rows: list[ScoredRow] = [*done, *study.references]
    _check_names(study)
    values = {row.name: clip_scores(row.scores) for row in rows}
    keys = _ordered_keys(study, values)
    scores = {name: {key: _score(own[key], key) for key in keys if key in own} for name, own in values.items()}
    floors = [r.name for r in study.references if r.role == "floor"]
    for own in scores.values():
        for key, score in own.items():
            own[key] = _with_gain(study, score, key, scores, floors)
    return Analysis(study, values, scores, _comparisons(study, done, values, keys), keys)


def _check_names(study: Study) -> None:
    names = [v.name for v in study.variants] + [r.name for r in study.references]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"study {study.name}: two rows are called '{twice[0]}'; give one of them another name")


def _ordered_keys(study: Study, values: Values) -> tuple[Key, ...]:
    """Keys in the order: driving as shown, regions from the whole to the part, metrics as their cards stand."""
    regions = ("frame", "head", "face", "mouth", "eyes", "neck", "torso", "background", "none")
    metrics = tuple(study.cards)

    def place(word: str, order: tuple[str, ...]) -> tuple[int, str]:
        return (order.index(word) if word in order else len(order)), word

    # Rows of a metric without a card are series for the curves, no scores.
    shown = {key for own in values.values() for key in own if key[0] in study.cards}
    return tuple(sorted(shown, key=lambda k: (place(k[2], study.driving), place(k[1], regions), place(k[0], metrics))))


def _score(values: pd.Series, key: Key) -> Score:
    table, _, _, dropped = score_table(values)
    return Score(*key, estimate(table) if table.size else None, None, None, len(dropped))


def _with_gain(study: Study, score: Score, key: Key, scores: dict[str, dict[Key, Score]], floors: list[str]) -> Score:
    """Gain over the best floor, for full-reference metrics with a direction and a known perfect value."""
    card = study.cards[key[0]]
    named = {name: scores[name][key].mean for name in floors if key in scores[name]}
    means = {name: mean for name, mean in named.items() if mean is not None}
    if not card.full_reference or card.higher_is_better is None or not means:
        return score
    best = (max if card.higher_is_better else min)(means, key=means.__getitem__)
    if score.mean is None:
        return replace(score, floor=best)
    if card.unit == "dB":  # the perfect PSNR is infinite, so the gain is that of the squared error, whose perfect is 0
        return replace(score, floor=best, gain=1 - 10 ** ((means[best] - score.mean) / 10))
    span = card.perfect - means[best] if card.perfect is not None else 0
    return replace(score, floor=best, gain=(score.mean - means[best]) / span if span else None)


def _arm(result: VariantResult, values: Values, driving: str) -> Arm:
    faces = values[result.name].get((LOST_FACES, "face", driving))
    lost = float(faces.mean()) if faces is not None else 0.0
    return Arm(result.health.status != "failed", result.mouth_guard.status != "failed", lost)


def _comparisons(
    study: Study, done: list[VariantResult], values: Values, keys: tuple[Key, ...]
) -> tuple[Comparison, ...]:
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
            raw.append(Comparison(variant.name, base.name, *key, difference, paired, p, None, key == primary, limit))
    arms = {(v.name, driving): _arm(v, values, driving) for v in done for driving in {k[2] for k in keys}}
    return tuple(
        replace(
            c,
            p_adjusted=p,
            verdict=decide(
                c.difference, not c.paired.table.any(), p, study.cards[c.metric].higher_is_better, c.margin,
                arms[c.variant, c.driving], arms[c.baseline, c.driving], c.is_primary and _flips(study, c),
            ),
        )
        for c, p in zip(raw, _adjust(raw))
    )  # fmt: skip


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
