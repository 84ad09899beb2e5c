"""A study's scores -> means, gains over the floors, comparisons with the baseline. Numbers only, no words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from erlnet.errors import UserError
from erlnet.report.comparisons import Comparison, Key, Values, compare
from erlnet.report.inputs import Primary, ReferenceResult, Study, Unavailable, VariantResult
from erlnet.report.statistics import Estimate, clip_scores, estimate, score_table

if TYPE_CHECKING:
    import pandas as pd

ScoredRow = VariantResult | ReferenceResult


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
    return Analysis(study, values, scores, compare(study, done, values, keys), keys)


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
