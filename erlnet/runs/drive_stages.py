"""Stages `drive` and `restyle`: the motion that a driving mode gives for every test clip, before anything is rendered.

A signal is `signal-CLIP.npz`: `expression` (T,E+5) and `pose` (T,6), the two streams, and `head_to_world` (T,4,4).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet.adf.files import load_mapper
from erlnet.adf.generate import generate
from erlnet.adf.settings import MotionSettings
from erlnet.data.clip import Clip, Labels
from erlnet.head.streams import unpack_pose
from erlnet.runs.clips import open_split, style_clip
from erlnet.runs.motion_stages import codec_from, features_of, tensors_of
from erlnet.runs.task import Task, component_of, read_config


@dataclass(frozen=True)
class Generator:
    """A trained stage one, ready to be driven."""

    inputs: Mapping[str, Path]  # of a stage that reads `codec`, `features`, `motion`

    @cached_property
    def codec(self) -> Any:
        return codec_from(self.inputs["codec"])

    @cached_property
    def mapper(self) -> Any:
        config = read_config(self.inputs["motion"])
        style, settings = component_of(config["style"], "style"), MotionSettings(**config["motion"])
        return load_mapper(self.inputs["motion"] / "mapper.safetensors", self.codec, style, settings)  # type: ignore[arg-type]

    def __call__(self, clip: Clip, style: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Both streams for the clip's sound in the style of two streams, which may come from two clips."""
        return generate(
            self.mapper, self.codec, features_of(self.inputs["features"], clip), *style, seed=seed_of(clip.name)
        )


def seed_of(name: str) -> int:
    """Of what a clip's motion leaves to chance: its own for each clip, or all heads would sway alike; the same in every
    style asked for, so that a difference is the style's."""
    return zlib.crc32(name.encode())


def run_drive(task: Task) -> dict[str, Any]:
    """`tracked`: the clip's own motion. `reconstructed`: the same through the codec. `audio`: expression generated from
    sound and style clip, pose as tracked (so that full-reference metrics are legal). `audio_free`: both generated.
    """
    torch.set_num_threads(task.threads)
    mode = task.config["driving"]
    split = open_split(task.inputs["prepare"], task.config)
    generator = Generator(task.inputs)
    for number, clip in enumerate(split.test):
        expression, pose = tensors_of(clip)
        if mode == "reconstructed":
            again = generator.codec.reconstruct(expression[None], pose[None])
            expression, pose = again[0][0], again[1][0]
        elif mode != "tracked":
            expression, made_pose = generator(clip, tensors_of(style_clip(split.train, clip.labels)))
            pose = made_pose if mode == "audio_free" else pose
        tracked_pose = mode in ("tracked", "audio")  # as it is on disk, not through axis-angle and back
        root = clip.coefficients.root
        to_world = clip.coefficients.head_to_world if tracked_pose else unpack_pose(pose.numpy(), root)
        signal = {"expression": expression.numpy(), "pose": pose.numpy(), "head_to_world": to_world}
        np.savez(signal_file(task.out, clip), **signal)  # type: ignore[arg-type]
        task.progress.update(number + 1, len(split.test))
    return {"clips": len(split.test)}


def signal_file(folder: Path, clip: Clip) -> Path:
    return folder / f"signal-{clip.name}.npz"


def read_signal(folder: Path, clip: Clip) -> dict[str, np.ndarray]:
    """`expression`, `pose`, `head_to_world` of a finished `drive` stage."""
    with np.load(signal_file(folder, clip)) as archive:
        return {name: archive[name] for name in archive.files}


def run_restyle(task: Task) -> dict[str, Any]:
    """For every test clip's sound: the motion in every style that its speaker shows in training, and with swapped
    halves of the style clip, for the style-control matrix and the decoupling score.

    `restyled-CLIP.npz` holds `asked-STYLE-expression`, `asked-STYLE-pose`, `swap-KIND-expression`, `swap-KIND-pose`,
    where KIND is the half of the style clip that is another style's: `expression`, `pose`, or `same` for none, but
    another clip of the same style. `restyled.json` has the names of the style clips. A clip whose speaker shows one
    style alone has an empty file.
    """
    torch.set_num_threads(task.threads)
    split = open_split(task.inputs["prepare"], task.config)
    generator = Generator(task.inputs)
    shown: dict[str, dict[str, str]] = {}
    for number, clip in enumerate(split.test):
        styles = style_clips(split.train, clip.labels)
        arrays: dict[str, np.ndarray] = {}
        for name, (for_expression, for_pose) in wanted_styles(split.train, clip.labels, styles).items():
            halves = tensors_of(for_expression)[0], tensors_of(for_pose)[1]
            for stream, values in zip(("expression", "pose"), generator(clip, halves), strict=True):
                arrays[f"{name}-{stream}"] = values.numpy()
        np.savez(task.out / f"restyled-{clip.name}.npz", **arrays)  # type: ignore[arg-type]
        shown[clip.name] = {style: found.name for style, found in styles.items()}
        task.progress.update(number + 1, len(split.test))
    (task.out / "restyled.json").write_text(json.dumps(shown, indent=1))
    return {"clips": len(split.test), "styles": len({s for styles in shown.values() for s in styles})}


def style_clips(train: Sequence[Clip], labels: Labels) -> dict[str, Clip]:
    """Style -> its style clip for a speaker: the first training clip of the speaker and that style.

    Clips without a style label show none.
    """
    own = [clip for clip in train if clip.labels.speaker == labels.speaker and clip.labels.style]
    return {style: next(c for c in own if c.labels.style == style) for style in sorted({c.labels.style for c in own})}


def wanted_styles(train: Sequence[Clip], labels: Labels, styles: Mapping[str, Clip]) -> dict[str, tuple[Clip, Clip]]:
    """Name of a generation -> the clips whose expression and pose are its style. None where there is but one style."""
    if len(styles) < 2:
        return {}
    wanted = {f"asked-{style}": (clip, clip) for style, clip in styles.items()}
    own = styles.get(labels.style) or next(iter(styles.values()))
    other = another_style(styles, own)
    wanted |= {"swap-expression": (other, own), "swap-pose": (own, other)}
    twin = next((c for c in train if c.labels.speaker == labels.speaker and c.labels.style == own.labels.style
                 and c.name != own.name), None)  # fmt: skip
    return wanted | ({"swap-same": (twin, twin)} if twin else {})


def another_style(styles: Mapping[str, Clip], own: Clip) -> Clip:
    """The style clip after `own` in the order of the styles' names, so that every pair of styles comes up."""
    names = list(styles)
    return styles[names[(names.index(own.labels.style) + 1) % len(names)]]
