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
from erlnet.metrics.cards import FAMILIES, fingerprint
from erlnet.registry import did_you_mean
from erlnet.variant import Variant, digest

DRIVING = ("tracked", "reconstructed", "audio")
ADF_SLOTS = {"audio", "vq", "quantizer", "style", "speech_loss", "codec", "motion"}
REFERENCES: dict[str, str] = {  # reference row -> role
    "mean_frame": "floor",
    "last_frame": "floor",
    "nearest_pose": "floor",
    "truth": "control",
    "frozen_mouth": "control",
}

VERSIONS: dict[str, int] = {  # raised when a stage's code changes what it writes
    "prepare": 2, "features": 1, "codec": 1, "motion": 1, "renderer": 1, "render": 1, "evaluate": 1, "references": 1,
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
    """The stage graph of one (variant, seed); `source` is the dataset's fingerprint."""

    def slots(*names: str) -> dict[str, Any]:
        return {name: variant.choices[name].described() for name in names}

    compute = compute_section(variant)
    frames = {"split": variant.split, "size": variant.settings["renderer"].size}
    prepare = Stage(
        "prepare", "prepare clips", slots("dataset", "tracker", "head_model") | {"source": dict(source)}, {}
    )
    data = {"prepare": prepare}
    stages = [prepare]
    features = codec = motion = None
    if {"reconstructed", "audio"} & set(driving):
        codec_config = slots("vq", "quantizer") | {"codec": asdict(variant.settings["codec"]), "split": variant.split}
        codec = Stage("codec", "train the motion codecs", codec_config, data, seed, compute)
        stages.append(codec)
    if "audio" in driving:
        assert codec is not None
        features = Stage("features", "sound features", slots("audio"), data)
        motion_config = slots("style", "speech_loss") | {
            "motion": asdict(variant.settings["motion"]), "split": variant.split,
        }  # fmt: skip
        motion = Stage(
            "motion", "train the mapper", motion_config, data | {"features": features, "codec": codec}, seed, compute
        )
        stages += [features, motion]
    renderer_config = slots(
        "branches", "conditioning", "encoding", "deform", "fusion", "upsampler", "perceptual"
    ) | {"renderer": asdict(variant.settings["renderer"]), "split": variant.split}  # fmt: skip
    renderer = Stage("renderer", "train the renderer", renderer_config, data, seed, compute)
    stages.append(renderer)

    renders, evaluations = [], []
    for mode in driving:
        inputs: dict[str, Stage] = data | {"renderer": renderer}
        if mode == "reconstructed" and codec:
            inputs |= {"codec": codec}
        if mode == "audio" and codec and motion and features:
            inputs |= {"codec": codec, "motion": motion, "features": features}
        render = Stage("render", f"render {mode}", frames | {"driving": mode}, inputs, None, compute)
        renders.append((mode, render))
        for family in families:
            config = frames | {"family": fingerprint(family)}
            evaluate = Stage("evaluate", f"score {family}, {mode}", config, data | {"render": render})
            evaluations.append((mode, family, evaluate))
    references = [
        (family, Stage("references", f"score the reference rows, {family}",
                       frames | {"family": fingerprint(family), "rows": list(REFERENCES)}, data))
        for family in families
    ]  # fmt: skip
    stages += [s for _, s in references] + [s for _, s in renders] + [s for *_, s in evaluations]
    return Plan(variant, seed, tuple(stages), tuple(evaluations), tuple(references), tuple(renders))


def choose_driving(asked: str | None, swept: Sequence[str]) -> tuple[str, ...]:
    """`--driving`, or the default: the renderer alone and the whole pipeline, and the codec where ADF is swept."""
    if asked is None:
        return DRIVING if ADF_SLOTS & set(swept) else ("tracked", "audio")
    return _chosen("--driving", asked, DRIVING)


def choose_families(asked: str | None) -> tuple[str, ...]:
    """`--metrics`, or all families."""
    return tuple(FAMILIES) if asked is None else _chosen("--metrics", asked, tuple(FAMILIES))


def _chosen(flag: str, asked: str, choices: Sequence[str]) -> tuple[str, ...]:
    words = [word.strip() for word in asked.split(",")]
    for word in words:
        if word not in choices:
            raise UserError(f"{flag} {asked}: unknown '{word}'; {did_you_mean(word, choices)}")
    return tuple(dict.fromkeys(words))


def primary_endpoint(swept: Sequence[str]) -> tuple[str, str, str]:
    """(metric, region, driving) that a study's verdict goes by, declared before it runs."""
    if ADF_SLOTS & set(swept):
        return "mouth_open_r", "mouth", "audio"
    if {"fusion", "branches", "deform"} & set(swept):
        return "ssim", "neck", "tracked"
    return "lpips", "frame", "tracked"
