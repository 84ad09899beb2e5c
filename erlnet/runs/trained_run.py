"""What a result folder has trained: its stage one (the mapper), or its renderer."""

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


@dataclass(frozen=True)
class Trained:
    """A kind of stage that commands go on from."""

    stage: str
    noun: str
    why_not: str  # why a finished result has none
    how: str  # what to do about it


MAPPER = Trained(
    "motion", "mapper", "nothing in it was driven by sound", "train one with: python -m erlnet.ablate dataset=bank"
)
RENDERER = Trained(
    "renderer", "renderer", "nothing in it was rendered", "train one with: python -m erlnet.ablate fusion=feature"
)


@dataclass(frozen=True)
class TrainedRun:
    """One result's trained stage and what it was trained with."""

    result: Path  # OUT/results/NAME
    stage: str
    inputs: Mapping[str, Path]  # finished stages: the trained one, `prepare`, and what else it read

    @property
    def out(self) -> Path:
        return self.result.parents[1]

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the trained stage read."""
        return read_config(self.inputs[self.stage])

    @cached_property
    def split(self) -> Split:
        """The run's clips; at the renderer's size where it is a renderer's run."""
        from erlnet.runs.clips import open_split

        size = {"size": self.config["renderer"]["size"]} if "renderer" in self.config else {}
        return open_split(self.inputs["prepare"], {"split": self.config["split"]} | size)

    @property
    def threads(self) -> int:
        return int(_description(self.inputs[self.stage])["compute"]["threads"])

    def component(self, stage: str, slot: str) -> Component:
        """What filled a slot in one of the stages."""
        return component_of(read_config(self.inputs[stage])[slot], slot)


def find_run(folder: Path, kind: Trained = MAPPER) -> TrainedRun:
    """`folder` is OUT/results/NAME, or OUT where all its results with such a stage share it; else UserError."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder; give a run's OUT or OUT/results/NAME, or {kind.how}")
    if (folder / "result.json").is_file():
        return _trained(folder.resolve(), kind)
    results = [path.parent.resolve() for path in sorted(folder.glob("results/*/result.json"))]
    if not results:
        raise UserError(f"{folder}: holds no result of a run; give a run's OUT or OUT/results/NAME, or {kind.how}")
    found, reasons = [], []
    for result in results:
        try:
            found.append(_trained(result, kind))
        except UserError as error:
            reasons.append(error)
    if not found:
        raise reasons[0]
    if len({run.inputs[kind.stage] for run in found}) > 1:
        names = ", ".join(f"{folder / 'results' / run.result.name} ({_called(run.result)})" for run in found)
        raise UserError(f"{folder}: its results have different {kind.noun}s; name one of them: {names}")
    return found[0]


def _trained(result: Path, kind: Trained) -> TrainedRun:
    try:
        told: dict[str, Any] = json.loads((result / "result.json").read_text())
        stages = list(told["stages"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{result}: its result.json cannot be read ({error}); issue the sweep again") from None
    name = next((name for name in stages if name.startswith(f"{kind.stage}/")), None)
    if name is None and stages:
        raise UserError(f"{result}: has no trained {kind.noun}, since {kind.why_not}; {kind.how}")
    folder = result.parents[1] / "stages" / name if name else None
    if folder is None or not (folder / "DONE").is_file():
        raise UserError(
            f"{result}: its {kind.noun} is not trained ({told.get('error') or 'unfinished'}); issue the sweep again"
        )
    inputs = {role: result.parents[1] / "stages" / name for role, name in _description(folder)["inputs"].items()}
    gone = [path for path in inputs.values() if not (path / "DONE").is_file()]
    if gone:
        raise UserError(f"{result}: {gone[0]}, which its {kind.noun} was trained with, is gone; issue the sweep again")
    inputs |= {kind.stage: folder}
    for role, stage in inputs.items():
        if role != "prepare":  # clips of another version are clips still
            _check_versions(stage)
    return TrainedRun(result, kind.stage, inputs)


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
