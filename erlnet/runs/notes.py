"""What a report says beside its numbers: the study's title, guesses of a preset, what the judge of style is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from erlnet.presets import PAPER_GUESSES
from erlnet.stages import Plan


def study_notes(title: str, plans: Sequence[Plan], out: Path) -> tuple[str, ...]:
    """One sentence or more each; `title` may be empty."""
    notes = [title] if title else []
    if plans[0].variant.preset == "paper":
        listed = ", ".join(f"{name}={value} ({whose})" for name, (value, whose) in _guesses_of(plans[0]).items())
        notes.append(f"preset=paper: the paper does not give these values; each is a guess: {listed}.")
    return (*notes, *said_of_twins(plans), *_of_restarts(plans, out), *_of_the_judge(plans, out))


def said_of_twins(plans: Sequence[Plan]) -> list[str]:
    """Variants that differ in nothing that is made here, such as in the quantizer of a codec without codes."""
    named: dict[frozenset[str], dict[str, str]] = {}  # keys of all stages -> variants with just these
    for plan in plans:
        if plan.seed == plans[0].seed:
            keys = frozenset(stage.key for stage in plan.stages)
            named.setdefault(keys, {})[plan.variant.hash] = plan.variant.name
    return [
        f"{' and '.join(found.values())} are the same here: no stage reads what tells them apart."
        for found in named.values()
        if len(found) > 1
    ]


def _guesses_of(plan: Plan) -> dict[str, tuple[Any, str]]:
    """The preset's guesses that no word of the command replaced."""
    slot_of = {name: slot for slot, name in plan.variant.config.items()}
    kept = {}
    for name, (value, whose) in PAPER_GUESSES.items():
        owner, _, option = name.partition(".")
        options = plan.variant.options
        if options.get(name, options.get(f"{slot_of.get(owner)}.{option}")) == value:
            kept[name] = (value, whose)
    return kept


def _of_restarts(plans: Sequence[Plan], out: Path) -> list[str]:
    """Renderers whose start came to nothing and was begun again with other weights."""
    found = {}
    for plan in plans:
        for stage in plan.stages:
            if stage.name == "renderer" and stage.done(out):
                told = json.loads((stage.folder(out) / "metrics.json").read_text())
                for speaker, figures in told["by_speaker"].items():
                    if figures["restarts"]:
                        end = "; the last start came to nothing, too" if figures["dead"] else ""
                        times = "once" if figures["restarts"] == 1 else f"{figures['restarts']:.0f} times"
                        found[stage.key, speaker] = (
                            f"The renderer of {speaker} in {plan.variant.name}, seed {plan.seed}, was begun again "
                            f"{times} with other weights, because its start came to nothing{end}."
                        )
    return list(found.values())


def _of_the_judge(plans: Sequence[Plan], out: Path) -> list[str]:
    """How good the judge of style is, or why there is none; it is the same for every variant."""
    for plan in plans:
        for _, family, stage in plan.evaluations:
            if family == "style" and stage.done(out):
                found = json.loads((stage.folder(out) / "metrics.json").read_text())
                if found["judge"] is None:
                    return [f"Accuracy and leak of style are not scored, for want of a judge: {found['reason']}."]
                learnt = {"val": "the clips set apart (val)", "train": "the training clips"}[found["judge"]]
                right = f"{found['judge_accuracy']:.0%}"
                return [
                    f"The judge of style learnt from {learnt}; of a speaker left out it knows {right} of the clips."
                ]
    return []
