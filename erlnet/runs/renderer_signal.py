"""What drives a renderer in training and in a driving mode: the expression stream, or sound; and the person's head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from erlnet.data.clip import Clip
from erlnet.errors import UserError
from erlnet.interfaces import Conditioning
from erlnet.nerf.head_motion import HeadMotion, head_motion
from erlnet.nerf.sound import SoundWindows
from erlnet.runs.drive_stages import read_signal
from erlnet.runs.motion_stages import features_of, tensors_of
from erlnet.runs.task import component_of, read_config


def hears(conditioning: Conditioning) -> bool:
    """Whether its signal is sound."""
    return getattr(conditioning, "SIGNAL", "expression") == "sound"


def training_signal(
    clips: Sequence[Clip], conditioning: Conditioning, inputs: Mapping[str, Path]
) -> Tensor | SoundWindows:
    """Of all the clips' frames in a row: the tracked expression stream, or windows of sound that stay in their clip."""
    if not hears(conditioning):
        return torch.cat([tensors_of(clip)[0] for clip in clips])
    rows = torch.cat([features_of(inputs["features"], clip) for clip in clips])
    return SoundWindows(rows, [len(clip) for clip in clips], conditioning.window)  # type: ignore[attr-defined]


def driven_by(
    clip: Clip, conditioning: Conditioning, inputs: Mapping[str, Path]
) -> tuple[Tensor | SoundWindows, Tensor]:
    """Signal and head_to_world (T,4,4) of a test clip: its sound and tracked pose, or what `drive` made of it."""
    if hears(conditioning):
        return training_signal([clip], conditioning, inputs), torch.from_numpy(clip.coefficients.head_to_world)
    driven = read_signal(inputs["drive"], clip)
    return torch.from_numpy(driven["expression"]), torch.from_numpy(driven["head_to_world"])


def person_head(clips: Sequence[Clip], conditioning: Conditioning, prepare: Path) -> HeadMotion | None:
    """The head of the clips' person, its shape the clips' mean; None where the conditioning has no use for it.

    UserError where the clips' coefficients are not of the head model that they were prepared with.
    """
    if not getattr(conditioning, "NEEDS_HEAD", False):
        return None
    described = read_config(prepare)["head_model"]
    model: Any = component_of(described, "head_model").build()
    for clip in clips:
        c = clip.coefficients
        theirs, ours = (c.shape.shape[0], c.expression.shape[1]), (model.n_shape, model.n_expression)
        if theirs != ours:
            raise UserError(
                f"conditioning: clip '{clip.name}' has {theirs[0]} shapes and {theirs[1]} expressions, "
                f"head_model={described['name']} has {ours[0]} and {ours[1]}; name the head model that it was tracked "
                "with, or use conditioning.mode=concat"
            )
    shape = np.mean([clip.coefficients.shape for clip in clips], axis=0)
    return head_motion(model, torch.from_numpy(shape).float())
