"""The answer in words: short sentences that say no more than the numbers do."""

from __future__ import annotations

from collections import Counter

from erlnet.report.analysis import Analysis
from erlnet.report.comparison_text import (
    ahead,
    comparison_sentence,
    endpoint,
    people_sentence,
    power_sentence,
    sample_text,
)
from erlnet.report.inputs import Check, VariantResult
from erlnet.report.numbers import count, interval, number, with_unit

MAX_LISTED = 4  # variants whose values the answer spells out
DEMO = "sanity check, not evidence"
ONE_SEED = (
    "One seed: the interval is over clips only. It does not cover training randomness, so another training run may "
    "come out differently."
)


def headline(analysis: Analysis) -> str:
    """The verdict sentence that opens the report."""
    study = analysis.study
    done = [v for v in study.variants if v.status == "done"]
    base = study.variant(study.baseline)
    if not done:
        return f"No verdict: none of {count(len(study.variants), 'variant')} finished."
    if base is None or base.status != "done":
        return f"No verdict: the baseline {study.baseline} has not finished, so there is nothing to compare with."
    if len(study.variants) == 1:
        return _alone(analysis, base)
    if not analysis.primary:
        return f"No verdict: {_why_no_primary(analysis)}"
    if len(analysis.primary) == 1:
        return comparison_sentence(analysis, analysis.primary[0])
    return _many(analysis)


def others(analysis: Analysis) -> list[str]:
    """What each variant's verdict rests on, with its sentence where the headline sums up several."""
    several = len(analysis.primary) > 1
    texts = [
        " ".join(filter(None, (
            comparison_sentence(analysis, c) if several else "", power_sentence(analysis, c),
            people_sentence(analysis, c),
        )))
        for c in analysis.primary
    ]  # fmt: skip
    return [text for text in texts if text]


def check_text(name: str, variants: list[VariantResult], checks: list[Check]) -> str:
    """'Health gate passed by both.' where all agree, else who failed."""
    by_status = {s: [v.name for v, c in zip(variants, checks) if c.status == s] for s in ("passed", "failed", "n/a")}
    if not by_status["failed"] and not by_status["n/a"]:
        return f"{name} passed by {'all' if len(variants) > 2 else 'both' if len(variants) == 2 else variants[0].name}."
    if not by_status["passed"] and not by_status["failed"]:
        return f"{name}: not applicable."
    words = {"failed": "failed by", "n/a": "not applicable to"}
    parts = [f"{words[s]} {', '.join(by_status[s])}" for s in words if by_status[s]]
    if by_status["passed"]:
        parts.append(f"passed by {'the rest' if len(by_status['passed']) > 2 else ' and '.join(by_status['passed'])}")
    return f"{name} {'; '.join(parts)}."


def levels(analysis: Analysis) -> str:
    """The primary metric itself: 'pixel reads 0.730, feature 0.773; the best floor, mean_frame, 0.574.'"""
    found = {v.name: analysis.scores.get(v.name, {}).get(analysis.primary_key) for v in analysis.study.variants}
    named = {name: score for name, score in found.items() if score and score.mean is not None}
    if not named or len(named) > MAX_LISTED:
        return ""
    unit = analysis.study.cards[analysis.study.primary.metric].unit
    texts = [f"{name} {with_unit(number(score.mean, unit), unit)}" for name, score in named.items()]
    floor = next(iter(named.values())).floor
    below = analysis.scores[floor][analysis.primary_key].mean if floor else None
    end = f"; the best floor, {floor}, {with_unit(number(below, unit), unit)}" if floor else ""
    return f"{endpoint(analysis)[0].upper()}{endpoint(analysis)[1:]}: {', '.join(texts)}{end}."


def conditions(analysis: Analysis) -> list[str]:
    """The conditions of the verdict: health gate, mouth guard."""
    done = [v for v in analysis.study.variants if v.status == "done"]
    if not done:
        return []
    return [
        check_text("Health gate", done, [v.health for v in done]),
        check_text("Mouth guard", done, [v.mouth_guard for v in done]),
    ]


def cautions(analysis: Analysis) -> list[str]:
    """What a reader must know before believing the verdict, most important first."""
    study, found = analysis.study, []
    if study.is_demo:
        found.append(
            f"The demo is a {DEMO}: its frames are rendered from the same head model that conditions the networks."
            if study.filmed
            else f"The motion bank is a {DEMO}: its sound and its motion come from one set of formulas."
        )
    if analysis.n_seeds == 1:
        found.append(ONE_SEED)
    for c in analysis.primary:
        smallest = c.detectable
        if smallest and c.verdict == "undecided":
            unit = study.cards[c.metric].unit
            found.append(
                f"Undecided is not tied: with this spread, {sample_text(c.difference.n_clips, c.difference.n_seeds)} "
                f"would find a true difference of {with_unit(number(smallest, unit), unit)} in 80 % of studies."
            )
            break
    won = dict.fromkeys(ahead(analysis, c) for c in analysis.primary if c.verdict in ("better", "worse"))
    unseen = [name for name in won if (v := study.variant(name)) and v.mouth_guard.status == "n/a"]
    if unseen:
        found.append(
            f"The mouth guard has not judged {', '.join(unseen)}: a mouth that is shut or late may be part of what won."
        )
    failed = [v.name for v in study.variants if v.status != "done"]
    if failed:
        found.append(f"{count(len(failed), 'variant')} did not finish: {', '.join(failed)}. See below.")
    return found


def _alone(analysis: Analysis, only: VariantResult) -> str:
    score = analysis.scores.get(only.name, {}).get(analysis.primary_key)
    if score is None or score.estimate is None:
        return f"One variant and no score of it: {_why_no_primary(analysis)}"
    card = analysis.study.cards[score.metric]
    gain = f" It covers {score.gain:.0%} of the way from {score.floor} to the truth." if score.gain is not None else ""
    return (
        f"{only.name} reads {with_unit(number(score.mean, card.unit), card.unit)} "
        f"{interval(score.estimate.interval(), card.unit)} on {endpoint(analysis)}, "
        f"{sample_text(score.estimate.n_clips, score.estimate.n_seeds)}. There is nothing to compare it with.{gain}"
    )


def _many(analysis: Analysis) -> str:
    """Over several variants: the best one's sentence, and how many came out how."""
    counts: Counter[str] = Counter(c.verdict for c in analysis.primary)
    first = analysis.primary[0]
    card = analysis.study.cards[first.metric]
    winners = [c for c in analysis.primary if c.verdict == "better"]
    if winners:
        best = max(winners, key=lambda c: c.difference.mean * (1 if card.higher_is_better else -1))
        lead = comparison_sentence(analysis, best)
    else:
        lead = f"No variant is better than {first.baseline} on {endpoint(analysis)}."
    order = ("better", "equivalent", "identical", "undecided", "worse", "blocked", "not_converged")
    listed = ", ".join(f"{counts[word]} {word.replace('_', ' ')}" for word in order if counts[word])
    return f"{lead} Of {len(analysis.primary)} compared with {first.baseline}: {listed}."


def _why_no_primary(analysis: Analysis) -> str:
    metric = analysis.study.primary.metric
    for variant in analysis.study.variants:
        for missing in analysis.unavailable(variant):
            if missing.metric == metric:
                return f"{endpoint(analysis)} is unavailable ({missing.reason}). To get it: {missing.remedy}"
    if all(v.status != "done" for v in analysis.study.variants if v.name != analysis.study.baseline):
        return f"only the baseline {analysis.study.baseline} finished."
    return f"no clip has a value of {endpoint(analysis)} on both sides under the same seed."
