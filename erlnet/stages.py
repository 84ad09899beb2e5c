"""The stage graph: what each stage reads, and its key. Torch-free: a re-issue with nothing to do imports no torch.

A key is the hash of the stage's name and code version, the config sections it reads, the keys of its inputs, and,
where it computes with a network, threads, device type and precision, and the seed where it trains. Nothing else: that
narrowness is what lets variants share finished work.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from erlnet.errors import UserError
from erlnet.metrics.cards import FAMILIES, MODES, READS, REFERENCE_ROWS, fingerprint
from erlnet.registry import did_you_mean
from erlnet.variant import Variant, digest

DRIVING = ("tracked", "reconstructed", "audio", "audio_free")
NO_MODE = "none"  # the driving of what is scored without any: a codebook
ADF_SLOTS = {"audio", "vq", "quantizer", "style", "speech_loss", "codec", "motion"}
VERSIONS: dict[str, int] = {  # raised when a stage's code changes what it writes
    "prepare": 3, "features": 2, "codec": 3, "motion": 3, "drive": 1, "restyle": 1, "renderer": 3, "render": 4,
    "evaluate": 1, "references": 1,
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

    def missing(self, out: Path) -> list[Stage]:
        return [stage for stage in self.stages if not stage.done(out)]


def compute_section(variant: Variant) -> dict[str, Any]:
    """What the bits of a network's output depend on beside its inputs."""
    return {"threads": variant.threads, "device": os.environ.get("ERLNET_DEVICE", "cpu"), "precision": "float32"}


def make_plan(
    variant: Variant, seed: int, source: Mapping[str, Any], driving: Sequence[str], families: Sequence[str]
) -> Plan:
    """The stage graph of one (variant, seed); `source` is the dataset's fingerprint.

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
    # Sound features first: they may need weights that are not there, which must not show after hours of training.
    heard = [graph.features] if {"audio", "audio_free"} & set(modes) else []
    leaves = [
        *heard,
        *drives.values(),
        *(s for _, s in references),
        *(s for _, s in renders),
        *(s for *_, s in evaluations),
    ]
    return Plan(variant, seed, inputs_first(leaves), tuple(evaluations), tuple(references), renders)


class _Graph:
    """Builds the stages of one (variant, seed); a stage that is asked for twice has one key."""

    def __init__(self, variant: Variant, seed: int, source: Mapping[str, Any]):
        self.variant, self.seed, self.source = variant, seed, source
        self.compute = compute_section(variant)
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
        return Stage("renderer", "train the renderer", config, inputs, self.seed, self.compute)

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
        return Stage("render", f"render {mode}", self.frames | {"driving": mode}, inputs, None, self.compute)

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


def applies(mode: str, variant: Variant) -> bool:
    """Whether the variant's clips, codec and conditioning give the mode a meaning."""
    return obstacle(mode, variant) is None


def obstacle(mode: str, variant: Variant) -> str | None:
    """Why the mode means nothing for the variant, None where it means something."""
    dataset = f"dataset={variant.choices['dataset'].name}"
    if mode == "tracked" and not variant.has_frames:
        return f"{dataset}: its clips have no frames"
    if mode == "reconstructed" and not variant.has_codes:
        return f"{dataset}: no variant has a codec with codes"
    if mode in ("audio", "audio_free") and not variant.has_sound:
        return f"{dataset}: its clips have no sound"
    if variant.renders_sound and mode != "audio":
        name = variant.choices["conditioning"].name
        return f"conditioning={name}: sound and the tracked head pose drive it; ask for --driving audio"
    return None


def choose_driving(asked: str | None, swept: Sequence[str], variants: Sequence[Variant]) -> tuple[str, ...]:
    """`--driving`, or the default: the renderer alone and the whole pipeline; all modes where ADF is swept.

    Clips without frames have no renderer, clips without sound no generator. Where some variant renders sound itself,
    `audio` is the only mode to compare in. UserError where a mode that was asked for means nothing for any variant.
    """
    if asked is None:
        motion_alone = not variants[0].has_frames or bool(ADF_SLOTS & set(swept))
        wanted: tuple[str, ...] = DRIVING if motion_alone else ("tracked", "audio")
        if any(v.renders_sound for v in variants):
            wanted = ("audio",)
        return tuple(mode for mode in wanted if any(applies(mode, v) for v in variants))
    chosen = _chosen("--driving", asked, DRIVING)
    for mode in chosen:
        if not any(applies(mode, v) for v in variants):
            raise UserError(f"--driving {mode}: {obstacle(mode, variants[0])}")
    return chosen


def choose_families(asked: str | None) -> tuple[str, ...]:
    """`--metrics`, or all families."""
    return tuple(FAMILIES) if asked is None else _chosen("--metrics", asked, tuple(FAMILIES))


def _chosen(flag: str, asked: str, choices: Sequence[str]) -> tuple[str, ...]:
    words = [word.strip() for word in asked.split(",")]
    for word in words:
        if word not in choices:
            raise UserError(f"{flag} {asked}: unknown '{word}'; {did_you_mean(word, choices)}")
    return tuple(dict.fromkeys(words))


def primary_endpoint(
    swept: Sequence[str], driving: Sequence[str], has_frames: bool = True, renders_sound: bool = False
) -> tuple[str, str, str]:
    """(metric, region, driving) that a study's verdict goes by, declared before it runs.

    `renders_sound`: some variant's renderer is driven by sound itself, so that the variants meet in `audio` alone.
    """
    frames_in = "audio" if renders_sound else "tracked"
    if not has_frames:
        if "audio" in driving:
            return "mesh_mouth_r", "mouth", "audio"
        if "reconstructed" in driving:
            return "expression_error", "face", "reconstructed"
        return "pose_frechet", "head", "audio_free"
    if ADF_SLOTS & set(swept):
        return "mouth_open_r", "mouth", "audio"
    if {"fusion", "branches", "deform"} & set(swept):
        return "ssim", "neck", frames_in
    return "lpips", "frame", frames_in
