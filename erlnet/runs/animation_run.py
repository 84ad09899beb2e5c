"""The trained stage one that a result folder points to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlnet import registry
from erlnet.errors import UserError
from erlnet.interfaces import SLOTS, Component
from erlnet.runs.task import component_of, read_config

if TYPE_CHECKING:
    from erlnet.data.splits import Split

HOW = "train one with: python -m erlnet.ablate dataset=bank"


@dataclass(frozen=True)
class TrainedRun:
    """One result's mapper and what it was trained with."""

    result: Path  # OUT/results/NAME
    inputs: Mapping[str, Path]  # finished stages: prepare, features, codec, motion

    @property
    def out(self) -> Path:
        return self.result.parents[1]

    @cached_property
    def split(self) -> Split:
        from erlnet.runs.clips import open_split

        return open_split(self.inputs["prepare"], read_config(self.inputs["motion"]))

    @property
    def threads(self) -> int:
        return int(_description(self.inputs["motion"])["compute"]["threads"])

    def component(self, stage: str, slot: str) -> Component:
        """What filled a slot in one of the stages."""
        return component_of(read_config(self.inputs[stage])[slot], slot)


def find_run(folder: Path) -> TrainedRun:
    """`folder` is OUT/results/NAME, or OUT where all results with a mapper share it; UserError where neither."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder; give a run's OUT or OUT/results/NAME, or {HOW}")
    if (folder / "result.json").is_file():
        return _trained(folder.resolve())
    results = [path.parent.resolve() for path in sorted(folder.glob("results/*/result.json"))]
    if not results:
        raise UserError(f"{folder}: holds no result of a run; give a run's OUT or OUT/results/NAME, or {HOW}")
    found, reasons = [], []
    for result in results:
        try:
            found.append(_trained(result))
        except UserError as error:
            reasons.append(error)
    if not found:
        raise reasons[0]
    if len({run.inputs["motion"] for run in found}) > 1:
        names = ", ".join(f"{folder / 'results' / run.result.name} ({_called(run.result)})" for run in found)
        raise UserError(f"{folder}: its results have different mappers; name one of them: {names}")
    return found[0]


def _trained(result: Path) -> TrainedRun:
    try:
        told: dict[str, Any] = json.loads((result / "result.json").read_text())
        stages = list(told["stages"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{result}: its result.json cannot be read ({error}); issue the sweep again") from None
    mapper = next((name for name in stages if name.startswith("motion/")), None)
    if mapper is None and stages:
        raise UserError(f"{result}: has no trained mapper, since nothing in it was driven by sound; {HOW}")
    folder = result.parents[1] / "stages" / mapper if mapper else None
    if folder is None or not (folder / "DONE").is_file():
        raise UserError(
            f"{result}: its mapper is not trained ({told.get('error') or 'unfinished'}); issue the sweep again"
        )
    inputs = {role: result.parents[1] / "stages" / name for role, name in _description(folder)["inputs"].items()}
    gone = [path for path in inputs.values() if not (path / "DONE").is_file()]
    if gone:
        raise UserError(f"{result}: {gone[0]}, which its mapper was trained with, is gone; issue the sweep again")
    inputs |= {"motion": folder}
    for stage in ("features", "codec", "motion"):
        _check_versions(inputs[stage])
    return TrainedRun(result, inputs)


def _check_versions(stage: Path) -> None:
    """UserError where a component is no longer what the stage was made with: its weights would not fit, or mislead."""
    for slot, told in read_config(stage).items():
        if slot in SLOTS and (now := registry.load(slot, told["name"]).VERSION) != told["version"]:
            raise UserError(
                f"{stage}: was made with version {told['version']} of {slot}={told['name']}, which is at version {now} "
                "now; issue the sweep again"
            )


def _description(stage: Path) -> dict[str, Any]:
    return json.loads((stage / "config.json").read_text())


def _called(result: Path) -> str:
    try:
        told = json.loads((result / "variant.json").read_text())
        return f"{told['name']}, seed {told['seed']}"
    except (OSError, ValueError, KeyError):
        return "unnamed"
