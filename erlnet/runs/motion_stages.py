"""Stages `features`, `codec`, `motion`: files around erlnet.audio and erlnet.adf."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet import registry
from erlnet.adf.codec import MotionCodec
from erlnet.adf.files import load_codec, save_module
from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.adf.train_codec import train_codec
from erlnet.adf.train_mapper import TrainingClip, train_mapper
from erlnet.data.clip import Clip, open_index
from erlnet.files import write_whole
from erlnet.interfaces import SLOTS, Quantizer
from erlnet.runs.clips import open_split, streams_of
from erlnet.runs.folders import write_json
from erlnet.runs.task import Task, component_of, read_config
from erlnet.stages import VERSIONS
from erlnet.variant import digest


def run_features(task: Task) -> dict[str, Any]:
    """`features.json`: clip folder -> file of its features, rows at 25 fps over the whole clip.

    The files lie in OUT/features, named by encoder and sound, written once whatever sweep asks for them: a frozen
    encoder gives a clip the same rows for ever, and an interruption loses one clip.
    """
    torch.set_num_threads(task.threads)
    store = task.store.parent / "features" / digest([task.config["audio"], task.threads, VERSIONS["features"]])
    clips = open_index(task.inputs["prepare"])
    encoder, files, width = None, {}, 0
    for number, clip in enumerate(clips):
        file = store / f"{sound_digest(clip)}.npy"
        if not file.exists():
            encoder = encoder or task.component("audio").build()
            content = io.BytesIO()
            np.save(content, encoder(clip.audio, len(clip)))  # type: ignore[operator]
            write_whole(file, content.getvalue())
        width = np.load(file, mmap_mode="r").shape[1]
        files[clip.folder.name] = os.path.relpath(file, task.inputs["prepare"])
        task.progress.update(number + 1, len(clips))
    write_json(task.out / "features.json", files)
    return {"width": width, "made": encoder is not None}


def sound_digest(clip: Clip) -> str:
    """16 hex digits over a whole clip's sound and its number of frames."""
    sound = hashlib.sha256((clip.folder / "audio.wav").read_bytes())
    sound.update(str(len(clip)).encode())
    return sound.hexdigest()[:16]


def features_of(folder: Path, clip: Clip) -> Tensor:
    """(T,A) of a clip or a cut of one, from a finished `features` stage."""
    name = json.loads((folder / "features.json").read_text())[clip.folder.name]
    # Relative to any finished stage's folder: they all lie as deep under OUT.
    rows = np.load(folder / name, mmap_mode="r")
    return torch.from_numpy(np.array(rows[clip.start : clip.stop]))


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
        _quantizer(task.config),
        CodecSettings(**task.config["codec"]),
        task.seed,
        task.progress,
    )
    save_module(task.out / "codec.safetensors", codec)
    return metrics


def codec_from(folder: Path) -> MotionCodec:
    """The codec of a finished `codec` stage."""
    config = read_config(folder)
    return load_codec(folder / "codec.safetensors", component_of(config["vq"], "vq"), _quantizer(config))  # type: ignore[arg-type]


def _quantizer(config: Mapping[str, Any]) -> Quantizer:
    """The codec's; a codec without codes names none and uses none."""
    if "quantizer" in config:
        return component_of(config["quantizer"], "quantizer")  # type: ignore[return-value]
    return registry.load("quantizer", SLOTS["quantizer"])()


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
