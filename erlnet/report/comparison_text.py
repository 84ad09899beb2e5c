"""What is said of one comparison: its verdict, what the design can find, whom it speaks for, why nobody wins."""

from __future__ import annotations

from erlnet.report.analysis import Analysis
from erlnet.report.comparisons import Comparison
from erlnet.report.numbers import count, interval, number, with_unit
from erlnet.report.statistics import LEVEL
from erlnet.report.verdicts import MAX_LOST_FACES


def endpoint(analysis: Analysis, key: tuple[str, str, str] | None = None) -> str:
    """'neck SSIM (tracked)'."""
    metric, region, driving = key or analysis.primary_key
    card = analysis.study.cards.get(metric)
    title = card.title if card else metric
    named = region in ("frame", "none") or region in title.lower()
    place = "frame " if region == "frame" else ""
    return f"{place if named else region + ' '}{title} ({driving})"


def comparison_sentence(analysis: Analysis, c: Comparison) -> str:
    """'feature is better than pixel on neck SSIM (tracked): +0.012 [0.004, 0.020], 12 clips, 1 seed.' and why."""
    where = endpoint(analysis, c.key)
    numbers = difference_text(analysis, c)
    match c.verdict:
        case "better" | "worse":
            return f"{c.variant} is {c.verdict} than {c.baseline} on {where}: {numbers}."
        case "equivalent":
            limit = number(c.margin, analysis.study.cards[c.metric].unit)
            return (
                f"{c.variant} and {c.baseline} are equivalent on {where}: {numbers}; "
                f"any difference is smaller than the {limit} that would matter."
            )
        case "identical":
            return f"{c.variant} and {c.baseline} are identical by construction on {where}: every clip reads the same."
        case "blocked":
            reason = blocked_because(analysis, c)
            return f"No winner between {c.variant} and {c.baseline} on {where}: {reason}. The difference is {numbers}."
        case "not_converged":
            return f"Not converged: {c.variant} against {c.baseline} on {where} changes with more training; {numbers}."
        case _:
            return f"Undecided: {c.variant} against {c.baseline} on {where} is {numbers}."


def difference_text(analysis: Analysis, c: Comparison) -> str:
    """'+0.012 [+0.004, +0.020], 12 clips, 1 seed'; says where lower is better."""
    card = analysis.study.cards[c.metric]
    bounds = c.difference.interval()
    parts = [with_unit(number(c.difference.mean, card.unit, signed=True), card.unit)]
    parts[0] += f" {interval(bounds, card.unit, signed=True)}" if bounds else " (one clip, so no interval)"
    if card.higher_is_better is False:
        parts.append("lower is better")
    parts.append(sample_text(c.difference.n_clips, c.difference.n_seeds, c.n_speakers))
    lost = [(len(c.paired.dropped), "clip"), (len(c.paired.dropped_seeds), "seed")]
    if any(n for n, _ in lost):
        parts.append(f"without {' and '.join(count(n, noun) for n, noun in lost if n)} that one side lacks")
    return ", ".join(parts)


def sample_text(n_clips: int, n_seeds: int, n_speakers: int = 1) -> str:
    """'12 clips of 4 speakers, 3 seeds'; that one seed leaves training's randomness out is part of it."""
    whom = f" of {n_speakers} speakers" if n_speakers > 1 else ""
    return f"{count(n_clips, 'clip')}{whom}, {count(n_seeds, 'seed')}" + (
        " (training randomness not covered)" if n_seeds == 1 and n_clips > 1 else ""
    )


def power_sentence(analysis: Analysis, c: Comparison) -> str:
    """What such a design finds; empty where every difference is zero and there is no spread to go by."""
    if c.verdict == "identical":
        return ""
    if c.detectable is None:
        return "Power: none, because one clip has no spread."
    unit = analysis.study.cards[c.metric].unit
    parts = [f"0.80 for {with_unit(number(c.detectable, unit), unit)}"]
    if c.margin is not None and c.power is not None:
        parts.insert(0, f"{c.power:.2f} for {with_unit(number(c.margin, unit), unit)}, the least that matters")
    n = round(LEVEL / c.level)
    shared = f", at {LEVEL:.0%} shared over {n} variants" if n > 1 else ""
    seeds = ", training randomness left out" if c.difference.n_seeds == 1 else ""
    return f"Power of such a design to find a true difference{shared}{seeds}: {'; '.join(parts)}."


def people_sentence(analysis: Analysis, c: Comparison) -> str:
    """The difference with speakers as units; empty where the clips show one, or it is not known whom."""
    bounds = c.people.interval() if c.people else None
    if c.people is None or bounds is None:
        return ""
    unit = analysis.study.cards[c.metric].unit
    outside = "zero lies outside" if bounds[0] > 0 or bounds[1] < 0 else "zero lies within, so other people may differ"
    return (
        f"For a claim about people n is {c.n_speakers}, not the number of clips: {c.variant} against {c.baseline} is "
        f"{with_unit(number(c.people.mean, unit, signed=True), unit)} {interval(bounds, unit, signed=True)} over "
        f"speakers; {outside}."
    )


def ahead(analysis: Analysis, c: Comparison) -> str:
    """The side that the difference speaks for."""
    return c.variant if (c.difference.mean > 0) == analysis.study.cards[c.metric].higher_is_better else c.baseline


def blocked_because(analysis: Analysis, c: Comparison) -> str:
    """Which condition failed, and on which side."""
    study = analysis.study
    sides = [v for name in (c.variant, c.baseline) if (v := study.variant(name))]
    reasons = [f"{v.name} failed the health gate" for v in sides if v.health.status == "failed"]
    if reasons:
        return " and ".join(reasons)
    first = ahead(analysis, c)
    if (winner := study.variant(first)) and winner.mouth_guard.status == "failed":
        return f"{first} failed the mouth guard"
    return f"{first} lost the face in more than {MAX_LOST_FACES:.0%} of its frames"
