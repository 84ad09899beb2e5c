"""The motions that an animation shows: one made in each style, and the true one where it is known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from erlnet.adf.generate import generate
from erlnet.errors import UserError
from erlnet.head.model import HeadModel
from erlnet.metrics.motion.record import Motion
from erlnet.runs.drive_stages import Generator, seed_of
from erlnet.runs.driving_sound import Sound
from erlnet.runs.driving_styles import Asked
from erlnet.runs.motion_scores import motion_of
from erlnet.runs.motion_stages import features_of, tensors_of
from erlnet.runs.trained_run import TrainedRun


@dataclass(frozen=True, eq=False)
class Made:
    """Motion made from the sound in one style; it moves the head of the style clip's person."""

    label: str
    motion: Motion
    shape: np.ndarray  # (S,)
    style: Motion  # the style clip's own


@dataclass(frozen=True, eq=False)
class Truth:
    """The motion that the sound was recorded with."""

    label: str
    motion: Motion
    shape: np.ndarray  # (S,)


def make(run: TrainedRun, sound: Sound, asked: Sequence[Asked]) -> tuple[list[Made], float]:
    """The motions, and how many seconds making them took, without sound features and loading."""
    generator = Generator(run.inputs)
    features = heard(run, sound)
    mapper, codec = generator.mapper, generator.codec
    made, seconds = [], 0.0
    for style in asked:
        streams = tensors_of(style.clip)
        started = time.perf_counter()
        expression, pose = generate(mapper, codec, features, *streams, seed=seed_of(sound.name))
        seconds += time.perf_counter() - started
        own, c = motion_of(style.clip), style.clip.coefficients
        blank = Motion(sound.name, own.speaker, style.label, own.expression, own.jaw, own.lids, own.pose)
        made.append(Made(style.label, blank.with_streams(expression.numpy(), pose.numpy()), c.shape, own))
    return made, seconds


def heard(run: TrainedRun, sound: Sound) -> torch.Tensor:
    """(T,A) sound features; a clip's are the run's own, which also heard what lies around a cut clip."""
    if sound.truth is not None:
        return features_of(run.inputs["features"], sound.truth)
    encoder: Any = run.component("features", "audio").build()
    return torch.from_numpy(np.asarray(encoder(sound.samples, sound.n_frames), np.float32))


def truth_of(sound: Sound) -> Truth | None:
    """None where the sound is no clip's."""
    if sound.truth is None:
        return None
    style = sound.truth.labels.style
    return Truth(f"truth ({style})" if style else "truth", motion_of(sound.truth), sound.truth.coefficients.shape)


def check_fit(style: Asked, model: HeadModel) -> None:
    """UserError where the style clip's coefficients are not of the head model."""
    c = style.clip.coefficients
    widths, own = (c.expression.shape[1], *c.shape.shape), (model.n_expression, model.n_shape)
    if widths != own:
        raise UserError(
            f"--style {style.label}: its {widths[0]} expression and {widths[1]} shape coefficients do not fit the "
            f"run's head model, which has {own[0]} and {own[1]}; prepare it with the run's head_model and tracker"
        )
