"""From the scores of given frames to the study that the report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlnet.errors import UserError
from erlnet.metrics.cards import CARDS, FAMILIES, READS, REFERENCES, USUAL, fingerprint
from erlnet.metrics.pairs import Unavailable as Missing
from erlnet.metrics.profiles.known import PROFILES
from erlnet.registry import did_you_mean
from erlnet.report.inputs import (
    Check,
    MetricCard,
    Primary,
    ReferenceResult,
    Study,
    TruthClip,
    Unavailable,
    VariantResult,
)
from erlnet.runs.checks import mouth_guard_check
from erlnet.runs.evaluate_truth import TrueClip
from erlnet.runs.job import environment
from erlnet.variant import digest

if TYPE_CHECKING:
    import pandas as pd

DRIVING = "given"
_FIRST_CHOICE = ("lpips", "ssim")  # of the frame, the first that could be computed


@dataclass(frozen=True)
class Told:
    """What is known of one method beside its scores."""

    options: Mapping[str, Any]  # what its frames are: codec, size, length
    frames: Mapping[str, Path]  # clip -> folder


@dataclass(frozen=True)
class Scored:
    """Everything that is known when scoring is done."""

    command: str
    clips: Sequence[TrueClip]
    single: bool  # blocks of one video, not clips
    tables: Mapping[str, pd.DataFrame]  # row -> scores
    methods: Mapping[str, Told]  # the first one is the baseline
    families: Sequence[str]
    missing: Mapping[str, Missing]
    environment: Mapping[str, Any]
    notes: tuple[str, ...]
    has_regions: bool


def chosen_families(asked: str | None, profile: str | None) -> tuple[str, ...]:
    """`--metrics`: families that look at frames, `all` of them, or the usual ones where nothing is said; and the
    profile's. UserError for an unknown name."""
    choices = [family for family in FAMILIES if READS[family] == "render"]
    usual = [family for family in USUAL if family in choices]
    words = usual if asked is None else choices if asked == "all" else [word.strip() for word in asked.split(",")]
    for word in words:
        if word not in choices:
            raise UserError(f"--metrics {asked}: unknown '{word}'; {did_you_mean(word, choices)}")
    if profile is not None and profile not in PROFILES:
        raise UserError(f"--profile {profile}: there is no such profile; {did_you_mean(profile, list(PROFILES))}")
    return (*dict.fromkeys(words), *([profile] if profile else []))


def cards_of(families: Iterable[str]) -> dict[str, MetricCard]:
    """Metric id -> card, of our families (all of them are kept: the report orders its tables by them) and profiles."""
    own: dict[str, MetricCard] = dict(CARDS)
    return own | {card.id: card for name in families if name in PROFILES for card in PROFILES[name].cards}


def check_primary(word: str, families: Iterable[str]) -> tuple[str, str]:
    """`METRIC[:REGION]` -> both; UserError where no family of the call gives it or it has no better direction."""
    metric, colon, region = word.partition(":")
    known = {name: card for name, card in cards_of(families).items() if card.family in families}
    if metric not in known:
        raise UserError(f"--primary {word}: no metric '{metric}' is scored; {did_you_mean(metric, list(known))}")
    card: Any = known[metric]
    if card.higher_is_better is None:
        raise UserError(f"--primary {word}: neither direction of {card.title} is better; choose another metric")
    if colon and region not in card.regions:
        raise UserError(f"--primary {word}: {card.title} is read in {', '.join(card.regions)}; name one of them")
    return metric, region or card.regions[0]


def default_primary(families: Sequence[str], missing: Iterable[str]) -> tuple[str, str]:
    """Frame LPIPS where it could be computed, else frame SSIM, else the first metric that has a direction."""
    there = [family for family in families if family not in missing]
    for metric in _FIRST_CHOICE:
        if metric in there:
            return metric, "frame"
    for family in there:
        for card in cards_of(families).values():
            if card.family == family and card.higher_is_better is not None:
                return card.id, card.regions[0]  # type: ignore[attr-defined]
    why = "; ".join(dict.fromkeys(str(reason) for reason in missing.values())) if isinstance(missing, Mapping) else ""
    raise UserError(f"nothing could be scored: {why}")


def study_of(scored: Scored, primary: tuple[str, str]) -> Study:
    """The study that the report and `summary.json` are made from: driving `given`, one variant a method."""
    from erlnet.report.inputs import SCORE_COLUMNS

    references = tuple(
        ReferenceResult(name, REFERENCES[name], table)  # type: ignore[arg-type]
        for name, table in scored.tables.items()
        if name not in scored.methods
    )
    gone = tuple(Unavailable(name, reason.reason, reason.remedy) for name, reason in scored.missing.items())
    prints = {name: digest(fingerprint_of(name))[:12] for name in scored.families if name not in scored.missing}
    variants = []
    for name, told in scored.methods.items():
        table = scored.tables.get(name)
        variants.append(
            VariantResult(
                name=name,
                status="done",
                options=told.options,
                hash=digest({"fingerprints": prints, "frames": dict(told.options)})[:12],
                seeds=(0,),
                scores=None if table is None else table[list(SCORE_COLUMNS)],
                health=Check("n/a", {"reason": "frames were given: there are no branches to look at"}),
                mouth_guard=mouth_guard_check(table, references, DRIVING, True),
                unavailable=gone,
                frames={(DRIVING, clip): folder for clip, folder in told.frames.items()},
            )
        )
    source = scored.clips[0].source
    return Study(
        name=f"evaluate {source}" if scored.single else "evaluate",
        command=scored.command,
        primary=Primary(*primary, DRIVING),
        baseline=variants[0].name,
        variants=tuple(variants),
        references=references,
        driving=(DRIVING,),
        cards=cards_of(scored.families),
        clips=tuple(
            TruthClip(
                clip.name, clip, clip.fps, clip.samples, speaker=source if scored.single else "",
                regions=clip if scored.has_regions else None,
            )
            for clip in scored.clips
        ),
        dataset=DRIVING,
        split="blocks of this one video, side by side; this video only" if scored.single else "clips paired by name",
        environment=environment() | dict(scored.environment) | {"fingerprints": prints},
        notes=scored.notes,
    )  # fmt: skip


def fingerprint_of(family: str) -> dict[str, Any]:
    """Of a family of ours or of a profile."""
    return PROFILES[family].fingerprint() if family in PROFILES else fingerprint(family)


def profile_note(
    profile: str, tables: Mapping[str, pd.DataFrame], clips: Sequence[TrueClip], names: Iterable[str]
) -> str:
    """The profile's numbers averaged as its script averages them, which is not always by clip, and what differs."""
    known, source = PROFILES[profile], {clip.name: clip.source for clip in clips}
    texts = []
    for name in names:
        table = tables[name]
        parts = []
        for card in known.cards:
            rows = table[table["metric"] == card.id].dropna(subset=["value"])
            if not len(rows):
                continue
            if known.averages[card.id] == "videos":
                value = rows.groupby(rows["clip"].map(source))["value"].mean().mean()
            else:
                value = rows["value"].mean()
            parts.append(f"{card.title.removesuffix(f', {profile}')} {value:.4f}")
        texts.append(f"{name} {', '.join(parts) or 'none'}")
    return (
        f"Profile {profile}, after {known.script}, averaged as the script does: {'; '.join(texts)}. Not as in the "
        f"script: {'; '.join(known.differs)}."
    )
