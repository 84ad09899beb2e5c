"""The stage graph: what each stage reads, and its key. Torch-free: a re-issue with nothing to do imports no torch.

A key is the hash of the stage's name and code version, the config sections it reads, the keys of its inputs, and,
where it computes with a network, threads, device type and precision, and the seed where it trains. Nothing else: that
narrowness is what lets variants share finished work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from erlnet.device import chosen_device, device_type
from erlnet.driving import applies
from erlnet.metrics.cards import MODES, READS, REFERENCE_ROWS, fingerprint
from erlnet.nerf.settings import SHARES
from erlnet.variant import Variant, digest

BUDGET_STRIDE = 5  # every fifth test frame tells what a share of the steps gives
NO_MODE = "none"  # the driving of what is scored without any: a codebook
VERSIONS: dict[str, int] = {  # raised when a stage's code changes what it writes
    "prepare": 3, "features": 2, "codec": 3, "motion": 3, "drive": 1, "restyle": 1, "renderer": 7, "render": 4,
    "budget": 1, "evaluate": 1, "references": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One node: a folder `stages/<name>/<key>` once it is done."""

    name: str
    label: str  # what a person reads while it runs
    config: Mapping[str, Any]  # exactly what it reads, JSON-able
    inputs: Mapping[str, Stage]
    seed: int | None = None  # where it trains
    compute: Mapping[str, Any] | None = None  # threads, device, precision, where it computes with a network

    @cached_property
    def key(self) -> str:
        return digest(
            {
                "stage": self.name,
                "version": VERSIONS[self.name],
                "config": self.config,
                "inputs": {role: stage.key for role, stage in self.inputs.items()},
                "seed": self.seed,
                "compute": self.compute,
            }
        )

    def folder(self, out: Path) -> Path:
        return out / "stages" / self.name / self.key

    def done(self, out: Path) -> bool:
        return (self.folder(out) / "DONE").exists()


@dataclass(frozen=True)
class Plan:
    """The stages of one (variant, seed), inputs before what reads them."""

    variant: Variant
    seed: int
    stages: tuple[Stage, ...]
    evaluations: tuple[tuple[str, str, Stage], ...]  # (driving, family, stage)
    references: tuple[tuple[str, Stage], ...]  # (family, stage)
    renders: tuple[tuple[str, Stage], ...]  # (driving, stage)
    budget: Stage | None = None  # scores of the renderer after shares of its steps

    def missing(self, out: Path) -> list[Stage]:
        return [stage for stage in self.stages if not stage.done(out)]


def compute_section(variant: Variant, device: str = "cpu") -> dict[str, Any]:
    """What the bits of a network's output depend on beside its inputs."""
    return {"threads": variant.threads, "device": device_type(device), "precision": "float32"}


def make_plan(
    variant: Variant,
    seed: int,
    source: Mapping[str, Any],
    driving: Sequence[str],
    families: Sequence[str],
    budget: tuple[str, str] | None = None,
) -> Plan:
    """The stage graph of one (variant, seed); `source` is the dataset's fingerprint.

    `budget` is the family and the driving mode in which the renderer is also scored after shares of its steps.

    Modes and families that mean nothing for the variant's data, codec or conditioning are left out, and so is the
    renderer where no family looks at frames.
    """
    graph = _Graph(variant, seed, source)
    modes = [mode for mode in driving if applies(mode, variant)]
    drives = {} if variant.renders_sound else {mode: graph.drive(mode) for mode in modes}
    filmed = variant.has_frames and any(READS[family] == "render" for family in families)
    renders = tuple((mode, graph.render(mode)) for mode in modes if filmed and mode != "audio_free")
    rendered = dict(renders)
    evaluations: list[tuple[str, str, Stage]] = []
    references = []
    for family in families:
        found = []
        # Only a codec that some mode uses: none is trained for the sake of its codebook.
        if READS[family] == "codec" and variant.has_codes and set(drives) - {"tracked"}:
            found = [(NO_MODE, family, graph.evaluate_codec(family))]
        elif READS[family] != "codec":
            read = rendered if READS[family] == "render" else drives
            found = [(mode, family, graph.evaluate(family, mode)) for mode in read if mode in MODES[family]]
        evaluations += found
        bar = family == "motion" and renders and variant.renders_sound  # the mouth guard's: the ridge regression
        if (found or bar) and REFERENCE_ROWS[family]:
            references.append((family, graph.references(family)))
    shares = graph.budget(*budget) if budget and budget[1] in rendered else None
    # Sound features first: they may need weights that are not there, which must not show after hours of training.
    heard = [graph.features] if {"audio", "audio_free"} & set(modes) else []
    leaves = [
        *heard,
        *drives.values(),
        *(s for _, s in references),
        *(s for _, s in renders),
        *(s for *_, s in evaluations),
        *([shares] if shares else []),
    ]
    return Plan(variant, seed, inputs_first(leaves), tuple(evaluations), tuple(references), renders, shares)


class _Graph:
    """Builds the stages of one (variant, seed); a stage that is asked for twice has one key."""

    def __init__(self, variant: Variant, seed: int, source: Mapping[str, Any]):
        self.variant, self.seed, self.source = variant, seed, source
        self.compute = compute_section(variant)  # stage one is small: it stays on the CPU
        self.rendering = compute_section(variant, chosen_device())
        self.split = {"split": variant.split}
        self.frames = self.split | {"size": variant.settings["renderer"].size}

    def _slots(self, *names: str) -> dict[str, Any]:
        return {name: self.variant.choices[name].described() for name in names}

    def _settings(self, stage: str) -> dict[str, Any]:
        return {stage: asdict(self.variant.settings[stage])} | self.split

    @cached_property
    def data(self) -> dict[str, Stage]:
        config = self._slots("dataset", "tracker", "head_model") | {"source": dict(self.source)}
        return {"prepare": Stage("prepare", "prepare clips", config, {})}

    @cached_property
    def codec(self) -> Stage:
        slots = ("vq", "quantizer") if self.variant.has_codes else ("vq",)
        config = self._slots(*slots) | self._settings("codec")
        return Stage("codec", "train the motion codecs", config, self.data, self.seed, self.compute)

    @cached_property
    def features(self) -> Stage:
        return Stage("features", "sound features", self._slots("audio"), self.data, None, self.compute)

    @cached_property
    def generator(self) -> dict[str, Stage]:
        """What generates motion from sound."""
        inputs = self.data | {"features": self.features, "codec": self.codec}
        config = self._slots("style", "speech_loss") | self._settings("motion")
        motion = Stage("motion", "train the mapper", config, inputs, self.seed, self.compute)
        return inputs | {"motion": motion}

    @cached_property
    def renderer(self) -> Stage:
        slots = self._slots("branches", "conditioning", "encoding", "deform", "fusion", "upsampler", "perceptual")
        config = slots | self._settings("renderer")
        inputs = self.data | ({"features": self.features} if self.variant.renders_sound else {})
        return Stage("renderer", "train the renderer", config, inputs, self.seed, self.rendering)

    def drive(self, mode: str) -> Stage:
        """The signal that a driving mode gives for every test clip."""
        config = self.split | {"driving": mode}
        inputs = {"tracked": self.data, "reconstructed": self.data | {"codec": self.codec}} if mode in (
            "tracked", "reconstructed") else {mode: self.generator}  # fmt: skip
        return Stage(
            "drive", f"motion, {mode}", config, inputs[mode], None, None if mode == "tracked" else self.compute
        )

    @cached_property
    def restyle(self) -> Stage:
        return Stage("restyle", "motion in every style", self.split, self.generator, None, self.compute)

    def render(self, mode: str) -> Stage:
        signal = {"features": self.features} if self.variant.renders_sound else {"drive": self.drive(mode)}
        inputs = self.data | {"renderer": self.renderer} | signal
        return Stage("render", f"render {mode}", self.frames | {"driving": mode}, inputs, None, self.rendering)

    def budget(self, family: str, mode: str) -> Stage:
        """The renderer after shares of its steps, scored by one family on some frames of every test clip."""
        config = self.frames | {
            "driving": mode, "family": fingerprint(family), "shares": dict(SHARES), "stride": BUDGET_STRIDE,
        }  # fmt: skip
        render = self.render(mode)
        inputs = dict(render.inputs) | {"render": render}
        return Stage("budget", f"score shares of the steps, {family}, {mode}", config, inputs, None, self.rendering)

    def evaluate(self, family: str, mode: str) -> Stage:
        label = f"score {family}, {mode}"
        if READS[family] == "render":
            inputs = self.data | {"render": self.render(mode)}
            return Stage("evaluate", label, self.frames | {"family": fingerprint(family)}, inputs)
        config = self.split | {"driving": mode, "family": fingerprint(family)}
        inputs = self.data | ({"restyle": self.restyle} if family == "style" else {"drive": self.drive(mode)})
        return Stage("evaluate", label, config, inputs)

    def evaluate_codec(self, family: str) -> Stage:
        config = self.split | {"family": fingerprint(family)}
        return Stage("evaluate", f"score {family}", config, self.data | {"codec": self.codec})

    def references(self, family: str) -> Stage:
        config = (self.frames if READS[family] == "render" else self.split) | {
            "family": fingerprint(family), "rows": list(REFERENCE_ROWS[family]),
        }  # fmt: skip
        return Stage("references", f"score the reference rows, {family}", config, self.data)


def inputs_first(leaves: Sequence[Stage]) -> tuple[Stage, ...]:
    """Every stage that the leaves need, each once, after its own inputs."""
    ordered: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key not in ordered:
            for needed in stage.inputs.values():
                visit(needed)
            ordered[stage.key] = stage

    for leaf in leaves:
        visit(leaf)
    return tuple(ordered.values())
