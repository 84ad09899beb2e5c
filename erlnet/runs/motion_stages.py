"""Stages `features`, `codec`, `motion`: files around erlnet.audio and erlnet.adf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet.adf.codec import MotionCodec
from erlnet.adf.files import load_codec, load_mapper, save_module
from erlnet.adf.generate import generate
from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.adf.train_codec import train_codec
from erlnet.adf.train_mapper import TrainingClip, train_mapper
from erlnet.data.clip import Clip, open_index
from erlnet.head.streams import unpack_pose
from erlnet.runs.clips import open_split, streams_of, style_clip
from erlnet.runs.task import Task, component_of, read_config


def run_features(task: Task) -> dict[str, Any]:
    """One array per prepared clip: `features.npz`, named by the clip's folder, rows at 25 fps over the whole clip."""
    encoder = task.component("audio").build()
    clips = open_index(task.inputs["prepare"])
    arrays = {}
    for number, clip in enumerate(clips):
        arrays[clip.folder.name] = encoder(clip.audio, len(clip))  # type: ignore[operator]
        task.progress.update(number + 1, len(clips))
    np.savez(task.out / "features.npz", **arrays)
    return {"width": encoder.width}  # type: ignore[attr-defined]


def features_of(folder: Path, clip: Clip) -> Tensor:
    """(T,A) of a clip or a cut of one."""
    with np.load(folder / "features.npz") as archive:
        return torch.from_numpy(archive[clip.folder.name][clip.start : clip.stop])


def tensors_of(clip: Clip) -> tuple[Tensor, Tensor]:
    """Both streams of a clip."""
    expression, pose = streams_of(clip)
    return torch.from_numpy(expression), torch.from_numpy(pose)


def run_codec(task: Task) -> dict[str, Any]:
    torch.set_num_threads(task.threads)
    train = open_split(task.inputs["prepare"], task.config).train
    expression, pose = zip(*(tensors_of(clip) for clip in train))
    codec, metrics = train_codec(
        expression,
        pose,
        task.component("vq"),  # type: ignore[arg-type]
        task.component("quantizer"),  # type: ignore[arg-type]
        CodecSettings(**task.config["codec"]),
        task.seed,
        task.progress,
    )
    save_module(task.out / "codec.safetensors", codec)
    return metrics


def codec_from(folder: Path) -> MotionCodec:
    """The codec of a finished `codec` stage."""
    config = read_config(folder)
    vq, quantizer = component_of(config["vq"], "vq"), component_of(config["quantizer"], "quantizer")
    return load_codec(folder / "codec.safetensors", vq, quantizer)  # type: ignore[arg-type]


def run_motion(task: Task) -> dict[str, Any]:
    torch.set_num_threads(task.threads)
    train = open_split(task.inputs["prepare"], task.config).train
    clips = [
        TrainingClip(features_of(task.inputs["features"], c), *tensors_of(c), c.labels.speaker, c.labels.style)
        for c in train
    ]
    mapper, metrics = train_mapper(
        clips,
        codec_from(task.inputs["codec"]),
        task.component("style"),  # type: ignore[arg-type]
        task.component("speech_loss"),  # type: ignore[arg-type]
        MotionSettings(**task.config["motion"]),
        task.seed,
        task.progress,
    )
    save_module(task.out / "mapper.safetensors", mapper)
    return metrics


def drive(mode: str, inputs: dict[str, Path], clip: Clip, train: list[Clip]) -> tuple[Tensor, np.ndarray]:
    """(expression stream (T,E+5), head_to_world (T,4,4)) that a driving mode gives the renderer for a test clip.

    `tracked`: the clip's own. `reconstructed`: the same through the codec, pose included. `audio`: expression
    generated from the clip's sound and the style clip, pose as tracked (so that full-reference metrics are legal).
    """
    expression, pose = tensors_of(clip)
    coefficients = clip.coefficients
    if mode == "tracked":
        return expression, coefficients.head_to_world
    codec = codec_from(inputs["codec"])
    if mode == "reconstructed":
        again, pose_again = codec.reconstruct(expression[None], pose[None])  # type: ignore[operator]
        return again[0], unpack_pose(pose_again[0].numpy(), coefficients.root)
    config = read_config(inputs["motion"])
    style = component_of(config["style"], "style")
    mapper = load_mapper(
        inputs["motion"] / "mapper.safetensors", codec, style, MotionSettings(**config["motion"])  # type: ignore[arg-type]
    )  # fmt: skip
    shown = tensors_of(style_clip(train, clip.labels))
    generated, _ = generate(mapper, codec, features_of(inputs["features"], clip), *shown)
    return generated, coefficients.head_to_world
